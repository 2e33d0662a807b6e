"""The three lists: reading, checking, publishing. Every complaint names its place and what was expected."""

from __future__ import annotations

import codecs
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from contract.details import DEVICE_HAZARDS, SIGHT_HAZARDS
from contract.geometry import LocationMethod, at_point
from server.cli import app as cli
from server.db import Database
from server.findings import Finding, Grade, ImportRefusedError
from server.grids.model import CATCH_ALL, Grid, GridTree, Layer
from server.matters.check import check_lists
from server.matters.hazards import HAZARD_NAMES, hazard_names
from server.matters.imports import import_matters
from server.matters.model import LimitUnit, MatterKey, MatterKind, SpecialGridRule
from server.matters.reading import read_lists
from server.matters.service import load_version
from server.matters.tables import list_versions
from server.routing.context import RoutingContextProvider
from tests.server.small_city import (
    EAST,
    IN_MICRO,
    MARKET,
    MATTERS,
    PROHIBITIONS,
    RESPONSIBILITIES,
    SOUTH_WEST,
    WEST,
    grids_document,
    write_grids,
    write_lists,
)

DISTRICT = Path("samples/district/generated")
THROWN = MatterKey("e1", MatterKind.EVENT, "05-96")


def small_tree() -> GridTree:
    return GridTree(
        Grid(p["code"], p["name_zh"], p["name_en"], Layer(p["layer"]), p["level"], p["parent"])
        for p in (item["properties"] for item in grids_document()["features"])
    )


def examine(folder: Path, **texts: str) -> list[Finding]:
    """All findings, but for the one note that the small city's own lists have."""
    files = read_lists(write_lists(folder, **texts))
    findings = list(files.findings)
    if not any(finding.grade is Grade.ERROR for finding in findings):
        findings += check_lists(files.lists, small_tree(), files.places)
    return [finding for finding in findings if finding.code != "prohibited_unit"]


def one(findings: list[Finding], code: str) -> Finding:
    assert [finding.code for finding in findings] == [code], findings
    return findings[0]


def test_clean_lists_have_no_findings(tmp_path: Path) -> None:
    assert examine(tmp_path) == []


def test_rows_of_one_matter_are_its_filing_conditions(tmp_path: Path) -> None:
    lists = read_lists(write_lists(tmp_path)).lists
    matter = next(matter for matter in lists.matters if matter.key == THROWN)
    assert [(item.number, item.limit, item.limit_unit) for item in matter.conditions] == [
        (1, 2.0, LimitUnit.CONTINUOUS_HOUR),
        (2, 1.0, LimitUnit.WORKING_DAY),
    ]
    assert (matter.hazards, matter.special_grid, matter.valid_to) == (("thrown_object",), SpecialGridRule.WINS, None)
    ponding = next(matter for matter in lists.matters if matter.name_en == "Ponding")
    assert ponding.hazards == ("water_level", "ponding") and ponding.conditions[0].text_en == "Water, standing"
    assert lists.responsibilities[0].co_units == ("POLICE", "URBAN")
    assert {matter.key.kind for matter in lists.matters if matter.key.code == "05-06"} == set(MatterKind)


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, b""])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_byte_order_marks_and_line_ends_of_spreadsheets_are_welcome(tmp_path: Path, mark: bytes, end: bytes) -> None:
    plain = read_lists(write_lists(tmp_path)).lists
    for path in tmp_path.glob("*.csv"):
        path.write_bytes(mark + path.read_bytes().replace(b"\n", end))
    again = read_lists(tmp_path)
    assert again.findings == [] and again.lists == plain


def test_blank_lines_are_skipped_and_lines_still_counted(tmp_path: Path) -> None:
    spaced = PROHIBITIONS.replace("\ne1", "\n\n,,,,,\ne1") + 'e1,event,05-96,0,"two\nlines",x\ne1,event,05-96,x,a,b\n'
    finding = one(examine(tmp_path, prohibitions=spaced), "bad_cell")
    assert finding.where == "prohibitions.csv:7"


