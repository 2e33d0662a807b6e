"""Refusals as RFC 9457 problem JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.responses import Response


def problem(status: int, title: str, detail: str, problems: Sequence[str] = ()) -> Response:
    """A refusal that says what was found and what to do; `problems` lists single faults."""
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if problems:
        body["problems"] = list(problems)
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/problem+json")
