"""Finds where the settings' pixels lie in a picture: registration on anchors, and whether the camera was moved.

Most pictures get a glance: are a few anchors still where they were? When they are not (a mast sways, somebody holds the
camera), and every ten seconds anyway, there is a look: each anchor is searched for, and what most of them agree on is
the placement. When too few are found the whole picture is compared, whatever its light; and when that finds nothing
either, the camera looks elsewhere, at once: a head is never read where something else is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.interface import Frame
from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal.places import AUTO_ANCHORS, chosen_places
from edge.detectors.traffic_signal.readings import Placement, Registration
from edge.detectors.traffic_signal.references import (
    WHOLE_SIZE,
    Light,
    References,
    Values,
    new_light,
    references_from,
    strength_of,
    whole_of,
)
from edge.detectors.traffic_signal.saved import mapping_of, unless_damaged
from edge.detectors.traffic_signal.settings import TrafficSignalSettings
from edge.vision.anchors import (
    Cut,
    Cutter,
    Fit,
    Points,
    consensus,
    find,
    scores_at,
)
from edge.vision.arrays import Grey
from edge.vision.registration import Shift, orientation_spectrum, shift_between

CALM_SECONDS = 10.0
"""How often a calm camera is looked at (detectors.md §3)."""
GLANCED = 4
"""Anchors of a glance, others each time: each costs 30 µs, and half of them may stand behind a bus."""
FOUND_SHARE = 0.6
"""NCC against what is usual above which an anchor is found; 0.6 in all is the figure of detectors.md §3."""
GLANCE_SHARE = 0.8
"""The same for a glance, where an anchor is not searched for: a shift of a pixel and a half falls below it."""
FAINTLY = 0.3
"""NCC of an anchor in a light that was not learned. Chance gives 0.1-0.3 at its best place, hence only once the whole
picture has said where to search."""
NEAR, FAR = 6, 20
"""Reach of a search, in reduced pixels: 12 and 40 px at 1080p, a sway and what a hand does in a second."""
AFTER_WHOLE = 8
"""The same where the whole picture has said where: it knows to a few pixels."""
TOLERANCE_SHARE = 0.0016
"""Of the width, within which anchors agree: 3 px at 1080p, for things at different distances."""
FEWEST = 3
"""Anchors that must agree where most of them are found; fewer are burnt-in text as often as not."""
PEAK_FROM, PEAK_TO_RIVAL = 12.0, 1.4
"""A shift of the whole picture is believed from here, as in the camera's health."""
FOLLOWED_SHARE, BACK_SHARE = 0.02, 0.016
"""Of the width. A camera that has shifted more is a moved one after a while, until it has shifted less again."""
FOLLOWED_SECONDS = 30.0
GONE_SHARE = 0.06
"""More than this is not waited for."""
WEAK_SHARE, WEAK = 0.25, 0.4
"""Edge strength of the whole picture, as a share of the weakest light that is known and in all, below which there is
nothing to compare by: fog, a covered lens, darkness. A street has 2 to 4, a street at night about 1, noise alone 0.25
[measured on drawn streets and dusk_crossings]."""
NEW_LIGHT_SECONDS = 20.0
"""For how long the place must show another light before that is learned: a flash or a headlight is over."""
YOUNG_SECONDS = 15.0
"""New anchors are looked at in each picture for so long, and those that do not hold are replaced."""
TRUST_LOOKS = 12
"""Looks over which an anchor's trust is formed."""
DISTRUST = 0.25
RETRY_SECONDS = 1.0
"""Between attempts to choose anchors in pictures that have none."""
MOST_ROLL_TO_LEARN = 0.004
"""A rolled picture would smear the reference: 0.13 of a reduced pixel at a patch's border is none."""
LEARN_SECONDS, WHOLE_LEARN_SECONDS = 1.0, 60.0
"""How often a reference takes in what is seen, while each picture is looked at."""
LOST_SECONDS, LOST_LOOK_SECONDS = 60.0, 2.0
"""After so long without its place a camera is looked at less often: it will not be back in a tenth of a second."""


