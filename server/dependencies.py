"""What routes ask for: the database, the settings, and who is asking.

Every route under ``/api`` names its owner by one of `AccountDep`, `AdminDep` and `DeviceDep`; a test walks the
OpenAPI document and proves that none has forgotten.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from server.accounts.schemas import Role
from server.accounts.service import Account, Session, csrf_token_fits, find_session
from server.db import Database
from server.fleet.service import Device, device_of_token
from server.problems import ProblemError
from server.settings import Settings

SESSION_COOKIE = "gs_session"
CSRF_HEADER = "X-CSRF-Token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_cookie = APIKeyCookie(name=SESSION_COOKIE, scheme_name="session", auto_error=False)
_bearer = HTTPBearer(scheme_name="device", description="A device's token", auto_error=False)


def get_database(request: Request) -> Database:
    """The server's database."""
    database: Database = request.app.state.database
    return database


def get_settings(request: Request) -> Settings:
    """The server's settings."""
    settings: Settings = request.app.state.settings
    return settings


def get_request_id(request: Request) -> str:
    """The id of this request: in the answer's `X-Request-Id`, in the log and in the audit log."""
    request_id: str = request.state.request_id
    return request_id


DatabaseDep = Annotated[Database, Depends(get_database)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
RequestIdDep = Annotated[str, Depends(get_request_id)]


def get_session(
    request: Request,
    database: DatabaseDep,
    settings: SettingsDep,
    cookie: Annotated[str | None, Depends(_cookie)],
) -> Session:
    """The session of the console's user; unsafe methods must carry its CSRF token."""
    session = None
    if cookie:
        session = find_session(database, cookie, timedelta(hours=settings.session_idle_hours))
    if session is None:
        raise ProblemError(401, "sign in first", headers={"WWW-Authenticate": 'Cookie realm="console"'})
    if request.method not in _SAFE_METHODS and not csrf_token_fits(session, request.headers.get(CSRF_HEADER)):
        raise ProblemError(403, f"the header {CSRF_HEADER} is missing or not the session's", title="CSRF check failed")
    return session


SessionDep = Annotated[Session, Depends(get_session)]


def get_account(session: SessionDep) -> Account:
    """The signed-in account, whatever its role."""
    return session.account


AccountDep = Annotated[Account, Depends(get_account)]


def get_admin(account: AccountDep) -> Account:
    """The signed-in account, if it is an admin."""
    if account.role is not Role.ADMIN:
        raise ProblemError(403, "this needs the role admin")
    return account


AdminDep = Annotated[Account, Depends(get_admin)]


def get_device(
    database: DatabaseDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Device:
    """The device whose token came with the request."""
    device = None
    if credentials is not None:
        with database.read() as connection:
            device = device_of_token(connection, credentials.credentials)
    if device is None:
        raise ProblemError(
            401, "the device token is missing, unknown or revoked", headers={"WWW-Authenticate": "Bearer"}
        )
    return device


DeviceDep = Annotated[Device, Depends(get_device)]
