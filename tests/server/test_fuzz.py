"""Requests made up from the OpenAPI document: no server error, and no answer that the document does not know."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import load_all_checks
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from server.accounts.schemas import Role
from server.accounts.service import add_account
from server.app import create_app
from server.openapi import openapi_document
from server.settings import Settings
from tests.server.conftest import PASSWORD, make_device

load_all_checks()
schema = schemathesis.openapi.from_dict(openapi_document())
# One ends the session that the others need; the other never ends by itself.
schema = schema.exclude(operation_id="signOut").exclude(operation_id="followLive")


@schemathesis.serializer("application/offset+octet-stream")
def write_bytes(_context: schemathesis.SerializationContext, value: object) -> bytes:
    """The next bytes of an upload: whatever they are."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


@dataclass(frozen=True)
class Target:
    """A running server, and the credentials of an admin and of a device."""

    url: str
    session: dict[str, str]
    device: dict[str, str]


@pytest.fixture(scope="module")
def target(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copyfile(sqlite_template, folder / "server.db")
    app = create_app(Settings(database_url=f"sqlite:///{folder}/server.db", data_dir=folder, console_dir=folder))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    device = make_device(app.state.database, "box-1")
    with app.state.database.write() as connection:
        add_account(connection, username="wang", password=PASSWORD, role=Role.ADMIN, grid_scope="*", actor="test")
    answer = httpx.post(f"{url}/api/v1/session", json={"username": "wang", "password": PASSWORD})
    session = {
        "Cookie": f"gs_session={answer.cookies['gs_session']}",
        "X-CSRF-Token": answer.json()["csrf_token"],
    }
    yield Target(url, session, device.headers)
    app.state.live.close()
    server.should_exit = True
    thread.join()


@schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_whatever_comes(case: schemathesis.Case, target: Target) -> None:
    security = case.operation.definition.raw.get("security") or [{}]
    credentials = {"session": target.session, "device": target.device}
    headers = dict(credentials[next(iter(security[0]))]) if security[0] else {}
    answer: Response = case.call(base_url=target.url, headers=headers, timeout=30)
    assert answer.status_code < 500, (case.as_curl_command(), answer.text)
    case.validate_response(
        answer, checks=[status_code_conformance, content_type_conformance, response_schema_conformance]
    )
