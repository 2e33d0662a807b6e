"""Proposed heads as settings: boxes of the model and heads from history merged, lamps placed, every doubt said."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from edge.calibrate.signals.assembling import PITCH, FoundHead, FoundLamp
from edge.detectors.registry import PictureSize
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
LOOKS_ALONE, LOOKS_BESIDE = 0.45, 0.6
"""Score of the model from which a box without changing lamps is proposed: where nothing else was found, and beside
heads whose lamps were seen to take turns. Shipped weights: heads of the real clip 0.58-0.86, of rendered scenes by day
and at dusk 0.41-0.86; other things of the real clip up to 0.58, but for what is drawn into the picture."""
LOOKS_WITH_TURNS = 0.35
"""… and from which it confirms lamps that take turns without proving a head by that: whatever the model proposes."""
CORNER = 0.2
"""Share of the picture's sides, from either end: makers' names and clocks are drawn into corners."""
SAID_PLACES = 5
"""More than this many left-out lights are only counted."""
COUNTDOWN_GAP, COUNTDOWN_HALF = 0.6, 0.75
"""In widths of the digits' light: how near the head's outline they must be, and half the side of the outline drawn."""
USUAL_COLOURS = {
    2: (Colour.RED, Colour.GREEN),
    3: (Colour.RED, Colour.AMBER, Colour.GREEN),
    4: (Colour.RED, Colour.AMBER, Colour.GREEN, Colour.WHITE),
}
"""From the top or from the left, by the number of lamps."""
MAX_HEADS = 48

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class BoxFound:
    """A head that the model proposes. `box`: (left, top, right, bottom), pixels."""

    box: Rectangle
    score: float
    lamps: tuple[FoundLamp, ...] = ()
    """As one picture shows them; none: they are placed by the box' form."""
    unchanged: bool = False
    """Nothing in it ever changed while it was watched."""


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


def propose(
    found: Sequence[FoundHead], boxes: Sequence[BoxFound], displays: Sequence[FoundLamp] = (), *, size: PictureSize
) -> Proposal:
    """One proposal of what history and model found; any may be empty. `displays`: digits that count."""
    boxes = _distinct(boxes)
    candidates: list[_Candidate] = []
    unproven: list[FoundHead] = []
    taken: set[int] = set()
    drawn = [box for box in boxes if box.score >= LOOKS_ALONE and box.unchanged and _in_corner(box.box, size)]
    boxes = [box for box in boxes if box not in drawn]
    # What is drawn stands still while a shaking picture is put back: parts of it seem to go on and off.
    found = [head for head in found if not any(_touch(box.box, head.box) for box in drawn)]
    for head in found:
        inside = [number for number, box in enumerate(boxes) if _holds(box.box, head)]
        number = min(inside, key=lambda number: _area(boxes[number].box), default=None)
        if not head.sure and (number is None or boxes[number].score < LOOKS_WITH_TURNS):
            unproven.append(head)
            continue
        if number is not None:
            taken.add(number)
        candidates.append(_from_history(head, None if number is None else boxes[number]))
    # Lamps that took turns are proof; looks alone must be the surer, the more has been proved without them.
    enough = LOOKS_BESIDE if any(head.sure for head in found) else LOOKS_ALONE
    left = [box for number, box in enumerate(boxes) if number not in taken and box.score >= enough]
    candidates += [_from_model(box) for box in left]
    ordered = in_reading_order([candidate.outline for candidate in candidates])
    heads: dict[str, HeadSettings] = {}
    notes: list[str] = []
    for number, place in enumerate(ordered[:MAX_HEADS], start=1):
        settings, more = _settings(candidates[place], number, size)
        heads[f"head-{number}"] = settings
        notes += [f"head-{number}: {note}" for note in (*candidates[place].notes, *more)]
    for display in displays:
        _count_beside(heads, display, notes, size)
    notes += _left_out(drawn, unproven)
    if len(ordered) > MAX_HEADS:
        notes.append(f"{len(ordered)} heads were found, the first {MAX_HEADS} are proposed")
    if not heads:
        notes.append("no heads were found: draw them, or propose again after some minutes in which the lamps change")
    return Proposal(heads, tuple(notes))


def _left_out(drawn: Sequence[BoxFound], unproven: Sequence[FoundHead]) -> list[str]:
    notes = [
        f"left out: what looks like a head at {_at(box.box)}, in the picture's corner, never changed: drawn into the "
        "picture? If it is a head, draw it"
        for box in drawn
    ]
    if unproven:
        places = ", ".join(_at(head.box) for head in unproven[:SAID_PLACES])
        more = f" and {len(unproven) - SAID_PLACES} more" if len(unproven) > SAID_PLACES else ""
        notes.append(
            f"left out: lights that go on and off, without the turns or the dark housing of a head, at {places}{more}"
        )
    return notes


def _at(box: Rectangle) -> str:
    return f"({(box[0] + box[2]) / 2:.0f}, {(box[1] + box[3]) / 2:.0f})"


def _touch(one: Rectangle, other: Rectangle) -> bool:
    return _overlap(one, other) > 0


