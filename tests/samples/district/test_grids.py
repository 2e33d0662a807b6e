"""The grids are a true partition, look like land, and follow from the seed."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely import Polygon
from shapely.affinity import translate

from samples.district.files import write_district
from samples.district.grids import build_district
from samples.district.layout import METRES_PER_DEGREE_LAT, METRES_PER_DEGREE_LON

Feature = dict[str, Any]
CODE_LENGTHS = {0: 6, 1: 9, 2: 12, 3: 15}


def _level(features: list[Feature], level: int) -> list[Feature]:
    return [f for f in features if f["properties"]["layer"] == "admin" and f["properties"]["level"] == level]


def _special(features: list[Feature]) -> list[Feature]:
    return [f for f in features if f["properties"]["layer"] == "special"]


def _children(features: list[Feature], parent: str) -> list[str]:
    return [
        f["properties"]["code"]
        for f in features
        if f["properties"]["parent"] == parent and f["properties"]["layer"] == "admin"
    ]


def test_committed_files_follow_from_the_seed(committed: Path, built: Path) -> None:
    names = sorted(path.name for path in committed.iterdir())
    assert names == ["README.md", "grids.geojson", "matters.csv", "prohibitions.csv", "responsibilities.csv"]
    for name in names:
        assert (committed / name).read_bytes() == (built / name).read_bytes(), (
            f"{name} is not what the generator makes; run: python -m samples.district --seed 7 --out {committed}"
        )


def test_another_seed_makes_other_land_and_the_same_lists(built: Path, tmp_path: Path) -> None:
    write_district(8, tmp_path)
    assert (tmp_path / "grids.geojson").read_bytes() != (built / "grids.geojson").read_bytes()
    assert (tmp_path / "matters.csv").read_bytes() == (built / "matters.csv").read_bytes()


def test_header_names_version_and_levels(committed: Path) -> None:
    collection = json.loads((committed / "grids.geojson").read_text("utf-8"))
    assert collection["type"] == "FeatureCollection"
    head = collection["gridsentry"]
    assert set(head) == {"version", "valid_from", "levels"}
    assert [level["level"] for level in head["levels"]] == [0, 1, 2, 3]
    assert all(level["name_zh"] and level["name_en"] for level in head["levels"])
    assert (committed / "grids.geojson").stat().st_size < 600_000


def test_there_are_as_many_grids_as_promised(features: list[Feature]) -> None:
    counts = [len(_level(features, level)) for level in range(4)]
    assert counts[:2] == [1, 5]
    assert 22 <= counts[2] <= 28
    assert 300 <= counts[3] <= 400
    assert 1 <= len(_special(features)) <= 3


def test_codes_grow_from_the_parents_code(features: list[Feature]) -> None:
    codes = [f["properties"]["code"] for f in features]
    assert len(set(codes)) == len(codes)
    for feature in features:
        p = feature["properties"]
        assert set(p) == {"code", "name_zh", "name_en", "layer", "level", "parent"}
        if p["layer"] == "special":
            assert re.fullmatch(r"410199S\d\d", p["code"])
            continue
        assert len(p["code"]) == CODE_LENGTHS[p["level"]]
        assert p["code"].isdigit()
        assert p["parent"] == (p["code"][:-3] if p["level"] else None)


def test_names_are_unique_within_a_parent_and_in_both_languages(features: list[Feature]) -> None:
    for language in ("name_zh", "name_en"):
        names = Counter((f["properties"]["parent"], f["properties"][language]) for f in features)
        assert not [name for name, count in names.items() if count > 1]
    for feature in features:
        assert re.search(r"[\u4e00-\u9fff]", feature["properties"]["name_zh"])
        assert feature["properties"]["name_en"].isascii()


def test_parents_come_before_their_children(features: list[Feature]) -> None:
    seen: set[str | None] = {None}
    for feature in features:
        assert feature["properties"]["parent"] in seen
        seen.add(feature["properties"]["code"])


def test_rings_are_closed_valid_and_short_of_digits(features: list[Feature], shapes: dict[str, Polygon]) -> None:
    for feature in features:
        code, rings = feature["properties"]["code"], feature["geometry"]["coordinates"]
        assert len(rings) == 1, f"{code} has a hole"
        assert rings[0][0] == rings[0][-1]
        assert shapes[code].is_valid, code
        assert shapes[code].exterior.is_ccw, f"{code}: RFC 7946 wants the outer ring counterclockwise"
        for lon, lat in rings[0]:
            assert 113.60 <= lon <= 113.70
            assert 34.70 <= lat <= 34.78
            assert (lon, lat) == (round(lon, 6), round(lat, 6))


@pytest.mark.parametrize("level", [1, 2, 3])
def test_siblings_share_every_vertex_and_nothing_else(
    features: list[Feature], shapes: dict[str, Polygon], level: int
) -> None:
    """A valid coverage has no overlap, no sliver, and matching vertices along every shared edge."""
    cells = [shapes[f["properties"]["code"]] for f in _level(features, level)]
    assert shapely.coverage_is_valid(cells)


def test_children_tile_their_parent(features: list[Feature], shapes: dict[str, Polygon]) -> None:
    checked = 0
    for feature in features:
        code = feature["properties"]["code"]
        children = [shapes[child] for child in _children(features, code)]
        if not children:
            continue
        checked += 1
        assert sum(child.area for child in children) == pytest.approx(shapes[code].area, rel=1e-6)
        assert all(shapes[code].covers(child) for child in children)
        assert shapely.union_all(children).symmetric_difference(shapes[code]).area == 0
    assert checked == 1 + 5 + len(_level(features, 2))


def test_a_broken_partition_would_be_noticed(shapes: dict[str, Polygon]) -> None:
    broken = "410199004001001"
    moved = translate(shapes[broken], 2e-6, 0)
    assert not shapely.coverage_is_valid([moved, *(s for c, s in shapes.items() if len(c) == 15 and c != broken)])


def test_special_grids_lie_in_the_smallest_grid_that_holds_them(
    features: list[Feature], shapes: dict[str, Polygon]
) -> None:
    admin = [f["properties"]["code"] for f in features if f["properties"]["layer"] == "admin"]
    for feature in _special(features):
        p = feature["properties"]
        holders = [code for code in admin if shapes[code].contains_properly(shapes[p["code"]])]
        assert max(holders, key=len) == p["parent"]
        overlapped = [c for c in admin if len(c) == 15 and shapes[c].intersection(shapes[p["code"]]).area > 0]
        assert len(overlapped) >= 2, "an overlay that fits one micro-grid shows nothing"


def test_special_grids_do_not_touch_each_other(features: list[Feature], shapes: dict[str, Polygon]) -> None:
    special = [shapes[f["properties"]["code"]] for f in _special(features)]
    assert all(not a.intersects(b) for i, a in enumerate(special) for b in special[i + 1 :])


def test_the_mall_lies_in_one_community_and_the_campus_in_two(features: list[Feature]) -> None:
    parents = {f["properties"]["code"]: f["properties"]["parent"] for f in _special(features)}
    assert sorted(len(parent) for parent in parents.values()) == [9, 12, 12]


@pytest.mark.parametrize("seed", [7, 21, 34])
def test_micro_grids_look_like_blocks(seed: int) -> None:
    """No seed gives needles or crumbs: the isoperimetric quotient of a square is 0.79, of a 1:5 strip 0.44."""
    district = build_district(seed)
    micro_grids = [grid.shape for grid in district.at_level(3)]
    assert shapely.coverage_is_valid(micro_grids)
    quotients = sorted(4 * math.pi * shape.area / shape.length**2 for shape in micro_grids)
    assert quotients[0] > 0.3
    assert quotients[len(quotients) // 2] > 0.68
    areas_m2 = [shape.area * METRES_PER_DEGREE_LON * METRES_PER_DEGREE_LAT / 1e12 for shape in micro_grids]
    assert min(areas_m2) > 15_000
    assert max(areas_m2) < 800_000


def test_the_old_town_is_divided_more_finely_than_the_rim(features: list[Feature], shapes: dict[str, Polygon]) -> None:
    def mean_area(street: str) -> float:
        own = [shapes[code] for code in shapes if len(code) == 15 and code.startswith(street)]
        return sum(shape.area for shape in own) / len(own)

    old_town = mean_area("410199004")
    assert all(mean_area(f"41019900{street}") > 1.15 * old_town for street in (1, 2, 3))
