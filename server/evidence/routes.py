"""Evidence over HTTP: resumable uploads from devices, files for browsers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from server.dependencies import AccountDep, DatabaseDep, DeviceDep, RequestIdDep, SettingsDep
from server.evidence import service
from server.evidence.files import EvidenceFiles
from server.evidence.uploads import UPLOAD_MEDIA_TYPE, receive, upload_headers
from server.problems import ProblemError, problem_responses

router = APIRouter(prefix="/api/v1", tags=["evidence"], responses=problem_responses(503))

Sha256Path = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the file")]

_UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "content": {UPLOAD_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, or with 206 the range asked for",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def get_evidence_files(request: Request) -> EvidenceFiles:
    """The folder of the files."""
    files: EvidenceFiles = request.app.state.evidence_files
    return files


FilesDep = Annotated[EvidenceFiles, Depends(get_evidence_files)]


@router.head(
    "/evidence-uploads/{sha256}",
    operation_id="getUpload",
    summary="Where does the upload stand?",
    responses=problem_responses(401, 404, 422),
)
def get_upload(sha256: Sha256Path, device: DeviceDep, database: DatabaseDep, files: FilesDep) -> Response:
    """`Upload-Offset`, `Upload-Length`, `Upload-Complete`. Files exist once an accepted event has announced them."""
    return Response(headers=upload_headers(service.find_upload(database, files, device, sha256)))


@router.patch(
    "/evidence-uploads/{sha256}",
    operation_id="continueUpload",
    summary="Send the next bytes",
    status_code=204,
    openapi_extra=_UPLOAD_BODY,
    responses=problem_responses(401, 404, 409, 413, 415, 422),
)
async def continue_upload(
    request: Request,
    sha256: Sha256Path,
    device: DeviceDep,
    database: DatabaseDep,
    files: FilesDep,
    settings: SettingsDep,
    upload_offset: Annotated[int, Header(ge=0, le=2**53)],
) -> Response:
    """From `Upload-Offset` on. Acknowledged bytes are durable; with the last one the hash is checked."""
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != UPLOAD_MEDIA_TYPE:
        raise ProblemError(415, f"Content-Type: found {media_type[:64]!r}, expected {UPLOAD_MEDIA_TYPE!r}")
    upload = await run_in_threadpool(service.find_upload, database, files, device, sha256)
    limit = settings.evidence_document_max_bytes if upload.is_document else settings.evidence_max_bytes
    if upload.length > limit:
        what = "document" if upload.is_document else "file"
        detail = f"the {what} has {upload.length} bytes, this server takes at most {limit}"
        raise ProblemError(413, detail)
    upload = await receive(request, database, files, device, upload, upload_offset)
    return Response(status_code=204, headers=upload_headers(upload))


@router.get(
    "/evidence/{sha256}",
    operation_id="getEvidence",
    summary="A file that supports an alert in scope",
    response_class=FileResponse,
    responses={**_FILE, **problem_responses(401, 404, 422)},
)
def get_evidence(
    sha256: Sha256Path,
    account: AccountDep,
    database: DatabaseDep,
    files: FilesDep,
    request_id: RequestIdDep,
    if_none_match: Annotated[str | None, Header(max_length=1024)] = None,
) -> Response:
    """With ranges, so that a player can seek. Looks at unredacted evidence are put on record."""
    shown = service.view(database, files, account, sha256, request_id)
    headers = {
        "ETag": f'"{sha256}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if if_none_match is not None and sha256 in if_none_match:
        return Response(status_code=304, headers=headers)
    return FileResponse(
        files.path(sha256),
        media_type=shown.media_type,
        filename=shown.file_name,
        content_disposition_type="inline" if shown.is_inline else "attachment",
        headers=headers,
    )
