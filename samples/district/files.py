"""Write the district: grids.geojson, the three lists and a README, in the formats that the server imports."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from shapely import get_coordinates
from shapely.geometry.polygon import orient

from samples.district.catalogue import Catalogue, load_catalogue
from samples.district.grids import District, Grid, build_district
from samples.district.lists import (
    MATTER_COLUMNS,
    PROHIBITION_COLUMNS,
    RESPONSIBILITY_COLUMNS,
    Row,
    matter_rows,
    prohibition_rows,
    responsibility_rows,
)
from samples.district.partition import LATTICE

LEVEL_NAMES: Final = (("区", "district"), ("街道", "street"), ("社区", "community"), ("微网格", "micro-grid"))


def write_district(seed: int, folder: Path) -> tuple[Path, ...]:
    """Write every file of this seed's district into the folder (made if missing) and return their paths.

    Raises:
        samples.district.partition.PartitionError: this seed gives no usable district.
    """
    district, catalogue = build_district(seed), load_catalogue()
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "grids.geojson": grids_text(district, catalogue, seed),
        "matters.csv": _csv_text(MATTER_COLUMNS, matter_rows(catalogue)),
        "responsibilities.csv": _csv_text(RESPONSIBILITY_COLUMNS, responsibility_rows(catalogue)),
        "prohibitions.csv": _csv_text(PROHIBITION_COLUMNS, prohibition_rows(catalogue)),
        "README.md": readme_text(district, catalogue, seed),
    }
    paths = []
    for name, text in texts.items():
        path = folder / name
        path.write_text(text, encoding="utf-8", newline="\n")
        paths.append(path)
    return tuple(paths)


def grids_text(district: District, catalogue: Catalogue, seed: int) -> str:
    """A GeoJSON FeatureCollection (WGS-84) with one feature a line, so that a changed grid is one changed line."""
    head = {
        "version": f"demo-district-{seed}",
        "valid_from": catalogue.valid_from.isoformat(),
        "levels": [{"level": level, "name_zh": zh, "name_en": en} for level, (zh, en) in enumerate(LEVEL_NAMES)],
    }
    features = ",\n".join(_compact(_feature(grid)) for grid in district.grids)
    return f'{{"type":"FeatureCollection","gridsentry":{_compact(head)},"features":[\n{features}\n]}}\n'


def readme_text(district: District, catalogue: Catalogue, seed: int) -> str:
    """What lies in the folder, and what must not be believed of it."""
    counts = [len(district.at_level(level)) for level in range(len(LEVEL_NAMES))]
    return _README.format(
        seed=seed,
        streets=counts[1],
        communities=counts[2],
        micro_grids=counts[3],
        special=len(district.special),
        edition=catalogue.edition,
        matters=len(catalogue.matters),
        rows=sum(len(matter.conditions) for matter in catalogue.matters),
        units=len(catalogue.units),
    )


def _feature(grid: Grid) -> dict[str, Any]:
    ring = [[x / LATTICE, y / LATTICE] for x, y in get_coordinates(orient(grid.shape).exterior).tolist()]
    return {
        "type": "Feature",
        "properties": {
            "code": grid.code,
            "name_zh": grid.name.zh,
            "name_en": grid.name.en,
            "layer": grid.layer,
            "level": grid.level,
            "parent": grid.parent,
        },
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _csv_text(columns: Sequence[str], rows: Iterable[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


_README: Final = """\
# A district that does not exist

Made by `python -m samples.district --seed {seed} --out samples/district/generated`; change the generator or
`samples/district/catalogue.yaml`, never these files. The same seed gives the same bytes.

| file | what it holds |
|---|---|
| `grids.geojson` | {streets} streets, {communities} communities, {micro_grids} micro-grids, {special} special grids |
| `matters.csv` | {matters} matters in {rows} rows, one a filing condition |
| `responsibilities.csv` | matter × grid scope × level → unit ({units} units) |
| `prohibitions.csv` | matter × level that must never receive it, and why |

**Everything is invented**: the land, the river, every name, every unit. 410199 is a pseudo-code that no division has.
The outline lies inside lon 113.60–113.70, lat 34.70–34.78 and follows no real boundary. A name that also exists
somewhere does so by chance.

**Codes are not confirmed.** The edition is called `{edition}` because its numbers only follow the fashion of the
2+2 digit catalogues (GB/T 30428.2). Not one of them has been compared with the standard's text, and several certainly
mean something else there. Codes that count down from 99 are local additions. The wording, limits and closing
conditions are our own examples: every city replaces them.

Coordinates are WGS-84 with six decimals. Grids tile exactly: neighbours share their vertices, and a parent is the union
of its children, vertex by vertex. Special grids lie over the tree; each names as parent the smallest grid that holds it
whole.

`python -m samples.district.check DIR` routes every matter from every grid by brute force and names gaps and ties.
`python -m samples.district.picture OUT.png` draws the map. `samples/district/places.yaml` names places on it.
"""
