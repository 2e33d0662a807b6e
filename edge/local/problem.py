"""Refusals as RFC 9457 problem JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field: its path in what was sent, empty where it is none of it."""

    path: tuple[str | int, ...]
    message: str


def problem(
    status: int, title: str, detail: str, problems: Sequence[str] = (), fields: Sequence[FieldProblem] = ()
) -> Response:
    """A refusal that says what was found and what to do; `problems` lists single faults, `fields` where they are."""
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if problems:
        body["problems"] = list(problems)
    if fields:
        body["fields"] = list(fields)
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/problem+json")
