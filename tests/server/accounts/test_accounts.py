"""Accounts and passwords."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from server.accounts.passwords import WeakPasswordError, check_strength, hash_password, password_fits
from server.accounts.schemas import Role
from server.accounts.service import (
    AccountError,
    DefaultSecretError,
    add_account,
    list_accounts,
    refuse_default_secrets,
    set_password,
)
from server.audit.tables import audit_log
from server.db import Database
from server.demo import ensure_demo_accounts


def add(database: Database, username: str, password: str = "a decent password") -> None:
    with database.write() as connection:
        add_account(
            connection, username=username, password=password, role=Role.OPERATOR, grid_scope="410199", actor="test"
        )


def test_an_account_is_made_once_and_audited_without_its_password(database: Database) -> None:
    add(database, "Li")
    with pytest.raises(AccountError, match="user password li"):
        add(database, " lI ")
    with database.read() as connection:
        (account,) = list_accounts(connection)
        entry = connection.execute(select(audit_log)).one()
    assert account.username == "li"
    assert (entry.action, entry.subject_id, entry.actor) == ("account.add", "li", "test")
    assert "password" not in entry.after


@pytest.mark.parametrize("username", ["", " ", "a b", "x" * 65, "tab\tbed", "nul\x00"])
def test_names_that_nobody_can_type_are_refused(database: Database, username: str) -> None:
    with pytest.raises(AccountError):
        add(database, username)


@pytest.mark.parametrize(
    "password", ["", "short", "123456789", "operator-demo", "admin-demo", "aaaaaaaaaaaa", "Password123", "QWERTYUIOP"]
)
def test_passwords_that_anybody_would_try_are_refused(database: Database, password: str) -> None:
    with pytest.raises(WeakPasswordError):
        add(database, "li", password)
    add(database, "li")
    with database.write() as connection, pytest.raises(WeakPasswordError):
        set_password(connection, "li", password, actor="test")


def test_the_name_is_no_password() -> None:
    with pytest.raises(WeakPasswordError):
        check_strength("maintenance", "maintenance123")
    check_strength("li", "密码要长一些才安全可靠")


def test_nobodys_password_never_fits() -> None:
    assert not password_fits("nobody has this password", None)
    assert not password_fits("anything", "not a hash")
    assert password_fits("this one", hash_password("this one"))


def test_a_password_for_nobody(database: Database) -> None:
    with database.write() as connection, pytest.raises(AccountError, match="user list"):
        set_password(connection, "nobody", "a decent password", actor="test")


def test_the_demos_accounts_are_refused_outside_the_demo(database: Database) -> None:
    with database.read() as connection:
        refuse_default_secrets(connection)
    ensure_demo_accounts(database)
    ensure_demo_accounts(database)
    with database.read() as connection:
        assert [account.username for account in list_accounts(connection)] == ["admin", "operator"]
        with pytest.raises(DefaultSecretError, match="user password"):
            refuse_default_secrets(connection)
    with database.write() as connection:
        for username in ("admin", "operator"):
            set_password(connection, username, "changed before going live", actor="test")
    with database.read() as connection:
        refuse_default_secrets(connection)
