"""The decision: examples that read like rules, and properties that hold for any tree and any lists."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.events import Severity
from server.grids.model import CATCH_ALL, EVERYWHERE, SPECIAL_LEVEL, Fragment, Grid, GridTree, Layer, Placement
from server.matters.compiled import CompiledLists, Lists
from server.matters.model import (
    FilingCondition,
    LimitUnit,
    Matter,
    MatterKey,
    MatterKind,
    Prohibition,
    Responsibility,
    SpecialGridRule,
    Unit,
)
from server.routing.model import Outcome, Route, Rule
from server.routing.route import BORDER_SHARE, climb, route

KEY = MatterKey("e1", MatterKind.EVENT, "05-96")
HAZARD = "thrown_object"
CONDITION = FilingCondition(1, "一", "one", 2, LimitUnit.CONTINUOUS_HOUR, "毕", "done")


def admin(code: str, level: int, parent: str | None) -> Grid:
    return Grid(code, f"网格{code}", f"Grid {code}", Layer.ADMIN, level, parent)


def special(code: str, parent: str) -> Grid:
    return Grid(code, f"专属{code}", f"Special {code}", Layer.SPECIAL, 3, parent)


def matter(special_grid: SpecialGridRule = SpecialGridRule.WINS, **changes) -> Matter:
    fields = {
        "key": KEY,
        "name_zh": "高空抛物",
        "name_en": "Thrown object",
        "big_class_zh": "突发",
        "big_class_en": "Emergencies",
        "hazards": (HAZARD,),
        "severity": Severity.RED,
        "conditions": (CONDITION,),
        "auto_dispatch": False,
        "special_grid": special_grid,
        "valid_from": date(2026, 1, 1),
    }
    return Matter(**{**fields, **changes})


def unit(code: str) -> Unit:
    return Unit(code, f"单位{code}", f"Unit {code}")


def responsible(scope: str, level: str, code: str = "U") -> Responsibility:
    return Responsibility(KEY, scope, level, unit(code))


def prohibited(level: str) -> Prohibition:
    return Prohibition(KEY, level, "不得下沉", "never this low")


TREE = GridTree(
    [
        admin("R", 0, None),
        admin("A", 1, "R"),
        admin("B", 1, "R"),
        admin("A1", 2, "A"),
        admin("A2", 2, "A"),
        admin("B1", 2, "B"),
        special("S", "A1"),
        special("T", "A"),
    ],
    version=3,
)


def lists(rows=(), denied=(), the_matter: Matter | None = None) -> CompiledLists:
    return CompiledLists(Lists((the_matter or matter(),), tuple(rows), tuple(denied)), version=5)


def decide(compiled: CompiledLists, placement: Placement, the_matter: Matter | None = None) -> Route:
    return route(HAZARD, the_matter or matter(), placement, compiled, TREE)


def outcomes(found: Route) -> list[tuple[Outcome, str | None]]:
    return [(step.outcome, step.grid) for step in found.steps]


def test_the_climb_goes_from_the_lowest_grid_to_the_first_responsible_unit() -> None:
    found = decide(lists([responsible("*", "1", "STREET"), responsible("*", "0", "DISTRICT")]), Placement("A1"))
    assert (found.queue, found.unit, found.border_queues) == ("A", unit("STREET"), ())
    assert (found.list_version, found.grid_version, found.matter) == (5, 3, KEY)
    assert outcomes(found) == [
        (Outcome.MATTER_FOUND, None),
        (Outcome.IN_GRID, "A1"),
        (Outcome.NOBODY_RESPONSIBLE, "A1"),
        (Outcome.RESPONSIBLE, "A"),
    ]


def test_a_prohibited_level_is_passed_over_though_it_has_a_unit() -> None:
    found = decide(
        lists([responsible("*", "2", "LOW"), responsible("*", "0", "HIGH")], [prohibited("2")]), Placement("A1")
    )
    assert (found.queue, found.unit) == ("R", unit("HIGH"))
    denial = next(step for step in found.steps if step.rule is Rule.PROHIBITION)
    assert denial.grid == "A1" and "never this low" in denial.text_en and "不得下沉" in denial.text_zh


@pytest.mark.parametrize(
    ("scopes", "grid", "expected"),
    [
        (("*",), "A1", "*"),
        (("*", "R"), "A1", "R"),
        (("*", "R", "A"), "A1", "A"),
        (("A", "A1", "*"), "A1", "A1"),
        (("A", "A1", "*"), "A2", "A"),
        (("A", "A1", "*"), "B1", "*"),
    ],
)
def test_the_most_specific_scope_wins(scopes, grid: str, expected: str) -> None:
    rows = [responsible(scope, "2", f"of {scope}") for scope in scopes]
    assert decide(lists(rows), Placement(grid)).unit == unit(f"of {expected}")


class TestSpecialGrids:
    """The overlay wins over the tree where the matter says so."""

    ROWS = (
        responsible("*", "2", "LOW"),
        responsible("*", SPECIAL_LEVEL, "ANY"),
        responsible("S", SPECIAL_LEVEL, "OF S"),
    )
    IN_S = Placement("A1", ("S",))

    def test_wins(self) -> None:
        found = decide(lists(self.ROWS), self.IN_S)
        assert (found.queue, found.unit) == ("S", unit("OF S"))
        assert (Outcome.SPECIAL_WINS, "S") in outcomes(found)

    def test_ignored(self) -> None:
        ignoring = matter(SpecialGridRule.IGNORED)
        found = decide(lists(self.ROWS, the_matter=ignoring), self.IN_S, ignoring)
        assert found.queue == "A1" and (Outcome.SPECIAL_IGNORED, "S") in outcomes(found)

    def test_without_a_unit_the_tree_goes_on_below_it(self) -> None:
        found = decide(lists([responsible("*", "2", "LOW")]), self.IN_S)
        assert found.queue == "A1" and (Outcome.NOBODY_RESPONSIBLE, "S") in outcomes(found)

    def test_prohibited_too(self) -> None:
        assert decide(lists(self.ROWS, [prohibited(SPECIAL_LEVEL)]), self.IN_S).queue == "A1"

    def test_a_scope_above_covers_the_special_grid_by_its_parent(self) -> None:
        rows = [responsible("A", SPECIAL_LEVEL, "OF A"), responsible("*", SPECIAL_LEVEL, "ANY")]
        assert decide(lists(rows), Placement("A2", ("T",))).unit == unit("OF A")

    def test_the_smallest_of_several_wins(self) -> None:
        assert decide(lists(self.ROWS), Placement("A1", ("S", "T"))).queue == "S"


class TestCatchAll:
    """Nothing is ever unroutable, only unexplained."""

    def test_an_unknown_hazard(self) -> None:
        found = route("ghost", None, Placement("A1"), lists([responsible("*", "2")]), TREE)
        assert (found.queue, found.unit, found.matter) == (CATCH_ALL, None, None)
        assert [step.outcome for step in found.steps] == [Outcome.HAZARD_UNKNOWN, Outcome.IN_GRID, Outcome.CAUGHT]

    def test_a_point_outside_every_grid_names_the_nearest(self) -> None:
        found = decide(lists([responsible("*", "2")]), Placement(None, nearest="B1", nearest_distance_m=1234.4))
        assert found.queue == CATCH_ALL
        place = next(step for step in found.steps if step.rule is Rule.PLACE)
        assert place.grid == "B1" and "1,234 m" in place.text_en and "1,234 m" in place.text_zh

    def test_nobody_up_to_the_root(self) -> None:
        found = decide(lists(), Placement("A1"))
        assert found.queue == CATCH_ALL
        assert [grid for outcome, grid in outcomes(found) if outcome is Outcome.NOBODY_RESPONSIBLE] == ["A1", "A", "R"]

    def test_no_grids_at_all(self) -> None:
        empty = GridTree(())
        assert route(HAZARD, matter(), Placement(None), lists(), empty).queue == CATCH_ALL


class TestBorder:
    """A disc over a border shows in the neighbour's queue, if that is another one."""

    ROWS = (responsible("*", "2", "LOW"),)

    def borders(self, *fragments: Fragment, rows=ROWS, the_matter=None) -> tuple[str, ...]:
        placement = Placement("A1", fragments=fragments, accuracy_m=40)
        return decide(lists(rows, the_matter=the_matter), placement, the_matter).border_queues

    def test_a_tenth_is_enough_and_less_is_not(self) -> None:
        assert self.borders(Fragment("A1", None, 0.9), Fragment("B1", None, BORDER_SHARE)) == ("B1",)
        assert self.borders(Fragment("A1", None, 0.901), Fragment("B1", None, 0.099)) == ()

    def test_a_neighbour_with_the_same_queue_is_none(self) -> None:
        assert self.borders(Fragment("A1", None, 0.6), Fragment("A2", None, 0.4), rows=(responsible("*", "1"),)) == ()

    def test_shares_are_summed_by_queue(self) -> None:
        rows = (responsible("A", "2"), responsible("*", "1"))
        found = self.borders(
            Fragment("A1", None, 0.88), Fragment("B1", None, 0.06), Fragment("B", None, 0.06), rows=rows
        )
        assert found == ("B",)

    def test_the_widest_share_comes_first(self) -> None:
        found = self.borders(Fragment("A1", None, 0.5), Fragment("A2", None, 0.2), Fragment("B1", None, 0.3))
        assert found == ("B1", "A2")

    def test_a_special_grid_is_a_neighbour_only_where_it_wins(self) -> None:
        rows = (*self.ROWS, responsible("*", SPECIAL_LEVEL))
        fragments = (Fragment("A1", None, 0.6), Fragment("A1", "S", 0.4))
        assert self.borders(*fragments, rows=rows) == ("S",)
        assert self.borders(*fragments, rows=rows, the_matter=matter(SpecialGridRule.IGNORED)) == ()

    def test_the_catch_all_is_nobodys_neighbour(self) -> None:
        rows = (responsible("A", "2"),)
        assert self.borders(Fragment("A1", None, 0.5), Fragment("B1", None, 0.5), rows=rows) == ()

    def test_a_point_outside_may_still_have_neighbours(self) -> None:
        placement = Placement(None, fragments=(Fragment("B1", None, 0.4),), nearest="B1", nearest_distance_m=3)
        found = decide(lists(self.ROWS), placement)
        assert (found.queue, found.border_queues) == (CATCH_ALL, ("B1",))

    def test_a_vague_position_says_so(self) -> None:
        found = decide(lists(self.ROWS), Placement("A1", fragments=None, accuracy_m=9000))
        assert found.border_queues == () and found.steps[-1].outcome is Outcome.TOO_VAGUE
        assert "9,000 m" in found.steps[-1].text_en


