"""Why a place was taken for a change."""

from __future__ import annotations

import numpy as np
import pytest

from samples.town import Plan, TownPair, make_pair
from samples.town.explaining import Explainer
from samples.town.things import thing_corners, things_of


@pytest.fixture(scope="module")
def pair() -> TownPair:
    return make_pair(6, 160.0, plan=Plan(320, 240, 0.3), changes=8)


@pytest.fixture(scope="module")
def explainer(pair: TownPair) -> Explainer:
    return Explainer(pair.truth)


def test_changes_and_nuisances_are_named(pair: TownPair, explainer: Explainer) -> None:
    for change in pair.truth.changes:
        assert any(c.what == f"change:{change.kind.value}" and c.share > 0.99 for c in explainer.causes(change.outline))
    for nuisance in pair.truth.nuisances:
        assert f"nuisance:{nuisance.kind.value}" in {cause.what for cause in explainer.causes(nuisance.outline)}


def test_what_stood_there_on_one_day_is_named_with_its_day(pair: TownPair, explainer: Explainer) -> None:
    for name, flown in (("before", pair.truth.before), ("after", pair.truth.after)):
        for thing in things_of(flown.town, flown.state.seed)[:20]:
            causes = {cause.what: cause.share for cause in explainer.causes(thing_corners(thing))}
            assert causes[f"{name}:{thing.kind.value}"] == pytest.approx(1.0)


def test_causes_are_sorted_and_an_empty_place_has_none(explainer: Explainer) -> None:
    square = np.array(((-20.0, -20), (20, -20), (20, 20), (-20, 20)))
    shares = [cause.share for cause in explainer.causes(square)]
    assert len(shares) > 2 and shares == sorted(shares, reverse=True) and shares[0] <= 1.0
    assert explainer.causes(square + 5_000) == ()


def test_a_line_is_no_place(explainer: Explainer) -> None:
    with pytest.raises(ValueError, match="without area"):
        explainer.causes(np.array(((0.0, 0), (1, 1), (2, 2))))
