"""Lit or not: each lamp against what surrounds it, against the others of its head, and against itself before.

A lamp's *glow* is one number: how far the brightest part of its lens shines out of its surroundings in its own
channels, and how much of its own colour lens and halo have (the lens alone saturates to white). A lamp that is lit has
150 and more by day and by night, one that is not has less than 60; a low sun brings unlit lenses up to both.
Levels of lit and unlit are learned per lamp and light, in seconds of media time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.detectors.traffic_signal.chips import Layout, Samples
from edge.detectors.traffic_signal.saved import number_in, numbers_in
from edge.vision.arrays import Floats
from edge.vision.lamps import COLOURS, LampMeasures, measure, strokes


class Light(IntEnum):
    """In what light a picture is taken: levels are learned for each."""

    DAY = 0
    DUSK = 1
    NIGHT = 2
    INFRA_RED = 3


_DUSK_BELOW, _NIGHT_BELOW = 85.0, 45.0
"""Median grey level of the picture: a street by day has 90-150, under lamps 20-50."""
_HYSTERESIS = 6.0
_COLD_MIDDLE, _COLD_WIDTH = 95.0, 40.0
"""Glow that is neither lit nor unlit before a lamp is known, and how far from it is sure."""
_GAP_MIDDLE, _GAP_WIDTH = 34.0, 25.0
"""Glow between lit and unlit lamps of one head: unlit lenses of different colours differ by 20 in the sun."""
_STROKES_MIDDLE, _STROKES_WIDTH = 30.0, 20.0
"""Grey levels of digits' strokes between a dark panel, noise and compression on it, and a lit one by day."""
_LEAST_STEP = 85.0
"""Glow from unlit to lit in a low sun, the least there is."""
_USUAL_KNOWN = 0.45
_STEEPNESS = 8.0
"""Score for the whole way: three quarters of it are said, nine tenths sure."""
_CLEAR_GLOW = 250.0
"""Glow of a lamp that is lit in clear air, about."""
_HALF_WAY = 0.22
"""Of the way from unlit to lit, on both sides of its middle, that is neither."""
FAINT, _FAINTEST = 0.85, 0.3
"""Contrast below which glows are corrected for it, and below which they are noise."""
_USUAL_SHARE = 0.25
"""Of the way from unlit to lit, within which a glow is as usual."""
_HALO = 20.0
"""Grey levels of own colour that count even without a peak of brightness."""
_BLED = 6.0
"""Grey levels: noise between a lens and its edge."""
_LEARN_SECONDS = 180.0
"""Levels follow the light this slowly: a cloud takes minutes, a red phase may last two."""
_KNOWN_SECONDS = 20.0
"""Of a state, before its level counts fully."""
_LEARNED = 0.6
"""Score from which a glow is taken for the lamp's own."""
_MOST_LEVEL, _MOST_SECONDS = 4096.0, 1e9
"""What was saved beyond this is damaged: grey levels, a colour weighs several times; and half a lifetime."""
_NO_LAMP = -1e6
"""Glow of what fills a head's row where it has fewer lamps than others."""
_AMBER = COLOURS.index("amber")
_WHITE = COLOURS.index("white")


@dataclass(frozen=True, slots=True)
class LampStates:
    """n lamps. `score` (n,): above 0 lit, below unlit; beyond ±0.3 said, beyond ±1 sure. `glow` (n,) grey levels.

    `phantom` (n,): it glows in its own colour, but so do its neighbours, and none like a lamp that is lit.
    """

    score: Floats
    glow: Floats
    phantom: NDArray[np.bool_]
    measures: LampMeasures
    display: Floats
    """(c,) scores of displays of digits, as `score`."""


SAID = 0.3
"""Score from which a lamp is said to be lit or not."""
SURE = 1.0


