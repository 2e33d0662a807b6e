"""`run`: sources that fail disturb nobody, what is found reaches the server, and the end is clean."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.chain import verify_chain
from contract.events import ChainHeadData
from contract.keys import parse_public_key
from edge.camera_worker import MAX_BACKOFF_SECONDS, backoff_seconds
from edge.config.document import load_config
from edge.outbox.sink import Commit, CommitError
from edge.outbox.store import Outbox, OutboxError
from edge.runtime import PatientSink, Runtime
from tests.edge.brokers import free_port
from tests.edge.outbox.protocol_server import TOKEN, Memory, ProtocolServer, protocol_server
from tests.edge.parts import episodes_of, moment, observation, tracker, writer
from tests.edge.test_replay import camera


@pytest.fixture
def server() -> Iterator[ProtocolServer]:
    with protocol_server() as started:
        yield started


def configuration(folder: Path, sources: dict[str, Any], server: ProtocolServer | None) -> Path:
    document: dict[str, Any] = {"device": {"id": "box-1", "state_dir": "state"}, "sources": sources}
    if server is not None:
        (folder / "token").write_text(TOKEN)
        document["server"] = {"url": server.url, "token_file": "token"}
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


@contextmanager
def running(path: Path) -> Iterator[Runtime]:
    runtime = Runtime(load_config(path))
    thread = threading.Thread(target=runtime.run)
    thread.start()
    try:
        yield runtime
    finally:
        runtime.stop()
        thread.join(60)
        assert not thread.is_alive()


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def states(memory: Memory) -> dict[str, list[tuple[str, str]]]:
    """Source id to its health changes, with their reasons."""
    found: dict[str, list[tuple[str, str]]] = {}
    for event in list(memory.events.values()):
        data = event["data"]
        if "state" in data:
            found.setdefault(data["source"]["id"], []).append((data["state"], data.get("reason", "")))
    return found


def phases(memory: Memory, source_id: str) -> list[str]:
    events = [event["data"] for event in list(memory.events.values())]
    return [data["phase"] for data in events if "phase" in data and data["source"]["id"] == source_id]


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
        wait_until(lambda: all(map(server.memory.is_whole, list(server.memory.files))), "evidence")
        wait_until(lambda: len(server.memory.files) == 3, "snapshot, track, clip")
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
    with running(path) as runtime:
        wait_until(lambda: runtime._outbox.waiting_events() >= 4, "online, opened, updated, cleared")
        with pytest.raises(OutboxError, match="in use by another gridsentry-edge"):
            Runtime(load_config(path))


class Failing:
    """Refuses a number of commits."""

    def __init__(self, errors: list[Exception]) -> None:
        self.errors = errors
        self.commits: list[Commit] = []

    def commit(self, commit: Commit) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.commits.append(commit)


def test_a_disk_that_refuses_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.runtime.COMMIT_RETRY_SECONDS", 0.01)
    sink = Failing([OSError(28, "No space left on device")] * 3)
    commit = next(episodes_of(1))
    PatientSink(sink, threading.Event()).commit(commit)
    assert sink.commits == [commit]
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(OSError, match="No space"):
        PatientSink(Failing([OSError(28, "No space left on device")]), stopping).commit(commit)


def test_an_event_that_cannot_be_written_does_not_hold_up_the_state() -> None:
    sink = Failing([CommitError("too large")])
    commit = Commit(next(episodes_of(1)).events, state={"a": "b"})
    PatientSink(sink, threading.Event()).commit(commit)
    assert sink.commits == [Commit(state={"a": "b"})]


def test_reconnects_are_spread_out_and_bounded() -> None:
    first = [backoff_seconds(1) for _ in range(50)]
    assert 0.5 <= min(first) < max(first) <= 1
    assert 30 <= backoff_seconds(100) <= MAX_BACKOFF_SECONDS
    assert backoff_seconds(10**6) <= MAX_BACKOFF_SECONDS


def test_heartbeats_say_how_far_behind_the_box_is_and_never_pile_up(
    tmp_path: Path, root: Path, server: ProtocolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.runtime.HEARTBEAT_SECONDS", 0.1)
    server.stop()
    sources = {"missing": camera(root, input={"type": "file", "path": "nowhere.mp4"})}
    with running(configuration(tmp_path, sources, server)) as runtime:
        wait_until(lambda: runtime._outbox.waiting_events() == 2, "offline and one heartbeat")
        time.sleep(0.5)
        assert runtime._outbox.waiting_events() == 2
        server.start()
        wait_until(lambda: len(server.memory.events) >= 4, "what waited, and further heartbeats")
    beats = [event for event in server.memory.events.values() if "heartbeat" in event["type"]]
    assert beats[0]["data"]["sources_total"] == 1
    assert beats[0]["data"]["sources_online"] == 0


@contextmanager
def rtsp_camera(port: int, clip: Path) -> Iterator[None]:
    """A camera that is killed, not stopped."""
    script = Path(__file__).with_name("rtsp_camera.py")
    command = ["/usr/bin/python3", str(script), str(port), str(clip)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline() != "ready\n":
                pytest.skip("no RTSP server on this machine: install gir1.2-gst-rtsp-server-1.0 and its plugins")
            yield
        finally:
            process.kill()


def test_a_camera_that_is_killed_is_opened_again(
    tmp_path: Path, root: Path, server: ProtocolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.camera_worker.MAX_BACKOFF_SECONDS", 0.5)
    port, clip = free_port(), root / "samples/clips/gate-3.mp4"
    address = {"type": "rtsp", "url": f"rtsp://127.0.0.1:{port}/live"}
    address |= {"open_timeout_seconds": 3, "read_timeout_seconds": 1}
    path = configuration(tmp_path, {"gate-3": camera(root, input=address)}, server)

    def health() -> list[str]:
        return [state for state, _ in states(server.memory).get("gate-3", [])]

    with running(path):
        wait_until(lambda: health() == ["offline"], "not there yet")
        for _ in range(2):
            with rtsp_camera(port, clip):
                wait_until(lambda: health()[-1] == "online", "online")
            wait_until(lambda: health()[-1] == "offline", "killed")
    assert health() == ["offline", "online", "offline", "online", "offline"]
