"""Signing in and out of the console."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Cookie, Request, Response

from server.accounts import service
from server.accounts.schemas import AccountView, Credentials
from server.dependencies import SESSION_COOKIE, DatabaseDep, SessionDep
from server.problems import ProblemError, problem_responses

router = APIRouter(prefix="/api/v1", tags=["accounts"], responses=problem_responses(503))


@router.post(
    "/session",
    operation_id="signIn",
    summary="Sign in",
    responses=problem_responses(401, 422, 429),
)
def sign_in(credentials: Credentials, request: Request, response: Response, database: DatabaseDep) -> AccountView:
    """Sets the session cookie. A wrong name and a wrong password look the same."""
    address = request.client.host if request.client is not None else "unknown"
    signed_in = service.sign_in(database, credentials.username, credentials.password, address)
    if signed_in is None:
        raise ProblemError(401, "the username or the password is wrong")
    response.set_cookie(
        SESSION_COOKIE,
        signed_in.cookie,
        max_age=int(service.SESSION_MAX_AGE.total_seconds()),
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    response.headers["Cache-Control"] = "no-store"
    return signed_in.session.view()


@router.get(
    "/session",
    operation_id="getSession",
    summary="Who am I?",
    responses=problem_responses(401),
)
def get_session(session: SessionDep, response: Response) -> AccountView:
    """The signed-in account and its CSRF token."""
    response.headers["Cache-Control"] = "no-store"
    return session.view()


@router.delete(
    "/session",
    operation_id="signOut",
    summary="Sign out",
    status_code=204,
    responses=problem_responses(401, 403, 422),
)
def sign_out(
    session: SessionDep,
    database: DatabaseDep,
    request: Request,
    cookie: Annotated[str | None, Cookie(alias=SESSION_COOKIE, include_in_schema=False)] = None,
) -> Response:
    """Ends the session here and in the browser."""
    with database.write() as connection:
        service.sign_out(connection, cookie or "")
    response = Response(status_code=204)
    response.delete_cookie(
        SESSION_COOKIE, path="/", httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return response
