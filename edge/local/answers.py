"""Small means of the routes: JSON answers and bodies of limited size."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from edge.local.document import to_json


def json_answer(value: Any, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(to_json(value), status_code=status, media_type="application/json")


async def body(request: Request, limit: int) -> bytes:
    """The whole body.

    Raises:
        HTTPException: 413, it is longer than `limit` bytes; 400, it broke off.
    """
    content = b""
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > limit:
                raise HTTPException(413, f"found more than {limit} bytes")
    except ClientDisconnect:
        raise HTTPException(400, "the request broke off") from None
    return content
