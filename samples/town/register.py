"""What the town's office knows: approved buildings, permits with their days, roads, green, water."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import shapely
from shapely.geometry import Polygon, mapping
from shapely.ops import unary_union

from edge.flights.local import LocalPlane
from edge.flights.register.features import Entry, Layer
from samples.facade.seeding import stream
from samples.town.pairs import Truth
from samples.town.world import Ground

MAP_SIGMA_M = 0.15
"""How far the office's outlines lie from what is, of one axis: a map of 1:500 held to 0.3 mm."""
PERMITTED, EXPIRED = 0.2, 0.1
"""Shares of the new structures that a permit covers, or covered until a month before the flight."""
FILES = {Layer.APPROVED: "approved", Layer.PERMIT: "permits", Layer.ROAD: "roads", Layer.GREEN: "green",
         Layer.WATER: "water"}  # fmt: skip


def register_of(truth: Truth) -> tuple[Entry, ...]:
    """Entries in metres of the flights' plane. What stood before is approved; a few new structures have a permit,
    whose id is `P` and the building's key."""
    town = truth.before.town
    rng = stream(town.seed, "register")
    day = truth.after.began_at.date()
    found = [
        _entry(Layer.APPROVED, f"B{b.key}", Polygon(b.footprint() + rng.normal(0, MAP_SIGMA_M, 2)), MAP_SIGMA_M,
               height_m=b.eaves_m)
        for b in town.buildings
        if b.parent is None
    ]  # fmt: skip
    for change in truth.changes:
        drawn = float(rng.random())
        if change.is_new_structure and drawn < PERMITTED + EXPIRED:
            valid = drawn < PERMITTED
            until = day + timedelta(days=200) if valid else day - timedelta(days=30)
            found.append(
                _entry(Layer.PERMIT, f"P{change.key}", Polygon(change.outline).buffer(0.3), MAP_SIGMA_M,
                       valid_from=day - timedelta(days=300), valid_until=until)
            )  # fmt: skip
    found += [_entry(Layer.ROAD, f"R{r.key}", Polygon(r.outline()), MAP_SIGMA_M) for r in town.roads]
    for layer, grounds in ((Layer.GREEN, (Ground.GRASS,)), (Layer.WATER, (Ground.WATER,))):
        found += [
            _entry(layer, f"{layer.value[0].upper()}{p.key}", Polygon(p.outline), MAP_SIGMA_M)
            for p in town.patches
            if p.ground in grounds
        ]
    return tuple(found)


def _entry(
    layer: Layer,
    name: str,
    outline: Polygon,
    sigma_m: float,
    *,
    height_m: float | None = None,
    valid_from: date | None = None,
    valid_until: date | None = None,
) -> Entry:
    shape = outline if outline.is_valid else unary_union(outline.buffer(0))
    where = f"{FILES[layer]}.geojson, {name}"
    return Entry(layer, name, shape, sigma_m, where, valid_from=valid_from, valid_until=valid_until, height_m=height_m)


def write_register(folder: Path, truth: Truth) -> list[Path]:
    """Writes one GeoJSON file a layer, in WGS-84, as an office would export them. The folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    plane = LocalPlane(truth.before.town.origin)

    entries = register_of(truth)
    written = []
    for layer, name in FILES.items():
        features = []
        for entry in entries:
            if entry.layer is not layer:
                continue
            columns: dict[str, object] = {"id": entry.id}
            if entry.height_m is not None:
                columns["height_m"] = round(entry.height_m, 2)
            if layer is Layer.PERMIT:
                columns |= {"valid_from": str(entry.valid_from), "valid_until": str(entry.valid_until)}
            shape = mapping(shapely.transform(entry.outline, plane.degrees))
            features.append({"type": "Feature", "properties": columns, "geometry": shape})
        path = folder / f"{name}.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}) + "\n", encoding="utf-8")
        written.append(path)
    return written