@pytest.mark.parametrize(
    ("place", "old", "new", "code", "words"),
    [
        ("matters:2", ",red,1,有人", ",crimson,1,有人", "bad_cell", ["severity", "'crimson'", "yellow"]),
        ("matters:2", ",2,continuous_hour,已劝阻", ",soon,continuous_hour,已劝阻", "bad_cell", ["limit", "'soon'"]),
        ("matters:2", ",2,continuous_hour,已劝阻", ",-1,continuous_hour,已劝阻", "bad_cell", ["limit", "above 0"]),
        ("matters:2", ",2,continuous_hour,已劝阻", ",nan,continuous_hour,已劝阻", "bad_cell", ["limit"]),
        ("matters:2", "2,continuous_hour,已劝阻", "2,hours,已劝阻", "bad_cell", ["limit_unit", "working_day"]),
        ("matters:2", "e1,event,05-96,高空抛物", "e1,thing,05-96,高空抛物", "bad_cell", ["kind", "component, event"]),
        ("matters:2", "thrown_object,red,1", "Thrown-Object,red,1", "bad_cell", ["hazards"]),
        ("matters:4", "water_level ponding", "ponding ponding", "bad_cell", ["hazards", "once"]),
        (
            "matters:3",
            "no,wins,2026-01-01,\ne1,event,05-06",
            "maybe,wins,2026-01-01,\ne1,event,05-06",
            "bad_cell",
            ["auto_dispatch", "yes or no"],
        ),
        ("matters:4", "yes,ignored,2026-01-01,\n", "yes,ignored,1 May,\n", "bad_cell", ["valid_from", "YYYY-MM-DD"]),
        ("matters:4", ",Ponding,", ",,", "empty_cell", ["name_en"]),
        (
            "matters:3",
            "thrown_object,red,2",
            "thrown_object,blue,2",
            "rows_disagree",
            ["severity", "blue", "matters.csv:2"],
        ),
        ("matters:3", "thrown_object,red,2", "thrown_object,red,1", "double_condition", ["matters.csv:2"]),
        ("matters:5", "2026-01-01,2026-12-31", "2026-01-01,2025-12-31", "dates", ["valid_to"]),
        ("matters:4", '"Water, standing"', "Water, standing", "cell_count", ["21", "20"]),
        ("matters:4", '"Water, standing"', '"Water" standing', "not_csv", ["quotation"]),
        (
            "responsibilities:3",
            "POLICE URBAN\n",
            "POLICE URBAN\ne1,event,05-96,*,2,URBAN,城管,Urban office,\n",
            "tie",
            ["URBAN", "COMMUNITY", "responsibilities.csv:2"],
        ),
        ("responsibilities:5", "05-06,*,1,", "05-6,*,1,", "unknown_matter", ["05-6", "did you mean e1 event 05-"]),
        ("responsibilities:6", "410199002,1,", "41019902,1,", "unknown_scope", ["did you mean 410199002"]),
        ("responsibilities:6", "410199002,1,", "410199002,9,", "unknown_level", ["found 9"]),
        ("responsibilities:6", "410199002,1,", "410199002,low,", "bad_cell", ["level", "special"]),
        ("responsibilities:6", "410199002,1,", "410199002001,1,", "never_applies", ["410199002001"]),
        ("responsibilities:6", "410199002,1,", "410199S01,3,", "never_applies", ["410199S01"]),
        ("responsibilities:1", "grid_scope,", "grid_scop,", "missing_column", ["grid_scope", "found 'grid_scop'"]),
        ("responsibilities:1", "co_units\n", "co_units,remark\n", "unknown_column", ["'remark'"]),
        ("responsibilities:1", "co_units\n", "co_units,level\n", "double_column", ["'level'"]),
        ("prohibitions:2", "05-96,3", "05-99,3", "unknown_matter", ["05-99"]),
        ("prohibitions:2", "05-96,3", "05-96,8", "unknown_level", ["found 8"]),
    ],
)
def test_each_fault_names_its_line_its_column_and_what_was_expected(
    tmp_path: Path, place: str, old: str, new: str, code: str, words: list[str]
) -> None:
    file, line = place.split(":")
    texts = {"matters": MATTERS, "responsibilities": RESPONSIBILITIES, "prohibitions": PROHIBITIONS}
    assert old in texts[file]
    texts[file] = texts[file].replace(old, new, 1)
    finding = next(finding for finding in examine(tmp_path, **texts) if finding.code == code)
    assert finding.where == f"{file}.csv:{line}"
    for word in words:
        assert word in f"{finding.message} {finding.remedy}"


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    bad = RESPONSIBILITIES.replace(",2,COMMUNITY", ",x,").replace(",3,GRID", ",y,")
    assert [finding.where for finding in examine(tmp_path, responsibilities=bad)] == [
        "responsibilities.csv:2", "responsibilities.csv:2", "responsibilities.csv:3", "responsibilities.csv:3",
    ]  # fmt: skip


def test_files_that_are_missing_or_in_another_encoding(tmp_path: Path) -> None:
    write_lists(tmp_path)
    (tmp_path / "prohibitions.csv").unlink()
    (tmp_path / "matters.csv").write_bytes(MATTERS.encode("gbk"))
    (tmp_path / "responsibilities.csv").write_text(RESPONSIBILITIES.replace(",", ";"), encoding="utf-8")
    findings = read_lists(tmp_path).findings
    codes = {finding.code for finding in findings}
    assert {"missing_file", "not_utf8", "separator"} <= codes
    gbk = next(finding for finding in findings if finding.code == "not_utf8")
    assert gbk.where == "matters.csv:2" and "GBK" in gbk.remedy


