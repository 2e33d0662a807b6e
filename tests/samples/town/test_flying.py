"""Flights: what they cover, and that the drone errs by as much as it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from shapely.geometry import Polygon, box

from samples.town.flying import GNSS, NO_NOISE, RTK, Noise, Plan, Survey, fly


def _seen(survey: Survey) -> list[Polygon]:
    found = []
    lens = survey.true_lens
    corners = np.array(((0, 0), (lens.width, 0), (lens.width, lens.height), (0, lens.height)), float)
    for shot in survey.shots:
        rays = shot.true_pose.to_world(lens.directions(corners))
        places = shot.true_pose.centre + rays * (-shot.true_pose.up_m / rays[:, 2])[:, None]
        found.append(Polygon(places[:, :2]))
    return found


def test_every_place_is_seen_twice() -> None:
    plan = Plan(800, 600, 0.2, forward_overlap=0.6, side_overlap=0.3, wander_m=0.3, sway_deg=0.1)
    seen = _seen(fly(plan, NO_NOISE, 300.0, 1))
    spots = np.stack(np.meshgrid(np.linspace(-147, 147, 30), np.linspace(-147, 147, 30)), axis=-1).reshape(-1, 2)
    counts = [sum(box(x, y, x + 0.1, y + 0.1).within(polygon) for polygon in seen) for x, y in spots]
    assert min(counts) >= 2


@pytest.mark.parametrize("gsd_m", [0.1, 0.2, 0.4])
def test_lines_past_the_edges_show_them_to_two_lines(gsd_m: float) -> None:
    """A picture may be wider than the ground: its line stays alone without."""
    plan = Plan(1500, 600, gsd_m, forward_overlap=0.8, side_overlap=0.7, wander_m=0.0, sway_deg=0.0)
    least = []
    for past in (False, True):
        survey = fly(replace(plan, past_edges=past), NO_NOISE, 250.0, 1)
        seen = list(zip((round(shot.true_pose.east_m) for shot in survey.shots), _seen(survey), strict=True))
        spots = [box(x, y, x + 0.1, y + 0.1) for x in (-120, 0, 120) for y in (-120, 0, 120)]
        least.append(min(len({line for line, ground in seen if spot.within(ground)}) for spot in spots))
    assert least[0] == 1
    assert least[1] >= 2


def test_headings_turn_the_lines() -> None:
    north, east = (fly(Plan(800, 600, 0.2, heading_deg=heading), NO_NOISE, 300.0, 1) for heading in (0.0, 90.0))
    step = north.shots[1].true_pose.centre - north.shots[0].true_pose.centre
    assert step[1] > 10 * abs(step[0])
    step = east.shots[1].true_pose.centre - east.shots[0].true_pose.centre
    assert step[0] > 10 * abs(step[1])


@pytest.mark.parametrize("noise", [GNSS, RTK], ids=["gnss", "rtk"])
def test_what_the_drone_says_errs_by_its_covariance(noise: Noise) -> None:
    plan = Plan(800, 600, 0.2)
    errors = []
    for seed in range(120):
        survey = fly(plan, noise, 200.0, seed)
        for shot in survey.shots[::3]:
            turn = Rotation.from_matrix(shot.said_pose.turn @ shot.true_pose.turn.T).as_rotvec()
            errors.append(np.concatenate((shot.said_pose.centre - shot.true_pose.centre, turn)))
    spread = np.array(errors).std(axis=0)
    stated = np.sqrt(np.diag(noise.covariance))
    assert np.allclose(spread, stated, rtol=0.25)


def test_without_noise_the_drone_says_what_is_true() -> None:
    survey = fly(Plan(800, 600, 0.2), NO_NOISE, 200.0, 3)
    for shot in survey.shots:
        assert np.array_equal(shot.said_pose.centre, shot.true_pose.centre)
        assert np.allclose(shot.said_pose.turn, shot.true_pose.turn, atol=1e-15)
    assert survey.said_lens == survey.true_lens


def test_a_focal_length_is_wrong_by_what_the_lens_says() -> None:
    shares = [
        survey.said_lens.focal_x / survey.true_lens.focal_x - 1
        for survey in (fly(Plan(800, 600, 0.2), GNSS, 100.0, seed) for seed in range(200))
    ]
    assert np.std(shares) == pytest.approx(GNSS.focal_share, rel=0.2)
    assert fly(Plan(800, 600, 0.2), GNSS, 100.0, 1).said_lens.focal_sigma == GNSS.focal_share


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"width": 0}, "64 to 12000"),
        ({"height": 10**9}, "64 to 12000"),
        ({"gsd_m": 0.0}, "gsd_m"),
        ({"gsd_m": float("nan")}, "gsd_m"),
        ({"forward_overlap": 1.0}, "forward_overlap"),
        ({"side_overlap": -0.1}, "side_overlap"),
        ({"width": 300, "gsd_m": 0.05}, "larger picture"),
    ],
)
def test_a_plan_that_cannot_be_flown_is_refused(changes: dict[str, float], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        replace(Plan(), **changes)  # type: ignore[arg-type]


def test_noise_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="tilt_deg"):
        replace(GNSS, tilt_deg=-1)


@settings(deadline=None, max_examples=40)
@given(
    width=st.integers(300, 4000), gsd=st.floats(0.1, 0.8), size=st.floats(60, 1500), overlap=st.floats(0, 0.8),
    heading=st.floats(-400, 400),
)  # fmt: skip
def test_any_plan_gives_a_bounded_flight(width: int, gsd: float, size: float, overlap: float, heading: float) -> None:
    if gsd * width * 24 / 36 < 40:
        return
    plan = Plan(width, width * 3 // 4, gsd, overlap, overlap, heading)
    survey = fly(plan, RTK, size, 1)
    step = (1 - overlap) * plan.gsd_m
    assert 1 <= len(survey.shots) <= (size / (step * width) + 3) * (size / (step * plan.height) + 5)
