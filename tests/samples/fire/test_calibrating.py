"""Weights of the score from tubes whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from edge.detectors.fire_smoke.score import FIRE, SMOKE
from edge.detectors.fire_smoke.settings import Hazard
from samples.fire.calibrating import Second, fitted


def tubes(count: int, *, seed: int = 1, hazard: Hazard = Hazard.FIRE) -> list[Second]:
    """Of a world in which churn says all, a model half of the truth, and drift nothing."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        burns = bool(rng.random() < 0.5)
        churn = float(np.clip(rng.normal(0.8 if burns else 0.2, 0.12), 0, 1))
        model = float(np.clip(rng.normal(0.6 if burns else 0.4, 0.3), 0, 1))
        cues = {"votes": 1.0, "churn": churn, "model": model, "drift": float(rng.random())}
        found += [Second(f"show-{number % 12}", f"{number}", hazard, burns, cues)] * 4
    return found


def test_what_tells_them_apart_weighs_more_than_what_does_not() -> None:
    fit = fitted(tubes(120), Hazard.FIRE)
    assert fit.tubes == 120 and 40 < fit.burning < 80
    assert fit.weights["churn"] > FIRE["churn"]
    assert fit.weights["drift"] > FIRE["drift"], "drift, that says nothing here, loses weight"
    assert fit.loss_after < 0.5 * fit.loss_before


def test_what_was_never_seen_keeps_the_hands_weight() -> None:
    fit = fitted(tubes(60), Hazard.FIRE)
    for name in ("in_band", "flat", "apart", "area", "ragged", "base"):
        assert fit.weights[name] == pytest.approx(FIRE[name], abs=0.01)


def test_no_weight_changes_its_sign() -> None:
    against = [
        Second(one.show, one.tube, one.hazard, not one.burns, one.cues) for one in tubes(120)
    ]  # here churn speaks against fire, which no fire does
    assert fitted(against, Hazard.FIRE).weights["churn"] == 0.0


def test_few_tubes_of_many_seconds_do_not_outweigh_many() -> None:
    some = tubes(60)
    long = [Second("show-0", "999", Hazard.FIRE, False, {"votes": 1.0, "churn": 0.8, "model": 0.6})] * 3000
    alone, with_it = fitted(some, Hazard.FIRE), fitted(some + long, Hazard.FIRE)
    assert with_it.weights["churn"] == pytest.approx(alone.weights["churn"], abs=0.8)


def test_one_kind_only_is_refused() -> None:
    burning = [one for one in tubes(40, hazard=Hazard.SMOKE) if one.burns]
    with pytest.raises(ValueError, match="smoke: found tubes of one kind only"):
        fitted(burning, Hazard.SMOKE)
    assert set(fitted(tubes(40, hazard=Hazard.SMOKE), Hazard.SMOKE).weights) == set(SMOKE)
