"""How a tube behaves, in a burst of two seconds and over its window: fire breathes, stands and has no rhythm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.detectors.fire_smoke.eye import Eye
from edge.detectors.fire_smoke.settings import BehaviourSettings, Hazard, TubeSettings
from edge.detectors.fire_smoke.tubes import Tube
from edge.vision.arrays import Doubles, Grey, Mask, over
from edge.vision.bursts import MIN_SAMPLES, QUIET, spectrum_of
from edge.vision.flames import raggedness

CELLS = 8
"""A tube is looked at as 8 × 8 cells at the most."""
CHURN_SECONDS = 0.2
"""Between two outlines that are compared: at 5 frames a second the next one."""
COLOURED_PX = 8
"""Of the working picture: with fewer flame-coloured pixels the brightest ones are the flame (infra-red, white heat)."""
BRIGHTEST = 0.98
BRIGHT_SHARE = 0.85
IN_STEP = 0.4
"""From so much of `together` a single line is a lamp's: the largest rendered fires have one of a hertz, each tongue for
itself (0.05-0.1)."""
LEARNED_FLICKER = 2.0
"""Levels at 1-12 Hz that show that something lives: noise and encoders leave 0.5-1.5 in cells of a working picture."""
SPECTRUM_FPS = 3.5
"""Pictures a second that a spectrum from 1 Hz needs."""
LEAST_CHANGE = 0.3
"""Levels of grey: less is noise."""
DRIFT_SECONDS = 5.0
SMOKE_DRIFT_SECONDS = 10.0
SMOKE_BAND_HZ = (0.4, 12.0)
"""Smoke is slower than flames; a burst of 2 s resolves half a hertz."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What was measured; None where it could not be. Names as `cues` of an event have them."""

    in_band: float | None = None
    flicker: float | None = None
    """Levels of grey at 1-12 Hz."""
    line: float | None = None
    together: float | None = None
    area_variation: float | None = None
    churn: float | None = None
    ragged: float | None = None
    drift: float | None = None
    """Box lengths a second."""
    base_drift: float | None = None
    """Standard deviation of the base in box heights."""
    coloured: float | None = None
    """Share of the burst in which it had a flame's colour."""
    glow: float | None = None
    """How bright its brightest fiftieth is, levels of grey, in the middle picture of the burst."""
    change: float | None = None
    """Levels of grey within 0.2 s, or from one picture to the next if they come more slowly."""
    constancy: float | None = None
    """The median change within 0.2 s as a share of its mean: flames change all the time, screens and lamps in steps."""
    restless: float | None = None
    softness: float | None = None
    abrupt: float | None = None
    """The largest step within 0.2 s in standard deviations: smoke below 1, what drives past above 2."""

    def cues(self) -> dict[str, float]:
        """What was measured, by name."""
        return {
            name: round(value, 3)
            for name in Behaviour.__dataclass_fields__
            if (value := getattr(self, name)) is not None
        }


def measured(tube: Tube, eye: Eye, now: float, settings: BehaviourSettings, tubes: TubeSettings) -> Behaviour:
    """Looks at a tube. What the picture's rate does not allow is None."""
    if tube.hazard is Hazard.FIRE:
        return _fire(tube, eye, now, settings, tubes)
    return _smoke(tube, eye, now, settings, tubes)


def contradiction(
    behaviour: Behaviour,
    hazard: Hazard,
    settings: BehaviourSettings,
    tubes: TubeSettings,
    *,
    learned: bool = False,
) -> str | None:
    """Why it is no fire whatever a proposer says; None: nothing speaks against it.

    `learned`: a model proposes it all the time. A flame that is too small or too bright for the colour rule has no
    outline to be measured, and low sun drowns its flicker: then it must only be alive, and have no rhythm.
    """
    common = [
        (_below(behaviour.change, settings.min_change) and hazard is Hazard.FIRE, "still"),
        (_below(behaviour.restless, settings.min_restless), "still"),
        (_beyond(behaviour.drift, settings.max_drift), "moves"),
        (_below(behaviour.constancy, settings.min_constancy), "in steps"),
        (_beyond(behaviour.together, settings.max_together), "one lamp"),
    ]
    if hazard is Hazard.SMOKE:
        limits = [*common, (_beyond(behaviour.base_drift, 2 * settings.max_base_drift), "moves")]
        return next((why for contradicts, why in limits if contradicts), None)
    least_flicker = LEARNED_FLICKER if learned else settings.min_flicker
    slow = _below(behaviour.in_band, settings.min_in_band) and _below(behaviour.flicker, least_flicker)
    limits = [
        *common,
        (slow, "slow"),
        (_beyond(behaviour.line, settings.max_line) and _beyond(behaviour.together, IN_STEP), "one rhythm"),
        (_below(behaviour.area_variation, tubes.area_variation), "still area"),
    ]
    if not learned:
        limits += [
            (_below(behaviour.churn, settings.min_churn), "still outline"),
            (_beyond(behaviour.base_drift, settings.max_base_drift), "no base"),
        ]
    return next((why for contradicts, why in limits if contradicts), None)


