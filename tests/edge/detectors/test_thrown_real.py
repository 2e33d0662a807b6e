"""The real clip, what can happen to it, and real footage without a fall."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest

from contract.events import Tier
from edge.detectors.thrown_object import ThrownObjectSettings
from tests.edge.detectors.falls import (
    FIRE,
    OFFICE1,
    Timed,
    backwards,
    changed,
    clip,
    every,
    falls,
    gained,
    noisy,
    office1_settings,
)

START_SECONDS, END_SECONDS = 6.5, 8.8

Variant = tuple[float, Callable[[Iterator[Timed]], Iterator[Timed]]]
VARIANTS: dict[str, Variant] = {
    "as it is": (1.0, lambda frames: frames),
    "brighter by a ramp": (1.0, lambda f: changed(f, lambda t, y: gained(y, 1 + 0.15 * min(max((t - 5) / 4, 0), 1)))),
    "darker by a step": (1.0, lambda f: changed(f, lambda t, y: gained(y, 0.85 if t > 7.7 else 1.0))),
    "noise of 6 levels": (1.0, lambda f: changed(f, noisy(6, 1))),
    "half the size": (0.5, lambda f: changed(f, lambda _t, y: cv2.resize(y, None, fx=0.5, fy=0.5))),
    "15 frames a second": (1.0, lambda f: every(f, 2)),
    "10 frames a second": (1.0, lambda f: every(f, 3)),
    "dusk": (1.0, lambda f: changed(f, lambda _t, y: gained(y, 0.3))),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_office1_is_one_fall_whatever_happens_to_it(shared_data: Path, name: str) -> None:
    scale, vary = VARIANTS[name]
    found = falls(office1_settings(scale), vary(clip(OFFICE1)))
    assert len(found) == 1
    last = next(iter(found.values()))[-1]
    assert last.tier is Tier.ALARM
    assert last.started_media_time < END_SECONDS
    assert last.media_time > START_SECONDS


def test_office1_backwards_holds_no_fall(shared_data: Path) -> None:
    assert not falls(office1_settings(), backwards(clip(OFFICE1)))


@pytest.mark.parametrize("name", ["fire2", "sample_01", "small_fire"])
def test_fire_is_no_fall(shared_data: Path, name: str) -> None:
    path = FIRE / f"{name}.mp4"
    height, width = next(clip(path))[1].shape
    facade = {
        "polygon": [[0, 0], [width, 0], [width, height], [0, height]],
        "camera": {"height_m": 2, "tilt_degrees": 35, "focal_px": 0.8 * width, "distance_m": 25},
    }
    assert not falls(ThrownObjectSettings.model_validate({"facade": facade}), clip(path))
