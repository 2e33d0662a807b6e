"""Frames: what they show is where the truth says, and a seed decides every pixel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from samples.facade.render import Picture, Renderer
from samples.facade.scenario import (
    Birds,
    Branch,
    ExposureStep,
    Glints,
    Imager,
    Insects,
    Leaves,
    Nuisance,
    Onlooker,
    Rain,
    Scenario,
    Shake,
    Side,
    WindowLights,
)
from samples.facade.truth import episode_of

EVERYTHING: tuple[Nuisance, ...] = (
    Birds(2, 2),
    Rain(60),
    Leaves(4),
    Branch(Side.LEFT, 0.25),
    Branch(Side.TOP, 0.2, masked=False),
    Insects(3),
    WindowLights(2, 1, 1),
    Glints(2),
    Onlooker(4, 1, shakes_cloth=True),
    Shake(0.5),
)


def luma(picture: Picture) -> np.ndarray:
    return picture[: picture.shape[0] * 2 // 3].astype(np.int16)


def test_same_seed_same_frames_and_another_seed_others(small: Scenario) -> None:
    scenario = replace(small, seconds=0.6, nuisances=EVERYTHING)
    first = np.stack(list(Renderer(scenario).frames()))
    second = np.stack(list(Renderer(scenario).frames()))
    assert np.array_equal(first, second)
    other = np.stack(list(Renderer(replace(scenario, seed=12)).frames()))
    assert not np.array_equal(first, other)


def test_a_frame_depends_on_its_number_alone(small: Scenario) -> None:
    scenario = replace(small, nuisances=EVERYTHING)
    forward, backward = Renderer(scenario), Renderer(scenario)
    wanted = (0, 7, 12)
    there = [forward.frame(index) for index in wanted]
    back = [backward.frame(index) for index in reversed(wanted)]
    assert all(np.array_equal(a, b) for a, b in zip(there, reversed(back), strict=True))


def test_the_thing_is_where_the_truth_says(quiet: Scenario) -> None:
    renderer = Renderer(quiet)
    still = Renderer(replace(quiet, falls=()))
    truth = episode_of(renderer, renderer.things()[0])
    assert len(truth.seen) >= 8
    for point in truth.seen[1:]:
        index = int(point.seconds * quiet.fps)
        difference = np.abs(luma(renderer.frame(index)) - luma(still.frame(index))).astype(np.float64)
        x, y = point.pixel
        rows, columns = np.mgrid[0 : difference.shape[0], 0 : difference.shape[1]]
        near = np.hypot(columns - x, rows - y) < 6  # farther away are its shadow and its mirror image
        weight = difference * near
        assert weight.max() > 8
        assert (columns * weight).sum() / weight.sum() == pytest.approx(x, abs=1.5)
        assert (rows * weight).sum() / weight.sum() == pytest.approx(y, abs=1.5)


def test_nothing_moves_before_the_release(quiet: Scenario) -> None:
    renderer = Renderer(quiet)
    assert np.array_equal(renderer.frame(0), renderer.frame(4))
    assert not np.array_equal(renderer.frame(0), renderer.frame(8))


def test_glass_mirrors_the_fall_faintly(quiet: Scenario) -> None:
    before_glass = replace(quiet, falls=(replace(quiet.falls[0], bay=3, outward_m_s=1.5, sideways_m_s=0.0),))
    shown, matt = (
        Renderer(replace(before_glass, building=replace(quiet.building, reflectance=share))) for share in (0.4, 0.0)
    )
    bare = replace(before_glass, falls=())
    changes = []
    for renderer, share in ((shown, 0.4), (matt, 0.0)):
        still = Renderer(replace(bare, building=replace(quiet.building, reflectance=share)))
        changes.append(int((np.abs(luma(renderer.frame(12)) - luma(still.frame(12))) > 4).sum()))
    assert changes[0] > changes[1]


@pytest.mark.parametrize("nuisance", EVERYTHING, ids=lambda nuisance: type(nuisance).__name__)
def test_every_nuisance_can_be_seen(quiet: Scenario, nuisance: Nuisance) -> None:
    calm = replace(quiet, falls=(), seconds=10.0)
    still = luma(Renderer(calm).frame(0))
    renderer = Renderer(replace(calm, nuisances=(nuisance,)))
    frames = [luma(renderer.frame(index)) for index in range(0, 100, 3)]
    strongest = max(float(np.abs(frame - still).max()) for frame in frames)
    moving = max(float(np.abs(a - b).max()) for a, b in zip(frames[1:], frames, strict=False))
    assert strongest > 10
    assert moving > 5


def test_noise_is_as_strong_as_the_imager_says(quiet: Scenario) -> None:
    noisy = replace(quiet, falls=(), imager=Imager(shot_noise=4e-4, read_noise=0.0))
    renderer = Renderer(noisy)
    frames = np.stack([luma(renderer.frame(index)) for index in range(24)]).astype(np.float64)
    mean, deviation = frames.mean(axis=0), frames.std(axis=0, ddof=1)
    mid = (mean > 60) & (mean < 200)
    # y = 219·√l, so shot noise alone gives the same deviation at every brightness: 219/2 · √shot
    assert float(np.median(deviation[mid])) == pytest.approx(219 / 2 * 4e-4**0.5, rel=0.1)


def test_exposure_step_changes_the_light_by_its_share(quiet: Scenario) -> None:
    stepped = replace(quiet, falls=(), exposure_steps=(ExposureStep(0.5, -0.15, 0.1),))
    renderer = Renderer(stepped)
    before, after = luma(renderer.frame(0)) - 16.0, luma(renderer.frame(20)) - 16.0
    mid = (before > 60) & (before < 160)
    assert float(np.median(after[mid] / before[mid])) == pytest.approx(0.85**0.5, abs=0.01)


def test_infrared_pictures_have_no_colour(quiet: Scenario) -> None:
    grey = replace(quiet, light=replace(quiet.light, monochrome=True))
    picture = Renderer(grey).frame(3)
    assert np.all(picture[128:] == 128)
