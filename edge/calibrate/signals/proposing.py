"""Proposed heads as settings: boxes of the model and heads from history merged, lamps placed, every doubt said."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from edge.calibrate.signals.history import PITCH, FoundHead, FoundLamp
from edge.detectors.traffic_signal.settings import (
    Colour,
    CountdownSettings,
    HeadKind,
    HeadSettings,
    LampSettings,
    Shape,
)

MARGIN = 0.33
"""Housing beyond the lenses, in diameters: made heads and the labelled real ones have 0.2-0.45."""
LENS_OF_SIDE = 0.6
"""Diameter of a lens as a share of its housing's short side."""
INSIDE = 0.15
"""Of a box' size, by which the model's box may miss a lamp."""
BOX_FITS = 2.6
"""A box of more than so many times the area of lenses and margin is not the outline of the head."""
TWO_LAMPS, FOUR_LAMPS = 2.05, 3.3
"""Long side over short side: below, a head has two lamps; above, four."""
SAME_BOX = 0.4
"""Intersection over union."""
DARK_SHARE = 0.12
"""Of the samples in which nothing was lit: beyond it the dark time belongs to the cycle."""
LENS_OF_PITCH, FILLS = 0.76, 0.8
"""Lenses lie 1.05-1.4 diameters apart. What is smaller than this share of a lens at its pitch is a figure in one."""
EVEN = (0.8, 1.3)
"""Lamps of one head are of one size; halos make the brightest look larger."""
LOOKS_ALONE, LOOKS_BESIDE = 0.45, 0.7
"""Score of the model from which a box without changing lamps is proposed: where nothing else was found, and beside
heads whose lamps were seen to take turns. On the real clip's pictures heads have 0.70-0.92, other things up to 0.65."""
COUNTDOWN_GAP, COUNTDOWN_HALF = 0.6, 0.75
"""In widths of the digits' light: how near the head's outline they must be, and half the side of the outline drawn."""
CANONICAL = (Colour.RED, Colour.AMBER, Colour.GREEN)
MAX_HEADS = 48

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class BoxFound:
    """A head that the model proposes. `box`: (left, top, right, bottom), pixels."""

    box: Rectangle
    score: float
    lit: tuple[FoundLamp, ...] = ()
    """Lamps that were found inside, lit or not, by their looks."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Heads for the installer to correct, by id in reading order, with what should be looked at."""

    heads: Mapping[str, HeadSettings]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    lamps: tuple[FoundLamp, ...]
    outline: Rectangle
    notes: tuple[str, ...]
    lit_share: float | None


def propose(found: Sequence[FoundHead], boxes: Sequence[BoxFound], displays: Sequence[FoundLamp] = ()) -> Proposal:
    """One proposal of what history and model found; any may be empty. `displays`: digits that count."""
    boxes = _distinct(boxes)
    candidates = []
    taken: set[int] = set()
    for head in found:
        inside = [number for number, box in enumerate(boxes) if _holds(box.box, head)]
        number = min(inside, key=lambda number: _area(boxes[number].box), default=None)
        if number is not None:
            taken.add(number)
        candidates.append(_from_history(head, None if number is None else boxes[number]))
    # Lamps that took turns are proof; looks alone must be the surer, the more has been proved without them.
    enough = LOOKS_ALONE if not found else LOOKS_BESIDE
    candidates += [_from_model(box) for number, box in enumerate(boxes) if number not in taken and box.score >= enough]
    ordered = in_reading_order([candidate.outline for candidate in candidates])
    heads: dict[str, HeadSettings] = {}
    notes: list[str] = []
    for number, place in enumerate(ordered[:MAX_HEADS], start=1):
        settings, more = _settings(candidates[place], number)
        heads[f"head-{number}"] = settings
        notes += [f"head-{number}: {note}" for note in (*candidates[place].notes, *more)]
    for display in displays:
        _count_beside(heads, display, notes)
    if len(ordered) > MAX_HEADS:
        notes.append(f"{len(ordered)} heads were found, the first {MAX_HEADS} are proposed")
    if not heads:
        notes.append("no heads were found: draw them, or propose again after some minutes in which the lamps change")
    return Proposal(heads, tuple(notes))


def _count_beside(heads: dict[str, HeadSettings], display: FoundLamp, notes: list[str]) -> None:
    """Gives a display to the head that it touches, or nearly so."""
    reach = [(_gap(head, display), head_id) for head_id, head in heads.items() if head.countdown is None]
    gap, head_id = min(reach, default=(math.inf, ""))
    if gap > COUNTDOWN_GAP * display.diameter:
        return
    half = COUNTDOWN_HALF * display.diameter
    left, top, right, bottom = (
        round(value, 1) for value in (display.x - half, display.y - half, display.x + half, display.y + half)
    )
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    heads[head_id] = heads[head_id].model_copy(update={"countdown": CountdownSettings(polygon=corners)})
    notes.append(f"{head_id}: digits that count were found beside it: check their outline")


