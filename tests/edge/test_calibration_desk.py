"""The calibration beside a camera: made when asked for, fed while wanted, never at the camera's cost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from edge.calibration_desk import IDLE_SECONDS, CalibrationDesk
from edge.detectors.interface import Frame, Image, Region
from edge.view import CallError

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def frame(media_time: float, wall_seconds: float | None = None) -> Frame:
    luma = np.zeros((36, 64), np.uint8)

    def read(region: Region | None = None) -> Image:
        return np.zeros((36, 64, 3), np.uint8)

    wall_time = NOON + timedelta(seconds=media_time if wall_seconds is None else wall_seconds)
    return Frame("gate", 0, media_time, wall_time, luma, read)


class Session:
    """Notes what it gets; learns and breaks as it is told."""

    def __init__(self) -> None:
        self.learning = False
        self.breaks = False
        self.taken: list[float] = []

    def take(self, frame: Frame) -> None:
        if self.breaks:
            raise RuntimeError("a fault of ours")
        self.taken.append(frame.media_time)

    def call(self, arguments: Mapping[str, Any]) -> Any:
        if "do" not in arguments:
            raise ValueError("found nothing to do")
        return {"taken": len(self.taken)}


class Beside:
    """A desk, the sessions that it made and a clock to be set."""

    def __init__(self, latest: Frame | None = None) -> None:
        self.made: list[Session] = []
        self.now = 1000.0
        self.desk = CalibrationDesk("gate", lambda: latest, self._open, lambda: self.now)

    def _open(self, source_id: str) -> Session:
        assert source_id == "gate"
        self.made.append(Session())
        return self.made[-1]


def test_nothing_is_made_or_wanted_until_somebody_asks() -> None:
    beside = Beside(frame(7.0))
    beside.desk.take(frame(0.0))
    assert beside.made == []
    assert beside.desk.needs() == ()
    assert beside.desk.call({"do": "status"}) == {"taken": 1}, "the latest picture is there at once"
    assert len(beside.made) == 1
    assert [need.key_frames for need in beside.desk.needs()] == [False]
    assert beside.desk.needs()[0].fps >= 4


def test_an_uncalibrated_camera_imports_nothing_of_it() -> None:
    said = "import sys, edge.camera_worker; print(*sorted(m for m in sys.modules if m.startswith('edge.calibrate.')))"
    found = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_it_is_fed_while_somebody_asks_or_it_learns() -> None:
    beside = Beside()
    beside.desk.call({"do": "status"})
    session = beside.made[0]
    beside.desk.take(frame(1.0))
    beside.now += IDLE_SECONDS + 1
    beside.desk.take(frame(2.0))
    assert session.taken == [1.0], "nobody looks"
    assert beside.desk.needs() == ()
    session.learning = True
    beside.desk.take(frame(3.0))
    assert session.taken == [1.0, 3.0], "it learns although nobody looks"
    session.learning = False
    beside.desk.take(frame(4.0))
    assert session.taken == [1.0, 3.0]


@pytest.mark.parametrize(("back_at", "expected"), [(130.0, 130.0), (40.0, 101.0)], ids=["away", "clock set back"])
def test_media_time_goes_on_when_the_stream_comes_back(back_at: float, expected: float) -> None:
    beside = Beside()
    beside.desk.call({"do": "status"})
    for time in (99.0, 100.0):
        beside.desk.take(frame(time))
    beside.desk.take(frame(0.0, back_at))
    beside.desk.take(frame(0.5, back_at + 0.5))
    assert beside.made[0].taken == [99.0, 100.0, expected, expected + 0.5]


def test_a_fault_of_it_never_reaches_the_camera() -> None:
    beside = Beside()
    beside.desk.call({"do": "status"})
    beside.made[0].breaks = True
    beside.desk.take(frame(1.0))
    assert beside.desk.needs() == ()
    beside.desk.call({"do": "status"})
    beside.desk.take(frame(2.0))
    assert [session.taken for session in beside.made] == [[], [2.0]], "the next call begins anew"


def test_a_refusal_is_told_as_one() -> None:
    with pytest.raises(CallError, match="found nothing to do"):
        Beside().desk.call({})
