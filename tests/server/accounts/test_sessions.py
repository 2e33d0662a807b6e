"""Signing in, staying in, being thrown out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import select, update

from server.accounts import throttle
from server.accounts.schemas import Role
from server.accounts.service import add_account, forget_expired_sessions, set_password
from server.accounts.tables import accounts, login_attempts, sessions
from server.db import Database
from tests.server.conftest import PASSWORD, DeviceBox, Person


def sign_in(client: TestClient, username: str = "li", password: str = PASSWORD) -> Response:
    return client.post("/api/v1/session", json={"username": username, "password": password})


@pytest.fixture
def li(database: Database) -> None:
    with database.write() as connection:
        add_account(connection, username="li", password=PASSWORD, role=Role.OPERATOR, grid_scope="410199", actor="test")


def test_signing_in_shows_the_account_and_sets_a_careful_cookie(client: TestClient, li: None) -> None:
    answer = sign_in(client)
    assert answer.status_code == 200
    shown = answer.json()
    assert {name: shown[name] for name in ("username", "display_name", "role", "grid_scope")} == {
        "username": "li",
        "display_name": "li",
        "role": "operator",
        "grid_scope": "410199",
    }
    cookie = answer.headers["Set-Cookie"].lower()
    assert cookie.startswith("gs_session=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie, "this test speaks plain http"
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get("/api/v1/session").json() == shown


def test_behind_https_the_cookie_is_secure(app: FastAPI, client: TestClient, li: None) -> None:
    secure = TestClient(app, base_url="https://testserver")
    assert "secure" in sign_in(secure).headers["Set-Cookie"].lower()


def test_neither_cookie_nor_password_lie_in_the_database(client: TestClient, database: Database, li: None) -> None:
    sign_in(client)
    with database.read() as connection:
        session = connection.execute(select(sessions)).one()
        account = connection.execute(select(accounts)).one()
    assert client.cookies["gs_session"] not in str(session)
    assert PASSWORD not in str(account)
    assert account.password_hash.startswith("$argon2id$")


def test_wrong_names_and_wrong_passwords_look_the_same(client: TestClient, li: None) -> None:
    answers = [sign_in(client, "li", "wrong password"), sign_in(client, "nobody", "wrong password")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert "Set-Cookie" not in answers[0].headers


def test_names_are_compared_without_case(client: TestClient, li: None) -> None:
    assert sign_in(client, " LI ").status_code == 200


def test_signing_out_ends_the_session_on_the_server(client: TestClient, operator: Person) -> None:
    cookie = operator.client.cookies["gs_session"]
    assert operator.client.delete("/api/v1/session", headers=operator.headers).status_code == 204
    assert "gs_session" not in operator.client.cookies
    client.cookies["gs_session"] = cookie
    assert client.get("/api/v1/session").status_code == 401


def age_sessions(database: Database, **ages: timedelta) -> None:
    with database.write() as connection:
        for name, age in ages.items():
            connection.execute(update(sessions).values({name: datetime.now(UTC) - age}))


def test_a_session_ends_when_it_is_not_used(operator: Person, database: Database) -> None:
    age_sessions(database, last_seen_at=timedelta(hours=11, minutes=59))
    assert operator.client.get("/api/v1/session").status_code == 200
    age_sessions(database, last_seen_at=timedelta(hours=12, minutes=1))
    assert operator.client.get("/api/v1/session").status_code == 401


def test_using_a_session_keeps_it(operator: Person, database: Database) -> None:
    age_sessions(database, last_seen_at=timedelta(hours=6))
    operator.client.get("/api/v1/session")
    with database.read() as connection:
        seen = connection.execute(select(sessions.c.last_seen_at)).scalar_one()
    assert datetime.now(UTC) - seen < timedelta(minutes=1)


def test_no_session_is_for_ever(operator: Person, database: Database) -> None:
    age_sessions(database, created_at=timedelta(days=7, minutes=1))
    assert operator.client.get("/api/v1/session").status_code == 401
    with database.write() as connection:
        forget_expired_sessions(connection, timedelta(hours=12))
        assert connection.execute(select(sessions)).all() == []


def test_a_disabled_account_is_out_at_once(client: TestClient, operator: Person, database: Database) -> None:
    with database.write() as connection:
        connection.execute(update(accounts).values(disabled_at=datetime.now(UTC)))
    assert operator.client.get("/api/v1/session").status_code == 401
    assert sign_in(client).status_code == 401


def test_a_new_password_ends_all_sessions(client: TestClient, operator: Person, database: Database) -> None:
    with database.write() as connection:
        set_password(connection, "li", "another long password", actor="test")
    assert operator.client.get("/api/v1/session").status_code == 401
    assert sign_in(client).status_code == 401
    assert sign_in(client, "li", "another long password").status_code == 200


@pytest.mark.parametrize("token", [None, "", "wrong", "ü"])
def test_unsafe_requests_need_the_sessions_csrf_token(operator: Person, token: str | None) -> None:
    headers: dict[str, Any] = {} if token is None else {"X-CSRF-Token": token.encode()}
    answer = operator.client.delete("/api/v1/session", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["title"] == "CSRF check failed"
    assert operator.client.get("/api/v1/session").status_code == 200


def test_the_csrf_token_of_another_session_does_not_do(operator: Person, admin: Person) -> None:
    assert operator.client.delete("/api/v1/session", headers=admin.headers).status_code == 403


def test_a_form_of_a_foreign_page_cannot_sign_in(client: TestClient, li: None) -> None:
    body = {"username": "li", "password": PASSWORD}
    assert client.post("/api/v1/session", data=body).status_code == 422
    text = f'{{"username":"li","password":"{PASSWORD}"}}'
    assert client.post("/api/v1/session", content=text, headers={"Content-Type": "text/plain"}).status_code == 422


def test_a_device_token_is_no_session(client: TestClient, device: DeviceBox) -> None:
    assert client.get("/api/v1/session", headers=device.headers).status_code == 401
    client.cookies["gs_session"] = device.token
    assert client.get("/api/v1/session").status_code == 401


def test_guessing_a_password_is_slowed_down(client: TestClient, database: Database, li: None) -> None:
    for _ in range(throttle.FREE_FAILURES_PER_NAME):
        assert sign_in(client, "li", "a wrong guess").status_code == 401
    answer = sign_in(client, "li", "a wrong guess")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 16
    assert sign_in(client).status_code == 429, "the right password too: else the answer tells it"
    assert sign_in(client, "someone-else", "a wrong guess").status_code == 401
    with database.write() as connection:
        earlier = datetime.now(UTC) - timedelta(seconds=16)
        connection.execute(update(login_attempts).values(last_at=earlier))
    assert sign_in(client).status_code == 200
    assert sign_in(client, "li", "a wrong guess").status_code == 401, "a right password clears the name"


def test_the_wait_grows_and_has_an_end(client: TestClient, database: Database, li: None) -> None:
    waits = []
    for _ in range(12):
        answer = sign_in(client, "li", "a wrong guess")
        if answer.status_code == 429:
            waits.append(int(answer.headers["Retry-After"]))
            with database.write() as connection:
                earlier = datetime.now(UTC) - timedelta(seconds=waits[-1])
                connection.execute(update(login_attempts).values(last_at=earlier))
            sign_in(client, "li", "a wrong guess")
    assert waits == sorted(waits)
    assert waits[0] < waits[-1] <= 15 * 60 + 1


def test_trying_many_names_is_slowed_down_by_address(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "FREE_FAILURES_PER_ADDRESS", 8)
    codes = [sign_in(client, f"name-{number}", "x").status_code for number in range(throttle.FREE_FAILURES_PER_ADDRESS)]
    assert set(codes) == {401}
    assert sign_in(client, "one-more", "x").status_code == 429


@pytest.mark.parametrize("body", [{}, {"username": "li"}, {"username": "", "password": "x"}, [], "text", None])
def test_a_body_that_is_no_credentials_is_a_problem(client: TestClient, body: object) -> None:
    answer = client.post("/api/v1/session", json=body)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b'{"username": "\\ud800", "password": "x"}'])
def test_a_body_that_is_no_json_is_a_problem(client: TestClient, content: bytes) -> None:
    answer = client.post("/api/v1/session", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 401, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_nul_in_a_name_is_nobody(client: TestClient) -> None:
    assert sign_in(client, "li\x00", "whatever it is").status_code in (401, 422)
