"""Fixtures of the server's tests. Whatever asks for `database_url` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient

from server.accounts import passwords
from server.accounts.schemas import Role
from server.accounts.service import add_account
from server.app import create_app
from server.db import Database
from server.migrations import upgrade
from server.settings import Settings
from tests.server.databases import FOLDER_PREFIX, PostgresCluster, find_postgresql, remove_leftovers
from tests.server.support import DeviceBox, make_device

__all__ = ["PASSWORD", "ROOT_SCOPE", "DeviceBox", "Person", "make_device", "make_person"]

PASSWORD = "correct horse battery"
ROOT_SCOPE = "410199"


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """structlog's default draws tracebacks with all local variables, which takes seconds."""
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
        ]
    )


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """argon2id as in earnest, but with a hundredth of its cost: hundreds of tests sign in."""
    quick = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", quick)
        patch.setattr(passwords, "_NOBODY", quick.hash("nobody has this password"))
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA user_version")
    database.close()
    assert not path.with_name("template.db-wal").exists(), "the template must be one file"
    return path


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """A running PostgreSQL with a migrated template database."""
    programs = find_postgresql()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    # Not pytest's own folder: its path is too long for a unix socket, and closed to the user postgres.
    remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-"))
    cluster = PostgresCluster(programs, folder)
    try:
        cluster.start()
        yield cluster
        cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated, empty SQLite database."""
    path = tmp_path / "server.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_cluster: PostgresCluster) -> Iterator[str]:
    """A migrated, empty PostgreSQL database."""
    with postgres_cluster.fresh() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database; the test runs once on each kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The database behind `database_url`."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings on `database_url`, with its files in the test's folder."""
    return Settings(database_url=database_url, data_dir=tmp_path / "data", console_dir=tmp_path / "no-console")


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    """The real application."""
    return create_app(settings)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client without credentials; the application's lifespan runs while the test does."""
    with TestClient(app, raise_server_exceptions=False) as running:
        yield running


@dataclass(frozen=True)
class Person:
    """A signed-in account with a client of its own."""

    username: str
    password: str
    client: TestClient
    csrf_token: str

    @property
    def headers(self) -> dict[str, str]:
        """What unsafe requests must carry."""
        return {"X-CSRF-Token": self.csrf_token}


def make_person(app: FastAPI, username: str, role: Role, grid_scope: str = ROOT_SCOPE) -> Person:
    """An account, signed in. The app must be running (fixture `client`)."""
    with app.state.database.write() as connection:
        add_account(
            connection,
            username=username,
            password=PASSWORD,
            role=role,
            grid_scope=grid_scope,
            display_name=username.title(),
            actor="test",
        )
    own = TestClient(app, raise_server_exceptions=False)
    answer = own.post("/api/v1/session", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return Person(username, PASSWORD, own, answer.json()["csrf_token"])


@pytest.fixture
def device(database: Database) -> DeviceBox:
    """The device `box-1`, its key registered."""
    return make_device(database, "box-1")


@pytest.fixture
def other_device(database: Database) -> DeviceBox:
    """A second device, `box-2`."""
    return make_device(database, "box-2")


@pytest.fixture
def operator(app: FastAPI, client: TestClient) -> Person:
    """A signed-in operator with the whole district in scope."""
    return make_person(app, "li", Role.OPERATOR)


@pytest.fixture
def admin(app: FastAPI, client: TestClient) -> Person:
    """A signed-in admin with the whole district in scope."""
    return make_person(app, "wang", Role.ADMIN)
