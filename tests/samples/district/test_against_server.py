"""The server takes the district without complaint and routes as the brute-force rule does. Neither knows the other."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from contract.geometry import LocationMethod, at_point
from samples.district.check import CATCH_ALL, District, every_route
from server.findings import Grade
from server.grids.check import check_grids
from server.grids.geojson import GridFile, read_grids
from server.grids.index import GridIndex
from server.grids.model import GridTree
from server.matters.check import check_lists
from server.matters.compiled import CompiledLists
from server.matters.model import Matter, MatterKey, MatterKind, SpecialGridRule
from server.matters.reading import ListFiles, read_lists
from server.routing.model import Route
from server.routing.route import climb, route
from tests.samples.district.test_places import PLACE_LIST

DAY = date(2026, 11, 2)


@pytest.fixture(scope="module")
def grid_file(committed: Path) -> GridFile:
    file, findings = read_grids(committed / "grids.geojson")
    assert file is not None
    assert not findings
    return file


@pytest.fixture(scope="module")
def tree(grid_file: GridFile) -> GridTree:
    return GridTree(grid_file.grids, grid_file.levels)


@pytest.fixture(scope="module")
def list_files(committed: Path) -> ListFiles:
    return read_lists(committed)


@pytest.fixture(scope="module")
def compiled(list_files: ListFiles) -> CompiledLists:
    return CompiledLists(list_files.lists)


def test_grids_pass_the_servers_check(grid_file: GridFile) -> None:
    assert check_grids(grid_file) == []


def test_lists_pass_the_servers_check(list_files: ListFiles, tree: GridTree) -> None:
    """Notes remain, on purpose: duties at prohibited levels, so that the prohibitions have something to refuse."""
    assert list_files.findings == []
    findings = check_lists(list_files.lists, tree, list_files.places)
    assert {(finding.grade, finding.code) for finding in findings} == {(Grade.NOTE, "prohibited_unit")}


def test_server_and_brute_force_agree_everywhere(district: District, compiled: CompiledLists, tree: GridTree) -> None:
    disagreements, compared = [], 0
    for (edition, kind, code), grid, special, expected in every_route(district):
        key = MatterKey(edition, MatterKind(kind), code)
        matter = compiled.matters[key]
        wins = special if matter.special_grid is SpecialGridRule.WINS else None
        rungs = climb(matter, grid, wins, compiled, tree)
        found = rungs[-1].responsibility
        answer = (rungs[-1].grid.code, found and found.unit.code, found and found.co_units)
        steps = [(rung.grid.code, rung.prohibition is not None) for rung in rungs]
        expected_steps = [(step.grid, step.outcome == "prohibited") for step in expected.steps]
        if (answer, steps) != ((expected.queue, expected.unit, expected.co_units), expected_steps):
            disagreements.append((str(key), grid, special, answer, expected))
        compared += 1
    assert compared > 20_000
    assert not disagreements


@pytest.mark.parametrize("place", PLACE_LIST, ids=lambda place: place["key"])
def test_hazards_at_the_demos_places_find_their_queue(
    place: dict[str, object], district: District, compiled: CompiledLists, tree: GridTree, grid_file: GridFile
) -> None:
    index = GridIndex(tree, grid_file.geometries)
    location = at_point(
        float(str(place["lon"])), float(str(place["lat"])), float(str(place["accuracy_m"])), LocationMethod.CAMERA
    )
    placement = index.place(location)
    for hazard, (edition, kind, code) in district.hazards.items():
        matter = compiled.matter_for(hazard, DAY)
        assert isinstance(matter, Matter)
        assert matter.key == MatterKey(edition, MatterKind(kind), code)
        routed = route(hazard, matter, placement, compiled, tree)
        special = place.get("special")
        if place["grid"] is None:
            assert routed.queue == CATCH_ALL
            continue
        expected = district.route((edition, kind, code), str(place["grid"]), str(special) if special else None)
        assert (routed.queue, routed.unit.code if routed.unit else None) == (expected.queue, expected.unit)
        _check_border(place, hazard, routed)


def _check_border(place: dict[str, object], hazard: str, routed: Route) -> None:
    if place["kind"] in {"camera", "sensor"}:
        assert routed.border_queues == (), hazard
    if place["kind"] == "border" and hazard == "thrown_object":
        assert routed.queue == str(place["grid"])[:12]
        assert routed.border_queues == (str(place["border_with"])[:12],)
