"""The demo's accounts. Their passwords are in the README, so they exist with `--demo` only."""

from __future__ import annotations

from server.accounts.passwords import DEMO_PASSWORDS
from server.accounts.schemas import Role
from server.accounts.service import add_account, find_account
from server.db import Database
from server.grids.model import EVERYWHERE

_NAMES = {"operator": "Operator 值班员", "admin": "Administrator 管理员"}


def ensure_demo_accounts(database: Database) -> None:
    """Makes `operator` and `admin`, with the whole district in scope, where they are missing."""
    with database.write() as connection:
        for username, password in DEMO_PASSWORDS.items():
            if find_account(connection, username) is None:
                add_account(
                    connection,
                    username=username,
                    password=password,
                    role=Role(username),
                    grid_scope=EVERYWHERE,
                    display_name=_NAMES[username],
                    actor="system",
                    demo=True,
                )
