"""When things go wrong: poison, a full disk, a locked database, a killed server. Nothing is lost, nothing is a lie."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text

from contract.batch import encode_batch
from server.alerts.tables import alerts
from server.app import create_app
from server.db import Database
from server.ingest.chains import verify_all
from server.ingest.store import Batch
from server.ingest.tables import dead_letters, events
from server.problems import ProblemError
from server.settings import Settings
from tests.server.conftest import DeviceBox, Person
from tests.server.support import Edge, post, send, statuses


@pytest.fixture
def edge(device: DeviceBox) -> Edge:
    return Edge(device)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=database_url, data_dir=tmp_path, console_dir=tmp_path / "none", busy_seconds=0.5)


POISON = {
    "sqlite": [
        "CREATE TRIGGER poison BEFORE INSERT ON alerts WHEN NEW.hazard = 'poison' "
        "BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
    ],
    "postgresql": [
        "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.hazard = 'poison' THEN RAISE EXCEPTION 'poisoned'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER poison BEFORE INSERT ON alerts FOR EACH ROW EXECUTE FUNCTION poison()",
    ],
}


def test_an_event_over_which_the_server_fails_sinks_no_other(
    client: TestClient, database: Database, edge: Edge, admin: Person
) -> None:
    kind = database.url.get_backend_name()
    with database.write() as connection:
        for statement in POISON[kind]:
            connection.exec_driver_sql(statement)
    batch = [edge.hazard(), edge.hazard(hazard="poison", detail={}), *edge.hazards(2), edge.head()]
    results = send(client, edge.device, batch)
    assert statuses(results) == ["accepted", "dead_letter", "accepted", "accepted", "accepted"]
    assert results[1]["problem"]["status"] == 500
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 3
        assert connection.execute(select(func.count()).select_from(dead_letters)).scalar_one() == 1
        assert verify_all(connection, "box-1").report.signed_to == 4, "it is kept, and still counts for the chain"
    (letter,) = admin.client.get("/api/v1/dead-letters").json()["dead_letters"]
    url = f"/api/v1/dead-letters/{letter['id']}/replay"
    assert admin.client.post(url, headers=admin.headers).status_code == 500
    with database.write() as connection:  # the server is mended
        connection.exec_driver_sql("DROP TRIGGER poison" + (" ON alerts" if kind == "postgresql" else ""))
    assert admin.client.post(url, headers=admin.headers).json()["status"] == "accepted"
    with database.read() as connection:
        assert connection.execute(select(func.count()).where(alerts.c.hazard == "poison")).scalar_one() == 1


def test_a_full_disk_acknowledges_nothing(
    app: FastAPI, sqlite_url: str, client: TestClient, database: Database, edge: Edge
) -> None:
    if not database.is_sqlite:
        pytest.skip("a full disk is made with SQLite's page limit")
    batch = edge.hazards(50)
    with app.state.database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
    answer = post(client, edge.device, batch)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    with app.state.database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 0
    assert statuses(send(client, edge.device, batch)) == ["accepted"] * 50


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Another process that is writing, and does not come to an end."""
    if url.startswith("sqlite"):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()
    else:
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()


def test_a_locked_database_is_a_503_and_readers_go_on(
    client: TestClient, database_url: str, edge: Edge, operator: Person
) -> None:
    batch = edge.hazards(3)
    with locked(database_url):
        answer = post(client, edge.device, batch)
        assert answer.status_code == 503
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "Retry-After" in answer.headers
        assert operator.client.get("/api/v1/alerts").status_code == 200
    assert statuses(send(client, edge.device, batch)) == ["accepted"] * 3


def test_batches_that_came_before_the_end_are_answered(app: FastAPI, edge: Edge) -> None:
    with TestClient(app) as client:
        answers: list[int] = []
        senders = [
            threading.Thread(target=lambda batch=batch: answers.append(post(client, edge.device, batch).status_code))
            for batch in [edge.hazards(20) for _ in range(6)]
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert answers == [200] * 6
    assert not app.state.writer.is_alive
    with TestClient(create_app(app.state.settings)) as client:
        assert client.get("/readyz").status_code == 200


class ServerProcess:
    """The real program."""

    def __init__(self, url: str, folder: Path) -> None:
        self.environment = {
            **os.environ,
            "GRIDSENTRY_DATABASE_URL": url,
            "GRIDSENTRY_DATA_DIR": str(folder / "data"),
        }
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.address = ""

    def start(self) -> None:
        log = self.folder / f"server-{time.monotonic_ns()}.log"
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "server.cli", "run", "--port", "0"], stderr=file, env=self.environment
            )
        end = time.monotonic() + 60
        while "Application startup complete" not in (said := log.read_text()):
            assert self.process.poll() is None, said
            assert time.monotonic() < end, said
            time.sleep(0.05)
        self.address = said.split("address=")[1].split()[0]

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)


@pytest.mark.slow
def test_kill_dash_nine_loses_nothing_that_was_acknowledged(
    database_url: str, database: Database, edge: Edge, tmp_path: Path
) -> None:
    server = ServerProcess(database_url, tmp_path)
    batches = [[*edge.hazards(5), edge.head()] for _ in range(40)]
    acknowledged: set[int] = set()
    lock = threading.Lock()

    def send_some(numbers: list[int]) -> None:
        with httpx.Client(base_url=server.address, headers=edge.device.headers, timeout=10) as http:
            for number in numbers:
                try:
                    answer = http.post("/api/v1/events", content=encode_batch(batches[number]))
                except httpx.HTTPError:
                    return
                if answer.status_code == 200:
                    with lock:
                        acknowledged.add(number)

    for kill_after in (0.05, 0.12, None):
        server.start()
        waiting = [number for number in range(len(batches)) if number not in acknowledged]
        senders = [threading.Thread(target=send_some, args=(waiting[part::3],)) for part in range(3)]
        for sender in senders:
            sender.start()
        if kill_after is not None:
            time.sleep(kill_after)
            server.kill()
        for sender in senders:
            sender.join()
        with database.read() as connection:
            stored = set(connection.execute(select(events.c.seq)).scalars())
        promised = {seq for number in acknowledged for seq in range(5 * number + 1, 5 * number + 6)}
        assert promised <= stored, "acknowledged and not here"
    server.kill()
    assert len(acknowledged) == len(batches)
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(events)).scalar_one() == 200
        assert connection.execute(text("SELECT count(DISTINCT event_id) FROM events")).scalar_one() == 200
        report = verify_all(connection, "box-1").report
    assert (report.signed_to, report.problem) == (200, None)


def test_the_writer_refuses_when_too_much_waits(
    app: FastAPI, client: TestClient, database_url: str, edge: Edge
) -> None:
    with locked(database_url), pytest.raises(ProblemError) as refusal:
        for _ in range(1_000):
            app.state.writer.submit(Batch("box-1", datetime.now(UTC), []))
    assert refusal.value.status == 503
