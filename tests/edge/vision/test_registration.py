"""Shifts are measured to a fraction of a pixel, in any light; structure is measured through noise."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.vision.halving import halved
from edge.vision.registration import orientation_spectrum, shift_between
from edge.vision.stillness import StillWatch
from edge.vision.structure import common_structure, gradients, tones
from tests.edge.health.scenes import Moment, Regime, Rig


def picture(regime: Regime, shift: tuple[float, float] = (0.0, 0.0), seed: int = 9):  # type: ignore[no-untyped-def]
    return halved(Rig(seed).picture(3, Moment(regime, shift=shift)))


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.02, 0.0), (-0.005, 0.013), (0.25, -0.08)], ids=str)
def test_a_shift_is_measured_in_shares_of_the_width(shift: tuple[float, float]) -> None:
    found = shift_between(orientation_spectrum(picture(Regime.DAY)), orientation_spectrum(picture(Regime.DAY, shift)))
    assert (found.x, found.y) == pytest.approx((-shift[0], -shift[1]), abs=0.0015)
    assert found.peak > 2 * found.rival


@pytest.mark.parametrize("regime", [Regime.DUSK, Regime.NIGHT, Regime.INFRARED], ids=str)
def test_the_light_does_not_matter(regime: Regime) -> None:
    found = shift_between(orientation_spectrum(picture(Regime.DAY)), orientation_spectrum(picture(regime, (0.02, 0))))
    assert (found.x, found.y) == pytest.approx((-0.02, 0), abs=0.002)


def test_another_place_and_noise_have_no_peak() -> None:
    reference = orientation_spectrum(picture(Regime.DAY))
    noise = np.random.default_rng(1).integers(0, 255, (180, 320)).astype(np.uint8)
    for other in (picture(Regime.DAY, seed=31), noise):
        found = shift_between(reference, orientation_spectrum(other))
        assert found.peak < 12 or found.peak < 1.4 * found.rival


def test_noise_is_no_structure_and_fog_leaves_some() -> None:
    random = np.random.default_rng(2)
    clean = cv2.GaussianBlur(random.integers(0, 255, (180, 320)).astype(np.float32), (0, 0), 2)
    noisy = [gradients(np.float32(100) + random.standard_normal((180, 320)).astype(np.float32) * 6) for _ in range(2)]
    assert float(np.abs(common_structure(*noisy)).mean()) < 0.15 * float(common_structure(noisy[0], noisy[0]).mean())
    faint = gradients((clean - 128) * 0.2 + 160)
    ratio = common_structure(faint, gradients(clean)) / common_structure(gradients(clean), gradients(clean))
    assert ratio == pytest.approx(np.full_like(ratio, 0.2), abs=0.001)


def test_halving_keeps_the_mean_and_odd_sizes_work() -> None:
    big = np.random.default_rng(3).integers(0, 255, (1083, 1927)).astype(np.uint8)
    small = halved(big)
    assert small.shape == (135, 240)
    assert float(small.mean()) == pytest.approx(float(big.mean()), abs=1)
    assert halved(small) is small


def test_tones() -> None:
    half = np.full((100, 100), 20, np.uint8)
    half[:40] = 255
    found = tones(half)
    assert (found.low, found.high, found.top, found.clipped) == (20, 255, 255, pytest.approx(0.4))


def test_what_does_not_change_is_still_and_what_is_usual_is_learned() -> None:
    random = np.random.default_rng(4)
    watch = StillWatch()
    for n in range(100):
        if n % 10 == 0:
            latest = random.integers(0, 255, (360, 640)).astype(np.uint8)
        assert watch.saw(latest, n / 2) == pytest.approx((n % 10) / 2)
    assert watch.usual == pytest.approx(5.0)