def test_the_same_row_twice_is_only_a_note(tmp_path: Path) -> None:
    row = RESPONSIBILITIES.splitlines()[1]
    finding = one(examine(tmp_path, responsibilities=RESPONSIBILITIES + row + "\n"), "double_row")
    assert finding.grade is Grade.NOTE and finding.where == "responsibilities.csv:8"


class TestGaps:
    """Every matter must find a queue from every lowest grid."""

    def test_nobody_anywhere(self, tmp_path: Path) -> None:
        without = "".join(line for line in RESPONSIBILITIES.splitlines(True) if "TRAFFIC" not in line)
        gap = one(examine(tmp_path, responsibilities=without), "gap")
        assert gap.grade is Grade.WARNING and gap.where == "matters.csv:5"
        assert "16 of 16 lowest grids" in gap.message and "410199001001001" in gap.message
        assert "catch-all" in gap.remedy

    def test_only_in_a_part_of_the_city(self, tmp_path: Path) -> None:
        partly = RESPONSIBILITIES.replace("05-06,*,1,", f"05-06,{WEST},1,").replace("410199002,1,", f"{EAST}001,2,")
        gap = one(examine(tmp_path, responsibilities=partly), "gap")
        assert "4 of 16 lowest grids" in gap.message and "410199002002001" in gap.message

    def test_a_prohibition_makes_a_gap(self, tmp_path: Path) -> None:
        denied = PROHIBITIONS + "e1,event,05-96,2,不行,no\n"
        assert "16 of 16" in one(examine(tmp_path, prohibitions=denied), "gap").message

    def test_special_grids_alone_do_not_close_it(self, tmp_path: Path) -> None:
        special = "".join(line for line in RESPONSIBILITIES.splitlines(True) if "COMMUNITY" not in line)
        assert "16 of 16" in one(examine(tmp_path, responsibilities=special), "gap").message

    def test_the_gaps_found_are_the_gaps_that_routing_has(self, tmp_path: Path) -> None:
        """The check walks down from the root, routing climbs up: both must see the same."""
        from datetime import date

        from server.grids.model import Placement
        from server.matters.compiled import CompiledLists
        from server.routing.route import route

        partly = RESPONSIBILITIES.replace("05-06,*,1,", f"05-06,{WEST}001,2,")
        files, tree = read_lists(write_lists(tmp_path, responsibilities=partly)), small_tree()
        compiled = CompiledLists(files.lists)
        matter = compiled.matter_for("water_level", date(2026, 5, 1))
        lost = [
            grid.code
            for grid in tree.lowest()
            if route("water_level", matter, Placement(grid.code), compiled, tree).queue == CATCH_ALL
        ]
        gap = next(item for item in check_lists(files.lists, tree) if item.code == "gap")
        assert f"from {len(lost)} of 16" in gap.message and sorted(lost)[0] in gap.message


def test_prohibited_at_every_level_is_an_error(tmp_path: Path) -> None:
    denied = PROHIBITIONS + "".join(f"e1,event,05-96,{level},不行,no\n" for level in "012")
    codes = {finding.code: finding.grade for finding in examine(tmp_path, prohibitions=denied)}
    assert codes["prohibited_everywhere"] is Grade.ERROR


@pytest.mark.parametrize(
    ("edition", "valid_from", "valid_to", "grade"),
    [
        ("e1", "2026-01-01", "", Grade.ERROR),
        ("e2", "2026-01-01", "", Grade.ERROR),
        ("e2", "2026-07-01", "", Grade.NOTE),
        ("e2", "2020-01-01", "2025-12-31", None),
    ],
)
def test_a_hazard_belongs_to_one_matter(
    tmp_path: Path, edition: str, valid_from: str, valid_to: str, grade: Grade | None
) -> None:
    other = (
        f"{edition},event,99-01,又一,Another,类,Class,thrown_object,red,1,一,one,1,working_day,毕,done,no,wins,"
        f"{valid_from},{valid_to}\n"
    )
    whose = f"{edition},event,99-01,*,0,U,某,Some,\n"
    findings = examine(tmp_path, matters=MATTERS + other, responsibilities=RESPONSIBILITIES + whose)
    if grade is None:
        assert findings == []
        return
    finding = one(findings, "hazard_twice")
    assert finding.grade is grade and finding.where == "matters.csv:6"
    assert "'thrown_object'" in finding.message and "matters.csv:2" in finding.message


