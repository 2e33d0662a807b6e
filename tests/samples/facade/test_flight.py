"""Falls obey the physics they claim."""

from __future__ import annotations

import numpy as np
import pytest

from samples.facade.flight import GRAVITY_M_S2, Body, fly
from samples.facade.scenario import Thing
from samples.facade.seeding import stream
from samples.facade.solids import make_thing

STONE = Body(mass_kg=1e6, area_m2=0.01)
FEATHER = Body(mass_kg=0.001, area_m2=0.01)


def test_without_drag_it_is_a_parabola() -> None:
    path = fly(STONE, 2.0, (1.0, 30.0, 0.5), (0.4, 1.5, 2.0))
    t = path.times - 2.0
    assert path.places[:, 1] == pytest.approx(30 + 1.5 * t - GRAVITY_M_S2 * t**2 / 2, abs=2e-3)
    assert path.places[:, 0] == pytest.approx(1 + 0.4 * t, abs=1e-3)
    assert path.places[:, 2] == pytest.approx(0.5 + 2 * t, abs=1e-3)


def test_impact_is_the_moment_the_ground_is_reached() -> None:
    path = fly(STONE, 0.0, (0.0, 20.0, 0.0), (0.0, 0.0, 0.0))
    assert path.places[-1, 1] == pytest.approx(0, abs=1e-9)
    assert path.end_seconds == pytest.approx((2 * 20 / GRAVITY_M_S2) ** 0.5, abs=2e-3)


def test_light_things_reach_their_terminal_speed_and_no_more() -> None:
    path = fly(FEATHER, 0.0, (0.0, 60.0, 0.0), (0.0, 0.0, 0.0))
    speeds = -path.velocities[:, 1]
    assert speeds.max() == pytest.approx(FEATHER.terminal_m_s, rel=0.01)


def test_wind_carries_light_things_along() -> None:
    path = fly(FEATHER, 0.0, (0.0, 60.0, 0.0), (0.0, 0.0, 0.0), wind=(2.0, 0.0, 0.0))
    assert path.velocities[-1, 0] == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("thing", list(Thing))
def test_every_thing_has_a_plausible_size_and_terminal_speed(thing: Thing) -> None:
    mesh, body = make_thing(thing, stream(3, "thing", thing))
    assert 0.05 <= mesh.mean_diameter_m <= 0.45
    assert 1.0 <= body.terminal_m_s <= 45
    extent = mesh.vertices.max(axis=0) - mesh.vertices.min(axis=0)
    assert 0.05 <= extent.max() <= 0.7


def test_path_stands_still_outside_its_time() -> None:
    path = fly(STONE, 1.0, (0.0, 10.0, 0.0), (0.0, 0.0, 0.0))
    before, after = path.at(np.array([0.0, 99.0]))
    assert before == pytest.approx(path.places[0])
    assert after == pytest.approx(path.places[-1])
