"""The score: a logistic of what was measured, to be calibrated by a site's own verdicts (`fit_site`).

The weights are fitted to tubes of rendered scenes that the evaluation does not show (`samples.fire.calibrating`),
around values set by hand: of a hundred tubes at 0.8 eighty should burn; until there are verdicts of a site nobody
knows.

What could not be measured counts nothing, but for flicker: pictures that come too slowly to show it (`blind`) count
against. A model that was asked (`asked`) must see something, and what it does not see at all is `denied`; a model that
is not there counts nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from edge.detectors.fire_smoke.behaviour import Behaviour
from edge.detectors.fire_smoke.proposals import Proposer
from edge.detectors.fire_smoke.settings import Hazard, ScoreSettings, TubeSettings
from edge.detectors.fire_smoke.tubes import Tube

FIRE: Mapping[str, float] = MappingProxyType(
    {
        "bias": -4.05,
        "model": 4.4,
        "asked": -1.1,
        "denied": -2.0,
        "blind": -2.5,
        "dim": -3.0,
        "flame": 0.95,
        "votes": 0.8,
        "in_band": 0.6,
        "flat": 1.35,
        "apart": 0.55,
        "churn": 1.55,
        "area": 0.95,
        "ragged": 0.45,
        "drift": -1.95,
        "base": -0.85,
    }
)
SMOKE: Mapping[str, float] = MappingProxyType(
    {
        "bias": -3.5,
        "model": 4.4,
        "asked": -0.15,
        "denied": -2.05,
        "blind": -2.5,
        "smoke": 1.15,
        "votes": 1.45,
        "restless": 1.0,
        "softness": 0.95,
        "growth": 1.0,
        "abrupt": -0.5,
        "drift": -1.75,
        "base": -0.1,
        "fire": 2.45,
    }
)
"""Logits. Each feature lies in 0-1, so a weight is what it can say at the most."""
LOOK_SECONDS = 10.0
"""A model's confidence is that of the last looks: what was a spark is a fire now."""
WEAK: Mapping[Hazard, float] = MappingProxyType({Hazard.FIRE: 0.15, Hazard.SMOKE: 0.04})
SURE: Mapping[Hazard, float] = MappingProxyType({Hazard.FIRE: 0.75, Hazard.SMOKE: 0.40})
"""Confidences of a small detector between which it means something: below, streets and fires have as many. The default
model scores smoke two logits lower than fire."""
LEAST_LOOKS = 3
"""From so many a model that sees nothing counts against."""
LEAST_LABELS = 200
"""A site's own calibration from fewer follows chance."""
GLOWS = 210.0
DARK = 170.0
"""Levels of the brightest fiftieth of a place. Where nothing has a flame's colour, flames are burnt out all the same,
as in infra-red (200-254 in rendered ones). Lane markings, exhaust and noise, which a model takes for fire at times, are
not (75-187)."""
UNCOLOURED = 0.3
"""Share of pictures with a flame's colour: flames 0.42-1, of small ones by night 0.27."""
SUREST = 0.97
"""No camera is surer: of thirty tubes at this score one is a film on a screen, or steam that is lit."""
_EDGE = 1e-4


