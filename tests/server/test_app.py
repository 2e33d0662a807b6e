"""The application as a whole: nobody gets in without credentials, and every error is a problem."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from server.openapi import main as write_openapi
from server.openapi import openapi_document
from server.settings import Settings
from tests.server.conftest import DeviceBox, Person

DOCUMENT = openapi_document()
OPEN_TO_ALL = {("get", "/healthz"), ("get", "/readyz"), ("post", "/api/v1/session")}
"""Everything else has an owner."""
EXAMPLES = {"sha256": "0" * 64, "alert_id": "01900000-0000-7000-8000-000000000000", "letter_id": "1"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


OPERATIONS = list(operations())
OWNED = [(method, path, found) for method, path, found in OPERATIONS if (method, path) not in OPEN_TO_ALL]
IDS = [f"{method.upper()} {path}" for method, path, _ in OWNED]


def owner(operation: dict[str, Any]) -> str:
    (scheme,) = operation["security"]
    (name,) = scheme
    return str(name)


def knock(client: TestClient, method: str, path: str, **options: Any) -> Any:
    url = re.sub(r"\{(\w+)\}", lambda found: EXAMPLES[found[1]], path)
    # A live stream never ends by itself: its head is all we want.
    with client.stream(method.upper(), url, **options) as answer:
        if "text/event-stream" not in answer.headers.get("Content-Type", ""):
            answer.read()
        return answer


def is_refused(answer: Any, method: str) -> bool:
    if answer.status_code not in (401, 403):
        return False
    is_problem = answer.headers["Content-Type"] == "application/problem+json"
    return is_problem and (method == "head" or answer.json()["status"] == answer.status_code)


class TestStrangers:
    """Every operation that the document lists, tried with the wrong credentials or none."""

    @pytest.fixture
    def database_url(self, sqlite_url: str) -> str:
        return sqlite_url  # who may come in does not depend on the database

    def test_nothing_is_forgotten(self, app: FastAPI) -> None:
        listed = {(method, path) for method, path, _ in OPERATIONS}
        served = {
            (method.lower(), path)
            for path, methods in _served(app)
            for method in methods
            if path.startswith("/api/") and path != "/api/openapi.json"
        }
        assert served <= listed, "a route that the document hides is a route that this test cannot see"
        assert len(OWNED) >= 20

    @pytest.mark.parametrize(("method", "path", "operation"), OWNED, ids=IDS)
    def test_without_credentials(self, client: TestClient, method: str, path: str, operation: dict[str, Any]) -> None:
        assert is_refused(knock(client, method, path), method)
        client.cookies["gs_session"] = "made-up"
        headers = {"Authorization": "Bearer gsd_made-up", "X-CSRF-Token": "made-up"}
        assert is_refused(knock(client, method, path, headers=headers), method)
        assert operation["security"], "the document must say who the owner is"

    @pytest.mark.parametrize(("method", "path", "operation"), OWNED, ids=IDS)
    def test_with_the_credentials_of_somebody_else(
        self,
        client: TestClient,
        device: DeviceBox,
        operator: Person,
        admin: Person,
        method: str,
        path: str,
        operation: dict[str, Any],
    ) -> None:
        if owner(operation) == "session":
            assert is_refused(knock(client, method, path, headers=device.headers), method)
        else:
            for person in (operator, admin):
                assert is_refused(knock(person.client, method, path, headers=person.headers), method)

    @pytest.mark.parametrize(
        ("method", "path", "operation"),
        [entry for entry in OWNED if owner(entry[2]) == "session" and entry[0] not in ("get", "head")],
    )
    def test_without_a_csrf_token(self, admin: Person, method: str, path: str, operation: dict[str, Any]) -> None:
        answer = knock(admin.client, method, path)
        assert answer.status_code == 403
        assert answer.json()["title"] == "CSRF check failed"

    @pytest.mark.parametrize(
        "path", ["/audit", "/dead-letters", "/devices", "/sources", "/dead-letters/1/replay", "/dead-letters/1/discard"]
    )
    def test_an_operator_is_no_admin(self, operator: Person, path: str) -> None:
        method = "POST" if path[-1].isalpha() and "/1/" in path else "GET"
        answer = operator.client.request(method, f"/api/v1{path}", headers=operator.headers)
        assert answer.status_code == 403
        assert "admin" in answer.json()["detail"]


def _served(app: FastAPI) -> Iterator[tuple[str, set[str]]]:
    from fastapi.routing import APIRoute
    from starlette.routing import BaseRoute

    def walk(routes: list[BaseRoute]) -> Iterator[tuple[str, set[str]]]:
        for route in routes:
            if isinstance(route, APIRoute):
                yield route.path, set(route.methods or ())
            elif hasattr(route, "routes"):
                yield from walk(list(route.routes or ()))

    return walk(list(app.routes))


class TestDocument:
    def test_names_are_good(self) -> None:
        names = [found["operationId"] for _, _, found in OPERATIONS]
        assert len(names) == len(set(names))
        assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in names), names

    @pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
    def test_each_has_a_noun_a_summary_and_documented_problems(
        self, method: str, path: str, operation: dict[str, Any]
    ) -> None:
        assert len(operation["tags"]) == 1
        assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}
        assert operation["summary"]
        if (method, path) not in OPEN_TO_ALL:
            assert "401" in operation["responses"]
        for status, answer in operation["responses"].items():
            if status[0] in "45":
                assert list(answer["content"]) == ["application/problem+json"], (path, status)

    def test_it_is_written_for_docs_and_clients(self, tmp_path: Path) -> None:
        folder = tmp_path / "reference"
        assert write_openapi([str(folder)]) == 0
        assert json.loads((folder / "openapi.json").read_text("utf-8")) == DOCUMENT
        assert write_openapi([str(folder), "--check"]) == 0
        assert write_openapi([]) == 2

    def test_it_is_not_served_to_strangers(self, client: TestClient) -> None:
        for path in ("/api/openapi.json", "/openapi.json", "/docs", "/redoc"):
            assert '"paths"' not in client.get(path).text


class TestProblems:
    @pytest.mark.parametrize(
        ("method", "url", "status"),
        [
            ("GET", "/api/v1/nothing", 404),
            ("GET", "/api/nothing", 404),
            ("GET", "/nothing/at/all.js", 404),
            ("PUT", "/api/v1/session", 405),
            ("POST", "/healthz", 405),
            ("GET", "/api/v1/evidence/../../../etc/passwd", 404),
        ],
    )
    def test_errors_are_problem_json(self, client: TestClient, method: str, url: str, status: int) -> None:
        answer = client.request(method, url)
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == status

    def test_a_bug_is_a_problem_that_tells_nothing(self, app: FastAPI, client: TestClient) -> None:
        def broken() -> None:
            raise RuntimeError("the password is swordfish")

        app.add_api_route("/api/v1/broken", broken)
        answer = client.get("/api/v1/broken")
        assert answer.status_code == 500
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "swordfish" not in answer.text
        assert answer.json()["request_id"]

    def test_wrong_parameters_are_named(self, admin: Person) -> None:
        answer = admin.client.get("/api/v1/audit", params={"limit": 0, "after": "x"})
        assert answer.status_code == 422
        assert {error["field"] for error in answer.json()["errors"]} == {"limit", "after"}
        assert answer.json()["field"] in ("limit", "after")

    @pytest.mark.parametrize(
        "url", ["/api/v1/audit?subject=a%00b", "/api/v1/dead-letters?device_id=%00", "/api/v1/alerts/%00"]
    )
    def test_a_nul_in_a_search_is_no_accident(self, admin: Person, url: str) -> None:
        answer = admin.client.get(url)
        assert answer.status_code in (200, 404, 422), answer.text

    def test_every_answer_has_an_id_and_careful_headers(self, client: TestClient) -> None:
        answers = [client.get("/healthz"), client.get("/api/v1/queues"), client.get("/nothing.js")]
        ids = {answer.headers["X-Request-Id"] for answer in answers}
        assert len(ids) == 3
        for answer in answers:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answers[1].headers["Cache-Control"] == "no-store"

    def test_a_clients_own_request_id_is_not_taken(self, client: TestClient) -> None:
        answer = client.get("/healthz", headers={"X-Request-Id": "mine"})
        assert answer.headers["X-Request-Id"] != "mine"


class TestHealth:
    def test_alive_and_ready(self, client: TestClient) -> None:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json() == {"status": "ok"}

    def test_not_ready_once_the_writer_has_ended(self, app: FastAPI, client: TestClient) -> None:
        app.state.writer.stop()
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        app.state.writer.stop = lambda: None  # the lifespan would wait for a thread that has ended


class TestConsole:
    @pytest.fixture
    def database_url(self, sqlite_url: str) -> str:
        return sqlite_url

    @pytest.fixture
    def settings(self, database_url: str, tmp_path: Path) -> Settings:
        console = tmp_path / "dist"
        (console / "assets").mkdir(parents=True)
        (console / "index.html").write_text("<!doctype html><title>GridSentry</title>")
        (console / "assets" / "app-4f2a.js").write_text("console.log(1)")
        (tmp_path / "secret.txt").write_text("not for the web")
        return Settings(database_url=database_url, data_dir=tmp_path / "data", console_dir=console)

    @pytest.mark.parametrize("path", ["/", "/index.html", "/queues/410199001", "/alerts/0190", "/apiary"])
    def test_its_own_paths_lead_to_the_page(self, client: TestClient, path: str) -> None:
        answer = client.get(path)
        assert answer.status_code == 200
        assert "<title>GridSentry</title>" in answer.text
        assert answer.headers["Cache-Control"] == "no-cache"
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'; img-src 'self' data: blob:;")
        assert "worker-src 'self' blob:" in policy
        assert "'unsafe-eval'" not in policy

    def test_files_with_a_hash_in_their_name_are_kept_for_ever(self, client: TestClient) -> None:
        answer = client.get("/assets/app-4f2a.js")
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert "immutable" in answer.headers["Cache-Control"]

    @pytest.mark.parametrize(
        "path",
        [
            "/assets/gone.js",
            "/api/v1/nothing",
            "/api",
            "/%2e%2e/secret.txt",
            "/..%2fsecret.txt",
            "/assets/../../secret.txt",
        ],
    )
    def test_what_is_not_there_is_a_problem_and_no_page(self, client: TestClient, path: str) -> None:
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_without_a_build_there_is_an_api_alone(self, tmp_path: Path, sqlite_url: str) -> None:
        from server.app import create_app

        settings = Settings(database_url=sqlite_url, data_dir=tmp_path, console_dir=tmp_path / "nothing")
        with TestClient(create_app(settings)) as client:
            assert client.get("/").status_code == 404
            assert client.get("/healthz").status_code == 200
