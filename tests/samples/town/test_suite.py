"""The evaluation set: its amounts, its laziness, that it is the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from samples.town import Plan, evaluation_pairs, make_pair
from samples.town.suite import ADVISED, SPARSE, Plans, is_shown

TINY = Plans((Plan(500, 400, 0.4),), (Plan(500, 400, 0.4),))


def test_amounts_are_reached_and_not_much_more() -> None:
    towns = list(evaluation_pairs(1, structures=9, unchanged_km2=0.06, plans=TINY))
    built = [town for town in towns if town.name.startswith("built")]
    quiet = [town for town in towns if town.name.startswith("quiet")]
    assert built + quiet == towns
    assert 9 <= sum(len(town.to_be_found) for town in built) < 24
    assert 0.06 <= sum(town.km2 for town in quiet) < 0.12
    for town in built:
        assert town.to_be_found
        assert all(c.is_new_structure and c.area_m2 >= 10 and is_shown(town.pair, c) for c in town.to_be_found)
        assert set(town.to_be_found) <= set(town.pair.truth.changes)
    assert all(not town.pair.truth.changes and town.pair.truth.nuisances for town in quiet)


def test_the_same_seed_gives_the_same_towns() -> None:
    first, second = (next(iter(evaluation_pairs(3, structures=1, unchanged_km2=0, plans=TINY))) for _ in range(2))
    assert first.name == second.name
    one, other = (town.pair.after.frames[0].read_bgr() for town in (first, second))
    assert np.array_equal(one, other)


def test_the_full_set_begins_at_once() -> None:
    town = next(evaluation_pairs())
    assert town.name == "built-00" and len(town.to_be_found) > 5
    assert town.pair.after.frames[0].lens.width == 4000


def test_towns_are_flown_as_is_advised_or_sparsely() -> None:
    for plan, less in zip((*ADVISED.built, *ADVISED.quiet), (*SPARSE.built, *SPARSE.quiet), strict=True):
        assert (plan.forward_overlap, plan.side_overlap) == (0.8, 0.7)
        assert less.forward_overlap < 0.7 and less.side_overlap < 0.6
        assert plan.past_edges is (plan in ADVISED.built)
        assert not less.past_edges
        assert (plan.width, plan.height, plan.gsd_m) == (less.width, less.height, less.gsd_m)
    whole, half = (next(evaluation_pairs(5, unchanged_km2=0, plans=plans)) for plans in (ADVISED, SPARSE))
    assert len(whole.pair.after.frames) >= 2 * len(half.pair.after.frames)
    assert {each.key for each in half.to_be_found} <= {each.key for each in whole.to_be_found}


def test_parts_are_the_whole_once() -> None:
    def names(part: tuple[int, int]) -> list[str]:
        towns = evaluation_pairs(1, structures=14, unchanged_km2=0.05, plans=TINY, part=part)
        return [f"{town.name} {town.km2:.3f} {len(town.to_be_found)}" for town in towns]

    whole, odd = names((0, 1)), names((1, 2))
    assert len(whole) == 4
    assert odd == [told for told in whole if int(told.split()[0].split("-")[1]) % 2 == 1]


@pytest.mark.parametrize("part", [(2, 2), (-1, 2), (0, 0)])
def test_parts_that_there_are_not_are_refused(part: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="part"):
        next(evaluation_pairs(1, part=part))


def test_negative_amounts_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 or more"):
        next(evaluation_pairs(1, structures=-1))
    with pytest.raises(ValueError, match="expected 0 or more"):
        next(evaluation_pairs(1, unchanged_km2=float("nan")))
    with pytest.raises(ValueError, match="seed"):
        make_pair(-1)
