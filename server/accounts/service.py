"""Accounts and sessions: who is asking, and may they."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from server import audit
from server.accounts import throttle
from server.accounts.passwords import DEMO_PASSWORDS, check_strength, hash_password, password_fits
from server.accounts.schemas import AccountView, Role
from server.accounts.tables import accounts, sessions
from server.db import Database

SESSION_MAX_AGE = timedelta(days=7)
"""However busy a session is, one signs in once a week."""
_TOUCH_AFTER = timedelta(minutes=5)
"""`last_seen_at` is this coarse, so that reading does not mean writing."""


class AccountError(ValueError):
    """The account cannot be made, found or changed; the message says why."""


class DefaultSecretError(RuntimeError):
    """An account has a password that everybody knows, outside the demo."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who is asking. `grid_scope` is a grid's code: the account sees and acts there and below, nowhere else."""

    id: int
    username: str
    display_name: str
    role: Role
    grid_scope: str
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in account and the token that its unsafe requests must carry."""

    account: Account
    csrf_token: str

    def view(self) -> AccountView:
        account = self.account
        return AccountView(
            id=account.id,
            username=account.username,
            display_name=account.display_name,
            role=account.role,
            grid_scope=account.grid_scope,
            csrf_token=self.csrf_token,
        )


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: `cookie` is shown to the browser once and kept nowhere here."""

    cookie: str
    session: Session


def normal_username(username: str) -> str:
    """Names are compared without case and outer blanks."""
    return username.strip().casefold()


def sign_in(database: Database, username: str, password: str, address: str) -> SignedIn | None:
    """A new session, or None for a wrong name or password: the two take equally long and look the same.

    Raises:
        ProblemError: 429, after too many failures for this name or from this address.
    """
    name = normal_username(username)
    # The attempt is counted before it is judged: guesses sent at once must not all see an empty counter.
    with database.write() as connection:
        throttle.count_attempt(connection, name, address)
    with database.read() as connection:
        row = connection.execute(select(accounts).where(accounts.c.username == name)).one_or_none()
    known = row is not None and row.disabled_at is None
    if not password_fits(password, row.password_hash if row is not None and known else None) or row is None:
        return None
    with database.write() as connection:
        throttle.forget(connection, name, address)
        return _open_session(connection, _account(row))


def find_session(database: Database, cookie: str, idle: timedelta, *, keep_alive: bool = True) -> Session | None:
    """The live session behind a cookie; with `keep_alive` this look counts as use."""
    token = _token_sha256(cookie)
    now = datetime.now(UTC)
    query = (
        select(*accounts.c, sessions.c.csrf_token, sessions.c.created_at.label("opened_at"), sessions.c.last_seen_at)
        .join_from(sessions, accounts, sessions.c.account_id == accounts.c.id)
        .where(sessions.c.token_sha256 == token, accounts.c.disabled_at.is_(None))
    )
    with database.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None or now - row.last_seen_at > idle or now - row.opened_at > SESSION_MAX_AGE:
        return None
    if keep_alive and now - row.last_seen_at > _TOUCH_AFTER:
        with database.write() as connection:
            connection.execute(update(sessions).where(sessions.c.token_sha256 == token).values(last_seen_at=now))
    return Session(_account(row), row.csrf_token)


def csrf_token_fits(session: Session, token: str | None) -> bool:
    """Whether an unsafe request carries the session's own token."""
    return token is not None and hmac.compare_digest(session.csrf_token.encode(), token.encode())


def sign_out(connection: Connection, cookie: str) -> None:
    """Ends the session, if it is one."""
    connection.execute(delete(sessions).where(sessions.c.token_sha256 == _token_sha256(cookie)))


def forget_expired_sessions(connection: Connection, idle: timedelta) -> None:
    """Removes sessions that nobody can use any more."""
    now = datetime.now(UTC)
    expired = (sessions.c.last_seen_at < now - idle) | (sessions.c.created_at < now - SESSION_MAX_AGE)
    connection.execute(delete(sessions).where(expired))