def _in_corner(box: Rectangle, size: PictureSize) -> bool:
    x, y = (box[0] + box[2]) / 2 / size.width, (box[1] + box[3]) / 2 / size.height
    return min(x, 1 - x) <= CORNER and min(y, 1 - y) <= CORNER


def _count_beside(heads: dict[str, HeadSettings], display: FoundLamp, notes: list[str], size: PictureSize) -> None:
    """Gives a display to the head that it touches, or nearly so."""
    reach = [(_gap(head, display), head_id) for head_id, head in heads.items() if head.countdown is None]
    gap, head_id = min(reach, default=(math.inf, ""))
    if gap > COUNTDOWN_GAP * display.diameter:
        return
    half = COUNTDOWN_HALF * display.diameter
    outline = (display.x - half, display.y - half, display.x + half, display.y + half)
    left, top, right, bottom = _within(outline, size)
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
    note = "found by its looks only, its lamps were not seen to change: check their number, places and colours"
    notes = (
        (note, "nothing in it ever changed: is it drawn into the picture, or out of use?") if box.unchanged else (note,)
    )
    lamps = _even(box.lamps) if box.lamps else _by_form(box.box)
    return _Candidate(tuple(lamps), _joined(box.box, _outline(lamps, 0.05)), notes, None)


def lamps_by_form(box: Rectangle) -> int:
    """How many lamps a head of this form has."""
    width, height = box[2] - box[0], box[3] - box[1]
    long, short = max(width, height), max(min(width, height), 1.0)
    return 2 if long / short < TWO_LAMPS else 4 if long / short > FOUR_LAMPS else 3


def _by_form(box: Rectangle) -> list[FoundLamp]:
    """Lamps where heads of this form have theirs."""
    width, height = box[2] - box[0], box[3] - box[1]
    vertical = height >= width
    long, short = max(width, height), max(min(width, height), 1.0)
    count = lamps_by_form(box)
    colours = USUAL_COLOURS[count]
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
    made = list(box.lamps) or _by_form(box.box)
    nearest = min(range(len(made)), key=lambda number: math.hypot(made[number].x - lamp.x, made[number].y - lamp.y))
    if max(box.box[2] - box.box[0], box.box[3] - box.box[1]) < PITCH[0] * 2 * lamp.diameter:
        return [lamp], ()
    dx, dy = lamp.x - made[nearest].x, lamp.y - made[nearest].y
    lamps = [replace(other, x=other.x + dx, y=other.y + dy, diameter=lamp.diameter, assumed=True) for other in made]
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


def _within(box: Rectangle, size: PictureSize) -> Rectangle:
    left, top, right, bottom = box
    return (
        round(min(max(left, 0.0), size.width), 1),
        round(min(max(top, 0.0), size.height), 1),
        round(min(max(right, 0.0), size.width), 1),
        round(min(max(bottom, 0.0), size.height), 1),
    )


def _settings(candidate: _Candidate, number: int, size: PictureSize) -> tuple[HeadSettings, list[str]]:
    notes: list[str] = []
    inside = [lamp for lamp in candidate.lamps if 0 <= lamp.x <= size.width and 0 <= lamp.y <= size.height]
    if len(inside) < len(candidate.lamps):
        notes.append("a part of it lies outside the picture: turn the camera, or leave the head out")
    colours = [lamp.colour for lamp in inside]
    pedestrian = len(colours) == 2 and set(colours) == {Colour.RED, Colour.GREEN}
    kind = HeadKind.PEDESTRIAN if pedestrian else HeadKind.VEHICLE
    arrows = {lamp.shape for lamp in inside} & {Shape.LEFT, Shape.RIGHT, Shape.STRAIGHT, Shape.U_TURN}
    if len(colours) == 1 or (arrows and candidate.lit_share is not None and candidate.lit_share < 1 - DARK_SHARE):
        kind = HeadKind.ARROW
    if pedestrian:
        notes.append("red and green without amber: taken for one of pedestrians")
    elif arrows:
        notes.append(f"looks like an arrow {', '.join(sorted(shape.value for shape in arrows))}: check the shapes")
    lamps: list[LampSettings] = []
    faces: set[tuple[Colour, Shape]] = set()
    for lamp in inside[:6]:
        shape = Shape.PEDESTRIAN if pedestrian else lamp.shape
        if (lamp.colour, shape) in faces:
            shape = next(other for other in Shape if (lamp.colour, other) not in faces)
            notes.append(f"two lamps {lamp.colour.value} {lamp.shape.value}: the second is entered as {shape.value}")
        faces.add((lamp.colour, shape))
        centre = (round(lamp.x, 1), round(lamp.y, 1))
        lamps.append(LampSettings(colour=lamp.colour, shape=shape, centre=centre, diameter_px=round(lamp.diameter, 1)))
    left, top, right, bottom = _within(candidate.outline, size)
    head = HeadSettings(
        kind=kind,
        polygon=((left, top), (right, top), (right, bottom), (left, bottom)),
        lamps=tuple(lamps),
        group=f"group-{number}",
    )
    return head, notes
