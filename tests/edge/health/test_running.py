"""A whole camera: a recording of a street that somebody covers, through decoder, health and outbox."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import yaml

from contract.events import Clock
from edge.camera_worker import CameraWorker, SharedParts
from edge.clock import ClockWatch
from edge.config.document import load_config
from edge.config.sources import CameraSource
from edge.evidence.camera import Inline
from edge.status import SourceMeter
from edge.worker.bell import Bell, new_bell
from edge.worker.cameras import source_parts
from edge.worker.state import State
from tests.edge.health.scenes import Moment, Regime, Rig, hand
from tests.edge.health.watching import Watched

FPS = 2


def street(path: Path, seconds: int, covered_from: float) -> Path:
    """An H.264 recording at a low bit rate, as a camera makes it."""
    rig = Rig(5)
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = rig.width, rig.height, "yuv420p"
        stream.gop_size, stream.time_base = 8, Fraction(1, FPS)
        stream.options = {"preset": "veryfast", "crf": "28"}
        for number in range(seconds * FPS):
            t = number / FPS
            grey = rig.picture(t, Moment(Regime.DAY), hand if t >= covered_from else None)
            planes = np.full((rig.height * 3 // 2, rig.width), 128, np.uint8)
            planes[: rig.height] = grey
            for packet in stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
    return path


def run_camera(folder: Path, recording: Path) -> tuple[list[dict[str, Any]], SourceMeter, set[str]]:
    """Events' data, the meter, and the evidence files, of one camera that plays the recording to its end."""
    document = {
        "device": {"id": "box-1", "state_dir": str(folder / "state")},
        "health": {"cameras": {"learn_seconds": 20}},
        "sources": {
            "street": {
                "kind": "camera",
                "location": {"lon": 113.6, "lat": 34.7, "accuracy_m": 20},
                "input": {"type": "file", "path": str(recording), "pace": "fastest"},
            }
        },
    }
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    config = load_config(path)
    settings = config.sources["street"]
    assert isinstance(settings, CameraSource)
    bell = new_bell()
    state = State(config, Bell(bell), threading.Event())
    sink = state.patient_sink()
    meter = SourceMeter("street", settings.kind)
    try:
        parts = source_parts(state, config, settings, meter, sink)
        CameraWorker("street", settings, parts, SharedParts(config.evidence, state.store, Inline(), sink)).run()
        events = [json.loads(event.content)["data"] for event in state.outbox.next_batch(100, 10_000_000)]
        return events, meter, {file.name for file in state.store.folder.iterdir()}
    finally:
        state.outbox.close()
        os.close(bell)


def test_a_street_that_somebody_covers(tmp_path: Path) -> None:
    events, meter, files = run_camera(tmp_path, street(tmp_path / "street.mp4", 56, 36))
    assert [event["state"] for event in events if "state" in event] == ["online", "covered"]
    hazards = [event for event in events if "hazard" in event]
    assert {event["hazard"] for event in hazards} == {"camera_covered"}
    assert {item["kind"] for item in hazards[-1]["evidence"]} == {"snapshot", "before"}
    assert {item["sha256"] for item in hazards[-1]["evidence"]} <= files
    assert meter.state == "covered"
    assert meter.sight_seconds == pytest.approx(36, abs=4)
    assert meter.blind_seconds + meter.unknown_seconds == pytest.approx(20, abs=4)


@pytest.mark.parametrize("hours", [1, -1], ids=["ahead", "back"])
def test_events_carry_the_state_of_a_clock_that_jumped(hours: int) -> None:
    """Health, episode and clock together, on a wall clock that is set in the middle of a fault."""
    steady, jump = [1000.0], [0.0]
    start = datetime(2026, 11, 21, 8, tzinfo=UTC)
    watch = ClockWatch(lambda: Clock(synced=True), lambda: start.timestamp() + steady[0] + jump[0], lambda: steady[0])
    watch.state()
    rig, watched = Rig(5), Watched(learn_seconds=20, clock=watch.state)
    watched.wall = lambda _seconds: start + timedelta(seconds=steady[0] + jump[0])
    for second in range(90):
        steady[0] += 1
        jump[0] = 3600.0 * hours if second >= 40 else 0.0
        watched.show(second, rig.picture(second, Moment(Regime.DAY), hand if 34 <= second < 60 else None))
    said = [(event.data.hazard, event.data.phase.value, event.data.clock.synced) for event in watched.outbox.hazards]
    assert said == [("camera_covered", "opened", False), ("camera_covered", "cleared", False)]
    assert watched.outbox.hazards[0].data.clock.offset_seconds == pytest.approx(3600 * hours, abs=1)
    assert watched.outbox.open == {}
