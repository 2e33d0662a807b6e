"""The eye: from a picture and its placement to what each lamp shows, and honest about what it cannot see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
_NUDGE_SECONDS = 0.25
"""How often, while the picture is steady, it is looked where lights are."""
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
        self._nudged_at: tuple[float, Placement] | None = None
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
        if self._is_nudge_due(frame.media_time, placement) and self._nudged(samples):
            samples = self._sampler.sample(frame, placement, self._nudges)
        states = self._judge.judge(samples)
        points = self._points
        seconds = min(max(step, 0.05), _MAX_STEP_SECONDS)
        surely = np.logical_or.reduceat((states.score >= SURE) & ~states.phantom, points.first[:-1])
        glowing = states.score >= -SAID
        judgement = self._sight.judge(samples, self._judge.light, surely, glowing, seconds)
        states = self._judge.through_fog(states, judgement.contrast[points.head_of])
        heads = self._readings(states, judgement, samples.inside)
        seen = np.array([reading.seen for reading in heads.values()])
        proven = surely & seen
        self._sight.learn(proven | (judgement.certain & seen), samples.level)
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

    def _is_nudge_due(self, media_time: float, placement: Placement) -> bool:
        """Poles bend slowly; only while the whole picture sways each one may be off its place at once."""
        if self._nudged_at is not None:
            since = media_time - self._nudged_at[0]
            if 0 <= since < _NUDGE_SECONDS - 1e-6 and placement == self._nudged_at[1]:
                return False
        self._nudged_at = media_time, placement
        return True

    def _nudged(self, samples: Samples) -> bool:
        """Follows each head's light where the placement is not exact; whether any moved too far to be read as it is.

        Heads at different distances do not shift alike, and poles bend in the wind.
        """
        points = self._points
        off, peak = off_centre(samples.lamps)
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
        heads = {head_id: self._unseen_head(number, reason) for number, head_id in enumerate(self._points.ids)}
        return SceneReading(frame.media_time, frame.wall_time, heads, moved=reason is Unseen.MOVED)

    def _readings(self, states: LampStates, judgement: Judgement, inside: NDArray[np.bool_]) -> dict[str, HeadReading]:
        first = self._points.first
        starts = first[:-1]
        surely, said, phantom, hidden = (
            np.logical_or.reduceat(flags, starts).tolist()
            for flags in (states.score >= SURE, states.score >= SAID, states.phantom, judgement.hidden_lamps)
        )
        lamps = [_said(score) for score in states.score.tolist()]
        doubt = np.minimum.reduceat(np.abs(states.score), starts).tolist()
        displays = dict(zip(self._points.panel_of.tolist(), map(_said, states.display.tolist()), strict=True))
        readings = {}
        for number, head_id in enumerate(self._points.ids):
            unseen = judgement.unseen[number]
            if judgement.lit_only[number] and surely[number] and not phantom[number]:
                unseen = None
            if not inside[number]:
                unseen = Unseen.MOVED
            elif unseen is None and phantom[number]:
                unseen = Unseen.GLARE
            # A lamp that is lit proves itself, and its halo hides the others' surroundings.
            if unseen is None and not said[number] and hidden[number]:
                unseen = Unseen.OCCLUDED
            if unseen is None:
                mine = tuple(lamps[first[number] : first[number + 1]])
                sure = round(min(doubt[number], 1.0), 2)
                readings[head_id] = HeadReading(mine, countdown=displays.get(number), confidence=sure)
            else:
                readings[head_id] = self._unseen_head(number, unseen)
        return readings

    def _unseen_head(self, number: int, reason: Unseen) -> HeadReading:
        lamps = int(self._points.first[number + 1] - self._points.first[number])
        countdown = Lit.UNKNOWN if number in self._points.panel_of else None
        return HeadReading((Lit.UNKNOWN,) * lamps, reason, countdown=countdown, confidence=0.0)


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
