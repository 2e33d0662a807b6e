"""One pair of pictures from end to end: registered, matched, and searched for what appeared or went.

No command uses it: it is kept for the figures on real pairs (`python -m tests.edge.vision.change.measure`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from edge.vision.arrays import Doubles, Floats, Grey, Mask
from edge.vision.change.candidates import Candidate
from edge.vision.change.cover import Cover, cover_of
from edge.vision.change.cues import Pair
from edge.vision.change.evidence import evidence_of
from edge.vision.change.features import Features
from edge.vision.change.radiometry import match_colours
from edge.vision.change.registering import Refused, Registered, RegisterSettings, register
from edge.vision.change.relief import HIGHEST_M, heights_to_try, lean_field, moved_by
from edge.vision.change.shapes import ShapeSettings, candidates_of
from edge.vision.change.views import Picture, View, prior_of, through

ChangeModel = Callable[[Picture, Picture], Floats]
"""A learned model: (older, newer), registered and of one size, to the probability (height, width) of a change, 0-1.

None is shipped. Who has one wraps its session in such a function; it is asked once a pair, at the working scale.
"""


@dataclass(frozen=True, slots=True)
class CompareSettings:
    """`highest_m`: of what stands in the place, for the lean. `sun`: (2,) east, north, to where shadows fall."""

    registering: RegisterSettings = field(default_factory=RegisterSettings)
    shapes: ShapeSettings = field(default_factory=ShapeSettings)
    highest_m: float = HIGHEST_M
    sun: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Candidates in pixels of the newer view."""

    candidates: tuple[Candidate, ...]
    registered: Registered
    pair: Pair


def compare(
    before: View,
    after: View,
    settings: CompareSettings | None = None,
    before_features: Features | None = None,
    after_features: Features | None = None,
    model: ChangeModel | None = None,
) -> Compared | Refused:
    """Both views at about one scale. Features are taken where given, so that each picture is searched only once.

    Raises:
        ValueError: a picture is not what it should be, or the model's answer has another size.
    """
    settings = settings or CompareSettings()
    found = register(
        before.bgr, after.bgr, prior_of(before, after), settings.registering, before_features, after_features
    )
    if isinstance(found, Refused):
        return found
    pair = paired(found, before, after, settings, model)
    return Compared(candidates_of(pair, settings.shapes), found, pair)


def to_older_pixels(found: Registered, pixels: Doubles) -> Doubles:
    """Pixels (n, 2) of the newer picture in the older one, by the registration."""
    height, width = found.field.shape[:2]
    pixels = np.asarray(pixels, np.float64)
    columns = np.clip(np.rint(pixels[:, 0]).astype(np.int64), 0, width - 1)
    rows = np.clip(np.rint(pixels[:, 1]).astype(np.int64), 0, height - 1)
    return through(_inverse(found.homography), pixels + found.field[rows, columns])


def to_older_ground(found: Registered, before: View, pixels: Doubles) -> Doubles:
    """Pixels (n, 2) of the newer picture on the ground as the older view has it, by the registration."""
    return through(before.to_ground, to_older_pixels(found, pixels))


def paired(
    found: Registered, before: View, after: View, settings: CompareSettings, model: ChangeModel | None = None
) -> Pair:
    """The evidence of a registered pair."""
    laid = [found.before]
    if len(heights_to_try(before, after, settings.highest_m)) > 1:
        field = lean_field(_grey(found.before), _grey(after.bgr), before, after, settings.highest_m)
        laid.append(moved_by(found.before, field))
    old_cover, new_cover = cover_of(found.before), cover_of(after.bgr)
    comparable = _comparable(found.valid, old_cover, new_cover)
    matched = tuple(match_colours(each, after.bgr, comparable) for each in laid)
    evidence = evidence_of(matched, found.valid, old_cover, new_cover)
    if model is not None:
        _ask(model, found.before, after.bgr, evidence.score)
    sun = _in_picture(settings.sun, after) if settings.sun is not None else None
    return Pair(matched[0].before, matched[0].after, old_cover, new_cover, evidence, after.gsd_m, sun)


def _comparable(valid: Mask, old: Cover, new: Cover) -> Mask:
    hard = np.where((old.growing | new.growing) > 0, np.uint8(0), valid)
    # A place of nothing but green is matched by its green.
    return hard if np.count_nonzero(hard) > 0.05 * np.count_nonzero(valid) else valid


def _ask(model: ChangeModel, before: Picture, after: Picture, score: Floats) -> None:
    """Lets a learned model speak: the mean of both, where the pair says anything at all."""
    answer = np.asarray(model(before, after), np.float32)
    if answer.shape != score.shape:
        raise ValueError(f"the change model answered {answer.shape} for pictures of {score.shape}")
    if not np.isfinite(answer).all():
        raise ValueError("the change model answered values that are no numbers")
    said = score > 0
    score[said] = (score[said] + np.clip(answer[said], 0, 1)) / 2


def _in_picture(sun: tuple[float, float], view: View) -> Doubles:
    height, width = view.bgr.shape[:2]
    middle = through(view.to_ground, np.array(((width / 2, height / 2),)))
    ends = through(_inverse(view.to_ground), np.concatenate((middle, middle + np.array(sun, np.float64))))
    step = ends[1] - ends[0]
    return np.asarray(step / max(float(np.linalg.norm(step)), 1e-9), np.float64)


def _inverse(homography: Doubles) -> Doubles:
    return np.asarray(np.linalg.inv(homography), np.float64)


def _grey(bgr: Picture) -> Grey:
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)
