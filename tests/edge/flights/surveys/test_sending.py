"""What surveys have found is sent by `run` where it works, else by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from edge.config.document import EdgeConfig, load_config
from edge.flights.surveys.sending import send
from edge.outbox.lock import StateLock
from tests.edge.detectors.illegal_structure.ground import box as rectangle
from tests.edge.detectors.illegal_structure.ground import found
from tests.edge.flights.surveys.scripted import Box, scripted_box
from tests.edge.outbox.protocol_server import TOKEN, ProtocolServer, protocol_server

SHED = rectangle(0, 0, 6, 5)


@pytest.fixture
def server() -> Iterator[ProtocolServer]:
    with protocol_server() as started:
        yield started


@pytest.fixture
def box(tmp_path: Path, days: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    """With one structure that was told."""
    made = scripted_box(tmp_path, monkeypatch)
    made.comparisons.found["after", "before"] = [found(SHED)]
    made.take(days / "before")
    made.take(days / "after")
    yield made
    made.outbox.close()


def with_server(box: Box, server: ProtocolServer) -> EdgeConfig:
    path = box.folder / "edge.yaml"
    (box.folder / "token").write_text(TOKEN, encoding="utf-8")
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["server"] = {"url": server.url, "token_file": "token"}
    document["evidence"] = {"keep_uploaded_hours": 0}
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return load_config(path)


def test_events_pictures_and_a_signed_head_arrive(box: Box, server: ProtocolServer) -> None:
    config = with_server(box, server)
    said = send(config, box.outbox, box.store)
    assert said == "everything was sent"
    memory = server.memory
    assert [each["data"]["phase"] for each in memory.events.values()] == ["opened", "updated"]
    assert len(memory.files) == 2
    assert all(memory.is_whole(sha256) for sha256 in memory.files)
    assert memory.heads[-1]["seq"] == 2
    assert send(config, box.outbox, box.store) == "nothing waits to be sent"
    assert len(memory.contents) == 2


def test_a_server_that_is_away_gets_everything_later(box: Box, server: ProtocolServer) -> None:
    config = with_server(box, server)
    server.stop()
    assert "2 events wait" in send(config, box.outbox, box.store, seconds=5)
    server.start()
    assert send(config, box.outbox, box.store) == "everything was sent"


@pytest.mark.parametrize("token", [None, b"", b"\xff", b"wrong"])
def test_a_token_that_is_none_loses_nothing(box: Box, server: ProtocolServer, token: bytes | None) -> None:
    config = with_server(box, server)
    path = box.folder / "token"
    if token is None:
        path.unlink()
    else:
        path.write_bytes(token)
    assert "2 events wait" in send(config, box.outbox, box.store, seconds=5)
    path.write_text(TOKEN, encoding="utf-8")
    assert send(config, box.outbox, box.store) == "everything was sent"


def test_where_run_works_it_sends(box: Box, server: ProtocolServer) -> None:
    config = with_server(box, server)
    lock = StateLock(config.device.state_dir)
    try:
        assert "`gridsentry-edge run` sends them" in send(config, box.outbox, box.store)
    finally:
        lock.release()
    assert server.memory.events == {}


def test_without_a_server_events_wait(box: Box) -> None:
    config = load_config(box.folder / "edge.yaml")
    assert "names no server" in send(config, box.outbox, box.store)
    assert box.outbox.waiting_events() == 2
