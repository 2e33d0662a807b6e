"""Request bodies read within a limit, whatever the client says of their length."""

from __future__ import annotations

from fastapi import Request
from starlette.requests import ClientDisconnect

from server.problems import ProblemError


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The whole body.

    Raises:
        ProblemError: 413 as soon as it is larger, 415 for a compressed one, 400 for one that breaks off.
    """
    check_encoding(request)
    check_declared_length(request, max_bytes)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise _too_large(max_bytes)
    except ClientDisconnect as error:
        raise ProblemError(400, "the body broke off") from error
    return bytes(body)


def check_declared_length(request: Request, max_bytes: int) -> None:
    """Refuses a body that says itself that it is too large, before it is read.

    Raises:
        ProblemError: 413.
    """
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared[:20]) > max_bytes:
        raise _too_large(max_bytes)


def check_encoding(request: Request) -> None:
    """Refuses compressed bodies: a few kilobytes may unfold to gigabytes.

    Raises:
        ProblemError: 415.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise ProblemError(415, f"Content-Encoding: found {encoding[:32]!r}, expected none")


def _too_large(max_bytes: int) -> ProblemError:
    return ProblemError(413, f"the body has more than {max_bytes} bytes")