def add_account(
    connection: Connection,
    *,
    username: str,
    password: str,
    role: Role,
    grid_scope: str,
    display_name: str | None = None,
    actor: str,
    demo: bool = False,
) -> Account:
    """Makes an account.

    Raises:
        AccountError: the name is taken or unusable.
        WeakPasswordError: the password is too short or known to everybody (not checked for the demo's accounts).
    """
    name = normal_username(username)
    if not name or len(name) > 64 or not name.isprintable() or any(character.isspace() for character in name):
        raise AccountError(f"{username!r} is no username: expected 1-64 printable characters without blanks")
    if find_account(connection, name) is not None:
        raise AccountError(
            f"there is an account {name!r} already; to change it: gridsentry-server user password {name}"
        )
    if not demo:
        check_strength(name, password)
    values = {
        "username": name,
        "display_name": display_name or name,
        "role": role.value,
        "grid_scope": grid_scope,
        "password_hash": hash_password(password),
        "created_at": datetime.now(UTC),
    }
    row = connection.execute(insert(accounts).values(values).returning(*accounts.c)).one()
    shown = {"role": role.value, "grid_scope": grid_scope, "display_name": row.display_name}
    audit.append(connection, actor=actor, action="account.add", subject_kind="account", subject_id=name, after=shown)
    return _account(row)


def set_password(connection: Connection, username: str, password: str, *, actor: str) -> None:
    """A new password; it ends every session of the account.

    Raises:
        AccountError: no such account.
        WeakPasswordError: the password is too short or known to everybody.
    """
    account = find_account(connection, username)
    if account is None:
        raise AccountError(f"there is no account {username!r}; see: gridsentry-server user list")
    check_strength(account.username, password)
    connection.execute(
        update(accounts).where(accounts.c.id == account.id).values(password_hash=hash_password(password))
    )
    connection.execute(delete(sessions).where(sessions.c.account_id == account.id))
    audit.append(
        connection, actor=actor, action="account.password", subject_kind="account", subject_id=account.username
    )


def disable_account(connection: Connection, username: str, *, actor: str) -> None:
    """Nobody signs in with it any more; its name stays in the audit log, and its sessions end now.

    Raises:
        AccountError: no such account, or it is disabled already.
    """
    account = find_account(connection, username)
    if account is None:
        raise AccountError(f"there is no account {username!r}; see: gridsentry-server user list")
    if account.disabled:
        raise AccountError(f"the account {account.username!r} is disabled already")
    connection.execute(update(accounts).where(accounts.c.id == account.id).values(disabled_at=datetime.now(UTC)))
    connection.execute(delete(sessions).where(sessions.c.account_id == account.id))
    audit.append(connection, actor=actor, action="account.disable", subject_kind="account", subject_id=account.username)


def find_account(connection: Connection, username: str) -> Account | None:
    """The account of that name."""
    query = select(accounts).where(accounts.c.username == normal_username(username))
    row = connection.execute(query).one_or_none()
    return None if row is None else _account(row)


def list_accounts(connection: Connection) -> list[Account]:
    """All accounts, by name."""
    return [_account(row) for row in connection.execute(select(accounts).order_by(accounts.c.username))]


def refuse_default_secrets(connection: Connection) -> None:
    """Looks for accounts with the demo's passwords.

    Raises:
        DefaultSecretError: there is one; the message says how to change it.
    """
    for username, password in DEMO_PASSWORDS.items():
        query = select(accounts.c.password_hash).where(
            accounts.c.username == username, accounts.c.disabled_at.is_(None)
        )
        password_hash = connection.execute(query).scalar_one_or_none()
        if password_hash is not None and password_fits(password, password_hash):
            raise DefaultSecretError(
                f"the account {username!r} has the demo's password, which everybody knows: change it with "
                f"'gridsentry-server user password {username}', or start with --demo on a machine of your own"
            )


def _open_session(connection: Connection, account: Account) -> SignedIn:
    cookie, csrf_token, now = secrets.token_urlsafe(32), secrets.token_urlsafe(32), datetime.now(UTC)
    connection.execute(
        insert(sessions).values(
            token_sha256=_token_sha256(cookie),
            account_id=account.id,
            csrf_token=csrf_token,
            created_at=now,
            last_seen_at=now,
        )
    )
    return SignedIn(cookie, Session(account, csrf_token))


def _account(row: Row[*tuple[Any, ...]]) -> Account:
    return Account(
        row.id, row.username, row.display_name, Role(row.role), row.grid_scope, disabled=row.disabled_at is not None
    )


def _token_sha256(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
