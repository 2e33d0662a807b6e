"""The uplink process's own work, in this process: heartbeats, what sources leave behind, where the box is."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.geometry import distance_m
from contract.keys import KeyFileError
from edge.config.document import load_config
from edge.config.sources import CameraSource
from edge.status import SourceMeter
from edge.supervisor.messages import Alive, Call, Configure
from edge.view import CallError
from edge.worker.bell import Bell, new_bell
from edge.worker.cameras import source_parts
from edge.worker.hosting import FatalError, Inherited
from edge.worker.state import KEY_NAME, State
from edge.worker.uplink import ANYWHERE_M, UplinkHost, location_of_box
from tests.edge.health.scenes import Moment, Regime, Rig
from tests.edge.health.watching import frame
from tests.edge.outbox.protocol_server import ProtocolServer, protocol_server
from tests.edge.supervisor.running import PLACE, clip, configuration, states, wait_until, waiting_events

SENSOR = {
    "kind": "sensor",
    "location": PLACE,
    "input": {"type": "mqtt", "topic": "s", "channels": {"level": {"path": "level", "unit": "m"}}},
}


@pytest.fixture
def server() -> Iterator[ProtocolServer]:
    with protocol_server() as started:
        yield started


@contextmanager
def hosted(path: Path, sources: list[str]) -> Iterator[UplinkHost]:
    bell, stopping = new_bell(), threading.Event()
    host = UplinkHost(Inherited("uplink", bell, log_json=False, log_level="info"), stopping)
    try:
        host.configure(load_config(path), Configure(1, str(path), path.read_text(encoding="utf-8"), sources))
        yield host
    finally:
        stopping.set()
        host.stop(10)
        os.close(bell)


def beats(server: ProtocolServer) -> list[dict[str, Any]]:
    return [event["data"] for event in list(server.memory.events.values()) if "heartbeat" in event["type"]]


def test_heartbeats_say_how_far_behind_the_box_is_and_never_pile_up(
    tmp_path: Path, server: ProtocolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.worker.uplink.HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr("edge.worker.uplink.SUMMARY_SECONDS", 0.1)
    server.stop()
    path = configuration(tmp_path, {"a": clip("a.mp4"), "b": clip("b.mp4")}, server)
    with hosted(path, ["a", "b"]) as host:
        wait_until(lambda: host.report().uplink.get("waiting_events", 0) > 0, "a heartbeat waits")
        # Ten more were due by the time that the report has been renewed ten times.
        most = 0
        for _ in range(10):
            before = host.report().uplink
            wait_until(lambda before=before: host.report().uplink is not before, "a new summary")
            most = max(most, host.report().uplink["waiting_events"])
        assert most <= 2, "one heartbeat, and the box's own health"
        server.start()
        wait_until(lambda: len(beats(server)) >= 3, "what waited, and further heartbeats")
    assert beats(server)[0]["sources_total"] == 2
    assert beats(server)[0]["sources_online"] == 0


def test_an_outbox_that_cannot_be_used_is_told(
    tmp_path: Path, server: ProtocolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.worker.uplink.SUMMARY_SECONDS", 0.1)
    path = configuration(tmp_path, {"a": clip("a.mp4")}, server)
    database = tmp_path / "state" / "outbox.db"
    with hosted(path, ["a"]) as host:
        wait_until(lambda: "waiting_events" in host.report().uplink, "the first summary")
        assert "outbox_trouble" not in host.report().uplink
        database.rename(database.with_name("away.db"))
        wait_until(lambda: "outbox_trouble" in host.report().uplink, "it is gone")
        database.with_name("away.db").rename(database)
        wait_until(lambda: "outbox_trouble" not in host.report().uplink, "it is back")


def test_a_source_whose_process_is_away_is_said_to_be_offline_once(tmp_path: Path, server: ProtocolServer) -> None:
    path = configuration(tmp_path, {"a": clip("a.mp4"), "b": clip("b.mp4")}, server)
    with hosted(path, ["a", "b"]) as host:
        for _ in range(2):
            host.alive(Alive(["a", "b"], {"b": "its process ended by SIGSEGV, 6 times so far"}))
        host.alive(Alive(["a", "b"], {"nobody": "not configured"}))
        wait_until(lambda: "b" in states(server.memory), "it is said")
        with pytest.raises(CallError):
            host.call(Call(1, "a", "still"))
        wait_until(lambda: waiting_events(tmp_path) == 0, "everything is sent")
    assert states(server.memory)["b"] == [("offline", "its process ended by SIGSEGV, 6 times so far")]
    assert "a" not in states(server.memory)
    assert "nobody" not in states(server.memory)


def test_a_camera_whose_process_is_away_has_one_episode_which_its_next_process_ends(
    tmp_path: Path, server: ProtocolServer
) -> None:
    """Told again with a higher count, over a restart of the uplink, and after the camera was back and fell again."""
    path = configuration(
        tmp_path, {"a": clip("a.mp4"), "s": SENSOR}, server, mqtt={"host": "127.0.0.1", "client_id": "box-1"}
    )
    for falls in (6, 7):
        with hosted(path, ["a", "s"]) as host:
            for more in (0, 1):
                said = f"its process ended by SIGSEGV, {falls + more} times so far"
                host.alive(Alive(["a", "s"], {"a": said, "s": said}))
            wait_until(lambda: waiting_events(tmp_path) == 0, "everything is sent")
    assert hazards(server) == [("camera_offline", "opened")], "not for the sensor, and not twice"
    assert states(server.memory) == {
        "a": [("offline", "its process ended by SIGSEGV, 6 times so far")],
        "s": [("offline", "its process ended by SIGSEGV, 6 times so far")],
    }
    sees_again(path)
    with hosted(path, ["a", "s"]) as host:
        wait_until(lambda: hazards(server)[1:] == [("camera_offline", "cleared")], "its own process has ended it")
        host.alive(Alive(["a", "s"], {"a": "its process ended by SIGSEGV, 8 times so far"}))
        wait_until(lambda: waiting_events(tmp_path) == 0, "everything is sent")
    assert [phase for _, phase in hazards(server)] == ["opened", "cleared", "opened"]
    episodes = [data["episode_id"] for data in hazard_data(server)]
    assert episodes[0] == episodes[1] != episodes[2]


def test_a_camera_that_is_not_to_be_a_hazard_when_away_is_none(tmp_path: Path, server: ProtocolServer) -> None:
    off = {**clip("a.mp4"), "health": {"off": {"offline": "it runs on solar power"}}}
    with hosted(configuration(tmp_path, {"a": off}, server), ["a"]) as host:
        host.alive(Alive(["a"], {"a": "its process ended by SIGSEGV, 6 times so far"}))
        wait_until(lambda: waiting_events(tmp_path) == 0, "everything is sent")
    assert [state for state, _ in states(server.memory)["a"]] == ["offline"]
    assert hazards(server) == []


def hazard_data(server: ProtocolServer) -> list[dict[str, Any]]:
    """Of all sources but the box itself, in the order of the chain."""
    found = [event["data"] for event in list(server.memory.events.values()) if "hazard" in event["data"]]
    return [data for data in found if data["source"]["kind"] != "device"]


def hazards(server: ProtocolServer) -> list[tuple[str, str]]:
    return [(data["hazard"], data["phase"]) for data in hazard_data(server)]


def sees_again(path: Path) -> None:
    """What the camera's next process does with its health: a quarter of a minute of pictures."""
    config, bell = load_config(path), new_bell()
    state = State(config, Bell(bell), threading.Event())
    settings = config.sources["a"]
    assert isinstance(settings, CameraSource)
    meter = SourceMeter("a", "camera")
    health = source_parts(state, config, settings, meter, state.patient_sink()).health
    assert meter.state == "offline"
    rig, now = Rig(1), datetime.now(UTC)
    health.online(now)
    for second in range(15):
        picture = rig.picture(second, Moment(Regime.DAY))
        health.observe(frame(second, float(second), now + timedelta(seconds=second), picture))
    health.close(now + timedelta(seconds=15))
    assert meter.state == "online"
    state.outbox.close()
    os.close(bell)


