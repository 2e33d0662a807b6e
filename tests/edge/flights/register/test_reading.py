"""Files of the register: formats, coordinate systems, datums, columns, days, and everything that is wrong with them."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.datum import Datum
from edge.flights.register.errors import RegisterError
from edge.flights.register.features import Layer, Validity
from edge.flights.register.reading import read_file, read_register
from edge.flights.register.settings import AttributeNames, RegisterFile, RegisterSettings
from tests.edge.flights.register.files import BOX_M, PLANE, degrees, geojson, mapped, square, write

SHANGHAI = ZoneInfo("Asia/Shanghai")


def read(path, layer=Layer.APPROVED, **fields):
    return read_file(layer, RegisterFile(path=path.name, **fields), path.parent, PLANE, BOX_M, SHANGHAI)


def apart_m(first, second) -> float:
    return float(shapely.hausdorff_distance(first, second))


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "shp"])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "EPSG:4547", "EPSG:4526", "EPSG:4548", "EPSG:3857"])
def test_every_format_and_coordinate_system_gives_the_same_place(tmp_path, ending, crs) -> None:
    """4547 and 4526 are the CGCS2000 zone of 114°, without and with its number before the eastings; 4548 of 117°."""
    path = write(tmp_path / f"approved.{ending}", [square(0, 0), square(120, -80, 30)], crs)
    entries, remarks = read(path)
    assert [entry.id for entry in entries] == ["n0", "n1"]
    assert apart_m(entries[1].outline, square(120, -80, 30)) < 0.01
    assert remarks == ()


@pytest.mark.parametrize("datum", [Datum.GCJ02, Datum.BD09])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_maps_of_another_datum_are_converted_where_they_come_in(tmp_path, datum, crs) -> None:
    path = write(tmp_path / "approved.gpkg", [square(0, 0), square(120, -80, 30)], crs, datum=datum)
    entries, _ = read(path, datum=datum)
    assert apart_m(entries[1].outline, square(120, -80, 30)) < 0.01
    elsewhere, remarks = read(path)
    assert not [entry for entry in elsewhere if apart_m(entry.outline, square(0, 0)) < 200], "hundreds of metres off"
    assert all("datum" in remark.remedy for remark in remarks)


def test_what_says_no_coordinate_system_is_refused_until_it_is_said(tmp_path) -> None:
    path = write(tmp_path / "approved.shp", [square(0, 0)], "EPSG:4547")
    (tmp_path / "approved.prj").unlink()
    with pytest.raises(RegisterError, match=r"approved\.shp: it does not say its coordinate system .* Set `crs`"):
        read(path)
    entries, _ = read(path, crs="EPSG:4547")
    assert apart_m(entries[0].outline, square(0, 0)) < 0.01


def test_the_wrong_zone_is_told(tmp_path) -> None:
    path = write(tmp_path / "approved.gpkg", [square(0, 0)], "EPSG:4547")
    entries, remarks = read(path, crs="EPSG:4526")
    assert entries == []
    assert remarks[0].what.startswith("it says CGCS2000 / 3-degree Gauss-Kruger CM 114E, and is read as")
    assert (remarks[1].feature, remarks[1].refused) == (1, True)
    assert "outside of" in remarks[1].what or "are none of" in remarks[1].what
    assert "zone" in remarks[1].remedy


def test_swapped_axes_are_told(tmp_path) -> None:
    swapped = shapely.transform(degrees(square(0, 0)), lambda xy: xy[:, ::-1])
    path = geojson(tmp_path / "approved.geojson", [(shapely.geometry.mapping(swapped), {"id": "a"})])
    entries, remarks = read(path)
    assert entries == []
    assert "axes" in str(remarks[0]), remarks


def test_a_file_of_another_district_is_told(tmp_path) -> None:
    path = write(tmp_path / "approved.gpkg", [square(20_000, 0), square(20_100, 0)], "EPSG:4326")
    entries, remarks = read(path)
    assert entries == []
    assert "none of its 2 features lies near the flight: they lie between 114.5" in remarks[0].what


def test_a_broken_feature_costs_itself_only(tmp_path) -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[list(p) for p in PLANE.degrees(
        np.array([[0.0, 0], [20, 20], [20, 0], [0, 20], [0, 0]]))]]}  # fmt: skip
    line = [[114.3055, latitude] for latitude in (30.5928, 30.593, 30.594, 30.5928)]
    flat = {"type": "Polygon", "coordinates": [line]}
    point = {"type": "Point", "coordinates": [114.3055, 30.5928]}
    mixed = {"type": "GeometryCollection", "geometries": [mapped(square(0, 0)), point]}
    features = [
        (None, {"id": "null"}),
        ({"type": "Polygon", "coordinates": "foo"}, {"id": "text"}),
        ({"type": "Blob", "coordinates": []}, {"id": "blob"}),
        ({"type": "Polygon", "coordinates": []}, {"id": "empty"}),
        (point, {"id": "point"}),
        (flat, {"id": "flat"}),
        (bow_tie, {"id": "bow-tie"}),
        (mixed, {"id": "mixed"}),
        (mapped(square(50, 50)), {"id": "good"}),
        ({"type": "Polygon", "coordinates": [[[500, 1], [501, 1], [501, 2], [500, 1]]]}, {"id": "off the earth"}),
        ({"type": "Polygon"}, {"id": "GDAL ends for it"}),
        (mapped(square(90, 50)), {"id": "after it"}),
    ]
    entries, remarks = read(geojson(tmp_path / "approved.geojson", features))
    assert [entry.id for entry in entries] == ["bow-tie", "mixed", "good", "after it"]
    assert entries[0].outline.is_valid
    assert entries[0].outline.area == pytest.approx(200, rel=0.01), "both wings"
    told = {remark.feature: remark for remark in remarks}
    assert sorted(told) == [0, 1, 2, 3, 4, 5, 6, 7, 9, 10]
    assert [told[number].refused for number in sorted(told)] == [True] * 6 + [False, False, True, True]
    assert str(told[0]) == ("approved.geojson, feature 0: it has no geometry. Draw its outline, or delete the row")
    assert "found Point, expected an area" in told[4].what
    assert "mended (self-intersection)" in told[6].what
    assert "not Point" in told[7].what


def test_an_outline_that_crosses_itself_without_end_is_not_mended(tmp_path) -> None:
    """Mending it would make some millions of pieces."""
    random = np.random.default_rng(1)
    star = shapely.Polygon(random.uniform(-100, 100, (6000, 2)))
    path = write(tmp_path / "approved.gpkg", [star, square(0, 0)], "EPSG:4326")
    entries, remarks = read(path)
    assert [entry.id for entry in entries] == ["n1"]
    assert "crosses itself about" in remarks[0].what


def test_columns_are_found_by_their_usual_names_in_either_language(tmp_path) -> None:
    fields = {
        "审批编号": ["建字001"],
        "项目名称": ["厂房"],
        "有效期起": ["2025年3月1日"],
        "有效期至": ["2026/11/22"],
        "高度": ["12.5"],
    }
    entries, _ = read(write(tmp_path / "permits.gpkg", [square(0, 0)], "EPSG:4490", fields), Layer.PERMIT)
    entry = entries[0]
    assert (entry.id, entry.name, entry.height_m) == ("建字001", "厂房", 12.5)
    assert (entry.valid_from, entry.valid_until) == (date(2025, 3, 1), date(2026, 11, 22))


def test_a_shapefile_cuts_names_and_may_not_say_its_encoding(tmp_path) -> None:
    fields = {"permit_no": ["建字001"], "valid_until": ["2026-11-22"]}
    path = write(tmp_path / "permits.shp", [square(0, 0)], "EPSG:4547", fields, encoding="gb18030")
    (tmp_path / "permits.cpg").unlink(missing_ok=True)
    entries, _ = read(path, Layer.PERMIT)
    assert (entries[0].id, entries[0].valid_until) == ("建字001", date(2026, 11, 22))


def test_permits_without_days_are_refused_until_that_is_meant(tmp_path) -> None:
    path = write(tmp_path / "permits.gpkg", [square(0, 0)], "EPSG:4326", {"id": ["a"], "frist": ["2026-11-22"]})
    with pytest.raises(RegisterError, match=r"no column of permits' last days among id, frist, .*attributes\."):
        read(path, Layer.PERMIT)
    assert read(path, Layer.PERMIT, without_dates=True)[0][0].valid_until is None
    named = read(path, Layer.PERMIT, attributes=AttributeNames(valid_until="FRIST"))
    assert named[0][0].valid_until == date(2026, 11, 22)
    with pytest.raises(RegisterError, match=r"found the columns id, frist, expected 'ende'"):
        read(path, Layer.PERMIT, attributes=AttributeNames(valid_until="ende"))


def test_a_day_that_cannot_be_read_makes_a_permit_cover_nothing(tmp_path) -> None:
    days = ["03/04/2026", "2026-02-30", "", "长期", "soon"]
    fields = {"id": list("abcde"), "valid_until": days}
    path = write(tmp_path / "permits.gpkg", [square(0, 0)] * 5, "EPSG:4326", fields)
    entries, remarks = read(path, Layer.PERMIT)
    found = [entry.validity(date(2026, 3, 1)) for entry in entries]
    assert found == [Validity.UNREADABLE, Validity.UNREADABLE, Validity.VALID, Validity.VALID, Validity.UNREADABLE]
    assert [remark.feature for remark in remarks] == [1, 2, 5]
    assert "found '03/04/2026', expected a day such as 2026-11-22" in remarks[0].what
    assert not any(remark.refused for remark in remarks)


def test_a_permit_that_ends_before_it_begins_covers_nothing(tmp_path) -> None:
    fields = {"id": ["a"], "valid_from": ["2026-05-01"], "valid_until": ["2026-04-01"]}
    entries, remarks = read(write(tmp_path / "p.gpkg", [square(0, 0)], "EPSG:4326", fields), Layer.PERMIT)
    assert entries[0].validity(date(2026, 4, 15)) is Validity.UNREADABLE
    assert "ends on 2026-04-01 before it begins" in remarks[0].what


def test_roads_as_lines_need_a_width(tmp_path) -> None:
    line = shapely.LineString([(-100, 0), (100, 0)])
    path = write(tmp_path / "roads.gpkg", [line, line], "EPSG:4326", {"id": ["a", "b"], "路宽": ["8", ""]})
    entries, remarks = read(path, Layer.ROAD)
    assert [round(entry.outline.area) for entry in entries] == [1600]
    assert "Set `width_m`" in remarks[0].remedy
    assert [round(entry.outline.area) for entry in read(path, Layer.ROAD, width_m=5)[0]] == [1600, 1000]


def test_orders_as_points_need_a_radius(tmp_path) -> None:
    path = write(tmp_path / "orders.gpkg", [shapely.Point(0, 0)], "EPSG:4326")
    assert read(path, Layer.ORDER)[0] == []
    assert read(path, Layer.ORDER, radius_m=10)[0][0].outline.area == pytest.approx(314, rel=0.02)


def test_a_large_file_is_read_around_the_flight_only(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("edge.flights.register.files.READ_WHOLE", 3)
    outlines = [square(east, 0) for east in (0, 100, 5_000, 90_000)]
    path = write(tmp_path / "approved.gpkg", outlines, "EPSG:4547")
    assert [entry.id for entry in read(path)[0]] == ["n0", "n1"]
    shifted = write(tmp_path / "gcj.gpkg", outlines, "EPSG:4326", datum=Datum.GCJ02)
    assert [entry.id for entry in read(shifted, datum=Datum.GCJ02)[0]] == ["n0", "n1"]


def test_too_much_near_one_flight_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("edge.flights.register.files.MOST_FEATURES", 3)
    path = write(tmp_path / "approved.gpkg", [square(0, 0)] * 5, "EPSG:4547")
    with pytest.raises(RegisterError, match=r"more than 3 of its features .* Cut it"):
        read(path)


def test_a_geopackages_views_are_not_run(tmp_path) -> None:
    """One without end hangs whoever reads it."""
    path = write(tmp_path / "approved.gpkg", [square(0, 0)], "EPSG:4547")
    endless = "WITH RECURSIVE t(fid) AS (SELECT 1 UNION ALL SELECT fid + 1 FROM t) SELECT fid, 'x' AS id FROM t"
    with contextlib.closing(sqlite3.connect(path)) as opened:
        opened.execute(f"CREATE VIEW endless AS {endless}")
        opened.commit()
    for table in (None, "Endless"):
        with pytest.raises(RegisterError, match=r"approved\.gpkg: it holds views, expected a table"):
            read(path, table=table)
    assert [entry.id for entry in read(path, table="approved")[0]] == ["n0"]


def test_what_lies_outside_of_its_own_coordinate_system_is_told(tmp_path) -> None:
    path = write(tmp_path / "approved.gpkg", [square(0, 0)], "EPSG:4326")
    entries, remarks = read(path, crs="EPSG:4258")  # ETRS89, of Europe
    assert entries == []
    assert "it lies at 114.31, 30.59, outside of ETRS89" in [remark.what for remark in remarks]


HOSTILE = {
    "empty.geojson": b"",
    "list.geojson": b"[1, 2]",
    "url.geojson": b'"http://example.invalid/x.geojson"',
    "vrt.geojson": b"<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/etc</SrcDataSource></OGRVRTLayer>",
    "vrt.gpkg": b"<OGRVRTDataSource/>",
    "nofeatures.geojson": b'{"type": "FeatureCollection"}',
    "cut.geojson": b'{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"id": "a',
    "deep.geojson": b'{"a":' * 100_000,
    "huge.geojson": b'{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"id": [%d]}}]}'
    % 2**63,
    "gbk.geojson": '{"type": "FeatureCollection", "features": [{"properties": {"甲": "甲"}}]'.encode("gbk"),
    "cut.gpkg": b"SQLite format 3\x00" + bytes(40),
    "cut.shp": b"\x00\x00\x27\x0a" + bytes(96),
    "approved.csv": b"id,x,y",
    "topology.geojson": b'{"type": "Topology", "objects": {}, "arcs": []}',
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_none_is_refused_with_a_remedy(tmp_path, name) -> None:
    (tmp_path / name).write_bytes(HOSTILE[name])
    with pytest.raises(RegisterError, match=rf"^{name}: .*(Convert|Export|Set|Correct|Name)"):
        read(tmp_path / name)


@pytest.mark.parametrize("path", ["nowhere.geojson", "a\x00b.geojson", "/vsicurl/http://example.invalid/x.geojson"])
def test_a_file_that_is_not_there_is_named(tmp_path, path) -> None:
    with pytest.raises(RegisterError, match="cannot be read"):
        read_file(Layer.APPROVED, RegisterFile(path=path), tmp_path, PLANE, BOX_M, SHANGHAI)


@pytest.mark.parametrize("ending", ["gpkg", "shp"])
@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(tmp_path_factory, ending, data) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    path = write(folder / f"a.{ending}", [square(0, 0), square(40, 0)], "EPSG:4547")
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(16, len(content) - 1)) :]
    for _ in range(data.draw(st.integers(0, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        entries, _ = read(path)
    except RegisterError as error:
        assert str(error).startswith(path.name)
    else:
        assert all(entry.outline.is_valid and np.isfinite(entry.outline.bounds).all() for entry in entries)


WHOLE = st.integers(-(2**63), 2**63 - 1)
"""A file with larger ones is none, to GDAL: `huge.geojson` above."""


@settings(deadline=None, max_examples=60)
@given(
    coordinates=st.recursive(
        st.none() | st.floats(allow_nan=False) | st.text(max_size=3) | st.booleans(),
        lambda inner: st.lists(inner, max_size=5),
        max_leaves=20,
    ),
    kind=st.sampled_from(["Polygon", "MultiPolygon", "Point", "LineString", "GeometryCollection", "", "CurvePolygon"]),
    fields=st.dictionaries(
        st.sampled_from(["id", "valid_until", "valid_from", "height", "name"]),
        st.none() | WHOLE | st.text(max_size=5) | st.lists(WHOLE, max_size=2),
    ),
)
def test_features_of_any_content_cost_themselves_only(tmp_path_factory, coordinates, kind, fields) -> None:
    geometry = {"type": kind, "coordinates": coordinates}
    good = (mapped(square(0, 0)), {"id": "good", "valid_until": "2026-11-22"})
    path = geojson(tmp_path_factory.mktemp("odd") / "p.geojson", [(geometry, fields), good])
    entries, remarks = read(path, Layer.PERMIT)
    assert entries[-1].id == "good"
    assert len(entries) + len({remark.feature for remark in remarks if remark.refused}) >= 1


def test_no_more_is_told_than_anybody_reads(tmp_path) -> None:
    path = geojson(tmp_path / "approved.geojson", [(None, {"id": "x"})] * 500)
    _, remarks = read(path)
    assert len(remarks) == 201
    assert remarks[-1].what == "300 more left out"


def test_a_whole_register(tmp_path) -> None:
    write(tmp_path / "approved.gpkg", [square(0, 0)], "EPSG:4547")
    write(tmp_path / "permits.shp", [square(50, 0)], "EPSG:4547", {"id": ["p"], "valid_until": ["2026-11-22"]})
    config = RegisterSettings.model_validate(
        {"approved": [{"path": "approved.gpkg"}], "permits": [{"path": "permits.shp"}]}
    )
    loaded = read_register(config, tmp_path, PLANE, BOX_M)
    assert [entry.layer for entry in loaded.register.entries] == [Layer.APPROVED, Layer.PERMIT]
    assert loaded.register.known == {Layer.APPROVED, Layer.PERMIT}
    assert [entry.id for entry in loaded.register.near(square(8, 0))] == ["n0"]
    assert [entry.id for entry in loaded.register.near(square(20, 0), 30, Layer.PERMIT)] == ["p"]
    assert len(read_register(RegisterSettings(), tmp_path, PLANE, BOX_M).register) == 0


@pytest.mark.parametrize("fields", [{"crs": "EPSG:99999999"}, {"crs": "nonsense"}, {"datum": "cgcs"}, {"path": ""}])
def test_settings_that_cannot_be(fields) -> None:
    with pytest.raises(ValueError, match="validation error"):
        RegisterFile.model_validate({"path": "a.gpkg", **fields})


def test_unknown_settings_and_zones_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a time zone"):
        RegisterSettings(timezone="Mars/Olympus")
    with pytest.raises(ValueError, match="Extra inputs"):
        RegisterSettings.model_validate({"streets": []})


def test_every_texts_length_is_bounded(tmp_path) -> None:
    path = geojson(tmp_path / "a.geojson", [(mapped(square(0, 0)), {"id": "x" * 5000, "name": "a\nb\x07"})])
    entry = read(path)[0][0]
    assert len(entry.id) == 80
    assert entry.name == "a b"
    assert json.dumps(entry.id)
