"""The eye: from a picture and its placement to what each lamp shows, and honest about what it cannot see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.detectors.interface import Frame, Image, Region
from edge.detectors.traffic_signal.chips import Sampler, Samples, layout
from edge.detectors.traffic_signal.lamps import FAINT, SAID, SURE, LampJudge, LampStates
from edge.detectors.traffic_signal.readings import HeadReading, Lit, Placement, Registration, SceneReading, Unseen
from edge.detectors.traffic_signal.saved import mapping_of, unless_damaged
from edge.detectors.traffic_signal.sight import Judgement, Sight
from edge.vision.lamps import off_centre

if TYPE_CHECKING:
    from edge.detectors.registry import PictureSize
    from edge.detectors.traffic_signal.settings import TrafficSignalSettings

_MAX_STEP_SECONDS = 5.0
"""One picture stands for no longer than this, however long ago the last one was."""
_NUDGE_PEAK = 60.0
"""Grey levels: only a lamp that is lit says where it is."""
_NUDGE_FROM, _NUDGE_TO = 0.18, 0.45
"""Diameters: less does no harm, and the light of an arrow or below a visor is off by so much; more is the next lamp."""
_NUDGE_AGAIN = 0.15
"""Diameters between two sightings of the same light."""
_STILL_MARGIN = 0.25
"""Of a head's size, around it in a still: one sees what it hangs on."""


