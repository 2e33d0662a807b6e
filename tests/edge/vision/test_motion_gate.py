"""Motion found where it is, on frames of any size; light and noise are not motion."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from edge.vision.motion_gate import GateValues, Motion, MotionGate
from edge.vision.regions import Window

SIZES = [(320, 180), (640, 360), (1280, 720), (1920, 1080), (3840, 2160)]


class Street:
    """A still, grainy picture on which boxes are painted; rows are longer than the picture, as decoders have them."""

    def __init__(self, width: int, height: int, seed: int = 4) -> None:
        self.width, self.height = width, height
        self._random = np.random.default_rng(seed)
        coarse = self._random.integers(60, 180, (18, 32), dtype=np.uint8)
        self._still = cv2.resize(coarse, (width, height)).astype(np.int16)
        # One field of grain, shifted about: drawing 8 million numbers a frame would be the test's whole time.
        self._grain = np.rint(self._random.normal(0, 3, (height, width))).astype(np.int16)

    def frame(self, *boxes: tuple[float, float, float, float], gain: float = 1.0) -> np.ndarray:
        """`boxes`: left, top, right, bottom as shares of the picture."""
        shift = self._random.integers(0, 50, 2)
        picture = self._still * gain + np.roll(self._grain, shift, (0, 1))
        held = np.zeros((self.height, self.width + 64), np.uint8)
        frame = held[:, : self.width]
        np.clip(picture, 0, 255, out=frame, casting="unsafe")
        for left, top, right, bottom in boxes:
            rows = slice(round(top * self.height), round(bottom * self.height))
            frame[rows, round(left * self.width) : round(right * self.width)] = 240
        return frame


def watch(gate: MotionGate, frames: Iterator[np.ndarray], fps: float, start: float = 0.0) -> list[Motion]:
    return [gate.observe(frame, start + number / fps) for number, frame in enumerate(frames)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_thing_that_comes_is_found_where_it_is(width: int, height: int) -> None:
    street, gate = Street(width, height), MotionGate(width, height)
    watch(gate, (street.frame() for _ in range(15)), fps=10)
    moved = gate.observe(street.frame((0.40, 0.50, 0.45, 0.60)), 1.5)
    assert len(moved.regions) == 1
    (region,) = moved.regions
    found = np.array([region.left / width, region.top / height, region.right / width, region.bottom / height])
    assert found == pytest.approx([0.40, 0.50, 0.45, 0.60], abs=0.035)
    assert found[0] <= 0.40
    assert found[1] <= 0.50
    assert found[2] >= 0.45
    assert found[3] >= 0.60
    assert moved.share == pytest.approx(0.005, abs=0.004)


def test_two_things_are_two_regions_larger_first() -> None:
    street, gate = Street(640, 360), MotionGate(640, 360)
    watch(gate, (street.frame() for _ in range(15)), fps=10)
    moved = gate.observe(street.frame((0.1, 0.1, 0.15, 0.2), (0.6, 0.5, 0.8, 0.8)), 1.5)
    assert [region.left > 320 for region in moved.regions] == [True, False]


@pytest.mark.parametrize("fps", [2, 10, 25])
def test_grain_is_no_motion_at_any_rate(fps: int) -> None:
    street, gate = Street(640, 360), MotionGate(640, 360)
    moved = watch(gate, (street.frame() for _ in range(10 * fps)), fps)
    assert not any(motion.moving for motion in moved)


def test_what_stays_becomes_background_in_seconds_not_frames() -> None:
    """The same thing parked, at two rates: it is no longer motion after the same time, within a look or two."""
    forgotten = []
    for fps in (4, 20):
        street, gate = Street(320, 180), MotionGate(320, 180, GateValues(settle_seconds=2))
        watch(gate, (street.frame() for _ in range(2 * fps)), fps)
        moved = watch(gate, (street.frame((0.4, 0.4, 0.6, 0.6)) for _ in range(30 * fps)), fps, start=2)
        assert moved[0].moving
        forgotten.append(sum(motion.moving for motion in moved) / fps)
    assert 1 < forgotten[0] < 20
    assert forgotten[1] == pytest.approx(forgotten[0], rel=0.25)


def test_a_flood_starts_the_background_anew() -> None:
    street, gate = Street(640, 360), MotionGate(640, 360)
    watch(gate, (street.frame() for _ in range(20)), fps=10)
    flooded = gate.observe(street.frame(gain=1.5), 2.0)
    assert flooded.flooded
    assert flooded.moving
    assert not flooded.regions
    after = watch(gate, (street.frame(gain=1.5) for _ in range(10)), fps=10, start=2.1)
    assert not any(motion.moving for motion in after)
    assert gate.observe(street.frame((0.4, 0.4, 0.6, 0.6), gain=1.5), 3.2).regions


def test_a_slow_change_of_light_is_no_motion() -> None:
    """Dusk: a fifth of the light goes in a minute."""
    street, gate = Street(320, 180), MotionGate(320, 180)
    moved = watch(gate, (street.frame(gain=1 - 0.2 * number / 300) for number in range(300)), fps=5)
    assert not any(motion.moving for motion in moved)


def test_what_flickers_raises_its_own_threshold() -> None:
    """A lamp that blinks ten seconds long is motion at first, not at the end; a thing elsewhere still is."""
    street, gate = Street(320, 180), MotionGate(320, 180)
    lamp = (0.1, 0.1, 0.2, 0.3)
    blinking = [street.frame(*([lamp] if number % 2 else [])) for number in range(200)]
    moved = watch(gate, iter(blinking), fps=10)
    assert any(motion.regions for motion in moved[:30])
    assert not any(motion.regions for motion in moved[-30:])
    assert gate.observe(street.frame(lamp, (0.6, 0.6, 0.7, 0.8)), 20.0).regions[0].left > 160


def test_regions_stay_in_the_picture() -> None:
    street, gate = Street(640, 360), MotionGate(640, 360)
    watch(gate, (street.frame() for _ in range(15)), fps=10)
    moved = gate.observe(street.frame((0, 0, 0.1, 0.1), (0.9, 0.9, 1, 1)), 1.5)
    assert len(moved.regions) == 2
    for region in moved.regions:
        assert 0 <= region.left < region.right <= 640
        assert 0 <= region.top < region.bottom <= 360
    assert Window(0, 0, 640, 360).right in {region.right for region in moved.regions}


def test_a_frame_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"found a frame of \(90, 160\), expected \(180, 320\)"):
        MotionGate(320, 180).observe(np.zeros((90, 160), np.uint8), 0.0)