def test_the_matter_in_force_on_the_day_speaks_and_the_newer_edition_first() -> None:
    old = matter(key=KEY._replace(edition="old"), valid_from=date(2020, 1, 1), valid_to=date(2026, 6, 30))
    new = matter(key=KEY._replace(edition="new"), valid_from=date(2026, 6, 1))
    compiled = CompiledLists(Lists((old, new)))
    found = {day: compiled.matter_for(HAZARD, day) for day in (date(2019, 1, 1), date(2026, 5, 31), date(2026, 6, 15))}
    assert [*found.values()] == [None, old, new]
    assert compiled.matter_for(HAZARD, date(2099, 1, 1)) is new
    assert compiled.matter_for("ghost", date(2026, 6, 15)) is None


# Properties: any tree of up to four levels, any lists, any place.

LEVELS = ("0", "1", "2", "3", SPECIAL_LEVEL)


@st.composite
def cases(draw: st.DrawFn) -> tuple[GridTree, CompiledLists, Matter, Placement]:
    grids = [admin("g0", 0, None)]
    for number in range(1, draw(st.integers(1, 14))):
        parent = draw(st.sampled_from([grid for grid in grids if grid.level < 3]))
        grids.append(admin(f"g{number}", parent.level + 1, parent.code))
    specials = [special(f"s{number}", draw(st.sampled_from(grids)).code) for number in range(draw(st.integers(0, 2)))]
    tree = GridTree([*grids, *specials], version=1)
    codes = [EVERYWHERE, *(grid.code for grid in tree)]
    pairs = draw(st.sets(st.tuples(st.sampled_from(codes), st.sampled_from(LEVELS)), max_size=12))
    rows = tuple(responsible(scope, level, f"{scope}@{level}") for scope, level in sorted(pairs))
    denied = tuple(prohibited(level) for level in sorted(draw(st.sets(st.sampled_from(LEVELS)))))
    the_matter = matter(draw(st.sampled_from(SpecialGridRule)))
    lowest = [grid.code for grid in tree.lowest()]
    inside = tuple(grid.code for grid in specials if draw(st.booleans()))
    parts = draw(st.lists(st.tuples(st.sampled_from(lowest), st.floats(0.01, 1)), max_size=5))
    whole = sum(share for _, share in parts) or 1.0
    fragments = tuple(Fragment(code, None, share / whole) for code, share in parts)
    place = Placement(draw(st.sampled_from([None, *lowest])), inside, fragments, accuracy_m=25)
    known = draw(st.booleans()) or None
    return tree, CompiledLists(Lists((the_matter,), rows, denied), 1), the_matter if known else None, place


