"""Fits the score's weights to rendered tubes: `python -m samples.fire.calibrating --model fire_smoke`.

Scenes of another seed than the evaluation's are shown to the real pipeline; once a second each tube that has passed the
stages before the score is written down with what was measured of it and whether it burns. The weights are the most
probable ones (logistic regression, L-BFGS) under a normal prior around those of now, each of its sign: what the
scenes do not show keeps the value that it had. Scenes are left out by turns to say what the fit is worth.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.optimize import minimize

from edge.detectors.fire_smoke.judging import Watched
from edge.detectors.fire_smoke.proposals import PictureBox
from edge.detectors.fire_smoke.score import FIRE, SMOKE
from edge.detectors.fire_smoke.settings import Hazard
from edge.inference.port import ReplayModels
from samples.fire.evaluate import alone, weights_of
from samples.fire.running import Kept, Variant, Weights, new_pipeline
from samples.fire.shows import Rendered, touches
from samples.fire.suite import PHOTOGRAPHS, evaluation_set
from samples.junction.heads import Box

SEED = 1005
LONGEST_SECONDS = 120.0
"""Of a look-alike's scene: what it says in two minutes it says in ten."""
PRIOR = 0.25
"""Standard deviation of a weight around that of now, in logits: the scenes are few, and drawn by whoever drew the
detector. With 1.0 two false alarms in ten less, and a painted flame at 5 pictures a second was no alarm any more."""
TUBE_WEIGHT = 6.0
"""A tube counts as so many independent seconds at most: its seconds are much alike."""
FOLDS = 6
LATE_SECONDS = 5.0
Doubles = NDArray[np.float64]
OUT = Path("var/fire-tubes.jsonl")
SHOWN = (Variant.CALIBRATION, Variant.CLASSICAL)
PASSED = (None, "unlikely")
"""Why a tube is not told, of those that came as far as the score."""


@dataclass(frozen=True, slots=True)
class Second:
    """One second of a tube that came as far as the score."""

    show: str
    tube: str
    hazard: Hazard
    burns: bool
    cues: Mapping[str, float]


def seconds_of(show: Rendered, weights: Weights) -> list[Second]:
    """Shows a scene to the shipped detector, with the model and without: one set of weights must do for both."""
    models = None if weights.inference is None else ReplayModels(weights.inference)
    variants = weights.variants() if models is not None else (Variant.CALIBRATION,)
    ways = [(variant, *new_pipeline(show, variant, Kept(), models)) for variant in variants if variant in SHOWN]
    noted: list[tuple[float, str, Watched, PictureBox, Mapping[str, float]]] = []
    last = -1.0
    for frame in show.frames():
        for _, _, pipeline in ways:
            pipeline.take(frame)
        if frame.media_time - last < 1.0:
            continue
        last = frame.media_time
        for variant, detector, _ in ways:
            for watched in detector.watched:
                if watched.refused in PASSED and watched.cues:
                    noted.append((last, variant.value, watched, watched.tube.box, dict(watched.cues)))
    fires = show.fires()
    seconds = []
    for t, way, watched, (x, y, width, height), cues in noted:
        hazard = watched.tube.hazard
        said = Box(round(x), round(y), round(x + width), round(y + height))
        if hazard is Hazard.FIRE and any(fire.flame_since is None and touches(fire.box, said) for fire in fires):
            continue  # smoke alone, called fire: the wrong word for the right thing
        burns = any(_visible(fire.flame_since, fire.smoke_since, hazard) <= t <= fire.end + LATE_SECONDS
                    and touches(fire.box, said) for fire in fires)  # fmt: skip
        seconds.append(Second(show.name, f"{way} {watched.tube.number}", hazard, burns, cues))
    return seconds


def _visible(flame: float | None, smoke: float | None, hazard: Hazard) -> float:
    """Since when it could be seen; flames light up their smoke, so either counts for smoke."""
    since = [one for one in ((flame,) if hazard is Hazard.FIRE else (flame, smoke)) if one is not None]
    return min(since, default=float("inf"))


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights of one hazard, and what they are worth on scenes that they have not seen."""

    weights: Mapping[str, float]
    tubes: int
    burning: int
    loss_before: float
    loss_after: float
    """Mean cross-entropy in nats; before: the hand's weights."""


