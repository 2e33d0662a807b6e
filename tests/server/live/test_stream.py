"""The stream over HTTP, from a real server: sign in, list, follow, sign out."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

import server.live.routes as live_routes
from server.accounts.schemas import Role
from server.accounts.service import add_account
from server.alerts.intake import take_in
from server.app import create_app
from server.db import Database
from server.live.hub import LiveTimes
from server.settings import Settings
from tests.server.conftest import PASSWORD
from tests.server.small_city import EAST, NOON, ROOT, found, hazard_event


@pytest.fixture
def app(sqlite_url: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    monkeypatch.setattr(live_routes, "TIMES", LiveTimes(keep_alive=0.2))
    database = Database(sqlite_url)
    found(database, tmp_path)
    with database.write() as connection:
        for name, scope in (("li", ROOT), ("east", EAST)):
            add_account(
                connection, username=name, password=PASSWORD, role=Role.OPERATOR, grid_scope=scope, actor="test"
            )
    database.close()
    yield create_app(Settings(database_url=sqlite_url, data_dir=tmp_path / "data", console_dir=tmp_path / "none"))


@pytest.fixture
def address(app: FastAPI) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=20)
    assert not thread.is_alive(), "an open stream must not keep the server from stopping"


@pytest.fixture
def li(address: str) -> Iterator[httpx.Client]:
    yield from _signed_in(address, "li")


@pytest.fixture
def east(address: str) -> Iterator[httpx.Client]:
    yield from _signed_in(address, "east")


def _signed_in(address: str, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=10) as client:
        answer = client.post("/api/v1/session", json={"username": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        yield client


def send(app: FastAPI, **fields) -> str:
    with app.state.database.write() as connection:
        context = app.state.routing.current(connection)
        return take_in(connection, context, hazard_event(**fields), NOON).alert_id


def alerts_in(lines: Iterator[str]) -> Iterator[dict]:
    for line in lines:
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def test_a_stranger_gets_no_stream(address: str) -> None:
    answer = httpx.get(f"{address}/api/v1/live")
    assert answer.status_code == 401 and answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("last", ["abc", "-1", "1.5", "9" * 30, "²"])
def test_a_last_event_id_that_is_no_number_of_ours_is_refused(li: httpx.Client, last: str) -> None:
    answer = li.get("/api/v1/live", headers={"Last-Event-ID": last.encode()})
    assert answer.status_code == 422 and answer.json()["field"] == "Last-Event-ID"


def test_list_follow_and_resume(app: FastAPI, li: httpx.Client) -> None:
    first = send(app)
    cursor = li.get("/api/v1/alerts").json()["cursor"]
    second = send(app, source="second")
    with li.stream("GET", "/api/v1/live", params={"after": cursor}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        events = alerts_in(answer.iter_lines())
        change = next(events)
        assert change["alert"]["id"] == second
        third = send(app, source="third")
        assert next(events)["alert"]["id"] == third
    # The browser resumes: its Last-Event-ID counts, not the older `after` in the address.
    headers = {"Last-Event-ID": str(change["seq"])}
    with li.stream("GET", "/api/v1/live", params={"after": 0}, headers=headers) as answer:
        assert next(alerts_in(answer.iter_lines()))["alert"]["id"] == third
    with li.stream("GET", "/api/v1/live", params={"after": 0}) as answer:
        events = alerts_in(answer.iter_lines())
        assert [next(events)["alert"]["id"] for _ in range(3)] == [first, second, third]


def test_a_colleague_sees_a_verdict_live_and_other_scopes_do_not(
    app: FastAPI, li: httpx.Client, east: httpx.Client
) -> None:
    alert_id = send(app)
    with li.stream("GET", "/api/v1/live") as mine, east.stream("GET", "/api/v1/live") as theirs:
        events, others = alerts_in(mine.iter_lines()), alerts_in(theirs.iter_lines())
        body = {"version": 1, "verdict": "rejected", "reason": "test"}
        assert li.post(f"/api/v1/alerts/{alert_id}/verdict", json=body).status_code == 200
        assert next(events)["alert"]["verdict"]["by"] == "li"
        eastern = send(app, source="east-1", at=(113.655, 34.705))
        assert next(others)["alert"]["id"] == eastern


def test_signing_out_ends_the_stream(app: FastAPI, li: httpx.Client) -> None:
    with li.stream("GET", "/api/v1/live") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "retry: 1000"
        assert li.delete("/api/v1/session").status_code == 204
        for _line in lines:
            pass  # ends by itself, within the client's timeout


def test_streams_hold_no_database_connection(app: FastAPI, li: httpx.Client) -> None:
    from contextlib import ExitStack

    with ExitStack() as stack:
        for _ in range(12):
            answer = stack.enter_context(li.stream("GET", "/api/v1/live"))
            next(answer.iter_lines())
        pool = app.state.database._reader.pool
        deadline = time.monotonic() + 5
        while pool.checkedout() > 0 and time.monotonic() < deadline:
            time.sleep(0.01)  # a session check may be under way
        assert pool.checkedout() == 0
