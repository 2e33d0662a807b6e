"""What one source observes is heard by the others: bounded, forgotten in time, across processes and on replay."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contract.events import Canary, Phase
from contract.geometry import Location, LocationMethod, Point, at_point, offset
from edge.detectors.interface import Frame
from edge.episodes.episode import Episode
from edge.replay import Progress, replay
from edge.witnesses import KEPT_SECONDS, MAX_SIGHTINGS, LiveWitnesses, ReplayedWitnesses, Sighting, Sightings
from tests.edge.brokers import running as broker_running
from tests.edge.outbox.protocol_server import ProtocolServer, protocol_server
from tests.edge.parts import PLACE, T0, moment, observation, tracker
from tests.edge.seers import seers_installed
from tests.edge.supervisor.running import children, configuration, running, wait_until
from tests.edge.test_replay import configuration as replay_configuration
from tests.edge.test_sensors import Publisher
from tests.edge.video import record


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def sighting(number: int = 0, at: float = 1000.0, **changes: Any) -> Sighting:
    values: dict[str, Any] = {
        "source_id": f"cam-{number}",
        "kind": "camera",
        "hazard": "smoke",
        "confidence": 0.6,
        "seen_at": at,
        "longitude": 113.62,
        "latitude": 34.75,
    }
    return Sighting(**{**values, **changes})


def episode(seconds: float = 0.0) -> Episode:
    change = tracker(None).observe("d", observation(seconds), moment(seconds))
    assert change is not None
    return change.episode


def frame(seconds: float = 0.0) -> Frame:
    luma = np.zeros((12, 16), np.uint8)
    colour = np.zeros((12, 16, 3), np.uint8)
    return Frame("cam-9", 0, seconds, T0 + timedelta(seconds=seconds), luma, lambda _region=None: colour)


def moved(east_m: float) -> Location:
    point = offset(PLACE.point, east_m, 0)
    return at_point(point.longitude, point.latitude, 5, LocationMethod.CAMERA)


def test_the_latest_of_each_hazard_at_each_source_is_kept_until_it_is_old() -> None:
    clock = Clock()
    board = Sightings(clock)
    board.note(
        [sighting(1, 990.0), sighting(1, 995.0, confidence=0.7), sighting(1, 992.0, hazard="fire"), sighting(2, 999.0)]
    )
    board.note([sighting(2, 998.0, confidence=0.1)])
    kept = [(seen.source_id, seen.hazard, seen.seen_at) for seen in board.recent()]
    assert kept == [("cam-2", "smoke", 999.0), ("cam-1", "smoke", 995.0), ("cam-1", "fire", 992.0)]
    clock.now = 993.0 + KEPT_SECONDS
    assert [seen.source_id for seen in board.recent()] == ["cam-2", "cam-1"]
    clock.now = 2000.0
    assert board.recent() == []


def test_it_never_holds_more_than_its_bound_and_keeps_the_newest() -> None:
    board = Sightings(Clock())
    for part in range(4):
        board.note(sighting(number, 900 + number / 100) for number in range(part * 1000, part * 1000 + 1000))
    kept = board.recent()
    assert len(kept) == MAX_SIGHTINGS
    assert kept[0].source_id == "cam-3999"
    assert len(board.take()) == MAX_SIGHTINGS, "and tells no more than that"


@pytest.mark.parametrize(
    "wrong",
    [
        {"seen_at": 1e18},
        {"seen_at": math.nan},
        {"seen_at": -math.inf},
        {"confidence": 7.0},
        {"confidence": math.nan},
        {"longitude": 1e6},
        {"latitude": math.nan},
    ],
    ids=str,
)
def test_what_cannot_be_is_not_believed(wrong: dict[str, float]) -> None:
    """It comes from a process that may have written over its own memory."""
    board = Sightings(Clock())
    board.note([sighting(1, 999.0, **wrong) if "seen_at" not in wrong else sighting(1, **{"at": wrong["seen_at"]})])
    assert (board.recent(), board.revision) == ([], 0)


def test_each_report_tells_what_is_new() -> None:
    board = Sightings(Clock())
    board.note([sighting(1, 990.0)])
    assert [seen.source_id for seen in board.take()] == ["cam-1"]
    assert board.take() == []
    board.note([sighting(1, 991.0), sighting(2, 991.5)])
    assert [seen.source_id for seen in board.take()] == ["cam-2", "cam-1"]


def test_drills_and_what_is_over_are_nobodys_witness() -> None:
    board, recorded = Sightings(Clock()), ReplayedWitnesses()
    canary = Canary(id="0198f0b4-8a3c-7000-8000-000000000001", expected="water_level", injected_at=T0)
    drill = replace(episode(), canary=canary)
    for not_told in (drill, replace(episode(), phase=Phase.CLEARED)):
        board.tell(not_told, 0.0)
        recorded.tell(not_told, 0.0)
    assert board.recent() == []
    assert recorded.of("cam-9", PLACE).near(frame(), 1e6, 1e6) == []
    board.tell(episode(), 2.5)
    assert [(seen.source_id, seen.kind, seen.seen_at) for seen in board.recent()] == [("well-12", "sensor", 997.5)]


def test_near_means_other_sources_of_late_and_close_by_newest_first() -> None:
    clock = Clock()
    heard = Sightings(clock)
    places = {number: moved(metres).point for number, metres in ((1, 10), (2, 49), (3, 52), (9, 0))}
    heard.note(
        sighting(number, 1000.0 - number, longitude=point.longitude, latitude=point.latitude)
        for number, point in places.items()
    )
    port = LiveWitnesses("cam-9", PLACE, heard, clock)
    near = port.near(frame(), 50, 60)
    assert [(one.source_id, one.age_seconds) for one in near] == [("cam-1", 1.0), ("cam-2", 2.0)]
    assert near[0].distance_m == pytest.approx(10, abs=0.1)
    assert near[1].distance_m == pytest.approx(49, abs=0.3)
    assert [one.source_id for one in port.near(frame(), 60, 2.5)] == ["cam-1", "cam-2"]
    clock.now = 1059.5
    assert [one.source_id for one in port.near(frame(), 50, 61)] == ["cam-1"], "the other is too long ago"
    clock.now = 900.0
    assert [one.age_seconds for one in port.near(frame(), 50, 60)] == [0.0, 0.0], "nothing is seen before it was"


def test_a_drill_hears_nobody() -> None:
    heard = Sightings(Clock())
    heard.note([sighting(1, 999.0)])
    port = LiveWitnesses("cam-9", PLACE, heard, Clock())
    assert len(port.near(frame(), 50, 60)) == 1
    assert copy.deepcopy({"held": port})["held"].near(frame(), 50, 60) == ()


def test_a_recording_hears_what_was_before_its_frame_and_nothing_later() -> None:
    recorded = ReplayedWitnesses()
    for second in range(30, 41):
        seen = replace(episode(), observed_at=T0 + timedelta(seconds=second))
        recorded.tell(seen, 0.0)
        recorded.tell(replace(seen, observed_at=seen.observed_at + timedelta(milliseconds=300)), 0.0)
    port = recorded.of("cam-9", moved(30))
    assert port.near(frame(29.9), 50, 60) == []
    assert [one.age_seconds for one in port.near(frame(30.5), 50, 60)] == [0.5]
    assert [one.age_seconds for one in port.near(frame(90), 50, 60)] == [50.0]
    assert port.near(frame(101), 50, 60) == []
    assert port.near(frame(35), 20, 60) == []
    assert recorded.of("well-12", PLACE).near(frame(35), 50, 60) == [], "nobody is a witness to himself"


# ---- the whole way


@pytest.fixture
def seers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with seers_installed(tmp_path / "plugins", monkeypatch):
        yield


def looking(clip: Path, detector: str, east_m: float, **more: Any) -> dict[str, Any]:
    point: Point = moved(east_m).point
    place = {"lon": point.longitude, "lat": point.latitude, "accuracy_m": 5}
    return {"kind": "camera", "location": place, "detectors": {detector: {}}, **more}


@pytest.mark.usefixtures("seers")
def test_a_replay_hears_earlier_clips_of_the_same_time(tmp_path: Path) -> None:
    names = ("a-sees", "b-hears", "c-far", "d-later", "e-undated")
    clips = [record(tmp_path / f"{name}.mp4", seconds=2) for name in names]
    began = datetime(2026, 11, 22, 8, tzinfo=UTC)
    sources = {
        "a-sees": looking(clips[0], "sees", 0, recorded_at=began.isoformat()),
        "b-hears": looking(clips[1], "hears", 40, recorded_at=began.isoformat()),
        "c-far": looking(clips[2], "hears", -60, recorded_at=began.isoformat()),
        "d-later": looking(clips[3], "hears", 40, recorded_at=(began + timedelta(minutes=2)).isoformat()),
        "e-undated": looking(clips[4], "hears", 40),
    }
    config = replay_configuration(tmp_path, sources)
    results = replay(clips, config, tmp_path / "out.jsonl", None, Progress())
    assert [result.problem for result in results] == [None] * 5
    events = [json.loads(line)["data"] for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    fires = [data for data in events if data["hazard"] == "fire"]
    assert {data["source"]["id"] for data in fires} == {"b-hears"}
    (witness,) = fires[0]["detail"]["witnesses"]
    assert (witness["source"], witness["hazard"]) == ("a-sees", "smoke")
    assert 0 <= witness["seconds_ago"] < 1.5
    assert witness["distance_m"] == pytest.approx(40, abs=0.5)
    replay(clips, config, tmp_path / "again.jsonl", None, Progress())
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "out.jsonl").read_bytes()


@pytest.fixture
def server() -> Iterator[ProtocolServer]:
    with protocol_server() as started:
        yield started


def witnesses_named(server: ProtocolServer, source_id: str) -> set[tuple[str, str]]:
    events = [event["data"] for event in list(server.memory.events.values())]
    fires = [data for data in events if data.get("hazard") == "fire" and data["source"]["id"] == source_id]
    return {(one["source"], one["hazard"]) for data in fires for one in data["detail"]["witnesses"]}


@pytest.mark.usefixtures("seers")
def test_a_sensor_and_a_camera_of_another_process_are_heard(tmp_path: Path, server: ProtocolServer) -> None:
    clip = record(tmp_path / "wall.mp4", seconds=2)
    played = {"type": "file", "path": str(clip), "loop": True}
    rule = {"hazard": "smoke_density", "channel": "level", "above": 1.2, "clear": 1.0, "dwell_seconds": 0}
    place = {"lon": PLACE.point.longitude, "lat": PLACE.point.latitude, "accuracy_m": 5}
    with broker_running(tmp_path / "broker") as broker:
        channel = {"level": {"path": "level_m", "unit": "m"}}
        hall = {
            "kind": "sensor",
            "location": place,
            "input": {"type": "mqtt", "topic": "sensors/well-12/+", "time_path": "ts", "channels": channel},
            "detectors": {"threshold": {"rules": [rule]}},
        }
        sources = {
            "hall": hall,
            "sees": looking(clip, "sees", 50, input=played),
            "hears-both": looking(clip, "hears", 25, input=played),
            "hears-one": looking(clip, "hears", -45, input=played),
        }
        mqtt = {"host": "127.0.0.1", "port": broker.port, "client_id": "box-1"}
        workers = {"workers": 3}
        path = configuration(tmp_path, sources, server, mqtt=mqtt, supervision=workers)
        with running(path) as supervisor:
            publisher = Publisher(broker.port)
            try:

                def each_hears() -> bool:
                    publisher.level(1.5, datetime.now(UTC))
                    time.sleep(0.2)
                    return [len(witnesses_named(server, name)) for name in ("hears-both", "hears-one")] == [2, 1]

                wait_until(each_hears, "each hears who is near", 90)
            finally:
                publisher.close()
            served = {child.sources for child in children(supervisor).values() if child.name.startswith("cameras")}
    assert witnesses_named(server, "hears-both") == {("hall", "smoke_density"), ("sees", "smoke")}
    assert witnesses_named(server, "hears-one") == {("hall", "smoke_density")}, "95 m are not 50"
    assert len(served) == 3, "each camera in a process of its own"
