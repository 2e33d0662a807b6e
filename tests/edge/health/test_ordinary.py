"""None of it on an hour of ordinary footage, day and night."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.config.health import CameraCondition as Is
from tests.edge.health.hour import HALF_SECONDS, day_half, night_half
from tests.edge.health.real import Clip, clip_of
from tests.edge.health.scenes import Moment, Regime, Rig, defocus, hand
from tests.edge.health.watching import Watched

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.mark.parametrize("half", [day_half, night_half], ids=["day", "night"])
def test_nothing_is_found_on_half_an_hour(half: Callable[[Rig], Callable[[float], Moment]]) -> None:
    rig = Rig(seed=21)
    moments = half(rig)
    watched = Watched()
    for second in range(HALF_SECONDS):
        watched.show(second, rig.picture(second, moments(second)))
    assert watched.found == {}
    assert watched.outbox.hazards == []
    assert watched.meter.sight_seconds > 0.97 * HALF_SECONDS


def test_a_still_night_that_an_encoder_repeats_is_not_frozen() -> None:
    """P-frames that skip everything: bit by bit the same for 8 s, and another picture at each key frame."""
    rig = Rig(seed=3)
    watched = Watched()
    latest = rig.picture(0, Moment(Regime.NIGHT, traffic=0))
    for n in range(400):
        if n % 16 == 0:
            latest = rig.picture(n / 2, Moment(Regime.NIGHT, traffic=0))
        watched.show(n / 2, latest)
    assert Is.FROZEN not in watched.found


def test_an_encoder_with_rare_key_frames_is_learned() -> None:
    """20 s between key frames: said to be frozen at most once, when it is new, and then never again."""
    rig = Rig(seed=3)
    watched = Watched()
    latest = rig.picture(0, Moment(Regime.NIGHT, traffic=0))
    for n in range(1200):
        if n % 40 == 0:
            latest = rig.picture(n / 2, Moment(Regime.NIGHT, traffic=0))
        watched.show(n / 2, latest)
    assert watched.outbox.story() == []


def test_a_clock_written_into_a_frozen_picture_does_not_hide_that_it_is_frozen() -> None:
    rig = Rig(seed=3)
    watched = Watched()
    frozen = rig.picture(0, Moment(Regime.NIGHT))
    for n in range(160):
        picture = rig.picture(n / 2, Moment(Regime.NIGHT)) if n < 80 else frozen.copy()
        cv2.putText(picture, f"2026-11-21 08:00:{n // 2:02d}", (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 2)
        watched.show(n / 2, picture)
    assert set(watched.found) == {Is.FROZEN}


@pytest.mark.parametrize("name", ["office1", "crossing", "tower_day", "tower_infrared"])
def test_real_footage(name: str) -> None:
    clip = clip_of(DATA, name)
    if clip is None:
        pytest.skip(f"shared/data has no {name}")
    ordinary = play(clip, 150)
    assert ordinary.found == {}
    covered = play(clip, 95, lambda view: hand(view, clip, 0.0))
    assert set(covered.found) == {Is.COVERED}
    moved = play(clip, 95, shift=0.02)
    assert set(moved.found) == {Is.MOVED}
    blurred = play(clip, 95, lambda view: defocus(0.006)(view, clip, 0.0))
    assert set(blurred.found) == {Is.DEFOCUSED}
    frozen = play(clip, 95, freeze=True)
    assert Is.FROZEN in frozen.found
    # The crossing was filmed by hand and sways by 1.2 %: what freezes at an end of it is also moved.
    assert set(frozen.found) <= ({Is.FROZEN, Is.MOVED} if name == "crossing" else {Is.FROZEN})


def play(
    clip: Clip,
    seconds: int,
    fault: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None,
    shift: float = 0.0,
    freeze: bool = False,
) -> Watched:
    """The clip to and fro at one picture a second, with a sensor's noise; from 65 s on something is done to it."""
    watched = Watched(learn_seconds=30)
    for second, picture in clip.pictures(seconds, 65, fault, shift, freeze=freeze):
        watched.show(second, picture)
    return watched