def published(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(list_versions)).scalar_one()


def test_what_is_published_is_what_was_read(city: Database, tmp_path: Path) -> None:
    files = read_lists(tmp_path / "lists")
    with city.read() as connection:
        again = load_version(connection, 1)
        row = connection.execute(select(list_versions)).one()
    assert {matter.key: matter for matter in again.matters} == {matter.key: matter for matter in files.lists.matters}
    assert set(again.responsibilities) == set(files.lists.responsibilities)
    assert set(again.prohibitions) == set(files.lists.prohibitions)
    assert row.files_sha256 == files.sha256 and row.grid_version_id == 1


def test_a_gap_is_refused_and_force_sends_it_to_the_catch_all(city: Database, tmp_path: Path) -> None:
    without = "".join(line for line in RESPONSIBILITIES.splitlines(True) if "TRAFFIC" not in line)
    folder = write_lists(tmp_path / "new", responsibilities=without)
    with pytest.raises(ImportRefusedError) as refusal:
        import_matters(city, folder, force=False, actor="test")
    assert refusal.value.forcible and published(city) == 1
    import_matters(city, folder, force=True, actor="test")
    context = RoutingContextProvider(city).current()
    found = context.route(
        "signal_dark", at_point(*IN_MICRO, 5, LocationMethod.CAMERA), datetime(2026, 5, 1, tzinfo=UTC)
    )
    assert (found.queue, found.list_version) == (CATCH_ALL, 2)


def test_a_tie_is_refused_whatever_is_said(city: Database, tmp_path: Path) -> None:
    tie = RESPONSIBILITIES + "e1,event,05-96,*,2,URBAN,城管,Urban office,\n"
    with pytest.raises(ImportRefusedError) as refusal:
        import_matters(city, write_lists(tmp_path / "new", responsibilities=tie), force=True, actor="test")
    assert not refusal.value.forcible and published(city) == 1


def test_without_grids_there_is_nothing_to_check_against(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ImportRefusedError) as refusal:
        import_matters(database, write_lists(tmp_path / "lists"), force=True, actor="test")
    assert "no_grids" in refusal.value.report.codes() and published(database) == 0


def test_matters_are_in_force_by_the_day_of_the_city(city: Database) -> None:
    """31 December ends eight hours earlier in UTC."""
    context = RoutingContextProvider(city).current()
    assert context.matter_for("signal_dark", datetime(2026, 12, 31, 15, 59, tzinfo=UTC)) is not None
    assert context.matter_for("signal_dark", datetime(2026, 12, 31, 16, 0, tzinfo=UTC)) is None


def test_hazards_have_names_and_unknown_ones_show_themselves() -> None:
    assert hazard_names("thrown_object") == ("高空抛物", "Thrown or fallen object")
    assert hazard_names("ghost") == ("ghost", "ghost")
    assert all(zh and en for zh, en in HAZARD_NAMES.values())
    assert {*SIGHT_HAZARDS, "camera_moved", *DEVICE_HAZARDS} <= set(HAZARD_NAMES), "blindness has a name"


class TestCommand:
    """`import-matters` as people use it."""

    @pytest.fixture(autouse=True)
    def _settings(self, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GRIDSENTRY_DATABASE_URL", sqlite_url)

    def test_the_district_of_the_samples_is_clean(self) -> None:
        assert CliRunner().invoke(cli, ["import-grids", str(DISTRICT / "grids.geojson")]).exit_code == 0
        result = CliRunner().invoke(cli, ["import-matters", str(DISTRICT)])
        assert result.exit_code == 0, result.output
        assert "list version 1 is published" in result.output

    def test_a_refusal_says_where_and_why(self, tmp_path: Path) -> None:
        assert CliRunner().invoke(cli, ["import-grids", str(write_grids(tmp_path))]).exit_code == 0
        tie = RESPONSIBILITIES + "e1,event,05-96,*,2,URBAN,城管,Urban office,\n"
        result = CliRunner().invoke(cli, ["import-matters", str(write_lists(tmp_path / "l", responsibilities=tie))])
        assert result.exit_code == 1
        assert "error tie x 1" in result.output and "responsibilities.csv:8" in result.output
        assert "nothing was changed" in result.output and "--force would" not in result.output


def test_special_scopes_name_special_grids(tmp_path: Path) -> None:
    rows = RESPONSIBILITIES + f"e1,event,05-96,{MARKET},special,OWN,自管,Own office,\n"
    assert examine(tmp_path, responsibilities=rows) == []
    inside = RESPONSIBILITIES + f"e1,event,05-96,{SOUTH_WEST},special,OWN,自管,Own office,\n"
    assert examine(tmp_path, responsibilities=inside) == []
