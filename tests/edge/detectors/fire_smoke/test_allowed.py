"""Where it may burn nothing is told that is usual there, and what is not usual is for review."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contract.events import Severity, Tier
from edge.detectors.fire_smoke.allowed import Allowed
from edge.detectors.fire_smoke.settings import AllowedRegion, Hazard
from edge.detectors.interface import Frame
from tests.edge.detectors.fire_smoke.scenes import detector, film, flame, seen

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
KITCHEN = AllowedRegion(name="kitchen", polygon=((100, 60), (220, 60), (220, 160), (100, 160)))
BOX = (140.0, 90.0, 30.0, 30.0)
PLACE = ("kitchen", Hazard.FIRE)


def learned(hours: range = range(11, 13), area: float = 900.0) -> Allowed:
    """A kitchen that burned at these hours of every day, watched for six weeks."""
    burned = [6.0 if hour % 24 in hours else 0.0 for hour in range(168)]
    allowed = Allowed((KITCHEN,), ZoneInfo("UTC"), 320.0 * 180.0)
    allowed.load(
        {"kitchen/fire": {"watched": [6.0] * 168, "burned": burned, "largest": area / (320 * 180), "days": 42.0}}
    )
    return allowed


def test_a_box_belongs_to_the_region_that_holds_more_than_half_of_it() -> None:
    allowed = Allowed((KITCHEN,), ZoneInfo("UTC"), 320.0 * 180.0)
    assert allowed.region_of(Hazard.FIRE, BOX) is KITCHEN
    assert allowed.region_of(Hazard.FIRE, (204.0, 90.0, 30.0, 30.0)) is KITCHEN
    assert allowed.region_of(Hazard.FIRE, (206.0, 90.0, 30.0, 30.0)) is None
    only_smoke = AllowedRegion(name="chimney", polygon=KITCHEN.polygon, hazards=(Hazard.SMOKE,))
    assert Allowed((only_smoke,), ZoneInfo("UTC"), 1.0).region_of(Hazard.FIRE, BOX) is None


def test_usual_hours_are_learned_and_others_are_unusual() -> None:
    allowed = learned()
    noon, night = MONDAY + timedelta(days=28, hours=12), MONDAY + timedelta(days=28, hours=3)
    assert allowed.verdict(KITCHEN, Hazard.FIRE, 900.0, noon) is None
    assert allowed.verdict(KITCHEN, Hazard.FIRE, 900.0, night) == "unusual hour"
    assert allowed.verdict(KITCHEN, Hazard.FIRE, 4000.0, noon) == "larger than usual"
    assert allowed.rates(noon)["kitchen/fire"]["rate"] > 0.7
    assert allowed.rates(night)["kitchen/fire"]["rate"] < 0.02


def test_before_it_has_learned_nothing_of_it_is_told() -> None:
    allowed = Allowed((KITCHEN,), ZoneInfo("UTC"), 320.0 * 180.0)
    assert allowed.verdict(KITCHEN, Hazard.FIRE, 9000.0, MONDAY + timedelta(hours=3)) is None


def test_what_is_told_is_learned_slowly() -> None:
    allowed, night = learned(), MONDAY + timedelta(days=28, hours=3)
    for second in range(600):
        allowed.observe({PLACE: 9000.0}, night + timedelta(seconds=second), {PLACE})
    assert allowed.verdict(KITCHEN, Hazard.FIRE, 9000.0, night + timedelta(days=7)) == "larger than usual"


def test_what_was_learned_is_kept() -> None:
    before = learned()
    after = Allowed((KITCHEN,), ZoneInfo("UTC"), 320.0 * 180.0)
    after.load(before.save())
    assert after.save() == before.save()
    after.load({"kitchen/fire": {"watched": [1.0] * 167, "burned": [0.0] * 168, "largest": 0.1, "days": 3}})
    assert after.save() == before.save(), "what does not fit is left out"
    after.load({"kitchen/fire": {**before.save()["kitchen/fire"], "largest": float("nan")}})
    assert after.save() == before.save()


def test_an_hour_that_burns_is_learned_by_the_second() -> None:
    allowed = Allowed((KITCHEN,), ZoneInfo("UTC"), 320.0 * 180.0)
    for second in range(3600):
        allowed.observe({PLACE: 900.0} if second >= 1800 else {}, MONDAY + timedelta(seconds=second))
    told = allowed.rates(MONDAY + timedelta(minutes=30))["kitchen/fire"]
    assert told["rate"] == pytest.approx(0.5, abs=0.02)
    assert told["days"] == pytest.approx(1 / 24, abs=0.005)
    allowed.observe({}, MONDAY + timedelta(days=3))
    assert allowed.rates(MONDAY)["kitchen/fire"]["days"] == pytest.approx(1 / 24, abs=0.005), "a gap was not watched"


SETTINGS: dict[str, Any] = {"allowed": [{**KITCHEN.model_dump(mode="json"), "learn_days": 14}], "timezone": "UTC"}


def at(frames: Iterator[Frame], hour: float) -> Iterator[Frame]:
    """The same frames on another Monday at an hour."""
    began = MONDAY + timedelta(days=7, hours=hour)
    for one in frames:
        yield replace(one, wall_time=began + timedelta(seconds=one.media_time))


@pytest.mark.parametrize(
    ("hour", "told"), [(12.0, False), (3.0, True)], ids=["at noon, as on every day", "in the night"]
)
def test_a_kitchens_fire_is_for_review_only_where_it_is_unusual(hour: float, told: bool) -> None:
    made = detector(SETTINGS)
    saved = learned().save()
    made.load({"allowed": saved})
    found = seen(made, at(film(flame(begins=2), 14, fps=8), hour))
    assert bool(found) is told
    assert all((one.tier, one.severity) == (Tier.REVIEW, Severity.YELLOW) for one in found)
    assert made.report()["allowed"]["kitchen/fire"]["days"] > 40