class Eye:
    """Reads the heads of one camera. Remembers their looks; holds no picture."""

    def __init__(self, settings: TrafficSignalSettings, size: PictureSize) -> None:
        self._points = layout(settings)
        self._sampler = Sampler(self._points)
        self._judge = LampJudge(self._points)
        self._sight = Sight(self._points)
        self._key = _key(settings)
        self._nudges = np.zeros((len(self._points.ids), 2), np.float32)
        self._seen_at = np.zeros_like(self._nudges)
        self._latest: tuple[Frame, Placement] | None = None
        self._time: float | None = None

    def look(self, frame: Frame, placement: Placement) -> SceneReading:
        """What the picture shows. Pictures in order; a placement that moved or is unknown shows nothing."""
        step = 0.0 if self._time is None else frame.media_time - self._time
        self._time = frame.media_time
        self._latest = frame, placement
        if placement.registration is Registration.MOVED:
            return self._unseen(frame, Unseen.MOVED)
        samples = self._sampler.sample(frame, placement, self._nudges)
        if self._nudged(samples):
            samples = self._sampler.sample(frame, placement, self._nudges)
        states = self._judge.judge(samples)
        points = self._points
        seconds = min(max(step, 0.05), _MAX_STEP_SECONDS)
        surely = np.logical_or.reduceat((states.score >= SURE) & ~states.phantom, points.first[:-1])
        glowing = states.score >= -SAID
        judgement = self._sight.judge(samples, self._judge.light, surely, glowing, seconds)
        states = self._judge.through_fog(states, judgement.contrast[points.head_of])
        heads = {
            head_id: self._reading(number, states, judgement, bool(samples.inside[number]))
            for number, head_id in enumerate(points.ids)
        }
        seen = np.array([reading.seen for reading in heads.values()])
        proven = surely & seen
        self._sight.learn(proven | (judgement.certain & seen), glowing, samples.scene, seconds)
        clear = judgement.contrast >= FAINT
        self._judge.learn(states, (proven & clear)[points.head_of], seconds)
        return SceneReading(frame.media_time, frame.wall_time, heads)

    def still(self, head_id: str) -> Image | None:
        """A copy of what is around a head in the latest picture, (height, width, 3) BGR; None before any."""
        if self._latest is None or head_id not in self._points.ids:
            return None
        frame, placement = self._latest
        left, top, right, bottom = (float(v) for v in self._points.boxes[self._points.ids.index(head_id)])
        margin = _STILL_MARGIN * max(right - left, bottom - top)
        x, y = placement.at((left + right) / 2, (top + bottom) / 2)
        width, height = ((side + 2 * margin) * placement.scale for side in (right - left, bottom - top))
        left_px, top_px = max(round(x - width / 2), 0), max(round(y - height / 2), 0)
        right_px, bottom_px = min(round(x + width / 2), frame.width), min(round(y + height / 2), frame.height)
        if right_px - left_px < 2 or bottom_px - top_px < 2:
            return None  # it has left the picture
        return frame.read_bgr(Region(left_px, top_px, right_px - left_px, bottom_px - top_px)).copy()

    def release(self) -> None:
        """Lets go of the latest picture: it is the decoder's again, and no copy of the eye must hold it."""
        self._latest = None

    def save(self) -> Mapping[str, Any]:
        """What was learned, as JSON types."""
        return {"key": self._key, "lamps": self._judge.save(), "sight": self._sight.save()}

    def load(self, saved: Mapping[str, Any]) -> None:
        """Takes up what was learned with the same heads; anything else is left, and what is damaged."""
        if mapping_of(saved).get("key") != self._key:
            return
        with unless_damaged():
            self._judge.load(saved["lamps"])
        self._sight.load(mapping_of(saved.get("sight")))

    def _nudged(self, samples: Samples) -> bool:
        """Follows each head's light where the placement is not exact; whether any moved too far to be read as it is.

        Heads at different distances do not shift alike, and poles bend in the wind.
        """
        points = self._points
        off, peak = off_centre(samples.lamps, points.colours)
        best = np.maximum.reduceat(peak, points.first[:-1])[points.head_of]
        far = np.hypot(*off.T)
        use = (peak >= best) & (peak >= _NUDGE_PEAK) & (far > _NUDGE_FROM) & (far < _NUDGE_TO)
        moved = False
        for lamp in np.flatnonzero((peak >= best) & (peak >= _NUDGE_PEAK)):
            head, diameter = points.head_of[lamp], points.diameters[lamp]
            there = self._nudges[head] + off[lamp] * diameter
            # Twice the same: light between leaves is now here, now there.
            again = float(np.hypot(*(there - self._seen_at[head]))) < _NUDGE_AGAIN * diameter
            self._seen_at[head] = there
            if again and use[lamp] and float(np.hypot(*there)) < _NUDGE_TO * diameter:
                self._nudges[head] = there
                moved = True
        return moved

    def _unseen(self, frame: Frame, reason: Unseen) -> SceneReading:
        points = self._points
        heads = {
            head_id: HeadReading(
                (Lit.UNKNOWN,) * int(points.first[number + 1] - points.first[number]),
                reason,
                countdown=Lit.UNKNOWN if number in points.panel_of else None,
                confidence=0.0,
            )
            for number, head_id in enumerate(points.ids)
        }
        return SceneReading(frame.media_time, frame.wall_time, heads, moved=reason is Unseen.MOVED)

    def _reading(self, number: int, states: LampStates, judgement: Judgement, inside: bool) -> HeadReading:
        some = slice(self._points.first[number], self._points.first[number + 1])
        score, phantom = states.score[some], states.phantom[some]
        unseen = judgement.unseen[number]
        if judgement.lit_only[number] and bool((score >= SURE).any()) and not phantom.any():
            unseen = None
        if not inside:
            unseen = Unseen.MOVED
        elif unseen is None and phantom.any():
            unseen = Unseen.GLARE
        # A lamp that is lit proves itself, and its halo hides the others' surroundings.
        if unseen is None and not (score >= SAID).any() and judgement.hidden_lamps[some].any():
            unseen = Unseen.OCCLUDED
        display = states.display[self._points.panel_of == number]
        if unseen is not None:
            return HeadReading(
                (Lit.UNKNOWN,) * len(score), unseen, countdown=Lit.UNKNOWN if display.size else None, confidence=0.0
            )
        return HeadReading(
            tuple(_said(one) for one in score),
            countdown=_said(display[0]) if display.size else None,
            confidence=round(float(min(np.abs(score).min(), 1.0)), 2),
        )


def _said(score: float) -> Lit:
    return Lit.ON if score >= SAID else Lit.OFF if score <= -SAID else Lit.UNKNOWN


def _key(settings: TrafficSignalSettings) -> str:
    """What learned looks belong to: the heads, where and what they are."""
    return repr(
        [
            (head_id, head.polygon, [(str(lamp.colour), lamp.centre, lamp.diameter_px) for lamp in head.lamps])
            for head_id, head in settings.heads.items()
        ]
    )
