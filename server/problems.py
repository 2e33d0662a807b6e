"""Errors for clients: RFC 9457 problem details, the same shape everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from server.db import DatabaseBusyError

_log = structlog.get_logger(__name__)

PROBLEM_MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2


class FieldProblem(BaseModel):
    """One field that is wrong."""

    field: str
    detail: str


class ProblemDetails(BaseModel):
    """RFC 9457. `field` names the first field that is wrong, `errors` all of them."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str = ""
    field: str | None = None
    errors: list[FieldProblem] | None = None


class ProblemError(Exception):
    """Raise it anywhere below a route: the client gets it as problem JSON."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        title: str | None = None,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title or HTTPStatus(status).phrase
        self.detail = detail
        self.field = field
        self.headers = dict(headers or {})
        self.members = members
        """Further members of the problem, as JSON types: the current state of what was asked for, say."""


def problem_response(
    status: int,
    detail: str,
    *,
    title: str | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> JSONResponse:
    """Problem JSON. Members that are None are left out."""
    body = {"type": "about:blank", "title": title or HTTPStatus(status).phrase, "status": status, "detail": detail}
    body |= {name: value for name, value in members.items() if value is not None}
    return JSONResponse(body, status, dict(headers or {}), media_type=PROBLEM_MEDIA_TYPE)


_, _schemas = models_json_schema([(ProblemDetails, "serialization")], ref_template="#/components/schemas/{model}")
PROBLEM_SCHEMAS: dict[str, Any] = _schemas["$defs"]
"""What `problem_responses` refers to, for the OpenAPI document."""


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: these statuses answer with problem JSON."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM_MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def install_problem_handlers(app: FastAPI) -> None:
    """Every error that leaves the app is a problem; none shows the inside of the server."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    for busy in (OperationalError, InterfaceError, PoolTimeoutError, DatabaseBusyError):
        app.add_exception_handler(busy, _on_busy)
    app.add_exception_handler(DataError, _on_unusable_value)
    app.add_exception_handler(Exception, _on_bug)


async def _on_problem(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return problem_response(
        error.status, error.detail, title=error.title, headers=error.headers, field=error.field, **error.members
    )


async def _on_invalid_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [{"field": _field_name(item["loc"]), "detail": item["msg"]} for item in error.errors()]
    first = errors[0]
    return problem_response(422, f"{first['field']}: {first['detail']}", field=first["field"], errors=errors)


def _field_name(location: tuple[int | str, ...]) -> str:
    """`("body", "verdict")` → `verdict`; a query parameter by its own name."""
    names = [str(part) for part in location]
    return ".".join(names[1:] or names)


async def _on_http_exception(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 400 and error.__cause__ is not None:
        # FastAPI's own, undocumented answer to a body that is not UTF-8; other broken bodies are 422.
        return problem_response(422, "the body is not JSON in UTF-8", field="body")
    return problem_response(error.status_code, str(error.detail), headers=error.headers)


async def _on_busy(_request: Request, error: Exception) -> JSONResponse:
    _log.warning("database_unavailable", error=str(error))
    return problem_response(
        503,
        "the database is busy, full or away; nothing was changed, try again",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


async def _on_unusable_value(_request: Request, error: Exception) -> JSONResponse:
    # A NUL in a search text, say: PostgreSQL knows no such text, SQLite finds nothing.
    _log.info("unusable_value", error=str(error))
    return problem_response(422, "a value in the request is none that the database could hold")


async def _on_bug(request: Request, error: Exception) -> JSONResponse:
    # Starlette raises the error on to the server after this answer, which logs it with its traceback.
    request_id = getattr(request.state, "request_id", None)
    return problem_response(500, "an error in the server; its log has the details", request_id=request_id)