class Placer:
    """One camera's registration. Media time only; everything in it can be copied."""

    def __init__(self, settings: TrafficSignalSettings, size: PictureSize) -> None:
        self._settings = settings
        self._size = size
        self._cutter = Cutter(size.width, size.height)
        self._tolerance = max(TOLERANCE_SHARE * size.width, 1.2)
        self._geometry = _geometry(settings)
        self._others: dict[str, Any] = {}
        """References of pictures of other sizes, as they were saved."""
        self._references: References | None = None
        self._active = 0
        self._resumed = False
        """The references are older than this stream: where the camera looks now is to be found out."""
        self._placement = Placement(registration=Registration.UNKNOWN)
        self._steady = False
        self._looked_at: float | None = None
        self._tried_at: float | None = None
        self._far_since: float | None = None
        self._is_far = False
        self._other_light_since: float | None = None
        self._lost_since: float | None = None
        self._searched_at: float | None = None
        self._learned_whole_at = float("-inf")
        self._unlearned_seconds = 0.0
        self._held_seconds = 0.0
        """For how long new anchors have held."""
        self._unsettled = 0
        """Looks in a row in which young anchors did not agree."""
        self._glance_from = 0

    # ---- asked from outside

    @property
    def anchors(self) -> Sequence[tuple[float, float]]:
        """Centres of the anchors in use, in the settings' pixels."""
        found = self._references
        return () if found is None else [(float(x), float(y)) for x, y in found.centres]

    @property
    def lights(self) -> int:
        """How many lights are known."""
        return 0 if self._references is None else len(self._references.lights)

    def place(self, frame: Frame) -> Placement:
        """Where the settings' pixels lie in the frame."""
        t, luma = frame.media_time, frame.luma
        references = self._references
        if references is None:
            return self._begin(luma, t)
        if not self._is_due(luma, references, t):
            return self._placement
        seconds = 0.0 if self._looked_at is None else min(max(t - self._looked_at, 0.0), 2 * CALM_SECONDS)
        self._looked_at = t
        self._look(luma, references, t, seconds)
        return self._placement

    def save(self) -> Mapping[str, Any]:
        """The references as JSON types."""
        sizes = dict(self._others)
        if self._references is not None and self._is_settled:
            sizes[self._size_name] = self._references.saved()
        return {"version": VERSION, "geometry": self._geometry, "sizes": sizes}

    def load(self, saved: Mapping[str, Any]) -> None:
        """Takes up saved references, if they are of the same heads and anchors: who draws them anew draws them on what
        the camera shows now."""
        saved = mapping_of(saved)
        if saved.get("version") != VERSION or saved.get("geometry") != self._geometry:
            return
        sizes = mapping_of(saved.get("sizes"))
        self._others = {
            name: values for name, values in sizes.items() if name != self._size_name and isinstance(values, Mapping)
        }
        if self._size_name not in sizes:
            return
        with unless_damaged():  # then they are learned anew, as at a first start
            self._references = references_from(sizes[self._size_name])
            self._resumed, self._held_seconds = True, YOUNG_SECONDS
            self._looked_at = None

    # ---- beginning

    @property
    def _size_name(self) -> str:
        return f"{self._size.width}x{self._size.height}"

    def _begin(self, luma: Grey, t: float) -> Placement:
        """Chooses anchors in the first picture that has any: it shows what the settings were drawn on."""
        if self._tried_at is not None and 0 <= t - self._tried_at < RETRY_SECONDS:
            return self._placement
        self._tried_at = t
        given = self._settings.anchors
        auto = (
            chosen_places(luma, self._settings, given, (), max(AUTO_ANCHORS - len(given), 0)) if len(given) < 3 else ()
        )
        places = (*given, *auto)
        if len(places) < FEWEST:
            self._placement = Placement(registration=Registration.UNKNOWN)
            return self._placement
        references = References(
            centres=np.rint(np.asarray(places, np.float64)),
            given=np.arange(len(places)) < len(given),
            trust=np.ones(len(places)),
        )
        references.add_light(new_light(len(places), whole_of(luma), t))
        self._references, self._active = references, 0
        self._steady, self._looked_at = True, t
        self._placement = Placement()
        self._learn(luma, references, np.arange(len(places)), np.ones(len(places)), 0.04)
        return self._placement

    # ---- whether to look

    def _is_due(self, luma: Grey, references: References, t: float) -> bool:
        since = float("inf") if self._looked_at is None else t - self._looked_at
        if since < 0:
            return True
        if not self._steady:
            lost = 0.0 if self._lost_since is None else t - self._lost_since
            return since >= (LOST_LOOK_SECONDS if lost > LOST_SECONDS else 0.0)
        if since >= CALM_SECONDS or self._far_since is not None or not self._is_settled:
            return True
        return not self._glance(luma, references)

    def _glance(self, luma: Grey, references: References) -> bool:
        """Whether half of some anchors are where they were: all others may stand behind something."""
        light = references.lights[self._active]
        usable = np.flatnonzero(light.known & (references.trust > DISTRUST))
        if len(usable) < FEWEST:
            return False
        self._glance_from += 1
        some = np.roll(usable, self._glance_from)[:GLANCED]
        cut = self._cut(luma, references.centres[some], 0, self._placement)
        scores = scores_at(cut.fields, light.templates[some])
        return bool((scores >= GLANCE_SHARE * light.usual[some]).sum() * 2 >= len(some))

    @property
    def _is_settled(self) -> bool:
        return self._held_seconds >= YOUNG_SECONDS

    # ---- looking

    def _look(self, luma: Grey, references: References, t: float, seconds: float) -> None:
        light = references.lights[self._active]
        for reach in (NEAR, FAR) if self._steady or self._is_far_search_due(t) else ():
            found = self._search(luma, references, light, self._placement, reach, FOUND_SHARE)
            if found is not None and self._is_most(found, references, light):
                self._found(luma, references, found, t, seconds)
                return
        self._look_at_whole(luma, references, t, seconds)

    def _is_far_search_due(self, t: float) -> bool:
        """While the place is lost the whole picture is asked first: it sees farther and costs less."""
        if self._searched_at is not None and 0 <= t - self._searched_at < CALM_SECONDS:
            return False
        self._searched_at = t
        return True

    def _is_most(self, found: _Found, references: References, light: Light) -> bool:
        able = light.known & (references.trust > DISTRUST)
        return int(found.fit.agree.sum()) >= max(FEWEST, int(able.sum()) / 2)

    def _search(
        self, luma: Grey, references: References, light: Light, near: Placement, reach: int, share: float
    ) -> _Found | None:
        """What anchors agree on that are found around a placement; None: no two agree."""
        cut = self._cut(luma, references.centres, reach, near)
        expected = _placed(references.centres, near)
        places, scores = np.empty_like(references.centres), np.zeros(len(references.centres))
        for number in np.flatnonzero(light.known):
            at = find(cut.fields[number], light.templates[number])
            places[number] = expected[number] + cut.off[number] + np.array((at.x, at.y)) * self._cutter.factor
            scores[number] = at.score
        good = (scores >= share * light.usual) & light.known
        weights = np.where(good, scores * np.maximum(references.trust, 0.05), 0.0)
        moves = np.where(good[:, None], places - references.centres, 0.0)
        fit = consensus(references.centres, moves, weights, self._tolerance, self._size.width)
        return None if fit is None else _Found(fit, scores)

    def _look_at_whole(self, luma: Grey, references: References, t: float, seconds: float) -> None:
        """Too few anchors are where they should be: behind something, in another light, or elsewhere."""
        whole = whole_of(luma)
        strength = strength_of(whole)
        if strength < max(WEAK_SHARE * min(light.strength for light in references.lights), WEAK):
            # In fog and darkness the sensor's own pattern is all that pictures have in common.
            self._lose(luma, references, t, Registration.UNKNOWN)
            return
        spectrum = orientation_spectrum(whole)
        shifts = [shift_between(light.spectrum, spectrum) for light in references.lights]
        order = sorted(range(len(shifts)), key=lambda number: -shifts[number].peak)
        for number in order:
            shift = shifts[number]
            if not _is_certain(shift):
                continue
            light = references.lights[number]
            near = Placement(shift.x * self._size.width, shift.y * self._size.width)
            for share in (FOUND_SHARE, 0.0):
                found = self._search(luma, references, light, near, AFTER_WHOLE, share)
                if found is not None and share == 0.0 and np.sort(found.scores)[-FEWEST] < FAINTLY:
                    found = None
                if found is not None and int(found.fit.agree.sum()) >= FEWEST:
                    self._take_light(number)
                    self._found(luma, references, found, t, seconds)
                    return
            self._take_light(number)
            self._found_by_whole(luma, references, near, t)
            return
        self._lose(luma, references, t, Registration.MOVED)

    def _take_light(self, number: int) -> None:
        if number != self._active:
            self._active, self._other_light_since = number, None

    # ---- what follows

    def _found(self, luma: Grey, references: References, found: _Found, t: float, seconds: float) -> None:
        fit = found.fit
        light = references.lights[self._active]
        light.used_at = t
        self._take_place(Placement(fit.dx, fit.dy, fit.scale, fit.turn), t)
        self._held_seconds += seconds
        self._unsettled = 0
        tried = light.known
        references.trust[tried] += (fit.agree[tried].astype(np.float64) - references.trust[tried]) / TRUST_LOOKS
        if not self._steady or self._is_far:
            return
        agree = np.flatnonzero(fit.agree)
        share = float(np.median(found.scores[agree] / light.usual[agree]))
        if share < FOUND_SHARE:
            self._meet_other_light(luma, references, t)
            return
        self._other_light_since = None
        self._unlearned_seconds += seconds
        if abs(fit.turn) <= MOST_ROLL_TO_LEARN and self._unlearned_seconds >= LEARN_SECONDS:
            self._learn(luma, references, agree, found.scores, self._unlearned_seconds)
            self._unlearned_seconds = 0.0
            if t - self._learned_whole_at >= WHOLE_LEARN_SECONDS or t < self._learned_whole_at:
                self._learn_whole(luma, light, t)
        self._replace_distrusted(luma, references)

    def _found_by_whole(self, luma: Grey, references: References, near: Placement, t: float) -> None:
        """The whole picture says where it is, and no anchor is known in this light."""
        self._take_place(near, t)
        if self._steady and not self._is_far:
            self._meet_other_light(luma, references, t)

    def _take_place(self, placement: Placement, t: float) -> None:
        """Follows a placement, unless it is too far from the settings for too long."""
        middle = self._size.width / 2, self._size.height / 2
        x, y = placement.at(*middle)
        away = float(np.hypot(x - middle[0], y - middle[1])) / self._size.width
        self._lost_since = None
        if away <= (BACK_SHARE if self._is_far else FOLLOWED_SHARE):
            self._far_since, self._is_far = None, False
        elif self._far_since is None or t < self._far_since:
            self._far_since = t
            # Found there after a restart, or after it was lost: nobody held it there for a moment only.
            self._is_far = self._is_far or self._resumed or not self._steady or away > GONE_SHARE
        elif t - self._far_since > FOLLOWED_SECONDS or away > GONE_SHARE:
            self._is_far = True
        self._steady, self._resumed = True, False
        state = Registration.MOVED if self._is_far else Registration.STEADY
        self._placement = replace(placement, registration=state)

    def _lose(self, luma: Grey, references: References, t: float, state: Registration) -> None:
        """Nothing of the place is found. If there is something to be seen all the same, it is another place."""
        if not self._is_settled:
            self._unsettled += 1
            if self._unsettled >= FEWEST:
                # The first picture was not what the camera shows: broken, or on the way to where it looks.
                self._unsettled, self._held_seconds, self._references, self._tried_at = 0, 0.0, None, None
                self._begin(luma, t)
                return
        if self._lost_since is None or t < self._lost_since:
            self._lost_since = t
        self._steady, self._other_light_since = False, None
        self._placement = replace(self._placement, registration=state)

    # ---- learning

    def _meet_other_light(self, luma: Grey, references: References, t: float) -> None:
        """The same place in a light that is not known: after a while it is."""
        if self._other_light_since is None or t < self._other_light_since:
            self._other_light_since = t
        if t - self._other_light_since < NEW_LIGHT_SECONDS:
            return
        self._other_light_since = None
        references.add_light(new_light(len(references.centres), self._whole_put_back(luma), t))
        self._active = len(references.lights) - 1
        every = np.arange(len(references.centres))
        self._learn(luma, references, every, np.full(len(every), 1.0), 0.04)

    def _learn(
        self, luma: Grey, references: References, agree: NDArray[np.intp], scores: Values, seconds: float
    ) -> None:
        light = references.lights[self._active]
        unseen = np.flatnonzero(~light.known)
        chosen = np.union1d(agree, unseen)
        cut = self._cut(luma, references.centres[chosen], 1, self._placement)
        for at, number in enumerate(chosen):
            patch = _put_back(cut, at, self._cutter.factor)
            light.learn(int(number), patch, float(scores[number]), seconds)
        light.derive()

    def _learn_whole(self, luma: Grey, light: Light, t: float) -> None:
        since = min(t - self._learned_whole_at, 2 * WHOLE_LEARN_SECONDS)
        self._learned_whole_at = t
        light.learn_whole(self._whole_put_back(luma), max(since, 1.0))
        light.derive()

    def _whole_put_back(self, luma: Grey) -> NDArray[np.float32]:
        """The whole picture, small, as it would be without the present shift."""
        scale = WHOLE_SIZE[0] / self._size.width
        shift = np.array([[1, 0, -self._placement.dx * scale], [0, 1, -self._placement.dy * scale]], np.float64)
        small = cv2.warpAffine(
            whole_of(luma), shift, WHOLE_SIZE, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(small, np.float32)

    def _replace_distrusted(self, luma: Grey, references: References) -> None:
        """Gives up an anchor that the others have long disagreed with: text in the picture, a car that has left."""
        worst = int(np.argmin(np.where(references.given, 2.0, references.trust)))
        if references.given[worst] or references.trust[worst] > DISTRUST / 2 or self._placement.turn:
            return
        place = references.centres[worst]
        references.refused = [*references.refused[-19:], (float(place[0]), float(place[1]))]
        kept = [tuple(other) for number, other in enumerate(references.centres) if number != worst]
        found = chosen_places(luma, self._settings, kept, references.refused, 1)
        if not found:
            references.trust[worst] = DISTRUST  # nothing better: it is tried again in a while
            return
        dx, dy = self._placement.dx, self._placement.dy
        references.centres[worst] = np.rint((found[0][0] - dx, found[0][1] - dy))
        references.trust[worst] = 1.0
        for light in references.lights:
            light.forget(worst)

    def _cut(self, luma: Grey, centres: Points, reach: int, near: Placement) -> Cut:
        return self._cutter.cut(luma, _placed(centres, near), reach)


VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """What a search found: a fit, and the NCC of each anchor."""

    fit: Fit
    scores: Values


def _placed(centres: Points, placement: Placement) -> Points:
    x, y = centres.T
    scale, turn = placement.scale, placement.turn
    return np.stack((scale * x - turn * y + placement.dx, turn * x + scale * y + placement.dy), axis=1)


def _put_back(cut: Cut, number: int, factor: int) -> NDArray[np.float32]:
    """The field of one window of reach 1, moved by the part of a pixel that its window missed its place by."""
    x, y = cut.off[number] / factor
    field = np.ascontiguousarray(cut.fields[number])
    # Windows lie `off` too far right, so what is at the place lies as much left of their middle.
    shift = np.array([[1, 0, x], [0, 1, y]], np.float64)
    side = field.shape[0]
    moved = cv2.warpAffine(field, shift, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved[1:-1, 1:-1], np.float32)


def _is_certain(shift: Shift) -> bool:
    return shift.peak >= PEAK_FROM and shift.peak >= PEAK_TO_RIVAL * shift.rival


def _geometry(settings: TrafficSignalSettings) -> str:
    """Names what the settings draw: the same name, the same places in the picture."""
    drawn = {
        "heads": {head_id: [list(point) for point in head.polygon] for head_id, head in settings.heads.items()},
        "anchors": [list(point) for point in settings.anchors],
    }
    return hashlib.sha256(json.dumps(drawn, sort_keys=True).encode()).hexdigest()[:16]
