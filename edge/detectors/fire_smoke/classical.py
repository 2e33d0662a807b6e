"""The classical proposers, so that a box without weights still works: flames by colour and flicker, smoke by haze.

At night and in infra-red a flame has no colour: there it is a bright place that flickers, which many things are, so its
confidence is small.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edge.detectors.fire_smoke.eye import Eye, Light
from edge.detectors.fire_smoke.proposals import Proposal, Proposer
from edge.detectors.fire_smoke.settings import GateSettings, Hazard
from edge.vision.arrays import Mask, over

LEAST_FPS = 3.5
"""Below, flicker and drifting cannot be told from things that come and go: they are left to the model."""
JOIN_PX = 7
"""Of the working picture: tongues of one fire are apart by so much and less."""
MOST = 6
"""Proposals of one kind, the largest first: more are leaves or rain."""
INFRARED_LEVEL = 215.0
"""Luma from which a place is bright enough to be a flame without colour: near infra-red sees flames overexposed."""
INFRARED_RESTLESS = 12.0
"""More than with colour: foliage that is lit by the camera's own lamp moves, too."""
INFRARED_CONFIDENCE = 0.3


def flame_proposals(eye: Eye, gate: GateSettings, media_time: float) -> Sequence[Proposal]:
    """Where flame-coloured places flicker."""
    if eye.fps < LEAST_FPS:
        return ()
    if eye.light is Light.INFRARED:
        mask = _infrared_mask(eye)
    else:
        mask = over(eye.presence, 255 * gate.flame_presence)
        if not cv2.countNonZero(mask):
            return ()
        cv2.bitwise_and(mask, over(eye.restless, gate.flame_restless), dst=mask)
    if eye.watched is not None:
        cv2.bitwise_and(mask, eye.watched, dst=mask)
    if not cv2.countNonZero(mask):
        return ()
    joined = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((JOIN_PX, JOIN_PX), np.uint8)), np.uint8)
    found = []
    for label, (left, top, width, height, _) in _parts(joined, gate.flame_px):
        here = (slice(top, top + height), slice(left, left + width))
        own = (label[here] > 0) & (mask[here] > 0)
        if np.count_nonzero(own) < gate.flame_px:
            continue
        confidence = float(np.clip(np.mean(eye.restless[here][own]) / (4 * gate.flame_restless), 0.1, 1.0))
        if eye.light is Light.INFRARED:
            confidence = min(confidence, INFRARED_CONFIDENCE)
        found.append(
            Proposal(Hazard.FIRE, Proposer.FLAME, eye.box_of(left, top, width, height), confidence, media_time)
        )
    return found


def smoke_proposals(eye: Eye, gate: GateSettings, media_time: float) -> Sequence[Proposal]:
    """Where something grey and soft keeps on moving."""
    haze = eye.haze
    if haze is None or eye.fps < LEAST_FPS:
        return ()
    rows, columns = haze.mask.shape
    mask = haze.mask
    if eye.watched is not None:
        watched = cv2.resize(eye.watched, (columns, rows), interpolation=cv2.INTER_NEAREST)
        mask = mask & np.asarray(watched, np.uint8)
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), np.uint8)
    if cv2.countNonZero(mask) < gate.smoke_cells:
        return ()
    across, down = eye.width / columns, eye.height / rows
    found = []
    for label, (left, top, width, height, _) in _parts(mask, gate.smoke_cells):
        here = (slice(top, top + height), slice(left, left + width))
        own = label[here] > 0
        restless = float(np.mean(haze.restless[here][own]))
        softness = float(np.mean(haze.softness[here][own]))
        confidence = float(np.clip(softness * min(restless / 4.0, 1.0), 0.05, 1.0))
        box = eye.box_of(left * across, top * down, width * across, height * down)
        found.append(Proposal(Hazard.SMOKE, Proposer.SMOKE, box, confidence, media_time))
    return found


def _infrared_mask(eye: Eye) -> Mask:
    bright = over(eye.brightness, INFRARED_LEVEL)
    return bright & over(eye.restless, INFRARED_RESTLESS)


def _parts(mask: Mask, least: int) -> list[tuple[Mask, tuple[int, int, int, int, int]]]:
    """The connected parts of a mask, largest first: (its own mask, (left, top, width, height, pixels))."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_16U)
    order = sorted(range(1, count), key=lambda index: (-int(stats[index][4]), index))
    chosen = [index for index in order if stats[index][4] >= least][:MOST]
    return [
        (np.asarray(labels == index, np.uint8), (int(s[0]), int(s[1]), int(s[2]), int(s[3]), int(s[4])))
        for index in chosen
        for s in (stats[index],)
    ]
