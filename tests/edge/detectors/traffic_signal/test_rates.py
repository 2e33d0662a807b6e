"""What cannot be judged at a rate is said, before anything runs and while it does."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from edge.checks import Grade, findings
from edge.config.document import load_config_with_lines
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.rates import not_judged_at, unjudged
from tests.edge.detectors.traffic_signal.crossing import SIZE, settings
from tests.edge.video import record

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


def test_check_warns_of_a_camera_that_is_too_slow(tmp_path: Path) -> None:
    clip = record(tmp_path / "slow.mp4", seconds=3, fps=2, size=(SIZE.width, SIZE.height))
    document = {
        "device": {"id": "box-1", "state_dir": "state"},
        "sources": {
            "slow": {
                "kind": "camera",
                "input": {"type": "file", "path": str(clip)},
                "location": {"lon": 113.62, "lat": 34.75, "accuracy_m": 25},
                "detectors": {"traffic_signal": settings().model_dump(mode="json", exclude_defaults=True)},
            }
        },
    }
    path = tmp_path / "edge.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    config, lines = load_config_with_lines(path)
    said = {found.message: found.grade for found in findings(path, config, lines, online=False)}
    warned = next(message for message in said if "signal_flashing cannot be judged" in message)
    assert said[warned] is Grade.WARNING
    assert "4 are needed" in warned