def _gap(head: HeadSettings, display: FoundLamp) -> float:
    """From the display's centre to the head's outline, less its radius."""
    x = [point[0] for point in head.polygon]
    y = [point[1] for point in head.polygon]
    dx = max(min(x) - display.x, display.x - max(x), 0.0)
    dy = max(min(y) - display.y, display.y - max(y), 0.0)
    return math.hypot(dx, dy) - display.diameter / 2


def in_reading_order(boxes: Sequence[Rectangle]) -> list[int]:
    """Indices by rows from the top and from the left in each; a row is what overlaps its first one's height."""
    left = sorted(range(len(boxes)), key=lambda number: (boxes[number][1], boxes[number][0]))
    order: list[int] = []
    while left:
        first = boxes[left[0]]
        row = [number for number in left if (boxes[number][1] + boxes[number][3]) / 2 <= first[3]]
        order += sorted(row, key=lambda number: boxes[number][0])
        left = [number for number in left if number not in row]
    return order


def _distinct(boxes: Sequence[BoxFound]) -> list[BoxFound]:
    kept: list[BoxFound] = []
    for box in sorted(boxes, key=lambda box: -box.score):
        if all(_overlap(box.box, other.box) < SAME_BOX for other in kept):
            kept.append(box)
    return kept


def _overlap(one: Rectangle, other: Rectangle) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(width, 0) * max(height, 0)
    return common / max(_area(one) + _area(other) - common, 1e-6)


def _area(box: Rectangle) -> float:
    return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)


def _holds(box: Rectangle, head: FoundHead) -> bool:
    return all(_inside(box, lamp.x, lamp.y) for lamp in head.lamps)


def _inside(box: Rectangle, x: float, y: float) -> bool:
    dx, dy = INSIDE * (box[2] - box[0]), INSIDE * (box[3] - box[1])
    return box[0] - dx <= x <= box[2] + dx and box[1] - dy <= y <= box[3] + dy


def _from_history(head: FoundHead, box: BoxFound | None) -> _Candidate:
    lamps, notes = _completed(_even(head.lamps), head.vertical, box)
    own = _outline(lamps)
    outline = own
    if box is None:
        notes = (*notes, "found by its lamps' changes only, not by its looks: check the outline")
    elif _area(box.box) <= BOX_FITS * _area(own) and all(_inside(box.box, lamp.x, lamp.y) for lamp in lamps):
        outline = _joined(box.box, _outline(lamps, 0.05))
    return _Candidate(tuple(lamps), outline, (*head.notes, *notes), head.lit_share)


def _from_model(box: BoxFound) -> _Candidate:
    if len(box.lit) >= 2:
        note = "its lamps were not seen to change: check their colours and order"
        lamps = _even(box.lit)
        return _Candidate(tuple(lamps), _joined(box.box, _outline(lamps, 0.05)), (note,), None)
    note = "found by its looks only, its lamps were not seen to change: check their number, places and colours"
    return _Candidate(tuple(_by_form(box.box)), box.box, (note,), None)


def _by_form(box: Rectangle) -> list[FoundLamp]:
    """Lamps where heads of this form have theirs."""
    width, height = box[2] - box[0], box[3] - box[1]
    vertical = height >= width
    long, short = max(width, height), max(min(width, height), 1.0)
    count = 2 if long / short < TWO_LAMPS else 4 if long / short > FOUR_LAMPS else 3
    colours = {
        2: (Colour.RED, Colour.GREEN),
        3: CANONICAL,
        4: (Colour.RED, Colour.AMBER, Colour.GREEN, Colour.WHITE),
    }[count]
    diameter = min(LENS_OF_SIDE * short, 0.9 * long / count)
    pitch = (long - 0.08 * short) / count
    lamps = []
    for number, colour in enumerate(colours):
        along = long / 2 + (number - (count - 1) / 2) * pitch
        x, y = (box[0] + width / 2, box[1] + along) if vertical else (box[0] + along, box[1] + height / 2)
        lamps.append(FoundLamp(x, y, diameter, colour, Shape.BALL, frozenset(), True))
    return lamps


def _even(lamps: Sequence[FoundLamp]) -> list[FoundLamp]:
    usual = statistics.median(lamp.diameter for lamp in lamps if not lamp.assumed)
    if len(lamps) > 1:
        steps = [math.dist((a.x, a.y), (b.x, b.y)) for a, b in pairwise(lamps)]
        by_pitch = LENS_OF_PITCH * statistics.median(steps)
        if usual < FILLS * by_pitch:  # an arrow, a man: the figure does not fill its lens
            return [replace(lamp, diameter=by_pitch) for lamp in lamps]
    return [replace(lamp, diameter=min(max(lamp.diameter, EVEN[0] * usual), EVEN[1] * usual)) for lamp in lamps]


