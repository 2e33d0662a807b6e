"""Importing grids: what is refused, with which words, and that nothing is half done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.affinity import translate
from shapely.geometry import mapping, shape
from sqlalchemy import func, select
from typer.testing import CliRunner

from contract.datum import to_gcj02
from server.cli import app as cli
from server.db import Database
from server.findings import Grade, ImportRefusedError, Report
from server.grids.check import check_grids, report_of
from server.grids.geojson import read_grids
from server.grids.imports import import_grids
from server.grids.service import load_version, scope_code
from server.grids.tables import grid_versions, grids
from server.matters.imports import import_matters
from tests.server.small_city import (
    EAST,
    MARKET,
    MICRO,
    NORTH_WEST,
    ROOT,
    SOUTH_WEST,
    WEST,
    feature,
    found,
    grid,
    grids_document,
    square,
    write_grids,
    write_lists,
)

DISTRICT = Path("samples/district/generated/grids.geojson")


def examine(folder: Path, document: Any) -> Report:
    """The report of a file that is not imported."""
    file, findings = read_grids(write_grids(folder, document))
    if file is not None:
        findings = [*findings, *check_grids(file)]
    return report_of(file, findings)


def only(report: Report) -> Any:
    """The one finding of a report."""
    assert len(report.findings) == 1, report.findings
    return report.findings[0]


def test_a_clean_file_has_no_findings_and_is_counted_by_level(tmp_path: Path) -> None:
    report = examine(tmp_path, grids_document())
    assert report.findings == ()
    assert report.figures == {
        "grids": 24, "district": 1, "street": 2, "community": 4, "micro-grid": 16, "special": 1,
    }  # fmt: skip


def test_a_version_is_stored_whole_and_read_back_the_same(database: Database, tmp_path: Path) -> None:
    document = grids_document()
    version, _report = import_grids(database, write_grids(tmp_path, document), force=False, actor="test")
    with database.read() as connection:
        tree, areas = load_version(connection, version)
        row = connection.execute(select(grid_versions)).one()
        path = connection.execute(select(grids.c.path).where(grids.c.code == MICRO)).scalar_one()
    assert len(tree) == 24 and tree.root is not None and tree.root.code == ROOT
    assert path == tree.path(MICRO) == f"{ROOT}/{WEST}/{SOUTH_WEST}/{MICRO}"
    assert {code: shapely.to_wkt(area) for code, area in areas.items()} == {
        item["properties"]["code"]: shapely.to_wkt(shape(item["geometry"])) for item in document["features"]
    }
    assert [level.name_zh for level in tree.levels] == ["区", "街道", "社区", "微网格"]
    assert (row.label, row.imported_by, row.forced) == ("small-1", "test", False)
    assert row.valid_from.isoformat() == "2025-12-31T16:00:00+00:00", "a day begins at midnight in the city, UTC+8"


def broken(change) -> Any:
    """A document with one thing changed."""
    document = grids_document()
    change(document)
    return document


def set_property(of: str, /, **values: Any):
    return lambda document: grid(document, of)["properties"].update(values)


def set_area(code: str, area: Any):
    return lambda document: grid(document, code).update(geometry=area)


BOW_TIE = {
    "type": "Polygon",
    "coordinates": [[[113.6, 34.7], [113.62, 34.71], [113.62, 34.7], [113.6, 34.71], [113.6, 34.7]]],
}
OPEN_RING = {"type": "Polygon", "coordinates": [[[113.6, 34.7], [113.62, 34.7], [113.62, 34.71], [113.6, 34.71]]]}


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (set_area(MICRO, BOW_TIE), "broken_ring", ["Self-intersection", MICRO]),
        (set_area(MICRO, OPEN_RING), "broken_ring", ["not closed", MICRO]),
        (set_area(MICRO, {**OPEN_RING, "coordinates": [[[1, 2], [3, 4], [1, 2]]]}), "broken_ring", ["3 positions"]),
        (set_area(MICRO, {"type": "Point", "coordinates": [1, 2]}), "bad_geometry", ["Point", "MultiPolygon"]),
        (set_area(MICRO, None), "bad_geometry", ["None"]),
        (set_area(MICRO, {"type": "Polygon", "coordinates": [[["a", "b"]] * 4]}), "bad_geometry", [MICRO]),
        (set_area(MICRO, {"type": "Polygon"}), "bad_geometry", [MICRO]),
        (set_area(MICRO, square(34.7, 113.6, 34.71, 113.62)), "bad_coordinates", ["latitude seems to come first"]),
        (set_area(MICRO, square(738e3, 3841e3, 739e3, 3842e3)), "bad_coordinates", ["projected metres", "EPSG:4326"]),
        (set_area(MICRO, square(200, 34, 201, 35)), "bad_coordinates", ["not longitude and latitude"]),
        (lambda d: d["features"].append(grid(d, MICRO)), "duplicate_code", [MICRO, "features[24]", "features[3]"]),
        (set_property(MICRO, parent="999"), "missing_parent", [MICRO, "'999'"]),
        (set_property(MARKET, parent=None), "missing_parent", [MARKET]),
        (set_property(MICRO, level=2), "level_mismatch", [MICRO, "expected 3"]),
        (set_property(MICRO, parent=MARKET), "special_parent", [MICRO, MARKET]),
        (set_property(ROOT, level=1), "level_mismatch", [ROOT]),
        (set_property(MICRO, level="3"), "bad_property", ["level", "'3'"]),
        (set_property(MICRO, level=True), "bad_property", ["level", "True"]),
        (set_property(MICRO, layer="overlay"), "bad_property", ["layer", "'overlay'", "admin or special"]),
        (set_property(MICRO, name_en=""), "bad_property", ["name_en"]),
        (set_property(MICRO, code="a/b"), "bad_property", ["code", "'a/b'"]),
        (set_property(MICRO, code="catch-all"), "bad_property", ["reserved"]),
        (set_property(MICRO, code=7), "bad_property", ["code", "7"]),
        (set_property(MICRO, parent=7), "bad_property", ["parent", "7"]),
        (lambda d: d["features"].append({"type": "Feature"}), "bad_feature", ["features[24]"]),
        (lambda d: d["features"].append(None), "bad_feature", ["features[24]"]),
        (lambda d: d["gridsentry"]["levels"].pop(), "unknown_level", ["level 3"]),
        (lambda d: d["gridsentry"].update(valid_from="soon"), "bad_header", ["valid_from", "'soon'", "YYYY-MM-DD"]),
        (lambda d: d["gridsentry"].update(version=None), "bad_header", ["version"]),
        (lambda d: d["gridsentry"].update(levels=[{"level": 0}]), "bad_header", ["levels[0]"]),
        (lambda d: d.pop("gridsentry"), "no_header", ["gridsentry"]),
        (lambda d: d.update(features=[]), "no_grids", ["empty"]),
        (lambda d: d.update(features="x"), "not_geojson", ["FeatureCollection"]),
        (lambda d: d.update(crs={"properties": {"name": "EPSG:3857"}}), "foreign_crs", ["3857", "ogr2ogr"]),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_an_error_that_force_does_not_override(tmp_path: Path, change, code, words) -> None:
    report = examine(tmp_path, broken(change))
    findings = [finding for finding in report.of(Grade.ERROR) if finding.code == code]
    assert findings, report.findings
    text = " ".join((findings[0].where, findings[0].message, findings[0].remedy))
    for word in words:
        assert word in text
    assert report.refuses(force=True)


@pytest.mark.parametrize("code", [MICRO, WEST])
def test_one_broken_outline_is_one_finding_and_its_children_are_not_to_blame(tmp_path: Path, code: str) -> None:
    assert only(examine(tmp_path, broken(set_area(code, BOW_TIE)))).code == "broken_ring"


def test_crs84_may_be_named(tmp_path: Path) -> None:
    document = grids_document() | {"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}}
    assert examine(tmp_path, document).findings == ()


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[]", b"null", b'"x"', b"[[[[" * 5000])
def test_a_file_that_is_no_geojson(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "grids.geojson"
    path.write_bytes(content)
    file, findings = read_grids(path)
    assert file is None and [finding.grade for finding in findings] == [Grade.ERROR]
    assert findings[0].code in {"not_json", "not_geojson"}


def test_a_ring_of_parents_is_named(tmp_path: Path) -> None:
    def change(document: Any) -> None:
        set_property(WEST, parent=SOUTH_WEST)(document)

    report = examine(tmp_path, broken(change))
    cycle = next(finding for finding in report.findings if finding.code == "cycle")
    assert (
        f"{WEST} → {SOUTH_WEST} → {WEST}" in cycle.message or f"{SOUTH_WEST} → {WEST} → {SOUTH_WEST}" in cycle.message
    )


@pytest.mark.parametrize("roots", [0, 2])
def test_there_is_one_root(tmp_path: Path, roots: int) -> None:
    document = grids_document()
    if roots == 2:
        document["features"].append(feature("410198", 0, None, square(113.5, 34.7, 113.55, 34.74)))
    else:
        grid(document, ROOT)["properties"]["parent"] = "somewhere"
    assert "roots" in examine(tmp_path, document).codes()


OVER_THE_MARKET = square(113.6025, 34.7025, 113.604, 34.704)
SECOND_SPECIAL = feature("X", 3, SOUTH_WEST, OVER_THE_MARKET, "special")
WIDE_MICRO = square(113.60, 34.70, 113.6212, 34.71)  # 0.0012° into its neighbour: 6 %


@pytest.mark.parametrize(
    ("change", "code", "grade", "words"),
    [
        (set_area(MICRO, WIDE_MICRO), "overlap", Grade.WARNING, ["6.0%", f"{MICRO[:-1]}2"]),
        (set_area(MICRO, square(113.60, 34.70, 113.62006, 34.71)), "overlap", Grade.NOTE, ["0.3%"]),
        (set_area(MICRO, square(113.60, 34.70, 113.618, 34.71)), "gap", Grade.WARNING, [SOUTH_WEST, "2.5%"]),
        (set_area(MICRO, square(113.599, 34.70, 113.62, 34.71)), "outside_parent", Grade.WARNING, [MICRO, "4.8%"]),
        (lambda d: d["features"].append(SECOND_SPECIAL), "overlap", Grade.NOTE, [MARKET]),
    ],
    ids=["overlap", "sliver", "gap", "outside", "special grids may overlap"],
)  # fmt: skip
def test_areas_that_do_not_fit(tmp_path: Path, change, code: str, grade: Grade, words) -> None:
    report = examine(tmp_path, broken(change))
    finding = next(finding for finding in report.findings if finding.code == code)
    assert finding.grade is grade
    for word in words:
        assert word in finding.message
    assert report.refuses(force=False) == (grade is Grade.WARNING) and not report.refuses(force=True)


def test_slivers_of_digitising_are_not_worth_a_line(tmp_path: Path) -> None:
    sliver = set_area(MICRO, square(113.60, 34.70, 113.620001, 34.71))
    assert examine(tmp_path, broken(sliver)).findings == ()


class TestPublicMapDatum:
    """Outlines drawn on a public map lie some 600 m off, everywhere the same way."""

    @staticmethod
    def shifted(area: Any) -> Any:
        centre = shape(area).centroid
        x, y = to_gcj02(centre.x, centre.y)
        return json.loads(json.dumps(mapping(translate(shape(area), x - centre.x, y - centre.y))))

    def test_the_offset_in_this_region(self) -> None:
        # Published pairs: Zhengzhou lies about 560 m east and 130 m south on public maps.
        x, y = to_gcj02(113.6254, 34.7466)
        assert x - 113.6254 == pytest.approx(0.00608, abs=0.0001)
        assert y - 34.7466 == pytest.approx(-0.00119, abs=0.0001)

    def test_a_whole_file_on_it_is_recognised_against_the_version_in_force(
        self, database: Database, tmp_path: Path
    ) -> None:
        import_grids(database, write_grids(tmp_path), force=False, actor="test")
        document = grids_document()
        for item in document["features"]:
            item["geometry"] = self.shifted(item["geometry"])
        with pytest.raises(ImportRefusedError) as refusal:
            import_grids(database, write_grids(tmp_path, document), force=False, actor="test")
        finding = next(item for item in refusal.value.report.findings if item.code == "shifted_like_gcj02")
        assert finding.grade is Grade.WARNING and "WGS-84" in finding.remedy

    def test_a_redrawn_border_is_not_mistaken_for_it(self, database: Database, tmp_path: Path) -> None:
        import_grids(database, write_grids(tmp_path), force=False, actor="test")
        assert import_grids(database, write_grids(tmp_path), force=False, actor="test")[0] == 2

    def test_one_grid_on_it_gets_the_hint(self, tmp_path: Path) -> None:
        document = grids_document()
        corner = square(113.676, 34.702, 113.68, 34.706)
        document["features"].append(feature("X", 3, "410199002001", self.shifted(corner), "special"))
        finding = next(item for item in examine(tmp_path, document).findings if item.code == "outside_parent")
        assert "GCJ-02" in finding.remedy


def versions(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(grid_versions)).scalar_one()


def test_warnings_are_refused_and_force_accepts_them(database: Database, tmp_path: Path) -> None:
    path = write_grids(tmp_path, broken(set_area(MICRO, WIDE_MICRO)))
    with pytest.raises(ImportRefusedError) as refusal:
        import_grids(database, path, force=False, actor="test")
    assert refusal.value.forcible and versions(database) == 0
    version, report = import_grids(database, path, force=True, actor="test")
    assert versions(database) == 1 and report.codes()["overlap"] == 1
    with database.read() as connection:
        row = connection.execute(select(grid_versions).where(grid_versions.c.id == version)).one()
    assert row.forced and row.report["counts"] == {"overlap": 1}


def test_errors_are_refused_whatever_is_said(database: Database, tmp_path: Path) -> None:
    path = write_grids(tmp_path, broken(set_area(MICRO, BOW_TIE)))
    with pytest.raises(ImportRefusedError) as refusal:
        import_grids(database, path, force=True, actor="test")
    assert not refusal.value.forcible and versions(database) == 0


def test_lists_in_force_are_held_against_new_grids(database: Database, tmp_path: Path) -> None:
    found(database, tmp_path)
    lists = (tmp_path / "lists" / "responsibilities.csv").read_text(encoding="utf-8")
    import_matters(
        database,
        write_lists(tmp_path / "lists", responsibilities=lists + f"e1,event,05-06,{NORTH_WEST},2,X,某,Some,\n"),
        force=False,
        actor="test",
    )
    document = grids_document()
    document["features"] = [
        item for item in document["features"] if not item["properties"]["code"].startswith(NORTH_WEST)
    ]
    grid(document, SOUTH_WEST)["geometry"] = square(113.60, 34.70, 113.64, 34.74)
    grid(document, f"{SOUTH_WEST}003")["geometry"] = square(113.60, 34.71, 113.62, 34.74)
    grid(document, f"{SOUTH_WEST}004")["geometry"] = square(113.62, 34.71, 113.64, 34.74)
    with pytest.raises(ImportRefusedError) as refusal:
        import_grids(database, write_grids(tmp_path, document), force=False, actor="test")
    assert set(refusal.value.report.codes()) == {"lists_unknown_scope"}
    assert import_grids(database, write_grids(tmp_path, document), force=True, actor="test")[0] == 2


def test_a_version_for_later_does_not_speak_yet(database: Database, tmp_path: Path) -> None:
    import_grids(database, write_grids(tmp_path), force=False, actor="test")
    document = grids_document()
    document["gridsentry"]["valid_from"] = "2190-01-01"
    import_grids(database, write_grids(tmp_path, document), force=False, actor="test")
    from server.routing.context import RoutingContextProvider

    assert RoutingContextProvider(database).current().tree.version == 1


@pytest.mark.parametrize(("scope", "sees"), [(ROOT, "*"), (EAST, EAST), ("nowhere", "nowhere"), ("*", "*")])
def test_what_a_scope_covers(city: Database, scope: str, sees: str) -> None:
    with city.read() as connection:
        assert scope_code(connection, scope) == sees


class TestCommand:
    """`import-grids` as people use it."""

    @pytest.fixture(autouse=True)
    def _settings(self, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GRIDSENTRY_DATABASE_URL", sqlite_url)

    def test_the_district_of_the_samples_is_clean(self) -> None:
        result = CliRunner().invoke(cli, ["import-grids", str(DISTRICT)])
        assert result.exit_code == 0, result.output
        assert "grid version 1 is stored" in result.output and "356 micro-grid" in result.output

    def test_a_refusal_prints_codes_places_and_the_way_out(self, tmp_path: Path) -> None:
        path = write_grids(tmp_path, broken(set_area(MICRO, WIDE_MICRO)))
        result = CliRunner().invoke(cli, ["import-grids", str(path)])
        assert result.exit_code == 1
        assert "warning overlap x 1" in result.output and MICRO in result.output and "--force" in result.output
        assert CliRunner().invoke(cli, ["import-grids", str(path), "--force"]).exit_code == 0

    def test_a_missing_file_is_wrong_usage(self, tmp_path: Path) -> None:
        assert CliRunner().invoke(cli, ["import-grids", str(tmp_path / "none.geojson")]).exit_code == 2