class LampJudge:
    """Remembers how each lamp looks lit and unlit."""

    def __init__(self, points: Layout) -> None:
        self._points = points
        shape = (len(Light), 2, len(points.colours))
        self._levels = np.zeros(shape, np.float32)
        self._seconds = np.zeros(shape, np.float32)
        counts = np.diff(points.first)
        several, places = np.flatnonzero(counts > 1), np.arange(max(counts))
        self._real = places < counts[several, None]
        self._padded = points.first[several, None] + np.where(self._real, places, 0)
        """(heads of several lamps, most lamps) which lamp, and whether there is one."""
        self._light = Light.DAY
        self._started = False

    @property
    def light(self) -> Light:
        """Of the latest picture."""
        return self._light

    def judge(self, samples: Samples) -> LampStates:
        """What one picture says of each lamp."""
        self._light = self._light_of(samples)
        seen = measure(samples.lamps, self._points.rings, self._points.sides)
        glow = self._glow(seen)
        score, phantom = self._score(glow)
        display = np.clip((strokes(samples.panels) - _STROKES_MIDDLE) / _STROKES_WIDTH, -3, 3)
        return LampStates(np.clip(score, -3, 3), glow, phantom, seen, display)

    def through_fog(self, states: LampStates, contrast: Floats) -> LampStates:
        """The same, with glows as they would be at the usual contrast; `contrast` (n,) is what is left of it."""
        faint = contrast < FAINT
        if not faint.any():
            return states
        # Never above what lamps have: contrast is an estimate, and a wrong one must not be learned as their light.
        clearer = np.minimum(states.glow / np.maximum(contrast, _FAINTEST), np.maximum(states.glow, _CLEAR_GLOW))
        glow = np.where(faint, clearer, states.glow).astype(np.float32)
        score, phantom = self._score(glow)
        return replace(states, score=np.clip(score, -3, 3), glow=glow, phantom=phantom)

    def learn(self, states: LampStates, sure: NDArray[np.bool_], seconds: float) -> None:
        """Takes `sure` lamps' (n,) glow as theirs, for as many seconds as the picture stands for."""
        light = int(self._light)
        for state, chosen in ((0, sure & (states.score <= -_LEARNED)), (1, sure & (states.score >= _LEARNED))):
            level, known = self._levels[light, state], self._seconds[light, state]
            known[chosen] = np.minimum(known[chosen] + seconds, 1e6)
            share = np.minimum(seconds / np.minimum(known[chosen], _LEARN_SECONDS), 1.0)
            level[chosen] += share * (np.maximum(states.glow[chosen], 0) - level[chosen])

    def _light_of(self, samples: Samples) -> Light:
        if samples.grey:
            return Light.INFRA_RED
        middle = samples.level
        for light, limit in ((Light.NIGHT, _NIGHT_BELOW), (Light.DUSK, _DUSK_BELOW)):
            stays = self._started and self._light in (Light.DUSK, Light.NIGHT) and self._light >= light
            if middle < limit + (_HYSTERESIS if stays else -_HYSTERESIS if self._started else 0):
                self._started = True
                return light
        self._started = True
        return Light.DAY

    def _glow(self, seen: LampMeasures) -> Floats:
        points = self._points
        core, around = seen.core, seen.around
        least = np.minimum.reduceat(core, points.first[:-1])[points.head_of]
        alone = (np.diff(points.first) == 1)[points.head_of]
        # Against its surroundings, which its own halo brightens, and against the darkest lamp of its head.
        contrast = np.where(alone, core - around, (core - around + core - least) / 2)
        # What a neighbour's halo brightens has its peak outside: brighter towards the neighbour than at its best.
        bled = seen.side > core + _BLED
        contrast = np.where(bled, np.minimum(core - seen.side, contrast), contrast)
        if self._light is Light.INFRA_RED:
            return np.asarray(1.6 * contrast, np.float32)
        colour = np.where(points.colours == _WHITE, 0.7 * contrast, seen.colour)
        return np.asarray(contrast + np.clip(colour, 0, np.maximum(contrast, 0) + _HALO), np.float32)

    def _score(self, glow: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        cold, alike = self._among_its_head(glow)
        # Below zero it only says how much brighter a neighbour is.
        above = np.maximum(glow, 0)
        warm, known, unlit, apart = self._against_itself(above)
        score = (1 - 0.7 * known) * cold + 0.7 * known * warm
        # Lamps that glow alike are all dark or all in the sun: none says which, but what each of them is used to.
        unlit_known, lit_known = self._seconds[int(self._light)] >= _KNOWN_SECONDS / 2
        certain = known >= _USUAL_KNOWN
        usual = certain & (np.abs(above - unlit) < _USUAL_SHARE * apart)
        lit = certain & (warm >= SURE)
        told = self._all(usual | lit | (~unlit_known & lit_known & (warm < SAID)))
        score = np.where(alike & told, np.where(certain, warm, 0), score)
        # Two at once, of which one was never seen lit: the sun, and it is in both. Red and amber may be.
        on = score >= SAID
        both = (self._count(on) > 1) & (self._count(on & (self._points.colours > _AMBER)) > 0)
        strange = both & (self._count(on & ~lit_known) > 0) & (self._count(lit_known) > 0)
        return np.asarray(score, np.float32), np.asarray((alike & ~told) | strange)

    def _all(self, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(n,) whether all lamps of a lamp's head have it."""
        return np.asarray(np.logical_and.reduceat(flags, self._points.first[:-1])[self._points.head_of])

    def _count(self, flags: NDArray[np.bool_]) -> NDArray[np.intp]:
        """(n,) how many lamps of a lamp's head have it."""
        return np.asarray(np.add.reduceat(flags.astype(np.intp), self._points.first[:-1])[self._points.head_of])

    def _against_itself(self, glow: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Each lamp between what it is used to: a score, how well that is known (0-1), its unlit level, and how far
        its lit one is from it. A level that was never seen is taken to be as near as it ever is."""
        light = int(self._light)
        unlit, lit = self._levels[light]
        seconds = np.minimum(self._seconds[light] / _KNOWN_SECONDS, 1)
        unlit_known, lit_known = seconds >= 0.5
        lit = np.where(lit_known, lit, unlit + _LEAST_STEP)
        unlit = np.where(unlit_known, unlit, lit - _LEAST_STEP)
        apart = np.maximum(lit - unlit, 1)
        # Two humps that lie close together say nothing.
        both = seconds.min(axis=0) * np.clip((apart - 30) / 30, 0, 1)
        known = np.where(unlit_known & lit_known, both, 0.5 * (unlit_known | lit_known))
        place = (glow - unlit) / apart - 0.5
        # Half way is neither: a leaf, a drop or a car of that colour is before it.
        warm = np.sign(place) * np.maximum((np.abs(place) - _HALF_WAY) * _STEEPNESS + SAID, 0)
        return tuple(np.asarray(part, np.float32) for part in (warm, known, unlit, apart))  # type: ignore[return-value]

    def _among_its_head(self, glow: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """What one picture says. Lamps that are lit stand apart from those that are not: above the widest gap between
        the glows of a head. Without such a gap they are all alike: all dark, or all in the sun."""
        score = (glow - _COLD_MIDDLE) / _COLD_WIDTH
        alike = np.zeros(len(glow), bool)
        mine = np.where(self._real, glow[self._padded], _NO_LAMP)
        ordered = np.sort(mine, axis=1)[:, ::-1]
        shining = ordered[:, :1] >= _COLD_MIDDLE - SAID * _COLD_WIDTH
        if not shining.any():
            return score, alike
        gaps = np.where(ordered[:, 1:] == _NO_LAMP, -1, ordered[:, :-1] - ordered[:, 1:])
        place = gaps.argmax(axis=1)[:, None]
        gap, least = np.take_along_axis(gaps, place, axis=1), np.take_along_axis(ordered, place, axis=1)
        apart = (gap - _GAP_MIDDLE) / _GAP_WIDTH
        above = mine >= least
        some = np.minimum(score[self._padded], np.where(above, apart, -apart) + np.where(above, SAID, -SAID))
        # Of lamps above the gap that are far from alike themselves, only the brightest is sure.
        some = np.where(above & (mine < ordered[:, :1] - 0.6 * gap), 0, some)
        alike[self._padded[self._real & shining & (apart < 0)]] = True
        told = self._real & shining & (apart >= 0)
        score[self._padded[told]] = some[told]
        return score, alike

    def save(self) -> Mapping[str, Any]:
        return {
            "levels": np.round(self._levels, 1).tolist(),
            "seconds": np.round(self._seconds, 1).tolist(),
            "light": int(self._light),
        }

    def load(self, saved: Mapping[str, Any]) -> None:
        """Takes up what was learned of as many lamps.

        Raises:
            ValueError, TypeError, KeyError, OverflowError: it is damaged; nothing of it was taken.
        """
        levels = numbers_in(saved["levels"], self._levels.shape, -_MOST_LEVEL, _MOST_LEVEL)
        seconds = numbers_in(saved["seconds"], self._levels.shape, 0, _MOST_SECONDS)
        light = Light(int(number_in(saved["light"], 0, len(Light) - 1)))
        self._levels, self._seconds = levels.astype(np.float32), seconds.astype(np.float32)
        self._light, self._started = light, True
