"""Weights from examples: nothing speaks for a rise by being worse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.vision.surface.likelihood import terms_of
from samples.town.fitting import Example, fitted
from tests.edge.vision.surface.test_likelihood import GOOD


def examples(seed: int = 3) -> list[Example]:
    """Roofs are smooth, crowns rough; everything else is alike in both."""
    rng = np.random.default_rng(seed)
    made = []
    for built, grain in ((True, 2.0), (False, 8.0)):
        for _ in range(40):
            cues = replace(GOOD, grain=grain + float(rng.normal(0, 0.4)), area_m2=float(rng.uniform(7, 60)))
            made.append(Example(cues, built))
    return made


def test_what_parts_them_is_weighed_and_nothing_speaks_for_a_rise() -> None:
    weights = fitted(examples())
    assert list(weights) == list(terms_of(GOOD))
    assert weights["one"] > 0
    assert all(value <= 0 for name, value in weights.items() if name != "one")
    assert weights["crown"] + weights["leaves"] < -2
    assert weights["leafed"] <= -4, "these towns say little of it"
    assert weights["flush"] == 0, "it is the same in all of them"


def test_the_weights_part_what_they_were_fitted_on() -> None:
    made = examples()
    weights = fitted(made)
    totals = [sum(weights[name] * value for name, value in terms_of(each.cues).items()) for each in made]
    built = [total for total, each in zip(totals, made, strict=True) if each.built]
    not_built = [total for total, each in zip(totals, made, strict=True) if not each.built]
    assert min(built) > 0 > max(not_built)


@pytest.mark.parametrize("built", [True, False])
def test_examples_of_one_kind_teach_nothing(built: bool) -> None:
    with pytest.raises(ValueError, match="some of both are needed"):
        fitted([each for each in examples() if each.built is built])