def fitted(seconds: Sequence[Second], hazard: Hazard) -> Fit:
    """The weights of one hazard.

    Raises:
        ValueError: no tube burns, or none does not.
    """
    own = [one for one in seconds if one.hazard is hazard]
    if len({one.burns for one in own}) < 2:
        raise ValueError(f"{hazard.value}: found tubes of one kind only, expected some that burn and some that do not")
    start = FIRE if hazard is Hazard.FIRE else SMOKE
    names = [name for name in start if name != "bias"]
    design = np.array([[1.0, *(one.cues.get(name, 0.0) for name in names)] for one in own])
    wanted = np.array([one.burns for one in own], np.float64)
    tubes = [(one.show, one.tube) for one in own]
    counts = {tube: tubes.count(tube) for tube in set(tubes)}
    weight = np.array([min(TUBE_WEIGHT / counts[tube], 1.0) for tube in tubes])
    hand = np.array([start["bias"], *(start[name] for name in names)])
    shows = sorted({one.show for one in own})
    fold = np.array([shows.index(one.show) % FOLDS for one in own])
    told = np.zeros(len(own))
    for number in range(FOLDS):
        out = fold == number
        told[out] = design[out] @ _most_probable(design[~out], wanted[~out], weight[~out], hand)
    final = _most_probable(design, wanted, weight, hand)
    return Fit(
        dict(zip(["bias", *names], (round(float(value), 2) for value in final), strict=True)),
        len(counts),
        len({tube for tube, one in zip(tubes, own, strict=True) if one.burns}),
        _loss(design @ hand, wanted, weight),
        _loss(told, wanted, weight),
    )


def _most_probable(design: Doubles, wanted: Doubles, weight: Doubles, hand: Doubles) -> Doubles:
    def cost(weights: Doubles) -> tuple[float, Doubles]:
        logits = design @ weights
        loss = float((weight * (np.logaddexp(0, logits) - wanted * logits)).sum())
        slope = design.T @ (weight * (1 / (1 + np.exp(-logits)) - wanted))
        away = (weights - hand) / PRIOR
        return loss + 0.5 * float(away @ away), slope + away / PRIOR

    bounds = [(None, None), *((0.0, None) if value > 0 else (None, 0.0) for value in hand[1:])]
    return np.asarray(minimize(cost, hand, jac=True, method="L-BFGS-B", bounds=bounds).x)


def _loss(logits: Doubles, wanted: Doubles, weight: Doubles) -> float:
    return float((weight * (np.logaddexp(0, logits) - wanted * logits)).sum() / weight.sum())


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0; 2: no such model, or nothing to fit."""
    parser = argparse.ArgumentParser(prog="python -m samples.fire.calibrating", description=__doc__)
    parser.add_argument("--model", default="fire_smoke", help="a row of the model registry, or none (fire_smoke)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--part", type=int, default=1, help="every Nth scene only")
    parser.add_argument("--keep", action="store_true", help=f"fit {OUT} again, without showing anything")
    options = parser.parse_args(argv)
    console = Console()
    seconds = _kept() if options.keep else _shown(options.seed, weights_of(options.model), options.jobs, options.part)
    if not options.keep:
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text("".join(_line(one) + "\n" for one in seconds), encoding="utf-8")
    for hazard in Hazard:
        try:
            fit = fitted(seconds, hazard)
        except ValueError as error:
            sys.stderr.write(f"error: {error}\n")
            return 2
        start = FIRE if hazard is Hazard.FIRE else SMOKE
        table = Table("weight", "now", "fitted", title=f"{hazard.value}: {fit.tubes} tubes, {fit.burning} burn; "
                      f"loss {fit.loss_before:.3f} → {fit.loss_after:.3f} on scenes not seen")  # fmt: skip
        for name, value in fit.weights.items():
            table.add_row(name, f"{start[name]:.2f}", f"{value:.2f}")
        console.print(table)
    return 0


def _shown(seed: int, weights: Weights, jobs: int, part: int) -> list[Second]:
    photographs = PHOTOGRAPHS if PHOTOGRAPHS.is_dir() else None
    scenes = [
        replace(scene, seconds=min(scene.seconds, LONGEST_SECONDS)) if not scene.fires else scene
        for scene in evaluation_set(seed, photographs)
    ][::part]
    seconds: list[Second] = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=alone) as pool:
        futures = [pool.submit(seconds_of, Rendered(scene, photographs), weights) for scene in scenes]
        for future in track(as_completed(futures), "showing", len(futures), console=Console(stderr=True)):
            seconds += future.result()
    return sorted(seconds, key=lambda one: (one.show, one.hazard.value, one.tube))


def _line(one: Second) -> str:
    row = {"show": one.show, "tube": one.tube, "hazard": one.hazard.value, "burns": one.burns, "cues": dict(one.cues)}
    return json.dumps(row)


def _kept() -> list[Second]:
    rows = [json.loads(line) for line in OUT.read_text(encoding="utf-8").splitlines()]
    return [Second(row["show"], row["tube"], Hazard(row["hazard"]), row["burns"], row["cues"]) for row in rows]


if __name__ == "__main__":
    sys.exit(main())
