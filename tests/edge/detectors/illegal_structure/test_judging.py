"""What the register says of something built."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely import affinity

from contract.events import Severity
from edge.detectors.illegal_structure.finding import Change
from edge.detectors.illegal_structure.judging import Untold, Verdict, doubt_m, judge, margin_m
from edge.detectors.illegal_structure.settings import IllegalStructureSettings
from edge.flights.register.features import Layer, Validity
from tests.edge.detectors.illegal_structure.ground import SETTINGS, TODAY, box, entry, found, register

HOUSE = box(0, 0, 12, 10)
SIDES = st.floats(3, 40)
SIGMAS = st.floats(0, 2)


def judged(outline, *entries, day=TODAY, standing=(), config=SETTINGS, **fields):
    return judge(found(outline, **fields), register(*entries), day, config, standing)


@st.composite
def houses(draw):
    """Rectangles and L shapes, turned."""
    width, height = draw(SIDES), draw(SIDES)
    shape = box(0, 0, width, height)
    if draw(st.booleans()):
        shape = shape.difference(box(width * 0.6, height * 0.6, width, height))
    turned = affinity.rotate(shape, draw(st.floats(0, 90)), origin=(0, 0))
    return affinity.translate(turned, draw(st.floats(-300, 300)), draw(st.floats(-300, 300)))


@settings(deadline=None)
@given(house=houses(), sigma=SIGMAS, entry_sigma=SIGMAS, share=st.floats(0.2, 1), data=st.data())
def test_what_lies_in_an_approved_outline_and_its_margin_is_never_told(house, sigma, entry_sigma, share, data) -> None:
    approved = entry(Layer.APPROVED, house, sigma_m=entry_sigma)
    margin = margin_m(found(house, sigma), approved, SETTINGS)
    widened = house.buffer(margin, join_style="mitre", mitre_limit=2.0)
    part = affinity.scale(widened, share, share, origin=widened.representative_point())
    outline = shapely.intersection(part, widened)
    outline = max(shapely.get_parts(outline), key=lambda one: one.area)
    change = data.draw(st.sampled_from([Change.APPEARED, Change.RECOVERED]))
    result = judged(outline, approved, sigma_m=sigma, change=change)
    assert result.untold in (Untold.APPROVED, Untold.CHANGED_ROOF, Untold.TOO_SMALL)
    assert result.exceeded_m2 < 1e-6


def test_the_margin_is_the_eaves_and_two_sigmas_of_both() -> None:
    """Sigmas of 0.3 and 0.4 m are 0.5 together: 0.8 + 2 × 0.5 = 1.8 m, all around, corners included."""
    approved = entry(Layer.APPROVED, HOUSE, sigma_m=0.4)
    assert judged(box(-1.79, -1.79, 15.58, 13.58), approved).exceeded_m2 == 0
    longer = judged(box(0, 0, 17, 10), approved)
    assert longer.exceeded_m2 == pytest.approx((5 - 1.8) * 10)
    bare = judged(box(0, 0, 17, 10), approved, config=IllegalStructureSettings(eaves_m=0, sigmas=0))
    assert bare.exceeded_m2 == pytest.approx(50)


@settings(deadline=None)
@given(out_m=st.floats(3, 30), side=st.floats(3, 30), sigma=st.floats(0, 1), turn=st.floats(0, 360))
def test_the_exceeded_area_is_what_stands_beyond_the_margin(out_m, side, sigma, turn) -> None:
    """An extension of `out_m` × `side` to a house: the margin is taken off its depth; eaves, if most of it is house."""
    extended = shapely.union(HOUSE, box(12, 1, out_m, min(side, 8)))
    margin = (margin_m if HOUSE.area >= extended.area / 2 else doubt_m)(
        found(HOUSE, sigma), entry(Layer.APPROVED, HOUSE), SETTINGS
    )
    assume(out_m - margin > SETTINGS.min_width_m + 0.01)
    expected = (out_m - margin) * min(side, 8)

    def moved(shape):
        return affinity.rotate(shape, turn, origin=(0, 0))

    result = judged(moved(extended), entry(Layer.APPROVED, moved(HOUSE)), sigma_m=sigma)
    assert result.exceeded_m2 == pytest.approx(expected, rel=1e-3)
    assert (result.untold is None) == (expected >= SETTINGS.min_area_m2)
    assert result.verdict is Verdict.EXTENDED
    assert not result.exceedance.intersects(moved(HOUSE).buffer(margin * 0.99))


@settings(deadline=None)
@given(house=houses(), sigma=st.floats(0, 1))
def test_the_exceedance_agrees_with_counting_points(house, sigma) -> None:
    """A grid of points, each asked by itself: farther than the margin from the approved outline, corner by corner."""
    approved = affinity.translate(affinity.scale(house, 0.6, 0.6), 1.0, 0.5)
    item = entry(Layer.APPROVED, approved)
    config = IllegalStructureSettings(min_width_m=0)
    result = judged(house, item, sigma_m=sigma, config=config)
    within = house.intersection(approved).area
    margin = (margin_m if within >= house.area / 2 else doubt_m)(found(house, sigma), item, config)
    west, south, east, north = house.bounds
    xs, ys = np.meshgrid(np.arange(west, east, 0.25), np.arange(south, north, 0.25))
    points = shapely.points(xs.ravel(), ys.ravel())
    inside = shapely.contains(house, points)
    surely_out = inside & (shapely.distance(approved, points) > margin * math.sqrt(2) * 1.01 + 0.01)
    surely_in = shapely.distance(approved, points) < margin - 1e-6  # on the line it is neither
    assert shapely.intersects(result.exceedance, points[surely_out]).all()
    assert not shapely.intersects(result.exceedance, points[surely_in]).any()


@given(side=st.floats(1, 30))
def test_small_things_are_not_told(side) -> None:
    result = judged(box(0, 0, side, side))
    assert (result.untold is Untold.TOO_SMALL) == (side * side < SETTINGS.min_area_m2)


def test_a_new_shed_in_a_yard_is_new_and_one_at_a_wall_is_an_extension() -> None:
    approved = entry(Layer.APPROVED, HOUSE, "house")
    assert judged(box(20, 0, 4, 4), approved).verdict is Verdict.NEW
    lean_to = judged(box(12.2, 0, 4, 6), approved)
    assert (lean_to.verdict, lean_to.approved) == (Verdict.EXTENDED, approved)
    assert lean_to.exceeded_m2 < 24, "what lies within the doubt about the wall counts as the house's"
    beside_old = judged(box(12.2, 0, 4, 6), standing=[HOUSE])
    assert (beside_old.verdict, beside_old.approved) == (Verdict.EXTENDED, None)
    assert beside_old.exceeded_m2 == pytest.approx(24), "what merely stands there covers nothing"


def test_eaves_are_a_roofs_that_is_approved_and_not_of_what_stands_beside_it() -> None:
    """A canopy of 2.9 m between two houses would lie within the eaves of both."""
    south, north = entry(Layer.APPROVED, HOUSE), entry(Layer.APPROVED, box(0, 12.9, 12, 10))
    canopy = judged(box(0, 10, 12, 2.9), south, north, sigma_m=0.1)
    assert (canopy.untold, canopy.verdict) == (None, Verdict.EXTENDED)
    assert canopy.exceeded_m2 == pytest.approx(12 * (2.9 - 2 * doubt_m(found(HOUSE, 0.1), south, SETTINGS)))
    roof = judged(box(-0.9, -0.9, 13.8, 11.8), south, sigma_m=0.1)
    assert roof.untold is Untold.APPROVED
    permit = entry(Layer.PERMIT, box(0, 10, 12, 2.9), valid_until=TODAY)
    assert judged(box(0, 10, 12, 2.9), south, north, permit, sigma_m=0.1).untold is Untold.PERMITTED


def test_a_crooked_outline_is_no_exceedance() -> None:
    """Drawn two metres too long by a hand's breadth beyond the margin: a strip, however long."""
    approved = entry(Layer.APPROVED, box(0, 0, 60, 10))
    margin = margin_m(found(HOUSE), approved, SETTINGS)
    strip = judged(box(0, 0, 60, 10 + margin + 0.4), approved)
    assert (strip.untold, strip.exceeded_m2) == (Untold.APPROVED, 0)
    storey = judged(box(0, 0, 60, 10 + margin + 1.5), approved)
    assert storey.exceeded_m2 == pytest.approx(90, rel=0.01)


