"""Checks lists against each other and against the grids: every matter must find exactly one queue from everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rapidfuzz import process

from server.findings import Finding, Grade, Report
from server.grids.model import EVERYWHERE, SPECIAL_LEVEL, Grid, GridTree, Layer
from server.matters.compiled import CompiledLists, Lists
from server.matters.model import Matter, MatterKey, Prohibition, Responsibility

_EXAMPLES = 3


def check_lists(lists: Lists, tree: GridTree, places: Mapping[object, str] | None = None) -> list[Finding]:
    """All that is wrong with the lists for these grids. `places` names the file and line of keys and rows."""
    at = places or {}
    compiled = CompiledLists(lists)
    findings = [*_hazard_findings(lists.matters, at), *_reference_findings(lists, compiled, at)]
    findings += _grid_findings(lists, tree, at)
    findings += _prohibition_findings(lists, compiled, tree, at)
    if tree.root is not None:
        for matter in lists.matters:
            findings += _gap_findings(matter, compiled, tree, at)
    return findings


def report_of(lists: Lists, findings: Iterable[Finding], tree: GridTree) -> Report:
    """The findings with the numbers of rows."""
    units = {row.unit.code for row in lists.responsibilities}
    figures = {
        "matters": len(lists.matters),
        "filing conditions": sum(len(matter.conditions) for matter in lists.matters),
        "hazards": len({hazard for matter in lists.matters for hazard in matter.hazards}),
        "responsibilities": len(lists.responsibilities),
        "units": len(units),
        "prohibitions": len(lists.prohibitions),
        "lowest grids": len(tree.lowest()),
    }
    return Report(tuple(findings), figures)


def _hazard_findings(matters: Iterable[Matter], at: Mapping[object, str]) -> Iterator[Finding]:
    """A hazard is one matter. Two editions may both claim it; then the one that came into force later speaks."""
    claims: dict[str, list[Matter]] = {}
    for matter in matters:
        for hazard in matter.hazards:
            for other in claims.setdefault(hazard, []):
                if not matter.overlaps(other):
                    continue
                message = f"hazards: {hazard!r} belongs to {matter.key}, and to {other.key} at {_at(at, other.key)}"
                same = matter.key.edition == other.key.edition or matter.valid_from == other.valid_from
                grade = Grade.ERROR if same else Grade.NOTE
                remedy = "a hazard belongs to one matter: take it out of one" if same else "the newer edition speaks"
                yield Finding("hazard_twice", grade, _at(at, matter.key), message, remedy)
            claims[hazard].append(matter)


def _reference_findings(lists: Lists, compiled: CompiledLists, at: Mapping[object, str]) -> Iterator[Finding]:
    names = {str(key): key for key in compiled.matters}
    for row in _scoped_rows(lists):
        if row.matter not in compiled.matters:
            near = process.extractOne(str(row.matter), list(names))
            hint = f"; did you mean {near[0]}?" if near else ""
            message = f"code: no matter {row.matter} in matters.csv{hint}"
            yield Finding("unknown_matter", Grade.ERROR, _at(at, row), message)


def _grid_findings(lists: Lists, tree: GridTree, at: Mapping[object, str]) -> Iterator[Finding]:
    if tree.root is None:
        yield Finding("no_grids", Grade.ERROR, "grids", "no grids have been imported yet", "run import-grids first")
        return
    levels = {str(grid.level) for grid in tree if grid.layer is Layer.ADMIN} | {SPECIAL_LEVEL}
    codes = [grid.code for grid in tree]
    for row in _scoped_rows(lists):
        if row.level not in levels:
            message = f"level: found {row.level}, expected one of {', '.join(sorted(levels))}"
            yield Finding("unknown_level", Grade.ERROR, _at(at, row), message)
    for row in lists.responsibilities:
        scope = tree.get(row.scope)
        if row.scope != EVERYWHERE and scope is None:
            near = process.extractOne(row.scope, codes)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield Finding("unknown_scope", Grade.ERROR, _at(at, row), f"grid_scope: no grid {row.scope!r}{hint}")
        elif scope is not None and row.level in levels and not _can_apply(row, scope):
            message = f"grid_scope: no grid of level {row.level} lies in {row.scope} ({scope.name_en})"
            yield Finding("never_applies", Grade.WARNING, _at(at, row), message, "widen the scope or correct the level")


def _scoped_rows(lists: Lists) -> tuple[Responsibility | Prohibition, ...]:
    return (*lists.responsibilities, *lists.prohibitions)


def _can_apply(row: Responsibility, scope: Grid) -> bool:
    if scope.layer is Layer.SPECIAL:
        return row.level == SPECIAL_LEVEL
    return row.level == SPECIAL_LEVEL or int(row.level) >= scope.level


def _prohibition_findings(
    lists: Lists, compiled: CompiledLists, tree: GridTree, at: Mapping[object, str]
) -> Iterator[Finding]:
    levels = sorted({str(grid.level) for grid in tree if grid.layer is Layer.ADMIN})
    for matter in lists.matters:
        if levels and all(compiled.prohibition(matter.key, level) for level in levels):
            message = f"{matter.key} ({matter.name_en}) is prohibited at every level: nobody may ever receive it"
            yield Finding("prohibited_everywhere", Grade.ERROR, _at(at, matter.key), message)
    for row in lists.responsibilities:
        if compiled.prohibition(row.matter, row.level) is not None:
            message = f"level: {row.level} is prohibited for {row.matter}: {row.unit.code} will never receive it there"
            yield Finding("prohibited_unit", Grade.NOTE, _at(at, row), message)


def _gap_findings(
    matter: Matter, compiled: CompiledLists, tree: GridTree, at: Mapping[object, str]
) -> Iterator[Finding]:
    """The lowest grids from which the matter finds nobody. Found from the root down: what covers a grid covers all
    below it, so a matter that the root answers to costs one look-up instead of one for each of 54,161 grids."""
    assert tree.root is not None
    uncovered: list[Grid] = []
    pending = [tree.root]
    while pending:
        grid = pending.pop()
        if _answers(matter.key, grid, compiled, tree):
            continue
        below = [child for child in tree.children(grid.code) if child.layer is Layer.ADMIN]
        pending += below
        if not below:
            uncovered.append(grid)
    if uncovered:
        count, whole = len(uncovered), len(tree.lowest())
        named = ", ".join(grid.code for grid in sorted(uncovered, key=lambda grid: grid.code)[:_EXAMPLES])
        message = (
            f"{matter.key} ({matter.name_en}) finds no queue from {count:,} of {whole:,} lowest grids, like {named}"
        )
        remedy = "give it a responsibility there or at a level above; with --force its alerts go to the catch-all queue"
        yield Finding("gap", Grade.WARNING, _at(at, matter.key), message, remedy)


def _answers(matter: MatterKey, grid: Grid, compiled: CompiledLists, tree: GridTree) -> bool:
    if compiled.prohibition(matter, grid.level_key) is not None:
        return False
    return compiled.responsibility(matter, grid.level_key, tree.codes_upwards(grid.code)) is not None


def _at(places: Mapping[object, str], key: object) -> str:
    return places.get(key, str(key))
