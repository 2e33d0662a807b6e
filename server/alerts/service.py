"""What people and uploads do to alerts: claim, release, verdict, evidence that arrives."""

from __future__ import annotations

from sqlalchemy import Connection

from server.accounts.service import Account


def evidence_arrived(connection: Connection, sha256: str) -> None:
    """A file is whole: alerts that show it tell the browsers, in the caller's write transaction."""
    raise NotImplementedError


def scope_covers_evidence(connection: Connection, account: Account, sha256: str) -> bool:
    """Whether the account may see a file: its scope covers an alert that the file supports."""
    raise NotImplementedError
