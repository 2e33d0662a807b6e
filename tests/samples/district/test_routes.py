"""Every matter has one queue everywhere, by a routing rule written down a second time."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from samples.district.check import CATCH_ALL, District, MatterKey, Step, every_route, main, read_district

OLD_TOWN, NORTH_EAST, WEST, SOUTH = "410199004002010", "410199002001009", "410199003003008", "410199005003005"
MALL, CAMPUS = "410199S01", "410199S02"


def _hazard(district: District, hazard: str) -> MatterKey:
    return district.hazards[hazard]


def test_every_matter_has_a_queue_and_a_unit_everywhere(district: District) -> None:
    routes = list(every_route(district))
    assert len(routes) > len(district.special_wins) * len(district.lowest())
    assert not [(matter, code) for matter, code, _, route in routes if route.queue == CATCH_ALL or not route.unit]


def test_queues_are_spread_over_the_levels(district: District) -> None:
    levels = Counter(len(route.queue) for _, _, special, route in every_route(district) if special is None)
    share = {length: count / levels.total() for length, count in levels.items()}
    assert share[9] + share[12] > 0.7, "most matters belong to streets and communities"
    assert share[15] > 0.05, "small ones stay in the micro-grid"
    assert 0 < share[6] < 0.1, "a few rise to the district"


@pytest.mark.parametrize(
    ("hazard", "grid", "special", "queue", "unit"),
    [
        ("thrown_object", OLD_TOWN, None, "410199004002", "COMMUNITY"),
        ("thrown_object", "410199004005001", MALL, MALL, "SITE"),
        ("thrown_object", "410199002004012", CAMPUS, CAMPUS, "CAMPUS"),
        ("water_level", OLD_TOWN, None, "410199004002", "DRAINAGE"),
        ("gas", WEST, None, "410199003", "GAS"),
        ("gas", "410199004005001", MALL, "410199004", "GAS"),
        ("fire", NORTH_EAST, None, "410199002", "FIRE"),
        ("signal_dark", SOUTH, None, "410199005", "TRAFFIC"),
        ("signal_sequence", SOUTH, None, "410199005", "TRAFFIC"),
        ("signal_lamp", OLD_TOWN, None, "410199004", "TRAFFIC"),
        ("signal_countdown", OLD_TOWN, None, "410199004", "TRAFFIC"),
        ("signal_conflict", SOUTH, None, "410199", "COMMAND"),
        ("road_damage", NORTH_EAST, None, "410199002001", "WANGHE-WORKS"),
        ("road_damage", SOUTH, None, "410199005003", "ROADS"),
        ("crowding", "410199002004012", CAMPUS, CAMPUS, "CAMPUS"),
        ("crowding", "410199004005001", MALL, "410199004", "POLICE"),
        ("tilt", "410199002004012", CAMPUS, "410199002", "HOUSING"),
    ],
)
def test_known_routes(district: District, hazard: str, grid: str, special: str | None, queue: str, unit: str) -> None:
    route = district.route(_hazard(district, hazard), grid, special)
    assert (route.queue, route.unit) == (queue, unit)


def test_a_route_tells_every_step(district: District) -> None:
    route = district.route(_hazard(district, "gas"), WEST)
    assert route.steps == (
        Step(WEST, "prohibited"),
        Step("410199003003", "prohibited"),
        Step("410199003", "found"),
    )
    assert route.co_units == ("FIRE", "EMERGENCY")


def test_prohibitions_matter(district: District) -> None:
    """Without them, many matters would lie lower: the list is not for show."""
    free = District(
        district.grids, district.specials_at, district.special_wins, district.hazards, district.responsibilities, {}
    )
    moved = {
        matter
        for matter in district.special_wins
        if district.route(matter, OLD_TOWN).queue != free.route(matter, OLD_TOWN).queue
    }
    assert len(moved) >= 8


def test_own_units_change_the_unit_and_never_the_tree(district: District) -> None:
    scopes = {row.scope for rows in district.responsibilities.values() for row in rows} - {"*"}
    assert len(scopes) >= 4
    for matter, rows in district.responsibilities.items():
        general = {row.level for row in rows if row.scope == "*"}
        assert general, f"{matter} has no responsibility that covers the whole district"


def _copy(committed: Path, folder: Path) -> Path:
    shutil.copytree(committed, folder)
    return folder


def test_the_command_reports_the_committed_files_as_whole(committed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(committed)]) == 0
    assert " 0 gaps" in capsys.readouterr().out


def test_a_gap_is_found(committed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _copy(committed, tmp_path / "gap")
    path = folder / "responsibilities.csv"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if ",component,02-10,*,1," not in line), "utf-8")
    assert main([str(folder)]) == 1
    assert "gap: demo-2026 component 02-10 has no queue at 410199001001001" in capsys.readouterr().err


def test_a_tie_is_found(committed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _copy(committed, tmp_path / "tie")
    with (folder / "responsibilities.csv").open("a", encoding="utf-8") as file:
        file.write("demo-2026,component,02-10,*,1,ROADS,x,x,\n")
    assert main([str(folder)]) == 1
    assert "2 rows for scope * at level 1" in capsys.readouterr().err


def test_a_hazard_of_two_matters_is_found(committed: Path, tmp_path: Path) -> None:
    folder = _copy(committed, tmp_path / "hazard")
    path = folder / "matters.csv"
    path.write_text(path.read_text("utf-8").replace(",open_burning,", ",open_burning fire,"), "utf-8")
    with pytest.raises(ValueError, match="the hazard fire belongs to"):
        read_district(folder)


def test_a_folder_without_files_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path)])
    assert stopped.value.code == 2
    assert "holds no grids.geojson" in capsys.readouterr().err
