"""Drills of a sensor: made-up readings that the real channel never hears of."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.events import HazardData, HazardEvent, Phase
from contract.ids import DeterministicIds
from edge.assembly import sensor_canaries, sensor_detectors, tracker_for, writer_for
from edge.canary.desk import CanaryDesk, CanaryState
from edge.canary.sensor import SensorDrills
from edge.clock import clock_state
from edge.config.document import load_config
from edge.config.evidence import EvidenceSettings
from edge.config.sources import SensorSource, location_of
from edge.detectors.interface import Reading
from edge.detectors.threshold import ThresholdRule, ThresholdSettings
from edge.detectors.threshold.canary import synthetic_readings
from edge.detectors.threshold.detector import ThresholdDetector
from edge.evidence.store import EvidenceStore
from edge.outbox.sink import Commit
from edge.sensor_pipeline import SensorPipeline
from edge.status import SourceMeter
from tests.edge.parts import T0

CONFIG = """
device: {id: box-1, state_dir: state}
mqtt: {host: localhost, client_id: box-1}
sources:
  well:
    kind: sensor
    location: {lon: 113.6, lat: 34.7, accuracy_m: 25}
    input: {type: mqtt, topic: wells/1, channels: {level: {path: level, unit: m}, flow: {path: flow, unit: l/s}}}
    detectors:
      threshold:
        rules:
          - {hazard: water_level, channel: level, above: 1.2, clear: 1.0, dwell_seconds: 600, tier: alarm}
          - {hazard: sensor, channel: flow, below: -4, dwell_seconds: 0, clear_dwell_seconds: 20}