def features(
    tube: Tube, behaviour: Behaviour, now: float, settings: TubeSettings, *, growth: float | None, beside_fire: bool
) -> dict[str, float]:
    """What is known of a tube, each from 0 to 1."""
    found: dict[str, float] = {"votes": min(tube.seconds_voted(now, settings) / settings.votes, 1.0)}
    recent = [confidence for t, confidence in tube.looks if now - t <= LOOK_SECONDS]
    if recent:
        # The mean of the better half: a region that is cut too tight loses what the whole picture shows.
        better = sorted(recent, reverse=True)[: (len(recent) + 1) // 2]
        mean = sum(better) / len(better)
        weak, sure = WEAK[tube.hazard], SURE[tube.hazard]
        found["asked"] = 1.0
        found["model"] = min(max((mean - weak) / (sure - weak), 0.0), 1.0)
        if len(recent) >= LEAST_LOOKS:
            found["denied"] = max(1 - mean / weak, 0.0)
    votes = tube.votes_since(now - settings.fast_seconds)
    own = Proposer.FLAME if tube.hazard is Hazard.FIRE else Proposer.SMOKE
    found[own.value] = min(sum(own in vote.proposers for vote in votes) / settings.fast_votes, 1.0)
    if tube.hazard is Hazard.FIRE:
        found["blind"] = float(behaviour.in_band is None)
        found |= _fire_features(behaviour)
    else:
        found["blind"] = float(behaviour.together is None)
        found |= _smoke_features(behaviour)
        found["growth"] = 0.0 if growth is None else min(max(growth, 0.0), 1.0)
        found["fire"] = float(beside_fire)
    return found


def score(found: Mapping[str, float], hazard: Hazard, settings: ScoreSettings) -> float:
    """The probability that it burns."""
    weights = FIRE if hazard is Hazard.FIRE else SMOKE
    replaced = settings.weights
    logit = sum(
        replaced.get(f"{hazard.value}.{name}", weight) * (1.0 if name == "bias" else found.get(name, 0.0))
        for name, weight in weights.items()
    )
    return min(_probability(settings.slope * logit + settings.offset), SUREST)


def fit_site(scores: Sequence[float], burns: Sequence[bool]) -> tuple[float, float]:
    """A site's `slope` and `offset` from what operators said of its tubes (Platt scaling, Newton's method).

    `scores` are uncorrected ones (slope 1, offset 0). Targets are drawn in as Platt has it, so that labels that are
    perfectly told apart give finite figures.

    Raises:
        ValueError: fewer than 200 labels, or labels of one kind only.
    """
    if len(scores) != len(burns) or len(scores) < LEAST_LABELS:
        raise ValueError(f"found {len(burns)} labels of {len(scores)} scores, expected {LEAST_LABELS} or more of each")
    positive = sum(burns)
    if positive in (0, len(burns)):
        raise ValueError("found labels of one kind only, expected some that burn and some that do not")
    logits = np.array([_logit(value) for value in scores])
    high, low = (positive + 1) / (positive + 2), 1 / (len(burns) - positive + 2)
    wanted = np.where(np.array(burns), high, low)
    design = np.column_stack([logits, np.ones(len(logits))])
    line = np.array([1.0, 0.0])
    for _ in range(50):
        told = 1 / (1 + np.exp(-design @ line))
        curve = design.T @ (design * (told * (1 - told))[:, None]) + 1e-6 * np.eye(2)
        step = np.linalg.solve(curve, design.T @ (wanted - told))
        line = line + step
        if float(np.abs(step).max()) < 1e-9:
            break
    return float(line[0]), float(line[1])


def _fire_features(behaviour: Behaviour) -> dict[str, float]:
    return _known(
        dim=_dim(behaviour),
        in_band=behaviour.in_band,
        flat=None if behaviour.line is None else 1 - behaviour.line,
        apart=None if behaviour.together is None else 1 - behaviour.together,
        churn=None if behaviour.churn is None else behaviour.churn / 0.4,
        area=None if behaviour.area_variation is None else behaviour.area_variation / 0.3,
        ragged=None if behaviour.ragged is None else (behaviour.ragged - 1) / 3,
        drift=None if behaviour.drift is None else behaviour.drift / 0.5,
        base=None if behaviour.base_drift is None else behaviour.base_drift / 0.35,
    )


def _dim(behaviour: Behaviour) -> float | None:
    """1 where nothing has a flame's colour and nothing is bright enough to be burnt out, 0 where something is."""
    if behaviour.coloured is None or behaviour.glow is None:
        return None
    return max(1 - behaviour.coloured / UNCOLOURED, 0.0) * min(max((GLOWS - behaviour.glow) / (GLOWS - DARK), 0.0), 1.0)


def _smoke_features(behaviour: Behaviour) -> dict[str, float]:
    return _known(
        restless=None if behaviour.restless is None else behaviour.restless / 5,
        softness=None if behaviour.softness is None else (behaviour.softness - 0.4) / 0.5,
        abrupt=None if behaviour.abrupt is None else (behaviour.abrupt - 1.5) / 1.5,
        drift=None if behaviour.drift is None else behaviour.drift / 0.5,
        base=None if behaviour.base_drift is None else behaviour.base_drift / 0.7,
    )


def _known(**values: float | None) -> dict[str, float]:
    return {name: min(max(value, 0.0), 1.0) for name, value in values.items() if value is not None}


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-min(max(logit, -30.0), 30.0)))


def _logit(probability: float) -> float:
    clipped = min(max(probability, _EDGE), 1 - _EDGE)
    return math.log(clipped / (1 - clipped))
