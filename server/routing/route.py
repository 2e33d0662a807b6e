"""The decision itself: pure, no I/O, no clock. The idea is Alertmanager's: walk a tree, the first match wins.

matter → lowest grid that holds the point (a special grid first, where the matter says so) → climb to the root. A level
that must not receive the matter is passed over; the first grid with a responsible unit is the queue; where nobody is
responsible the catch-all queue takes it. Nothing is ever unroutable, only unexplained.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.grids.model import CATCH_ALL, Grid, GridTree, Placement
from server.matters.compiled import CompiledLists
from server.matters.model import Matter, Prohibition, Responsibility, SpecialGridRule
from server.routing.model import Outcome, Route, Rule, Step

BORDER_SHARE = 0.10
"""An alert shows in a neighbour's queue as well if at least this part of its disc lies there."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One grid of the climb: passed over for a prohibition, without a responsible unit, or the end."""

    grid: Grid
    prohibition: Prohibition | None
    responsibility: Responsibility | None


def route(hazard: str, matter: Matter | None, placement: Placement, lists: CompiledLists, tree: GridTree) -> Route:
    """Finds the queue of a hazard at a place.

    `matter` is what `lists.matter_for(hazard, day)` gave; None sends the hazard to the catch-all queue.
    """
    steps = [_matter_step(hazard, matter), _place_step(placement, tree)]
    special = _chosen_special(matter, placement, steps, tree)
    rungs = climb(matter, placement.grid, special, lists, tree)
    steps.extend(_rung_step(rung) for rung in rungs)
    decision = rungs[-1].responsibility if rungs else None
    queue = rungs[-1].grid.code if decision is not None else CATCH_ALL
    if decision is None:
        steps.append(_caught_step(matter, placement))
    border = _border_queues(matter, placement, queue, lists, tree)
    steps.extend(_border_steps(border, placement, tree))
    return Route(
        queue=queue,
        matter=matter.key if matter else None,
        unit=decision.unit if decision else None,
        co_units=decision.co_units if decision else (),
        border_queues=tuple(code for code, _share in border),
        steps=tuple(steps),
        list_version=lists.version,
        grid_version=tree.version,
    )


def climb(
    matter: Matter | None, grid: str | None, special: str | None, lists: CompiledLists, tree: GridTree
) -> list[Rung]:
    """The grids that were asked, lowest first; the last one has the responsibility, unless nobody has it."""
    if matter is None:
        return []
    chain = tree.chain(grid) if grid is not None else ()
    if special is not None:
        chain = (*tree.chain(special)[:1], *chain)
    rungs: list[Rung] = []
    for here in chain:
        prohibition = lists.prohibition(matter.key, here.level_key)
        found = None
        if prohibition is None:
            found = lists.responsibility(matter.key, here.level_key, tree.codes_upwards(here.code))
        rungs.append(Rung(here, prohibition, found))
        if found is not None:
            break
    return rungs


def _queue_of(matter: Matter | None, grid: str, special: str | None, lists: CompiledLists, tree: GridTree) -> str:
    if matter is not None and matter.special_grid is not SpecialGridRule.WINS:
        special = None
    rungs = climb(matter, grid, special, lists, tree)
    return rungs[-1].grid.code if rungs and rungs[-1].responsibility else CATCH_ALL


def _chosen_special(matter: Matter | None, placement: Placement, steps: list[Step], tree: GridTree) -> str | None:
    """The special grid that comes before the tree: the smallest that holds the point, if the matter lets it win."""
    if matter is None or not placement.specials:
        return None
    code = placement.specials[0]
    name_zh, name_en = _names(tree, code)
    if matter.special_grid is SpecialGridRule.WINS:
        text_zh = f"位于专属网格{name_zh}({code}),该事项专属网格优先"
        text_en = f"inside the special grid {name_en} ({code}), which wins for this matter"
        steps.append(Step(Rule.SPECIAL_GRID, Outcome.SPECIAL_WINS, code, text_zh, text_en))
        return code
    text_zh = f"位于专属网格{name_zh}({code}),但该事项不适用专属网格"
    text_en = f"inside the special grid {name_en} ({code}), which this matter ignores"
    steps.append(Step(Rule.SPECIAL_GRID, Outcome.SPECIAL_IGNORED, code, text_zh, text_en))
    return None


def _border_queues(
    matter: Matter | None, placement: Placement, queue: str, lists: CompiledLists, tree: GridTree
) -> list[tuple[str, float]]:
    """Other queues that the rest of the disc would go to, with their share of it.

    Shares are summed by queue: four micro-grids with 5 % each that all answer to one community make it a neighbour.
    The catch-all is nobody's neighbour.
    """
    if matter is None or not placement.fragments:
        return []
    shares: dict[str, float] = {}
    for fragment in placement.fragments:
        code = _queue_of(matter, fragment.grid, fragment.special, lists, tree)
        shares[code] = shares.get(code, 0.0) + fragment.share
    wide = [(code, share) for code, share in shares.items() if share >= BORDER_SHARE]
    return sorted((item for item in wide if item[0] not in {queue, CATCH_ALL}), key=lambda item: (-item[1], item[0]))


