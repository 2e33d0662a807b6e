"""Receiving the bytes of an upload: appended, made durable, and only then acknowledged."""

from __future__ import annotations

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from server.bodies import check_declared_length, check_encoding
from server.db import Database
from server.evidence import service
from server.evidence.files import EvidenceFiles, PartialFile, UploadBusyError
from server.evidence.service import Upload
from server.fleet.service import Device
from server.problems import RETRY_AFTER_SECONDS, ProblemError

UPLOAD_MEDIA_TYPE = "application/offset+octet-stream"
_WRITE_BYTES = 1024 * 1024
"""Gathered before a write: a trip to another thread for each 64 KiB chunk would cost more than the write."""


async def receive(
    request: Request, database: Database, files: EvidenceFiles, device: Device, upload: Upload, offset: int
) -> Upload:
    """Takes the request's body in at `offset` and returns where the upload stands then.

    Raises:
        ProblemError: 409 (another offset, or busy), 413 (too long), 415 (compressed), 422 (hash mismatch: begin
            again) or 503 (the disk is full).
    """
    check_encoding(request)
    if offset != upload.offset:
        raise _wrong_offset(upload)
    if upload.is_complete:
        return upload
    check_declared_length(request, upload.length - offset)
    try:
        partial = await run_in_threadpool(files.open_partial, upload.sha256, device.id)
    except UploadBusyError as error:
        raise ProblemError(409, str(error), headers=upload_headers(upload)) from error
    with partial:
        if partial.size != offset:
            raise _wrong_offset(Upload(upload.sha256, upload.length, partial.size))
        try:
            await _append_body(request, partial, offset, upload.length)
        except OSError as error:
            await run_in_threadpool(partial.truncate, offset)
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS * 15), **upload_headers(upload)}
            raise ProblemError(503, "the evidence could not be written; try again later", headers=headers) from error
        if partial.size < upload.length:
            if offset == 0:
                await run_in_threadpool(service.mark_partial, database, upload.sha256)
            return Upload(upload.sha256, upload.length, partial.size)
        if not await run_in_threadpool(partial.finish):
            anew = Upload(upload.sha256, upload.length, 0)
            detail = "the file does not have the hash that it was announced with; it is discarded, begin again"
            raise ProblemError(422, detail, title="Hash mismatch", headers=upload_headers(anew))
    await run_in_threadpool(service.mark_whole, database, upload.sha256)
    return Upload(upload.sha256, upload.length, upload.length, is_complete=True)


def upload_headers(upload: Upload) -> dict[str, str]:
    """Where the upload stands, as headers."""
    return {
        "Upload-Offset": str(upload.offset),
        "Upload-Length": str(upload.length),
        "Upload-Complete": "?1" if upload.is_complete else "?0",
        "Cache-Control": "no-store",
    }


async def _append_body(request: Request, partial: PartialFile, offset: int, length: int) -> None:
    """Appends and flushes. When the client breaks off, what came stays: that is what resuming is for."""
    waiting = bytearray()
    received = offset
    try:
        async for chunk in request.stream():
            received += len(chunk)
            if received > length:
                await run_in_threadpool(partial.truncate, offset)
                raise ProblemError(413, f"the upload is longer than the {length} bytes that were announced")
            waiting += chunk
            if len(waiting) >= _WRITE_BYTES:
                await run_in_threadpool(partial.append, bytes(waiting))
                waiting.clear()
    except ClientDisconnect as error:
        await run_in_threadpool(_append_and_flush, partial, bytes(waiting))
        raise ProblemError(400, "the body broke off; what came is kept") from error
    await run_in_threadpool(_append_and_flush, partial, bytes(waiting))


def _append_and_flush(partial: PartialFile, content: bytes) -> None:
    partial.append(content)
    partial.flush()


def _wrong_offset(upload: Upload) -> ProblemError:
    detail = f"the upload goes on at {upload.offset}"
    return ProblemError(409, detail, title="Wrong offset", headers=upload_headers(upload), offset=upload.offset)
