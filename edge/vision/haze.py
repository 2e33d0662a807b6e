"""Where something soft and grey keeps on moving: smoke, and what looks like it.

Smoke changes light over whole neighbourhoods, slowly and without edges. Leaves and people change single pixels as much
as their neighbourhood or more; shadows and lamps come to rest. So the measure is how restless the *blurred* picture is,
and how much of the fine picture's restlessness that is ("softness": leaves 0.1-0.4, smoke 0.7-1 on real clips).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Floats, Mask
from edge.vision.flicker import Restlessness, share_after
from edge.vision.planes import NEUTRAL_CHROMA
from edge.vision.small_colour import SmallPicture

COARSE_COLUMNS = 80
"""Smoke that is smaller than 3 × 3 of these cells cannot be told from its noise."""
_NEIGHBOURS = np.ones((3, 3), np.uint8)
FLOODED = 2.0
"""Times the restlessness of thin smoke: a forest fire's smoke filled two thirds of a real clip with less."""


@dataclass(frozen=True, slots=True)
class HazeValues:
    """What counts as haze. Levels of 0-255, seconds."""

    restless: float = 1.5
    """Of the blurred picture: noise and leaves stay below 0.8, thin smoke is at 2 [three real clips, office1]."""
    softness: float = 0.6
    colour: float = 24.0
    """|blue - 128| + |red - 128|: grey and bluish smoke is below 20, lit by flames it is above."""
    fading: float = 0.8
    """… or so much of the colour that was there before, at the most: a veil takes colour from a painted wall."""
    dark: float = 18.0
    bright: float = 245.0
    """Beyond these nothing can be told: black, and overexposed."""
    follow_seconds: float = 2.0
    settle_seconds: float = 3.0
    most: float = 12.0
    """A step that counts for no more: what drives past changes a cell by 50 levels at once, smoke by a few a second."""
    background_seconds: float = 60.0
    step_seconds: float = 0.25
    step: float = 0.5
    """Smoke changes a cell by so many levels within `step_seconds` …"""
    sustained: float = 0.7
    """… in this share of the last seconds, at least. Smoke of two real clips: 0.75-1;
    traffic comes and goes, a slide show stands still between its steps (0.05)."""
    every_seconds: float = 0.13
    """Smoke is slow: more pictures a second show nothing more. Every other one of 15."""


@dataclass(frozen=True, slots=True, eq=False)
class Haze:
    """What is seen now, (rows, columns) of coarse cells. Arrays are overwritten by the next look."""

    mask: Mask
    restless: Floats
    softness: Floats
    sustained: Floats
    """Share of the last seconds in which a cell kept changing."""
    level: Floats
    """Blurred luma."""
    background: Floats
    """The same as it was for the last minute."""
    changed_share: float
    """Of all cells: how much of the picture is restless, whatever it is."""
    shifted_share: float
    """Of all cells: how much differs clearly from the background, whatever moved or was switched on."""


