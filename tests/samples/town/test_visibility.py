"""What pictures show of a roof, against what the renderer draws."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contract.geometry import Point
from samples.town.changes import Change, ChangeKind
from samples.town.flying import NO_NOISE, Plan
from samples.town.pairs import Flown
from samples.town.state import FlightState
from samples.town.visibility import visible_shares
from samples.town.world import Building, Cover, Ground, Town

DAY = FlightState(seed=5, overcast=1.0, noise_sigma=0.0, jpeg_quality=None, blur_px=0.0, vignette=0.0)
PLAN = Plan(500, 400, 0.2, wander_m=0.0, sway_deg=0.0)
TOWER = Building(1, 0.0, 0.0, 10.0, 10.0, 0.0, 24.0)


def _flown(shed: Building) -> tuple[Flown, Change]:
    town = Town(1, 120.0, Point(coordinates=(113.6, 34.7)), Ground.ASPHALT, (), (), (TOWER, shed), ())
    change = Change(shed.key, ChangeKind.NEW_SHED, shed.footprint(), 16.0, shed.eaves_m, 0.0)
    return Flown("after", town, DAY, PLAN, NO_NOISE, datetime(2026, 5, 1, tzinfo=UTC)), change


@pytest.mark.parametrize(("east", "north"), [(8.0, 0.0), (-7.5, 3.0), (0.0, 9.0), (30.0, -25.0)])
def test_shares_agree_with_what_is_drawn(east: float, north: float) -> None:
    flown, change = _flown(Building(2, east, north, 4.0, 4.0, 0.0, 2.6, cover=Cover.STEEL_RED))
    shares = visible_shares(flown, change)
    assert shares.max() > 0.9
    for n in range(len(flown.survey.shots)):
        picture = flown.picture(n).astype(int)
        red = (picture[..., 2] - picture[..., 0] > 50).sum()
        whole = (4.0 / PLAN.gsd_m * PLAN.up_m / (PLAN.up_m - 2.6)) ** 2
        assert shares[n] == pytest.approx(red / whole, abs=0.2)


def test_what_no_picture_holds_has_no_share() -> None:
    flown, change = _flown(Building(2, 500.0, 0.0, 4.0, 4.0, 0.0, 2.6))
    assert not visible_shares(flown, change).any()
    assert not visible_shares(flown, replace(change, outline=change.outline + 1e6)).any()
