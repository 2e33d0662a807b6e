"""Slowing down those who guess passwords: by the name they try and by the address they come from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, select

from server.accounts.tables import login_attempts
from server.db import insert_into
from server.problems import ProblemError

FREE_FAILURES_PER_NAME = 5
"""A person who has forgotten which password it was."""
FREE_FAILURES_PER_ADDRESS = 30
"""A whole operation centre behind one address on a Monday morning."""
_FIRST_WAIT = timedelta(seconds=15)
_LONGEST_WAIT = timedelta(minutes=15)
"""Longer would let anybody lock anybody out for good."""
_FORGET_AFTER = timedelta(hours=1)


def count_attempt(connection: Connection, username: str, address: str) -> None:
    """Counts an attempt, or refuses it. Every failure beyond the free ones doubles the wait.

    Raises:
        ProblemError: 429 with `Retry-After`.
    """
    now = datetime.now(UTC)
    connection.execute(delete(login_attempts).where(login_attempts.c.last_at < now - _FORGET_AFTER))
    for subject, free in ((_name(username), FREE_FAILURES_PER_NAME), (_address(address), FREE_FAILURES_PER_ADDRESS)):
        row = connection.execute(select(login_attempts).where(login_attempts.c.subject == subject)).one_or_none()
        if row is None or row.failures < free:
            continue
        wait = min(_FIRST_WAIT * 2 ** min(row.failures - free, 16), _LONGEST_WAIT)
        if now < row.last_at + wait:
            seconds = int((row.last_at + wait - now).total_seconds()) + 1
            detail = f"too many failed sign-ins; try again in {seconds} s"
            raise ProblemError(429, detail, headers={"Retry-After": str(seconds)})
    for subject in (_name(username), _address(address)):
        statement = insert_into(connection, login_attempts).values(subject=subject, failures=1, last_at=now)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["subject"], set_={"failures": login_attempts.c.failures + 1, "last_at": now}
            )
        )


def forget(connection: Connection, username: str, address: str) -> None:
    """A right password clears the name, and takes back this attempt from the address."""
    connection.execute(delete(login_attempts).where(login_attempts.c.subject == _name(username)))
    here = login_attempts.c.subject == _address(address)
    connection.execute(
        login_attempts.update()
        .where(here, login_attempts.c.failures > 0)
        .values(failures=login_attempts.c.failures - 1)
    )


def _name(username: str) -> str:
    return f"user:{username}"


def _address(address: str) -> str:
    return f"address:{address}"
