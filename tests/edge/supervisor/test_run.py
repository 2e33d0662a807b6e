"""`run`: sources that fail disturb nobody, what is found reaches the server, and the end is clean."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract.chain import verify_chain
from contract.events import ChainHeadData
from contract.keys import parse_public_key
from edge.config.reconnect import ReconnectSettings
from edge.outbox.lock import StateInUseError
from edge.outbox.sink import Commit
from edge.outbox.store import Outbox
from edge.supervisor.supervisor import Supervisor
from tests.edge.brokers import free_port
from tests.edge.outbox.protocol_server import Memory, ProtocolServer, protocol_server
from tests.edge.parts import moment, observation, tracker, writer
from tests.edge.supervisor.running import configuration, phases, running, states, wait_until, waiting_events
from tests.edge.test_replay import camera


@pytest.fixture
def server() -> Iterator[ProtocolServer]:
    with protocol_server() as started:
        yield started


def kinds_of_whole_evidence(memory: Memory, source_id: str) -> set[str]:
    events = [event["data"] for event in list(memory.events.values())]
    items = [
        item for data in events if data.get("source", {}).get("id") == source_id for item in data.get("evidence", ())
    ]
    return {item["kind"] for item in items if memory.is_whole(item["sha256"])}


def test_bad_sources_never_stop_the_rest(tmp_path: Path, root: Path, server: ProtocolServer) -> None:
    clip = root / "samples/clips/gate-3.mp4"
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    whole = clip.read_bytes()
    (tmp_path / "short.mp4").write_bytes(whole[: len(whole) // 3])

    def played(path: str, **more: Any) -> dict[str, Any]:
        return camera(root, input={"type": "file", "path": path, "pace": "fastest"}, **more)

    rtsp = {"type": "rtsp", "url": f"rtsp://admin:s3cret@127.0.0.1:{free_port()}/live", "open_timeout_seconds": 2}
    small = camera(root, "block-7", input={"type": "file", "path": str(clip)})
    small["detectors"]["thrown_object"]["facade"]["polygon"] = [[0, 0], [5000, 0], [5000, 100], [0, 100]]
    sources = {
        "missing": played("nowhere.mp4"),
        "broken": played("broken.mp4"),
        "short": played("short.mp4"),
        "unfit": small,
        "rtsp": camera(root, input=rtsp),
        "gate-3": played(str(clip)),
    }
    with running(configuration(tmp_path, sources, server)):
        wait_until(lambda: phases(server.memory, "gate-3")[-1:] == ["cleared"], "the good clip's episode")
        wait_until(lambda: len(states(server.memory)) == 6, "everybody's health")
        wait_until(
            lambda: kinds_of_whole_evidence(server.memory, "gate-3") == {"snapshot", "track", "clip"}, "evidence"
        )
    said = states(server.memory)
    assert said["gate-3"] == [("online", "")], "a recording that has ended is no fault"
    assert phases(server.memory, "gate-3").count("opened") == 1
    for source_id, word in [
        ("missing", "nowhere.mp4"),
        ("broken", "broken.mp4"),
        ("unfit", "polygon"),
        ("rtsp", "***@"),
    ]:
        state, reason = said[source_id][0]
        assert (state, word in reason) == ("offline", True), (source_id, reason)
    assert said["short"][-1][0] == "offline"
    assert "s3cret" not in str(server.memory.events)
    heads = [ChainHeadData.model_validate(head) for head in server.memory.heads]
    assert server.memory.public_key is not None
    report = verify_chain("box-1", server.memory.contents, heads, parse_public_key(server.memory.public_key))
    assert report.problem is None
    assert report.signed_to == len(server.memory.contents)


def test_health_is_said_once_over_restarts(tmp_path: Path, root: Path, server: ProtocolServer) -> None:
    sources = {"missing": camera(root, input={"type": "file", "path": "nowhere.mp4"})}
    path = configuration(tmp_path, sources, server)
    for _ in range(2):
        with running(path):
            wait_until(lambda: len(states(server.memory)) == 1, "offline")
            time.sleep(0.3)
    assert len(states(server.memory)["missing"]) == 1
    shutil.copy(root / "samples/clips/gate-3.mp4", tmp_path / "nowhere.mp4")
    with running(path):
        wait_until(lambda: states(server.memory)["missing"][-1][0] == "online", "online")


def test_a_shutdown_in_the_middle_clears_with_what_is_there(tmp_path: Path, root: Path, server: ProtocolServer) -> None:
    clip = str(root / "samples/clips/gate-3.mp4")
    sources = {"gate-3": camera(root, input={"type": "file", "path": clip, "pace": "realtime"})}
    with running(configuration(tmp_path, sources, server)):
        wait_until(lambda: phases(server.memory, "gate-3")[:1] == ["opened"], "the episode's opening")
    assert phases(server.memory, "gate-3")[-1] == "cleared", "sent before the program ended"
    cleared = next(event for event in server.memory.events.values() if event["data"].get("phase") == "cleared")
    assert [item["kind"] for item in cleared["data"]["evidence"]][-1] == "clip"


def test_episodes_of_a_killed_edge_are_cleared_once(tmp_path: Path, root: Path, server: ProtocolServer) -> None:
    """What was open when it died: of a camera that is still there, and of a source that is gone."""
    outbox = Outbox(tmp_path / "state", "box-1")
    for source_id, detector in [("gate-3", "thrown_object"), ("departed", "d")]:
        change = tracker().observe(detector, observation(0), moment(0))
        assert change is not None
        episode = change.episode
        source = episode.source.model_copy(update={"id": source_id})
        episode = replace(episode, source=source)
        outbox.commit(Commit((writer().hazard(episode),), (episode,)))
    outbox.close()
    sources = {"gate-3": camera(root, input={"type": "file", "path": "nowhere.mp4"})}
    path = configuration(tmp_path, sources, server)
    for _ in range(2):
        with running(path):
            wait_until(lambda: len(states(server.memory)) == 1, "it runs")
    assert phases(server.memory, "gate-3") == ["opened", "cleared"]
    assert phases(server.memory, "departed") == ["opened", "cleared"]


def test_without_a_server_events_wait(tmp_path: Path, root: Path) -> None:
    clip = str(root / "samples/clips/gate-3.mp4")
    path = configuration(
        tmp_path, {"gate-3": camera(root, input={"type": "file", "path": clip, "pace": "fastest"})}, None
    )
    with running(path):
        wait_until(lambda: waiting_events(tmp_path) >= 4, "online, opened, updated, cleared")
        with pytest.raises(StateInUseError, match="in use by another gridsentry-edge"):
            Supervisor(path, lock_wait_seconds=0.2)


def test_reconnects_are_spread_out_and_bounded() -> None:
    settings = ReconnectSettings()
    first = [settings.wait_seconds(1) for _ in range(50)]
    assert 0.5 <= min(first) < max(first) <= 1
    assert 30 <= settings.wait_seconds(100) <= settings.max_seconds
    assert settings.wait_seconds(10**6) <= settings.max_seconds


@contextmanager
def rtsp_camera(port: int, clip: Path) -> Iterator[None]:
    """A camera that is killed, not stopped."""
    script = Path(__file__).parents[1] / "rtsp_camera.py"
    command = ["/usr/bin/python3", str(script), str(port), str(clip)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline() != "ready\n":
                pytest.skip("no RTSP server on this machine: install gir1.2-gst-rtsp-server-1.0 and its plugins")
            yield
        finally:
            process.kill()


def test_a_camera_that_is_killed_is_opened_again(tmp_path: Path, root: Path, server: ProtocolServer) -> None:
    port, clip = free_port(), root / "samples/clips/gate-3.mp4"
    address = {"type": "rtsp", "url": f"rtsp://127.0.0.1:{port}/live"}
    address |= {"open_timeout_seconds": 3, "read_timeout_seconds": 1}
    settings = camera(root, input=address) | {
        "reconnect": {"first_seconds": 0.5, "max_seconds": 0.5},
        "health": {"clear_after_seconds": 2},
    }
    path = configuration(tmp_path, {"gate-3": settings}, server)

    def health() -> list[str]:
        return [state for state, _ in states(server.memory).get("gate-3", [])]

    with running(path):
        wait_until(lambda: health() == ["offline"], "not there yet")
        for _ in range(2):
            with rtsp_camera(port, clip):
                wait_until(lambda: health()[-1] == "online", "online")
            wait_until(lambda: health()[-1] == "offline", "killed")
    assert health() == ["offline", "online", "offline", "online", "offline"]