class HazeFinder:
    """Follows one stream."""

    def __init__(self, width: int, height: int, values: HazeValues | None = None) -> None:
        """For small pictures of (height, width)."""
        self._values = values = values or HazeValues()
        self.columns = min(COARSE_COLUMNS, width)
        self.rows = max(round(height * self.columns / width), 1)
        self._fine_size = (min(2 * self.columns, width), min(2 * self.rows, height))
        follow, settle = values.follow_seconds, values.settle_seconds
        self._soft = Restlessness(
            self.rows, self.columns, follow_seconds=follow, settle_seconds=settle, most=values.most
        )
        self._fine = Restlessness(
            self._fine_size[1], self._fine_size[0], follow_seconds=follow, settle_seconds=settle, most=values.most
        )
        shape = (self.rows, self.columns)
        self._background: Floats = np.zeros(shape, np.float32)
        self._coloured: Floats = np.zeros(shape, np.float32)
        self._before: Floats = np.zeros(shape, np.float32)
        self._before_at = 0.0
        self._sustained: Floats = np.zeros(shape, np.float32)
        self._last: float | None = None
        self._began = 0.0

    def restart(self) -> None:
        """The picture is another one: learns anew."""
        self._last = None
        self._soft.restart()
        self._fine.restart()

    def observe(self, picture: SmallPicture, media_time: float) -> Haze | None:
        """Takes in a picture. None where it comes too soon after the one before."""
        values = self._values
        if self._last is not None and 0 <= media_time - self._last < values.every_seconds * 0.75:
            return None
        fine = np.asarray(cv2.resize(picture.luma, self._fine_size, interpolation=cv2.INTER_AREA), np.uint8)
        coarse = cv2.resize(picture.luma, (self.columns, self.rows), interpolation=cv2.INTER_AREA)
        blurred = np.asarray(cv2.blur(coarse, (3, 3)), np.float32)
        colour = self._colour_of(picture)
        if self._last is None or media_time <= self._last:
            np.copyto(self._background, blurred)
            np.copyto(self._coloured, colour)
            np.copyto(self._before, blurred)
            self._sustained.fill(0)
            self._began = self._before_at = media_time
            passed = 0.0
        else:
            passed = media_time - self._last
        self._last = media_time
        # Exposure changes all cells by the same: what most of them do is not smoke.
        offset = _common(blurred - self._soft.mean) if passed else 0.0
        restless = self._soft.observe(blurred, media_time, offset)
        fine_restless = cv2.resize(
            self._fine.observe(fine, media_time, offset), (self.columns, self.rows), interpolation=cv2.INTER_AREA
        )
        # Against the liveliest neighbour: the halo of a lamp is as soft as smoke, and the lamp beside it is not.
        around = cv2.dilate(np.asarray(fine_restless, np.float32), _NEIGHBOURS)
        softness = np.asarray(restless / (around + np.float32(0.5)), np.float32)
        grey = (colour < values.colour) | (colour < values.fading * self._coloured)
        visible = (blurred > values.dark) & (blurred < values.bright)
        self._sustain(blurred, media_time)
        lively = (restless >= values.restless) & (self._sustained >= values.sustained)
        mask = (lively & (softness >= values.softness) & grey & visible).astype(np.uint8) * 255
        shift = blurred - self._background
        shift = np.abs(shift - _common(shift))
        # The first seconds are a background's best guess; afterwards it changes with a minute's inertia.
        share = share_after(passed, min(values.background_seconds, max(media_time - self._began, 1.0)))
        cv2.accumulateWeighted(blurred, self._background, share)
        cv2.accumulateWeighted(colour, self._coloured, share)
        return Haze(
            mask=mask,
            restless=restless,
            softness=softness,
            sustained=self._sustained,
            level=blurred,
            background=self._background,
            changed_share=float(np.mean(restless >= FLOODED * values.restless)),
            shifted_share=float(np.mean(shift > 25)),
        )

    def _sustain(self, blurred: Floats, media_time: float) -> None:
        """Counts whether each cell has changed since `step_seconds` ago, or since the look before if that is longer."""
        passed = media_time - self._before_at
        if passed < self._values.step_seconds * 0.9:
            return
        change = blurred - self._before
        changed = (np.abs(change - _common(change)) >= self._values.step).astype(np.float32)
        cv2.accumulateWeighted(changed, self._sustained, share_after(passed, self._values.settle_seconds))
        np.copyto(self._before, blurred)
        self._before_at = media_time

    def _colour_of(self, picture: SmallPicture) -> Floats:
        size = (self.columns, self.rows)
        blue, red = (
            np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)
            for plane in (picture.blue, picture.red)
        )
        neutral = np.float32(NEUTRAL_CHROMA)
        return np.asarray(np.abs(blue - neutral) + np.abs(red - neutral), np.float32)


def _common(change: Floats) -> float:
    """What most cells changed by: the median of every fourth, which costs a fifth."""
    return float(np.median(change[::2, ::2]))