def brute_force(tree: GridTree, compiled: CompiledLists, asked: Matter | None, place: Placement) -> str:
    """The rules once more, straight from the lists' rows, without any index."""
    if asked is None:
        return CATCH_ALL
    way = list(tree.codes_upwards(place.grid)) if place.grid else []
    if place.specials and asked.special_grid is SpecialGridRule.WINS:
        way.insert(0, place.specials[0])
    for code in way:
        grid = tree.get(code)
        level = SPECIAL_LEVEL if grid.layer is Layer.SPECIAL else str(grid.level)
        if any(row.level == level for row in compiled.lists.prohibitions):
            continue
        if any(row.level == level and tree.covers(row.scope, code) for row in compiled.lists.responsibilities):
            return code
    return CATCH_ALL


@given(cases())
def test_there_is_exactly_one_queue_and_it_is_the_one_of_the_rules(case) -> None:
    tree, compiled, asked, place = case
    found = route(HAZARD, asked, place, compiled, tree)
    assert found.queue == brute_force(tree, compiled, asked, place)
    assert (found.unit is None) == (found.queue == CATCH_ALL)
    assert found.queue not in found.border_queues and CATCH_ALL not in found.border_queues
    assert len(set(found.border_queues)) == len(found.border_queues) <= 9


@given(cases())
def test_a_prohibited_level_never_receives(case) -> None:
    tree, compiled, asked, place = case
    found = route(HAZARD, asked, place, compiled, tree)
    denied = {row.level for row in compiled.lists.prohibitions}
    for queue in (found.queue, *found.border_queues):
        grid = tree.get(queue)
        assert grid is None or grid.level_key not in denied


