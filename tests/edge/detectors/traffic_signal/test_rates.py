"""What cannot be judged at a rate is said, before anything runs and while it does."""

from __future__ import annotations

import pytest

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.rates import not_judged_at, unjudged
from tests.edge.detectors.traffic_signal.crossing import settings

ORDERED = {Fault.CONFLICT, Fault.SEQUENCE, Fault.COUNTDOWN}


@pytest.mark.parametrize(
    ("rate", "missing"),
    [
        (8.0, set()),
        (4.0, set()),
        (3.0, {Fault.FLASHING}),
        (1.0, {Fault.FLASHING}),
        (0.5, {Fault.FLASHING, *ORDERED}),
        (0.2, {Fault.FLASHING, *ORDERED}),
        (0.1, set(Fault)),
    ],
)
def test_what_a_rate_does_not_show(rate: float, missing: set[Fault]) -> None:
    found = not_judged_at(rate)
    assert set(found) == missing
    assert all("pictures a second arrive" in reason for reason in found.values())


@pytest.mark.parametrize(
    ("more", "fps", "words"),
    [
        ({}, 25.0, ()),
        ({}, None, ()),
        ({}, 2.0, ("signal_flashing cannot be judged: 2 pictures a second",)),
        ({"max_fps": 1.0}, 25.0, ("signal_flashing cannot be judged: 1 pictures a second",)),
        ({"key_frames": True}, 25.0, ("signal_flashing", "signal_conflict, signal_sequence, signal_countdown")),
    ],
)
def test_what_settings_leave_out_is_said_before(
    more: dict[str, object], fps: float | None, words: tuple[str, ...]
) -> None:
    said = unjudged(settings().model_copy(update=more), fps)
    assert len(said) == len(words)
    assert all(word in line for word, line in zip(words, said, strict=True))