def _completed(lamps: list[FoundLamp], vertical: bool, box: BoxFound | None) -> tuple[list[FoundLamp], tuple[str, ...]]:
    """With the lamp at an end that never lit: amber beside green has a red on its other side."""
    colours = [lamp.colour for lamp in lamps]
    missing = [colour for colour in (Colour.RED, Colour.GREEN) if colour not in colours]
    if len(lamps) == 1:
        return _around_one(lamps[0], box)
    if len(missing) != 1 or Colour.AMBER not in colours:
        return lamps, ()
    first, last = lamps[0], lamps[-1]
    step = ((last.x - first.x) / (len(lamps) - 1), (last.y - first.y) / (len(lamps) - 1))
    at_front = (lamps[0].colour is Colour.AMBER) == (lamps[-1].colour is not Colour.AMBER)
    end = first if at_front else last
    sign = -1 if at_front else 1
    added = replace(
        end, x=end.x + sign * step[0], y=end.y + sign * step[1], colour=missing[0], lit=frozenset(), assumed=True
    )
    note = f"its {missing[0]} was not seen lit: drawn where it must be"
    return ([added, *lamps] if at_front else [*lamps, added]), (note,)


def _around_one(lamp: FoundLamp, box: BoxFound | None) -> tuple[list[FoundLamp], tuple[str, ...]]:
    """One lamp that changed, in a housing that has room for more: its place there says the others'."""
    if box is None:
        return [lamp], ()
    made = _by_form(box.box)
    nearest = min(range(len(made)), key=lambda number: math.hypot(made[number].x - lamp.x, made[number].y - lamp.y))
    if max(box.box[2] - box.box[0], box.box[3] - box.box[1]) < PITCH[0] * 2 * lamp.diameter:
        return [lamp], ()
    dx, dy = lamp.x - made[nearest].x, lamp.y - made[nearest].y
    lamps = [replace(other, x=other.x + dx, y=other.y + dy, diameter=lamp.diameter) for other in made]
    lamps[nearest] = lamp
    if len({one.colour for one in lamps}) < len(lamps):
        return [lamp], ("only one of its lamps was seen to change: add the others",)
    return lamps, ("only one of its lamps was seen to change: check the others' places and colours",)


def _outline(lamps: Sequence[FoundLamp], margin: float = MARGIN) -> Rectangle:
    reach = [(0.5 + margin) * lamp.diameter for lamp in lamps]
    return (
        min(lamp.x - r for lamp, r in zip(lamps, reach, strict=True)),
        min(lamp.y - r for lamp, r in zip(lamps, reach, strict=True)),
        max(lamp.x + r for lamp, r in zip(lamps, reach, strict=True)),
        max(lamp.y + r for lamp, r in zip(lamps, reach, strict=True)),
    )


def _joined(one: Rectangle, other: Rectangle) -> Rectangle:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _settings(candidate: _Candidate, number: int) -> tuple[HeadSettings, list[str]]:
    notes: list[str] = []
    colours = [lamp.colour for lamp in candidate.lamps]
    pedestrian = len(colours) == 2 and set(colours) == {Colour.RED, Colour.GREEN}
    kind = HeadKind.PEDESTRIAN if pedestrian else HeadKind.VEHICLE
    arrows = {lamp.shape for lamp in candidate.lamps} & {Shape.LEFT, Shape.RIGHT, Shape.STRAIGHT, Shape.U_TURN}
    if len(colours) == 1 or (arrows and candidate.lit_share is not None and candidate.lit_share < 1 - DARK_SHARE):
        kind = HeadKind.ARROW
    if pedestrian:
        notes.append("red and green without amber: taken for one of pedestrians")
    elif arrows:
        notes.append(f"looks like an arrow {', '.join(sorted(shape.value for shape in arrows))}: check the shapes")
    lamps: list[LampSettings] = []
    faces: set[tuple[Colour, Shape]] = set()
    for lamp in candidate.lamps[:6]:
        shape = Shape.PEDESTRIAN if pedestrian else lamp.shape
        if (lamp.colour, shape) in faces:
            shape = next(other for other in Shape if (lamp.colour, other) not in faces)
            notes.append(f"two lamps {lamp.colour.value} {lamp.shape.value}: the second is entered as {shape.value}")
        faces.add((lamp.colour, shape))
        centre = (round(lamp.x, 1), round(lamp.y, 1))
        lamps.append(LampSettings(colour=lamp.colour, shape=shape, centre=centre, diameter_px=round(lamp.diameter, 1)))
    left, top, right, bottom = (round(value, 1) for value in candidate.outline)
    head = HeadSettings(
        kind=kind,
        polygon=((left, top), (right, top), (right, bottom), (left, bottom)),
        lamps=tuple(lamps),
        group=f"group-{number}",
    )
    return head, notes