def _matter_step(hazard: str, matter: Matter | None) -> Step:
    if matter is None:
        text_zh = f"事项清单中没有与隐患“{hazard}”对应的事项"
        text_en = f"no matter in the lists answers to the hazard {hazard!r}"
        return Step(Rule.MATTER, Outcome.HAZARD_UNKNOWN, None, text_zh, text_en)
    text_zh = f"隐患“{hazard}”对应事项{matter.name_zh}({matter.key})"
    text_en = f"the hazard {hazard!r} is the matter {matter.name_en} ({matter.key})"
    return Step(Rule.MATTER, Outcome.MATTER_FOUND, None, text_zh, text_en)


def _place_step(placement: Placement, tree: GridTree) -> Step:
    if placement.grid is not None:
        name_zh, name_en = _names(tree, placement.grid)
        text_zh = f"位置落在网格{name_zh}({placement.grid})"
        text_en = f"the position lies in {name_en} ({placement.grid})"
        return Step(Rule.PLACE, Outcome.IN_GRID, placement.grid, text_zh, text_en)
    if placement.nearest is None:
        return Step(Rule.PLACE, Outcome.OUTSIDE_EVERY_GRID, None, "尚未导入任何网格", "no grids have been imported yet")
    name_zh, name_en = _names(tree, placement.nearest)
    away = f"{placement.nearest_distance_m or 0.0:,.0f} m"
    text_zh = f"位置不在任何网格内;最近的是{name_zh}({placement.nearest}),相距 {away}"
    text_en = f"the position lies outside every grid; the nearest is {name_en} ({placement.nearest}), {away} away"
    return Step(Rule.PLACE, Outcome.OUTSIDE_EVERY_GRID, placement.nearest, text_zh, text_en)


def _rung_step(rung: Rung) -> Step:
    grid, code = rung.grid, rung.grid.code
    if rung.prohibition is not None:
        text_zh = f"{grid.name_zh}:该事项禁止进入此层级({rung.prohibition.reason_zh}),上移一级"
        text_en = f"{grid.name_en}: this matter must never reach this level ({rung.prohibition.reason_en}); one up"
        return Step(Rule.PROHIBITION, Outcome.PROHIBITED, code, text_zh, text_en)
    if rung.responsibility is None:
        text_zh = f"{grid.name_zh}:权责清单在此层级没有责任单位,上移一级"
        text_en = f"{grid.name_en}: the lists name no unit at this level; one up"
        return Step(Rule.RESPONSIBILITY, Outcome.NOBODY_RESPONSIBLE, code, text_zh, text_en)
    unit, scope = rung.responsibility.unit, rung.responsibility.scope
    text_zh = f"{grid.name_zh}:责任单位为{unit.name_zh}(适用范围 {scope}),进入此队列"
    text_en = f"{grid.name_en}: {unit.name_en} is responsible (scope {scope}); this is the queue"
    return Step(Rule.RESPONSIBILITY, Outcome.RESPONSIBLE, code, text_zh, text_en)


def _caught_step(matter: Matter | None, placement: Placement) -> Step:
    if matter is None:
        why_zh, why_en = "未知隐患", "an unknown hazard"
    elif placement.grid is None:
        why_zh, why_en = "位置不在网格内", "a position outside the grids"
    else:
        why_zh, why_en = "直到根网格都没有责任单位", "no unit responsible up to the root"
    return Step(
        Rule.CATCH_ALL, Outcome.CAUGHT, None, f"{why_zh},进入兜底队列", f"{why_en}: the catch-all queue takes it"
    )


def _border_steps(border: list[tuple[str, float]], placement: Placement, tree: GridTree) -> list[Step]:
    radius = f"{placement.accuracy_m:,.0f} m"
    if placement.fragments is None:
        text_zh = f"位置误差半径 {radius},涉及网格过多,不判定相邻队列"
        text_en = f"the position's error of {radius} touches too many grids to name a neighbour"
        return [Step(Rule.BORDER, Outcome.TOO_VAGUE, None, text_zh, text_en)]
    steps = []
    for code, share in border:
        name_zh, name_en = _names(tree, code)
        text_zh = f"误差圆(半径 {radius})有 {share:.0%} 属于{name_zh}({code}),同时显示在该队列"
        text_en = f"{share:.0%} of the error disc ({radius}) belongs to {name_en} ({code}): shown in its queue as well"
        steps.append(Step(Rule.BORDER, Outcome.BORDER_QUEUE, code, text_zh, text_en))
    return steps


def _names(tree: GridTree, code: str) -> tuple[str, str]:
    grid = tree.get(code)
    return (grid.name_zh, grid.name_en) if grid is not None else (code, code)
