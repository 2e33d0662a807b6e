"""What in the settings does not fit the picture, above all lamps that are too small, and the lens for them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from edge.detectors.registry import PictureSize, SettingProblem
from edge.detectors.traffic_signal.settings import (
    MIN_LAMP_PX,
    HeadSettings,
    LampSettings,
    Polygon,
    TrafficSignalSettings,
)
from edge.vision.regions import depth_inside

LENSES_MM = (2.8, 4, 6, 8, 12, 16, 25, 50)
"""Focal lengths that fixed cameras are sold with."""
USUAL_LENS_MM = 4
"""What most of them come with; the example of a message that does not know the camera."""
SAME_PLACE = 0.6
"""Lamps of one head whose centres are nearer than so many diameters are one lamp drawn twice: real ones touch at 1."""
ROUNDING_PX = 0.5
"""A polygon drawn along the picture's border may be rounded outward."""


def picture_problems(settings: TrafficSignalSettings, size: PictureSize) -> Sequence[SettingProblem]:
    """What of the settings does not fit pictures of this size."""
    problems: list[SettingProblem] = []
    for head_id, head in settings.heads.items():
        path = ("heads", head_id)
        problems += _outside((*path, "polygon"), head.polygon, size)
        if head.countdown is not None:
            problems += _outside((*path, "countdown", "polygon"), head.countdown.polygon, size)
        problems += [_below(path, problem) for problem in (*misplaced_lamps(head), *too_small(head, size))]
    problems += _overlapping(settings)
    for number, (x, y) in enumerate(settings.anchors):
        if not (0 <= x <= size.width and 0 <= y <= size.height):
            problems.append(_not_in_picture(("anchors", number), x, y, size))
    return problems


def too_small(head: HeadSettings, size: PictureSize) -> Sequence[SettingProblem]:
    """Lamps of a head that cannot be judged, with the lens that would do; paths start below the head."""
    found = []
    for number, lamp in enumerate(head.lamps):
        if lamp.diameter_px < MIN_LAMP_PX:
            message = (
                f"found {_named(lamp)} of {lamp.diameter_px:.1f} px in pictures of {size.width} x {size.height}, "
                f"expected {MIN_LAMP_PX:g} px or more: {lens_for(lamp.diameter_px)}"
            )
            found.append(SettingProblem(("lamps", number, "diameter_px"), message))
    return found


def lens_for(diameter_px: float) -> str:
    """What would make a lamp of this size large enough to be judged."""
    factor = math.ceil(10 * MIN_LAMP_PX / max(diameter_px, 0.1)) / 10
    lens = next((focal for focal in LENSES_MM if focal >= factor * USUAL_LENS_MM - 0.01), None)
    nearer = f"or the camera at {100 / factor:.0f} % of its distance"
    if lens is None:
        return f"it needs a lens of {factor:g} × the focal length, which no fixed camera has; take the camera nearer"
    return f"it needs a lens of {factor:g} × the focal length, e.g. {lens:g} mm instead of {USUAL_LENS_MM} mm, {nearer}"


def misplaced_lamps(head: HeadSettings) -> Sequence[SettingProblem]:
    """Lamps that are not in their head, or twice in one place; paths start below the head."""
    found = []
    for number, lamp in enumerate(head.lamps):
        x, y = lamp.centre
        if depth_inside(head.polygon, x, y) < 0:
            message = f"found {_named(lamp)} at [{x:g}, {y:g}], expected it inside the head's polygon"
            found.append(SettingProblem(("lamps", number, "centre"), message))
    for (one, lamp), (other, second) in combinations(enumerate(head.lamps), 2):
        apart = math.dist(lamp.centre, second.centre)
        if apart < SAME_PLACE * min(lamp.diameter_px, second.diameter_px):
            message = (
                f"found {_named(second)} {apart:.1f} px from lamp {one} ({_named(lamp)}), expected lamps beside each "
                f"other: at least {SAME_PLACE:g} of their diameter apart"
            )
            found.append(SettingProblem(("lamps", other, "centre"), message))
    return found


def _overlapping(settings: TrafficSignalSettings) -> Iterator[SettingProblem]:
    """A lamp inside another head would be read for both."""
    for (one, head), (other, second) in combinations(settings.heads.items(), 2):
        if _apart(head.polygon, second.polygon):
            continue
        for owner, lamps_of, polygon in ((one, head, second.polygon), (other, second, head.polygon)):
            number = next((n for n, lamp in enumerate(lamps_of.lamps) if depth_inside(polygon, *lamp.centre) > 0), None)
            if number is not None:
                into = other if owner == one else one
                message = f"found lamp {number} inside head {into!r} too, expected heads that do not overlap"
                yield SettingProblem(("heads", owner, "lamps", number, "centre"), message)
                break


def _apart(one: Polygon, other: Polygon) -> bool:
    """Whether the upright rectangles around two polygons have nothing in common."""
    a, b = np.asarray(one), np.asarray(other)
    return bool((a.max(axis=0) < b.min(axis=0)).any() or (b.max(axis=0) < a.min(axis=0)).any())


def _outside(path: tuple[str | int, ...], polygon: Polygon, size: PictureSize) -> Iterator[SettingProblem]:
    for number, (x, y) in enumerate(polygon):
        if not (-ROUNDING_PX <= x <= size.width + ROUNDING_PX and -ROUNDING_PX <= y <= size.height + ROUNDING_PX):
            yield _not_in_picture((*path, number), x, y, size)


def _not_in_picture(path: tuple[str | int, ...], x: float, y: float, size: PictureSize) -> SettingProblem:
    message = f"found [{x:g}, {y:g}], expected a pixel of the {size.width} x {size.height} picture"
    return SettingProblem(path, message)


def _below(path: tuple[str | int, ...], problem: SettingProblem) -> SettingProblem:
    return SettingProblem((*path, *problem.path), f"head {path[-1]!r}: {problem.message}")


def _named(lamp: LampSettings) -> str:
    article = "an" if lamp.colour == "amber" else "a"
    return f"{article} {lamp.colour} lamp" if lamp.shape == "ball" else f"{article} {lamp.colour} {lamp.shape} lamp"