@given(cases())
def test_no_scope_that_covers_the_queue_is_more_specific_than_the_one_that_won(case) -> None:
    tree, compiled, asked, place = case
    rungs = climb(asked, place.grid, None, compiled, tree)
    if not rungs or rungs[-1].responsibility is None:
        return
    here, winner = rungs[-1].grid, rungs[-1].responsibility
    order = [*tree.codes_upwards(here.code), EVERYWHERE]
    rivals = [
        row.scope
        for row in compiled.lists.responsibilities
        if row.level == here.level_key and tree.covers(row.scope, here.code)
    ]
    assert order.index(winner.scope) == min(order.index(scope) for scope in rivals)


@given(cases())
def test_every_decision_explains_itself_in_both_languages_and_ends_with_its_queue(case) -> None:
    tree, compiled, asked, place = case
    found = route(HAZARD, asked, place, compiled, tree)
    assert found.steps[0].rule is Rule.MATTER and found.steps[1].rule is Rule.PLACE
    assert all(step.text_zh and step.text_en for step in found.steps)
    decisive = [step for step in found.steps if step.rule is not Rule.BORDER][-1]
    assert decisive.outcome is (Outcome.CAUGHT if found.queue == CATCH_ALL else Outcome.RESPONSIBLE)
    assert decisive.grid in {found.queue, None}
    assert [step.grid for step in found.steps if step.outcome is Outcome.BORDER_QUEUE] == list(found.border_queues)


@given(cases())
def test_the_same_question_has_the_same_answer(case) -> None:
    tree, compiled, asked, place = case
    assert route(HAZARD, asked, place, compiled, tree) == route(HAZARD, asked, place, compiled, tree)
