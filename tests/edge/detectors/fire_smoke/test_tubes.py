"""Votes are counted in seconds; one place is one tube."""

from __future__ import annotations

import pytest

from edge.detectors.fire_smoke.growth import growth_per_minute
from edge.detectors.fire_smoke.proposals import PictureBox, Proposal, Proposer, around, gap, inside, iou
from edge.detectors.fire_smoke.settings import Hazard, TubeSettings
from edge.detectors.fire_smoke.tubes import Tube, Tubes

SETTINGS = TubeSettings()
BOX: PictureBox = (100.0, 50.0, 20.0, 30.0)


def proposal(
    t: float,
    box: PictureBox = BOX,
    *,
    hazard: Hazard = Hazard.FIRE,
    proposer: Proposer = Proposer.FLAME,
    confidence: float = 0.5,
) -> Proposal:
    return Proposal(hazard, proposer, box, confidence, t)


def voted(*times: float) -> Tube:
    tubes = Tubes(SETTINGS)
    for t in times:
        tubes.take([proposal(t)])
    return tubes.all[0]


def test_boxes_overlap_as_they_should() -> None:
    other = (110.0, 50.0, 20.0, 30.0)
    assert iou(BOX, other) == pytest.approx(1 / 3)
    assert inside(BOX, (90.0, 40.0, 100.0, 100.0)) == 1.0
    assert around(BOX, other) == (100.0, 50.0, 30.0, 30.0)
    assert gap(BOX, other) == 0.0
    assert gap(BOX, (125.0, 90.0, 5.0, 5.0)) == 10.0
    assert iou(BOX, (100.0, 50.0, 0.0, 0.0)) == 0.0 and inside((1.0, 1.0, 0.0, 0.0), BOX) == 0.0


def test_five_frames_of_one_flash_are_one_vote() -> None:
    tube = voted(10.0, 10.04, 10.08, 10.12, 10.16)
    assert (tube.seconds_voted(10.2, SETTINGS), tube.fast_slots(10.2, SETTINGS)) == (1, 1)
    assert tube.spread_votes(10.2, SETTINGS) == 1


def test_votes_are_counted_by_second_slot_and_spacing() -> None:
    tube = voted(*(10 + step / 2 for step in range(20)))
    assert tube.seconds_voted(20, SETTINGS) == 10
    assert tube.fast_slots(19.9, SETTINGS) == 10
    assert tube.spread_votes(20, SETTINGS) == 5
    assert tube.seconds_voted(35, SETTINGS) == 5, "what is older than the window counts no more"


def test_a_late_answer_votes_where_it_belongs() -> None:
    tubes = Tubes(SETTINGS)
    for t in (10.0, 11.0, 13.0):
        tubes.take([proposal(t)])
    tubes.take([proposal(12.0, proposer=Proposer.MODEL, confidence=0.8)])
    tube = tubes.all[0]
    assert [vote.media_time for vote in tube.votes] == [10.0, 11.0, 12.0, 13.0]
    assert tube.seen == 13.0 and tube.proposers == {Proposer.FLAME, Proposer.MODEL}


def test_tubes_of_one_place_merge_and_others_do_not() -> None:
    tubes = Tubes(SETTINGS)
    for t in (1.0, 1.5, 2.0):
        tubes.take([proposal(t), proposal(t, (200.0, 50.0, 20.0, 30.0)), proposal(t, BOX, hazard=Hazard.SMOKE)])
    assert len(tubes.all) == 3
    for step in range(20):
        tubes.take([proposal(3.0 + step / 2, (95.0, 45.0, 130.0, 40.0), confidence=0.9)])
    assert [tube.hazard for tube in tubes.all] == [Hazard.FIRE, Hazard.SMOKE], "the large one took in the other"


def test_what_is_not_seen_for_long_is_forgotten_and_its_number_with_it() -> None:
    tubes = Tubes(SETTINGS)
    tubes.take([proposal(1.0)])
    tubes.expire(1.0 + SETTINGS.lost_seconds)
    assert len(tubes.all) == 1
    tubes.expire(1.1 + SETTINGS.lost_seconds)
    assert tubes.all == ()
    tubes.take([proposal(20.0)])
    assert tubes.all[0].number == 2


def test_weather_makes_no_more_tubes_than_can_be_looked_at() -> None:
    tubes = Tubes(SETTINGS)
    tubes.take([proposal(1.0, (40.0 * place, 10.0, 20.0, 20.0)) for place in range(40)])
    tubes.expire(1.0)
    assert len(tubes.all) == 12


def test_areas_that_breathe_vary_and_others_do_not() -> None:
    still = voted(*(float(t) for t in range(8)))
    assert still.area_variation(8, 20) == 0.0
    tubes = Tubes(SETTINGS)
    for t in range(8):
        tubes.take([proposal(float(t), (100.0, 50.0, 20.0, 30.0 + 10 * (t % 2)))])
    breathing = tubes.all[0].area_variation(8, 20)
    assert breathing is not None and breathing == pytest.approx(1 / 7, rel=0.01)
    assert voted(1.0, 2.0).area_variation(2, 20) is None


def test_growth_is_relative_and_by_the_minute() -> None:
    doubling = [(float(t), 100.0 * 2 ** (t / 60)) for t in range(0, 61)]
    assert growth_per_minute(doubling) == pytest.approx(1.0, abs=0.01)
    halving = [(float(t), 100.0 * 2 ** (-t / 60)) for t in range(0, 61)]
    assert growth_per_minute(halving) == pytest.approx(-0.5, abs=0.01)
    jumps = [(t, area * (5 if t % 7 == 0 else 1)) for t, area in doubling]
    assert growth_per_minute(jumps) == pytest.approx(1.0, abs=0.2), "a box that leaps now and then changes nothing"
    assert growth_per_minute(doubling[:15]) is None and growth_per_minute([]) is None
    assert growth_per_minute([(float(t), 10.0**t) for t in range(30)]) == 50.0
