"""Whether a source's thread still gets on."""

from __future__ import annotations

import pytest

from edge.status import SourceMeter
from edge.worker.progress import Progress


@pytest.mark.parametrize("counter", ["turns", "attempts", "sessions", "failures", "packets_read", "frames_decoded"])
def test_anything_that_moves_is_life(counter: str) -> None:
    progress, meter = Progress(), SourceMeter("a", "camera")
    assert progress.stuck_seconds(meter, 0, 100.0) == 0
    assert progress.stuck_seconds(meter, 0, 110.0) == 10
    setattr(meter, counter, 1)
    assert progress.stuck_seconds(meter, 0, 120.0) == 0
    assert progress.stuck_seconds(meter, 0, 125.0) == 5


def test_what_the_settings_allow_does_not_count() -> None:
    progress, meter = Progress(), SourceMeter("a", "camera")
    progress.stuck_seconds(meter, 30, 0.0)
    assert progress.stuck_seconds(meter, 30, 30.0) == 0
    assert progress.stuck_seconds(meter, 30, 31.0) == 1


def test_a_reason_to_stand_still_begins_anew() -> None:
    progress, meter = Progress(), SourceMeter("a", "camera")
    progress.stuck_seconds(meter, 0, 0.0)
    progress.forget(50.0)
    assert progress.stuck_seconds(meter, 0, 51.0) == 1