def theil_sen(times: Doubles, values: Doubles) -> float:
    """The median of all slopes between pairs: a third of the points may be wrong (Sen 1968). 0 from one point."""
    first, second = np.triu_indices(len(times), 1)
    spans = times[second] - times[first]
    apart = spans > 1e-6
    if not apart.any():
        return 0.0
    return float(np.median((values[second] - values[first])[apart] / spans[apart]))


def _fire(tube: Tube, eye: Eye, now: float, settings: BehaviourSettings, tubes: TubeSettings) -> Behaviour:
    times, lumas, masks = eye.burst(settings.burst_seconds)
    drift, base_drift = _movement(tube, now, DRIFT_SECONDS)
    boxes = tube.area_variation(now, tubes.window_seconds)
    if len(times) < MIN_SAMPLES:
        return Behaviour(drift=drift, base_drift=base_drift, area_variation=boxes)
    window = eye.window_of(tube.box, margin=0.15)
    lumas = [luma[window] for luma in lumas]
    outlines = _outlines(lumas, [mask[window] for mask in masks])
    areas = np.array([cv2.countNonZero(outline) for outline in outlines], np.float64)
    cells = _cells(lumas, outlines)
    spectrum = spectrum_of(cells, times)
    # No spectrum: nothing changes, or pictures come too slowly for one.
    unseen = 0.0 if len(times) - 1 >= SPECTRUM_FPS * (times[-1] - times[0]) else None
    change, constancy = _change(cells, times)
    ragged = [
        value for outline in outlines[:: max(len(outlines) // 4, 1)] if (value := raggedness(outline)) is not None
    ]
    variation = float(areas.std() / areas.mean()) if areas.mean() > 0 else None
    return Behaviour(
        in_band=unseen if spectrum is None else spectrum.in_band,
        flicker=unseen if spectrum is None else spectrum.flicker,
        line=None if spectrum is None else spectrum.line,
        together=None if spectrum is None else spectrum.together,
        area_variation=max((value for value in (variation, boxes) if value is not None), default=None),
        churn=_churn(outlines, times),
        change=change,
        constancy=constancy,
        ragged=float(np.median(ragged)) if ragged else None,
        drift=drift,
        base_drift=base_drift,
        coloured=float(np.mean([cv2.countNonZero(mask[window]) >= COLOURED_PX for mask in masks])),
        glow=float(np.median([np.quantile(luma, BRIGHTEST) for luma in lumas])),
    )


def _smoke(tube: Tube, eye: Eye, now: float, settings: BehaviourSettings, tubes: TubeSettings) -> Behaviour:
    drift, base_drift = _movement(tube, now, SMOKE_DRIFT_SECONDS)
    boxes = tube.area_variation(now, tubes.window_seconds)
    restless = softness = None
    if eye.haze is not None:
        rows, columns = eye.haze.mask.shape
        window_rows, window_columns = eye.window_of(tube.box)
        down, across = rows / eye.height, columns / eye.width
        here = (
            slice(int(window_rows.start * down), max(int(np.ceil(window_rows.stop * down)), 1)),
            slice(int(window_columns.start * across), max(int(np.ceil(window_columns.stop * across)), 1)),
        )
        levels = eye.haze.restless[here]
        # Smoke fills a part of its box: what is calm in it is sky or wall.
        lively = levels >= np.quantile(levels, 0.5)
        restless = float(levels[lively].mean())
        softness = float(eye.haze.softness[here][lively].mean())
    times, lumas, _ = eye.burst(settings.burst_seconds)
    abrupt = together = change = constancy = None
    if len(times) >= MIN_SAMPLES:
        window = eye.window_of(tube.box)
        cells = _cells([luma[window] for luma in lumas], ())
        abrupt = _abruptness(cells, times)
        change, constancy = _change(cells, times)
        if len(times) - 1 >= SPECTRUM_FPS * (times[-1] - times[0]):
            spectrum = spectrum_of(cells, times, SMOKE_BAND_HZ)
            together = 0.0 if spectrum is None else spectrum.together
    return Behaviour(
        together=together,
        change=change,
        constancy=constancy,
        area_variation=boxes,
        drift=drift,
        base_drift=base_drift,
        restless=restless,
        softness=softness,
        abrupt=abrupt,
    )


def _movement(tube: Tube, now: float, seconds: float) -> tuple[float | None, float | None]:
    """Drift in box lengths a second, and how much the base wanders, in box heights."""
    rows = tube.centres(now, seconds)
    if len(rows) < 4 or rows[-1, 0] - rows[0, 0] < seconds / 3:
        return None, None
    length = max(tube.box[2], tube.box[3], 1.0)
    speed = float(np.hypot(theil_sen(rows[:, 0], rows[:, 1]), theil_sen(rows[:, 0], rows[:, 2])))
    spread = float(np.subtract(*np.quantile(rows[:, 3], (0.75, 0.25)))) / 1.35
    return speed / length, spread / max(tube.box[3], 1.0)


def _outlines(lumas: Sequence[Grey], masks: Sequence[Mask]) -> list[Mask]:
    """What is flame in each picture: by colour, or the brightest places where nothing has a flame's colour."""
    if np.mean([cv2.countNonZero(mask) for mask in masks]) >= COLOURED_PX:
        return [np.asarray(mask, np.uint8) for mask in masks]
    brightest = float(np.quantile(np.stack(lumas), BRIGHTEST))
    return [over(luma, BRIGHT_SHARE * brightest) for luma in lumas]


def _cells(lumas: Sequence[Grey], outlines: Sequence[Mask]) -> Doubles:
    """(n, m) levels of the cells that were ever part of the flame, or of all."""
    height, width = lumas[0].shape
    size = (min(CELLS, width), min(CELLS, height))
    levels = np.stack([cv2.resize(luma, size, interpolation=cv2.INTER_AREA).ravel() for luma in lumas])
    if outlines:
        ever = np.max(np.stack(outlines), axis=0)
        share = cv2.resize(ever, size, interpolation=cv2.INTER_AREA).ravel()
        if (share > 25).any():
            levels = levels[:, share > 25]
    return levels.astype(np.float64)


def _churn(outlines: Sequence[Mask], times: Doubles) -> float | None:
    """1 - intersection over union of outlines CHURN_SECONDS apart, the mean of all pairs.

    The later one is shifted back by as much as its centre moved: a vest that walks has the same outline.
    """
    found = []
    later = np.searchsorted(times, times + CHURN_SECONDS - 1e-6)
    for index, other in enumerate(later.tolist()):
        if other >= len(outlines):
            break
        first, second = outlines[index] > 0, _shifted(outlines[other], outlines[index]) > 0
        union = int(np.count_nonzero(first | second))
        if union >= COLOURED_PX:
            found.append(1 - int(np.count_nonzero(first & second)) / union)
    return float(np.mean(found)) if len(found) >= 3 else None


def _shifted(outline: Mask, onto: Mask) -> Mask:
    moments, wanted = cv2.moments(outline, binaryImage=True), cv2.moments(onto, binaryImage=True)
    if not moments["m00"] or not wanted["m00"]:
        return outline
    across = wanted["m10"] / wanted["m00"] - moments["m10"] / moments["m00"]
    down = wanted["m01"] / wanted["m00"] - moments["m01"] / moments["m00"]
    if max(abs(across), abs(down)) < 0.5:
        return outline
    step = np.array([[1, 0, round(across)], [0, 1, round(down)]], np.float32)
    return np.asarray(
        cv2.warpAffine(outline, step, (outline.shape[1], outline.shape[0]), flags=cv2.INTER_NEAREST), np.uint8
    )


def _change(cells: Doubles, times: Doubles) -> tuple[float | None, float | None]:
    """See `Behaviour.change` and `constancy`, which is None where nothing changes."""
    later = np.searchsorted(times, times + CHURN_SECONDS - 1e-6)
    pairs = [(index, other) for index, other in enumerate(later.tolist()) if other < len(times)]
    if len(pairs) < 4:
        return None, None
    first, second = np.array(pairs).T
    changes = np.abs(cells[second] - cells[first]).mean(axis=1)
    mean = float(changes.mean())
    return mean, float(np.median(changes)) / mean if mean >= LEAST_CHANGE else None


def _abruptness(cells: Doubles, times: Doubles) -> float:
    """The largest step within CHURN_SECONDS in standard deviations, in the middle of the cells that change."""
    later = np.searchsorted(times, times + CHURN_SECONDS - 1e-6)
    pairs = [(index, other) for index, other in enumerate(later.tolist()) if other < len(times)]
    if not pairs:
        return 0.0
    first, second = np.array(pairs).T
    steps = np.abs(cells[second] - cells[first]).max(axis=0)
    spread = cells.std(axis=0)
    lively = spread >= max(float(np.median(spread)), QUIET)
    return float(np.median(steps[lively] / (spread[lively] + 1.0))) if lively.any() else 0.0


def _beyond(value: float | None, limit: float) -> bool:
    return value is not None and value > limit


def _below(value: float | None, limit: float) -> bool:
    return value is not None and value < limit


__all__ = ["Behaviour", "contradiction", "measured", "theil_sen"]
