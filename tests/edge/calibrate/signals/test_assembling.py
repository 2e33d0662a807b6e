"""Lights as lamps of heads: what takes turns in a row is a head, what only goes on and off is none."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import numpy as np

from edge.calibrate.signals.assembling import FoundHead, FoundLamp, assemble, one_a_place
from edge.calibrate.signals.blobs import brightest_channel, lights
from edge.calibrate.signals.history import LampHistory
from edge.calibrate.signals.proposing import BoxFound, propose
from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal.settings import Colour, Shape

SAMPLES, CYCLE = 120, 40
SIZE = PictureSize(640, 360)


def spans(*parts: tuple[int, int]) -> frozenset[int]:
    """Samples of three cycles that lie in the parts (first, beyond) of a cycle."""
    within = [range(start, end) for start, end in parts]
    return frozenset(cycle + at for cycle in range(0, SAMPLES, CYCLE) for at in chain(*within))


def lamp(x: float, y: float, colour: Colour, lit: Iterable[int], *, framed: bool = True) -> FoundLamp:
    return FoundLamp(x, y, 12.0, colour, Shape.BALL, frozenset(lit), framed=framed)


def head_at(x: float, y: float = 50.0) -> list[FoundLamp]:
    return [
        lamp(x, y, Colour.RED, spans((0, 20))),
        lamp(x, y + 16, Colour.AMBER, spans((37, 40))),
        lamp(x, y + 32, Colour.GREEN, spans((20, 37))),
    ]


def colours(head: FoundHead) -> list[str]:
    return [one.colour.value for one in head.lamps]


def test_lamps_that_take_turns_are_a_head() -> None:
    (head,) = assemble(head_at(100), SAMPLES)
    assert head.sure
    assert colours(head) == ["red", "amber", "green"]


def test_an_arrow_begins_and_ends_with_a_phase() -> None:
    arrow = lamp(300, 82, Colour.GREEN, spans((20, 37)))
    window = lamp(300, 82, Colour.GREEN, spans((5, 14)))
    once = lamp(300, 82, Colour.GREEN, range(20, 37))
    assert [len(head.lamps) for head in assemble([*head_at(100), arrow], SAMPLES)] == [3, 1]
    for other in (window, once):
        assert [len(head.lamps) for head in assemble([*head_at(100), other], SAMPLES)] == [3]


def test_a_light_on_a_bright_wall_needs_the_looks_of_a_head() -> None:
    found = assemble([*head_at(100), lamp(300, 82, Colour.GREEN, spans((20, 37)), framed=False)], SAMPLES)
    assert [head.sure for head in found] == [True, False]
    alone = propose(found, [], size=SIZE)
    assert len(alone.heads) == 1
    assert any("left out: lights that go on and off" in note and "(300, 82)" in note for note in alone.notes)
    assert len(propose(found, [BoxFound((291, 73, 309, 91), 0.4)], size=SIZE).heads) == 2


def test_what_lies_too_far_or_too_near_belongs_to_no_head() -> None:
    far = lamp(100, 82 + 34, Colour.GREEN, spans((37, 39)))
    near = lamp(100, 58, Colour.AMBER, spans((38, 40)))
    for other in (far, near):
        found = assemble([*head_at(100), other], SAMPLES)
        assert [colours(head) for head in found if len(head.lamps) > 1] == [["red", "amber", "green"]]


def test_a_faint_light_between_red_and_green_is_the_amber() -> None:
    red, _, green = head_at(100)
    red, green = (FoundLamp(one.x, one.y, 15.0, one.colour, one.shape, one.lit, framed=True) for one in (red, green))
    amber_elsewhere = head_at(300)
    assert colours(assemble([red, green, *amber_elsewhere], SAMPLES)[0]) == ["red", "green"]
    with_faint = assemble([red, green, *amber_elsewhere], SAMPLES, [(100.4, 66.5)])
    assert colours(with_faint[0]) == ["red", "amber", "green"]
    assert with_faint[0].notes == ("its amber was hardly seen lit: check its place",)


def test_a_red_that_looks_amber_in_the_sun_is_red() -> None:
    washed = [lamp(50, 50, Colour.AMBER, range(60)), lamp(50, 50, Colour.RED, range(60, 90))]
    (one,), displays = one_a_place(washed)
    assert (one.colour, len(one.lit), displays) == (Colour.RED, 90, [])


def test_outlines_end_with_the_picture() -> None:
    found = assemble(head_at(5, 3), SAMPLES)
    (head,) = propose(found, [], size=SIZE).heads.values()
    assert min(min(point) for point in head.polygon) == 0


def test_what_is_drawn_into_a_corner_is_left_out_with_a_word() -> None:
    logo = BoxFound((10, 300, 30, 350), 0.84, unchanged=True)
    asked = propose([], [logo], size=SIZE)
    assert not asked.heads
    assert any("(20, 325), in the picture's corner, never changed" in note for note in asked.notes)
    elsewhere = propose([], [BoxFound((310, 100, 330, 150), 0.84, unchanged=True)], size=SIZE)
    assert any("nothing in it ever changed" in note for note in elsewhere.notes)
    assert len(propose([], [BoxFound((10, 300, 30, 350), 0.84)], size=SIZE).heads) == 1


def test_what_never_changed_is_known() -> None:
    rng = np.random.default_rng(3)
    history = LampHistory()
    still = np.repeat(rng.integers(0, 255, (180, 320, 1), np.uint8), 3, axis=2)
    for number in range(24):
        picture = still.copy()
        picture[40:60, 200:212] = 255 if number % 6 < 3 else 20
        history.add(picture)
        assert not history.unchanged((10, 140, 24, 170)) or number >= 19
    assert history.unchanged((10, 140, 24, 170))
    assert not history.unchanged((198, 36, 214, 64))


def test_a_red_bus_leaves_no_green_wall() -> None:
    wall = np.full((90, 160, 3), 205, np.uint8)
    bus = np.full_like(wall, 205)
    bus[30:60, 60:84] = (60, 110, 180)
    floor = np.minimum(brightest_channel(wall), brightest_channel(bus))
    assert not lights(wall, floor)
    lit = wall.copy()
    lit[38:48, 68:78] = (90, 230, 60)
    assert [(blob.colour, round(blob.x), round(blob.y)) for blob in lights(lit, floor)] == [(Colour.GREEN, 72, 42)]