def test_a_new_roof_in_an_approved_outline_is_counted_or_told_as_configured() -> None:
    approved = entry(Layer.APPROVED, HOUSE)
    assert judged(HOUSE, approved, change=Change.RECOVERED).untold is Untold.CHANGED_ROOF
    told = judged(HOUSE, approved, change=Change.RECOVERED, config=IllegalStructureSettings(changed_roofs="review"))
    assert (told.untold, told.verdict, told.exceeded_m2) == (None, Verdict.HIGHER_UNKNOWN, 0)
    unapproved = judged(HOUSE, change=Change.RECOVERED)
    assert (unapproved.untold, unapproved.verdict) == (None, Verdict.HIGHER_UNKNOWN)


@given(first=st.integers(-400, 400), length=st.integers(0, 800))
def test_a_permit_covers_on_its_days_and_no_others(first, length) -> None:
    valid_from = TODAY + timedelta(days=first)
    valid_until = valid_from + timedelta(days=length)
    permit = entry(Layer.PERMIT, HOUSE, "p-1", valid_from=valid_from, valid_until=valid_until)
    result = judged(HOUSE, permit)
    in_force = valid_from <= TODAY <= valid_until
    assert (result.untold is Untold.PERMITTED) == in_force
    assert result.permit is permit
    expected = Validity.VALID if in_force else Validity.EXPIRED if valid_until < TODAY else Validity.NOT_YET
    assert result.permit_validity is expected
    assert result.exceeded_m2 == pytest.approx(0 if in_force else HOUSE.area)


