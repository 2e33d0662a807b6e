"""The score says how likely it burns, and a site's own calibration bends it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.detectors.fire_smoke.behaviour import Behaviour, contradiction
from edge.detectors.fire_smoke.score import FIRE, SMOKE, features, fit_site, score
from edge.detectors.fire_smoke.settings import BehaviourSettings, Hazard, LearnedSettings, ScoreSettings, TubeSettings
from edge.detectors.fire_smoke.tubes import Tube

FLAMES = {
    "votes": 1.0,
    "flame": 1.0,
    "in_band": 0.7,
    "flat": 0.5,
    "apart": 0.8,
    "churn": 0.9,
    "area": 1.0,
    "ragged": 0.5,
}
ALIVE = Behaviour(
    in_band=0.6,
    flicker=12,
    line=0.5,
    together=0.2,
    area_variation=0.2,
    churn=0.3,
    drift=0.02,
    base_drift=0.02,
    constancy=0.9,
)


def test_every_cue_moves_the_score_its_way() -> None:
    for hazard, weights in ((Hazard.FIRE, FIRE), (Hazard.SMOKE, SMOKE)):
        for name, weight in weights.items():
            if name == "bias":
                continue
            with_it, without = score({name: 1.0}, hazard, ScoreSettings()), score({}, hazard, ScoreSettings())
            assert (with_it > without) == (weight > 0), name


def test_nothing_known_is_unlikely_and_everything_is_likely() -> None:
    assert score({}, Hazard.FIRE, ScoreSettings()) < 0.05
    assert score({**FLAMES, "model": 0.7}, Hazard.FIRE, ScoreSettings()) > 0.95
    assert score({**FLAMES, "model": 0.0, "denied": 1.0}, Hazard.FIRE, ScoreSettings()) < ScoreSettings().alarm


def looked_at(hazard: Hazard, *confidences: float) -> dict[str, float]:
    """What is known of a tube that a model was shown so often."""
    tube = Tube(1, hazard, 0.0, 5.0, (10.0, 10.0, 20.0, 20.0))
    for t, confidence in enumerate(confidences):
        tube.look(float(t), confidence, TubeSettings())
    return features(tube, Behaviour(), 5.0, TubeSettings(), growth=None, beside_fire=False)


def test_smoke_is_read_on_a_scale_of_its_own() -> None:
    smoke, fire = (looked_at(hazard, 0.22, 0.22, 0.22) for hazard in (Hazard.SMOKE, Hazard.FIRE))
    assert smoke["model"] == pytest.approx(0.5)
    assert fire["model"] == pytest.approx(0.07 / 0.6)
    assert LearnedSettings().least(Hazard.SMOKE) < 0.05 < LearnedSettings().least(Hazard.FIRE)


def test_a_model_that_is_there_is_known_to_have_been_asked() -> None:
    assert "asked" not in looked_at(Hazard.FIRE)
    asked = looked_at(Hazard.FIRE, 0.0, 0.0, 0.0)
    assert (asked["asked"], asked["model"], asked["denied"]) == (1.0, 0.0, 1.0)


def seen_as(coloured: float | None, glow: float | None) -> dict[str, float]:
    tube = Tube(1, Hazard.FIRE, 0.0, 5.0, (10.0, 10.0, 20.0, 20.0))
    return features(tube, Behaviour(coloured=coloured, glow=glow), 5.0, TubeSettings(), growth=None, beside_fire=False)


def test_what_neither_has_a_flames_colour_nor_glows_is_dim() -> None:
    assert seen_as(coloured=0.0, glow=150)["dim"] == 1.0  # a lane marking
    assert seen_as(coloured=0.0, glow=250)["dim"] == 0.0  # a flame in infra-red
    assert seen_as(coloured=0.5, glow=100)["dim"] == 0.0  # a small one far away by night
    assert 0 < seen_as(coloured=0.1, glow=190)["dim"] < 1
    assert "dim" not in seen_as(coloured=None, glow=None)
    assert "dim" not in seen_as(coloured=0.0, glow=None)
    sure = {"model": 1.0, "asked": 1.0, "votes": 1.0, "churn": 0.3, "area": 0.5}
    assert score(sure, Hazard.FIRE, ScoreSettings()) > ScoreSettings().alarm
    assert score({**sure, "dim": 1.0}, Hazard.FIRE, ScoreSettings()) < ScoreSettings().review


def test_a_site_can_replace_weights_and_bend_the_score() -> None:
    told = score(FLAMES, Hazard.FIRE, ScoreSettings())
    assert score(FLAMES, Hazard.FIRE, ScoreSettings(weights={"fire.churn": 0.0})) < told
    assert score(FLAMES, Hazard.FIRE, ScoreSettings(weights={"smoke.softness": 0.0})) == told
    assert score(FLAMES, Hazard.FIRE, ScoreSettings(offset=-2)) < told
    assert score(FLAMES, Hazard.FIRE, ScoreSettings(slope=2)) > told


def test_a_sites_own_calibration_makes_confidence_true() -> None:
    """Operators reject half of what is told at 0.9: afterwards 0.9 is told as half."""
    random = np.random.default_rng(11)
    truth = random.uniform(0.02, 0.98, 4000)
    burns = random.uniform(size=4000) < truth
    told = 1 / (1 + np.exp(-(np.log(truth / (1 - truth)) * 2 + 1)))
    slope, offset = fit_site(told.tolist(), burns.tolist())
    assert (slope, offset) == (pytest.approx(0.5, abs=0.06), pytest.approx(-0.5, abs=0.1))


def test_a_calibration_from_few_labels_or_one_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 200 or more"):
        fit_site([0.5] * 199, [True] * 199)
    with pytest.raises(ValueError, match="one kind only"):
        fit_site([0.5] * 300, [True] * 300)
    slope, offset = fit_site([0.9] * 150 + [0.1] * 150, [True] * 150 + [False] * 150)
    assert 0 < slope < 10 and -10 < offset < 10, "told apart perfectly, and finite"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"drift": 0.6}, "moves"),
        ({"together": 0.95}, "one lamp"),
        ({"line": 0.95, "together": 0.5}, "one rhythm"),
        ({"line": 0.95}, None),
        ({"in_band": 0.1, "flicker": 4.0}, "slow"),
        ({"in_band": 0.1}, None),
        ({"churn": 0.02}, "still outline"),
        ({"area_variation": 0.02}, "still area"),
        ({"base_drift": 0.6}, "no base"),
        ({"constancy": 0.1}, "in steps"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else str(value),
)
def test_what_contradicts_fire(changes: dict[str, float], why: str | None) -> None:
    behaviour = replace(ALIVE, **changes)
    assert contradiction(behaviour, Hazard.FIRE, BehaviourSettings(), TubeSettings()) == why


def test_a_model_that_proposes_all_the_time_needs_no_outline() -> None:
    small = replace(ALIVE, churn=0.0, base_drift=0.8, in_band=0.1, flicker=4.0)
    assert contradiction(small, Hazard.FIRE, BehaviourSettings(), TubeSettings(), learned=True) is None
    still = replace(small, flicker=0.5)
    assert contradiction(still, Hazard.FIRE, BehaviourSettings(), TubeSettings(), learned=True) == "slow"
    assert contradiction(Behaviour(), Hazard.FIRE, BehaviourSettings(), TubeSettings()) is None, "unknown is no proof"
    assert contradiction(Behaviour(together=0.95), Hazard.SMOKE, BehaviourSettings(), TubeSettings()) == "one lamp"
