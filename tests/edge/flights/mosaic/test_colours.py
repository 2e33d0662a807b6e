"""Seams: pictures of different brightness and white balance become one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.windows import Window

from edge.flights.mosaic.agreeing import as_stated, neighbours
from edge.flights.mosaic.gains import Step, no_gains, solved, step_of
from edge.flights.mosaic.making import make_mosaic
from edge.flights.mosaic.manifest import GEOTIFF, MosaicManifest
from edge.flights.mosaic.settings import MosaicSettings
from tests.edge.flights.mosaic.painted import Painting, flown, painting, stations


@pytest.fixture(scope="module")
def ground() -> Painting:
    return painting()


def made_of(ground: Painting, out: Path, factors: np.ndarray) -> MosaicManifest:
    placed = flown(ground, stations(2, 5), factors=factors.tolist())
    return make_mosaic(placed, out, MosaicSettings(gsd_m=0.2, jpeg_quality=95), agree=as_stated)


def unevenness(reference: Path, path: Path) -> float:
    """How much brightness wanders over the mosaic against the reference: standard deviation over squares of 5 m."""
    means = []
    for one in (reference, path):
        with rasterio.open(one / GEOTIFF) as file:
            left, top = file.width // 5, file.height // 5
            part = file.read(window=Window(left, top, 3 * left, 3 * top)).astype(np.float32)
        small = cv2.resize(np.moveaxis(part, 0, 2), None, fx=1 / 25, fy=1 / 25, interpolation=cv2.INTER_AREA)
        means.append(small)
    ratio = means[1] / np.maximum(means[0], 1)
    return float((ratio / ratio.mean(axis=(0, 1))).std())


def test_seams_do_not_shout(ground: Painting, tmp_path: Path) -> None:
    """A camera that exposes and balances each picture anew, by a sixth: a twentieth of it is left."""
    rng = np.random.default_rng(5)
    factors = np.exp(rng.normal(0, 0.15, (10, 1)) + rng.normal(0, 0.05, (10, 3)))
    made_of(ground, tmp_path / "even", np.ones((10, 3)))
    made = made_of(ground, tmp_path / "uneven", factors)
    before, after = made.colour_steps
    assert before > 0.08
    assert after < 0.005
    # Without the gains it would be what the factors are: some 0.1.
    assert unevenness(tmp_path / "even", tmp_path / "uneven") < 0.015


def test_without_gains_they_would(ground: Painting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The measure of the test above can fail."""
    factors = np.exp(np.random.default_rng(5).normal(0, 0.15, (10, 1)).repeat(3, axis=1))
    made_of(ground, tmp_path / "even", np.ones((10, 3)))
    monkeypatch.setattr("edge.flights.mosaic.making.even_gains", lambda frames, *_: no_gains(len(frames)))
    made_of(ground, tmp_path / "uneven", factors)
    assert unevenness(tmp_path / "even", tmp_path / "uneven") > 0.05


logs = st.floats(-0.3, 0.3)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(logs, logs, logs), min_size=2, max_size=12), st.integers(0, 2**31))
def test_factors_are_found_again(true: list[tuple[float, float, float]], seed: int) -> None:
    """Up to one factor for all; a pair that says something else is outvoted."""
    values = np.array(true)
    rng = np.random.default_rng(seed)
    places = [(float(at), float(rng.normal(0, 0.1))) for at in range(len(true))]
    steps = [
        Step(one, other, tuple((values[one] - values[other]).tolist()), 50) for one, other in neighbours(places, 4)
    ]
    found = solved(len(true), steps)
    left = np.log(found.factors) - values
    assert np.ptp(left, axis=0).max() < 0.01 + 0.05 * np.ptp(values)
    assert found.after <= found.before + 1e-9
    assert np.isfinite(found.factors).all()


def test_a_pair_that_lies_is_outvoted() -> None:
    places = [(float(at % 4), float(at // 4)) for at in range(16)]
    steps = [Step(one, other, (0.0, 0.0, 0.0), 50) for one, other in neighbours(places, 4)]
    steps[5] = Step(steps[5].first, steps[5].second, (2.0, -2.0, 2.0), 50)
    assert np.abs(np.log(solved(16, steps).factors)).max() < 0.03


def test_what_is_too_dark_or_bright_says_nothing() -> None:
    rng = np.random.default_rng(1)
    usable = rng.integers(60, 120, (40, 3)).astype(np.uint8)
    twice = (usable * 2).astype(np.uint8)
    found = step_of((0, 1), usable, twice)
    assert found is not None
    assert np.allclose(found.logs, np.log(2), atol=0.01)
    assert step_of((0, 1), usable, np.full_like(usable, 255)) is None
    assert step_of((0, 1), np.zeros_like(usable), usable) is None
    cars = twice.copy()
    cars[:12] = 20
    again = step_of((0, 1), usable, cars)
    assert again is not None and np.allclose(again.logs, np.log(2), atol=0.03)


def test_nothing_to_compare_changes_nothing() -> None:
    assert (solved(3, []).factors == 1).all()
    assert (solved(0, []).factors.shape) == (0, 3)
    # A picture that nobody overlaps keeps its colours.
    alone = solved(3, [Step(0, 1, (0.2, 0.2, 0.2), 20)])
    assert np.allclose(alone.factors[2], 1)
    assert np.allclose(np.log(alone.factors[1] / alone.factors[0]), -0.2, atol=0.01)