"""


class Well:
    """A sensor with drills. Its time is `now`."""

    def __init__(self, folder: Path) -> None:
        path = folder / "edge.yaml"
        path.write_text(CONFIG)
        settings = load_config(path).sources["well"]
        assert isinstance(settings, SensorSource)
        place = location_of(settings)
        assert place is not None
        ids = DeterministicIds("well")
        writer = writer_for("box-1", "well", settings, EvidenceSettings(), place, new_id=ids, clock=clock_state)
        self.now = T0
        self.meter = SourceMeter("well", "sensor")
        self.desk = CanaryDesk("well", ids, self.meter, now=lambda: self.now)
        makers = sensor_canaries(settings)
        drills = SensorDrills("well", self.desk, makers, {"level": "m", "flow": "l/s"})
        self.store = EvidenceStore(folder / "evidence")
        self.tracker = tracker_for(settings, writer)
        self.pipeline = SensorPipeline(
            "well", sensor_detectors(settings), self.tracker, writer, self.store, None, drills, self.meter
        )
        self.data: list[HazardData] = []
        self.states: list[dict[str, Any]] = []

    def keep(self, commit: Commit | None) -> None:
        if commit is None:
            return
        self.data += [event.data for event in commit.events if isinstance(event, HazardEvent)]
        self.states.append({name: json.loads(text) for name, text in commit.state.items()})

    def wait(self, seconds: float, step: float = 0.5) -> None:
        until = self.now + timedelta(seconds=seconds)
        while self.now < until:
            self.now += timedelta(seconds=step)
            self.keep(self.pipeline.drill(self.now, self.now.timestamp()))
            self.pipeline.drill_committed()

    def read(self, level: float, at: datetime | None = None) -> None:
        at = at or self.now
        self.keep(self.pipeline.take([Reading("well", "level", level, "m", at, at.timestamp())]))


@pytest.fixture
def well(tmp_path: Path) -> Well:
    return Well(tmp_path)


def test_a_drill_opens_and_clears_at_once_whatever_the_dwell_and_is_marked(well: Well, tmp_path: Path) -> None:
    drill = well.desk.call({})
    well.wait(5)
    assert well.desk.call({"id": drill["id"]})["state"] == CanaryState.FOUND
    assert [data.phase for data in well.data] == [Phase.OPENED, Phase.UPDATED, Phase.CLEARED]
    assert {data.canary.id for data in well.data if data.canary} == {drill["id"]}
    assert all(data.canary for data in well.data)
    assert {data.hazard for data in well.data} == {"water_level"}
    assert well.data[0].observed_at - well.data[0].started_at >= timedelta(seconds=600), "the dwell lies before it"
    telemetry = well.data[-1].evidence[-1]
    curve = json.loads((tmp_path / "evidence" / telemetry.sha256).read_bytes())
    assert curve["canary"]["id"] == drill["id"]
    values = [value for _, value in curve["readings"]]
    assert values == pytest.approx([0.88] + [1.32] * 6 + [0.88])


def test_rules_take_turns(well: Well) -> None:
    well.desk.call({})
    well.wait(5)
    well.desk.call({})
    well.wait(40)
    assert well.meter.canaries == {"injected": 2, "found": 2}
    assert {data.hazard for data in well.data} == {"water_level", "sensor"}
    assert well.tracker.open_episodes == ()


def test_the_channel_itself_hears_nothing_of_a_drill(well: Well) -> None:
    well.read(0.4)
    before = well.states[-1]
    well.desk.call({})
    well.wait(5)
    well.read(0.5, well.now - timedelta(seconds=4))
    after = well.states[-1]
    assert after["sensor:well"]["detectors"] == before["sensor:well"]["detectors"]
    assert well.pipeline.late == 0, "a reading from before the drill is not late"


def test_a_real_crossing_during_a_drill_is_found_and_not_marked(well: Well) -> None:
    begin = T0 - timedelta(seconds=700)
    well.read(1.5, begin)
    well.desk.call({})
    well.wait(1)
    well.read(1.5)
    well.wait(5)
    real = [data for data in well.data if data.canary is None]
    assert real[0].phase is Phase.OPENED
    assert real[0].started_at == begin
    assert len({data.episode_id for data in well.data}) == 2
    assert [episode.canary for episode in well.tracker.open_episodes] == [None]


def test_a_drill_that_the_detector_does_not_find_is_lost_and_said(well: Well, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThresholdDetector, "observe", lambda *_: ())
    drill = well.desk.call({})
    well.wait(3)
    assert well.desk.call({"id": drill["id"]})["state"] == CanaryState.LOST
    assert [(data.hazard, data.phase, data.canary) for data in well.data] == [("canary_lost", Phase.OPENED, None)]
    assert well.pipeline.forgotten_episodes() == [], "a restart keeps it"
    monkeypatch.undo()
    well.desk.call({})
    well.wait(5)
    assert [data.phase for data in well.data if data.hazard == "canary_lost"] == [Phase.OPENED, Phase.CLEARED]


def test_what_cannot_be_drilled_is_refused(well: Well) -> None:
    drill = well.desk.call({"detector": "nose"})
    well.wait(1)
    state = well.desk.call({"id": drill["id"]})
    assert state["state"] == CanaryState.REFUSED
    assert "threshold" in state["reason"]


@pytest.mark.parametrize(
    "limit",
    [
        {"above": 0.0},
        {"above": -20.0, "clear": -25.0},
        {"below": 0.001},
        {"below": 1e6},
        {"above": 55.0, "clear": 55.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("dwell", [0.0, 3.0, 86_400.0])
def test_the_readings_of_any_rule_open_and_clear_it(limit: dict[str, float], dwell: float) -> None:
    rule = ThresholdRule(hazard="gas", channel="ch4", dwell_seconds=dwell, clear_dwell_seconds=7, **limit)
    settings = ThresholdSettings(rules=(rule,))
    detector = ThresholdDetector(settings)
    said = []
    for made_up in synthetic_readings(settings, 5):
        at = T0 + timedelta(seconds=made_up.at_seconds)
        reading = Reading("s", made_up.channel, made_up.value, "%", at, at.timestamp())
        said += [(made_up.at_seconds, observation.active) for observation in detector.observe(reading)]
    assert said[0] == (0.0, True)
    assert said[-1][1] is False