def test_a_permits_last_day_is_included_and_the_next_is_not() -> None:
    permit = entry(Layer.PERMIT, HOUSE, "p-1", valid_until=date(2026, 11, 22))
    assert judged(HOUSE, permit, day=date(2026, 11, 22)).untold is Untold.PERMITTED
    late = judged(HOUSE, permit, day=date(2026, 11, 23))
    assert (late.untold, late.permit, late.permit_validity) == (None, permit, Validity.EXPIRED)


def test_a_permit_whose_days_cannot_be_read_covers_nothing_and_is_named() -> None:
    permit = entry(Layer.PERMIT, HOUSE, "p-1", dates_readable=False)
    result = judged(HOUSE, permit)
    assert (result.untold, result.permit_validity) == (None, Validity.UNREADABLE)


def test_of_several_permits_the_one_in_force_is_named_then_the_latest() -> None:
    old = entry(Layer.PERMIT, HOUSE, "old", valid_until=date(2024, 1, 1))
    older = entry(Layer.PERMIT, HOUSE, "older", valid_until=date(2020, 1, 1))
    assert judged(HOUSE, older, old).permit is old
    small = entry(Layer.PERMIT, box(0, 0, 3, 3), "small")
    beyond = judged(HOUSE, older, small, old)
    assert beyond.permit is old, "one for a corner is for something else"
    assert 0 < beyond.exceeded_m2 < HOUSE.area
    now = entry(Layer.PERMIT, box(0, 0, 9, 10), "now")
    assert judged(HOUSE, older, old, now).permit is now


def test_a_permit_may_allow_less_than_its_plot() -> None:
    plot = entry(Layer.PERMIT, box(-20, -20, 60, 60), "plot", area_m2=120)
    assert judged(box(0, 0, 12, 10), plot).untold is Untold.PERMITTED
    large = judged(box(0, 0, 30, 20), plot)
    assert (large.untold, large.over_area, large.permit) == (None, True, plot)
    assert 0 < large.exceeded_m2 < 480, "what the drawing may be wrong by is taken off"
    unlimited = entry(Layer.PERMIT, box(-20, -20, 60, 60), "other")
    assert judged(box(0, 0, 30, 20), plot, unlimited).untold is Untold.PERMITTED


@pytest.mark.parametrize("layer", [Layer.ROAD, Layer.GREEN, Layer.WATER])
def test_what_stands_on_a_road_in_green_or_in_water_is_graver(layer) -> None:
    ground = entry(layer, box(10, -50, 8, 100))
    across = judged(box(8, 0, 8, 4), ground)
    assert (across.on, across.severity) == ((layer,), Severity.YELLOW)
    beside = judged(box(2, 0, 8.3, 4), ground)
    assert (beside.on, beside.severity) == ((), Severity.BLUE), "a hand's breadth over the line is a drawing error"
    tiny = judged(box(12, 0, 3, 3), ground, sigma_m=1.5)
    assert tiny.on == (layer,), "smaller than its own uncertainty, but its middle lies there"


def test_large_things_and_ordered_ones_are_yellow_and_nothing_is_red() -> None:
    assert judged(box(0, 0, 12, 10)).severity is Severity.YELLOW
    assert judged(box(0, 0, 8, 10)).severity is Severity.BLUE
    order = entry(Layer.ORDER, box(1, 1, 5, 5), "order-7")
    ordered = judged(box(0, 0, 8, 10), order)
    assert (ordered.severity, ordered.order) == (Severity.YELLOW, order)
    assert judged(box(30, 0, 8, 10), order).order is None


@settings(deadline=None)
@given(houses(), st.lists(st.tuples(st.sampled_from(Layer), houses(), SIGMAS), max_size=6), SIGMAS)
def test_whatever_lies_around_the_judgement_holds_together(house, around, sigma) -> None:
    entries = [entry(layer, outline, f"e{n}", sigma) for n, (layer, outline, sigma) in enumerate(around)]
    result = judged(house, *entries, sigma_m=sigma)
    assert 0 <= result.exceeded_m2 <= house.area * 1.001
    assert result.severity is not Severity.RED
    assert (result.untold is None) == (
        result.exceeded_m2 >= SETTINGS.min_area_m2 and house.area >= SETTINGS.min_area_m2
    )