def test_a_key_that_is_none_needs_a_person(tmp_path: Path, server: ProtocolServer) -> None:
    path = configuration(tmp_path, {"a": clip("a.mp4")}, server)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / KEY_NAME).write_text("no key")
    with pytest.raises(FatalError, match="not a PEM private key") as raised, hosted(path, ["a"]):
        pass
    assert isinstance(raised.value.__cause__, KeyFileError)


def test_the_box_is_in_the_middle_of_what_it_watches(tmp_path: Path) -> None:
    east = {**PLACE, "lon": PLACE["lon"] + 0.01}
    far = {**clip("b.mp4"), "location": east}
    config = load_config(configuration(tmp_path, {"a": clip("a.mp4"), "b": far}))
    found = location_of_box(config)
    assert found.point.longitude == pytest.approx(PLACE["lon"] + 0.005)
    assert found.accuracy_m == pytest.approx(914 / 2 + PLACE["accuracy_m"], rel=0.01), (
        "0.01° are 914 m at this latitude"
    )
    alone = location_of_box(load_config(configuration(tmp_path, {"a": clip("a.mp4")})))
    assert distance_m(alone.point, found.point) == pytest.approx(457, rel=0.01)
    nothing = load_config(configuration(tmp_path, {"*": {"kind": "camera"}}))
    assert location_of_box(nothing).accuracy_m == ANYWHERE_M
