"""A city of squares, small enough to draw: 2 streets × 2 communities × 4 micro-grids, and a market on top.

Longitudes 113.60 (west) to 113.68, latitudes 34.70 (south) to 34.74. Street 001 is the western half, 002 the eastern;
community 001 of each is its southern half, 002 its northern; micro-grids count 001 south-west, 002 south-east,
003 north-west, 004 north-east. One micro-grid is 0.02° × 0.01°, about 1.8 km × 1.1 km.
"""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.events import HazardEvent, hazard_type
from contract.ids import uuid7
from server.db import Database
from server.grids.imports import import_grids
from server.matters.imports import import_matters

ROOT, WEST, EAST = "410199", "410199001", "410199002"
SOUTH_WEST, NORTH_WEST, SOUTH_EAST = "410199001001", "410199001002", "410199002001"
MICRO = "410199001001001"
MARKET = "410199S01"
IN_MICRO, IN_MARKET, OUTSIDE = (113.615, 34.705), (113.6025, 34.7025), (113.50, 34.70)
BY_THE_STREET_BORDER = (113.6399, 34.705)

NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)


def square(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [[[round(x, 6), round(y, 6)] for x, y in ring]]}


def feature(code: str, level: int, parent: str | None, area: dict[str, Any], layer: str = "admin") -> dict[str, Any]:
    properties = {
        "code": code,
        "name_zh": f"网格{code}",
        "name_en": f"Grid {code}",
        "layer": layer,
        "level": level,
        "parent": parent,
    }
    return {"type": "Feature", "properties": properties, "geometry": area}


def grids_document() -> dict[str, Any]:
    features = [feature(ROOT, 0, None, square(113.60, 34.70, 113.68, 34.74))]
    for street in (0, 1):
        west, code = 113.60 + 0.04 * street, f"{ROOT}00{street + 1}"
        features.append(feature(code, 1, ROOT, square(west, 34.70, west + 0.04, 34.74)))
        for community in (0, 1):
            south, below = 34.70 + 0.02 * community, f"{code}00{community + 1}"
            features.append(feature(below, 2, code, square(west, south, west + 0.04, south + 0.02)))
            for micro in range(4):
                x, y = west + 0.02 * (micro % 2), south + 0.01 * (micro // 2)
                area = square(x, y, x + 0.02, y + 0.01)
                features.append(feature(f"{below}00{micro + 1}", 3, below, area))
    features.append(feature(MARKET, 3, SOUTH_WEST, square(113.602, 34.702, 113.603, 34.703), "special"))
    levels = [("区", "district"), ("街道", "street"), ("社区", "community"), ("微网格", "micro-grid")]
    header = {
        "version": "small-1",
        "valid_from": "2026-01-01",
        "levels": [{"level": level, "name_zh": zh, "name_en": en} for level, (zh, en) in enumerate(levels)],
    }
    return {"type": "FeatureCollection", "gridsentry": header, "features": features}


def grid(document: dict[str, Any], code: str) -> dict[str, Any]:
    """The feature of a code, to be changed by a test."""
    return next(item for item in document["features"] if item["properties"]["code"] == code)


MATTERS = """\
edition,kind,code,name_zh,name_en,big_class_zh,big_class_en,hazards,severity,condition,condition_zh,condition_en,limit,\
limit_unit,closing_zh,closing_en,auto_dispatch,special_grid,valid_from,valid_to
e1,event,05-96,高空抛物,Thrown object,突发事件,Emergencies,thrown_object,red,1,有人抛物,Somebody throws,2,\
continuous_hour,已劝阻,Stopped,no,wins,2026-01-01,
e1,event,05-96,高空抛物,Thrown object,突发事件,Emergencies,thrown_object,red,2,坠物,Something fell,1,\
working_day,已加固,Secured,no,wins,2026-01-01,
e1,event,05-06,积水,Ponding,突发事件,Emergencies,water_level ponding,yellow,1,积水,"Water, standing",2,\
continuous_hour,已排水,Drained,yes,ignored,2026-01-01,
e1,component,05-06,信号灯,Traffic signal,公用设施,Utilities,signal_dark,red,1,熄灭,Dark,2,\
continuous_hour,已亮,Lit,yes,ignored,2026-01-01,2026-12-31
"""
RESPONSIBILITIES = """\
edition,kind,code,grid_scope,level,unit_code,unit_zh,unit_en,co_units
e1,event,05-96,*,2,COMMUNITY,社区,Community office,POLICE URBAN
e1,event,05-96,*,3,GRID,网格员,Grid worker,
e1,event,05-96,*,special,MARKET,市场管理,Market office,
e1,event,05-06,*,1,WATER,排水所,Drainage office,
e1,event,05-06,410199002,1,WATER-E,东片排水所,Eastern drainage office,
e1,component,05-06,*,0,TRAFFIC,交警,Traffic police,
"""
PROHIBITIONS = """\
edition,kind,code,level,reason_zh,reason_en
e1,event,05-96,3,危及生命,Life is at risk
"""


def write_grids(folder: Path, document: dict[str, Any] | None = None) -> Path:
    path = folder / "grids.geojson"
    path.write_text(json.dumps(document or grids_document(), ensure_ascii=False), encoding="utf-8")
    return path


def write_lists(
    folder: Path, matters: str = MATTERS, responsibilities: str = RESPONSIBILITIES, prohibitions: str = PROHIBITIONS
) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "matters.csv").write_text(matters, encoding="utf-8")
    (folder / "responsibilities.csv").write_text(responsibilities, encoding="utf-8")
    (folder / "prohibitions.csv").write_text(prohibitions, encoding="utf-8")
    return folder


def found(database: Database, folder: Path) -> None:
    """Imports the city and its lists."""
    import_grids(database, write_grids(folder), force=False, actor="test")
    import_matters(database, write_lists(folder / "lists"), force=False, actor="test")


def hazard_event(
    *,
    device: str = "box-1",
    source: str = "gate-3",
    hazard: str = "thrown_object",
    episode: str | None = None,
    revision: int = 1,
    phase: str = "opened",
    at: tuple[float, float] = IN_MICRO,
    accuracy_m: float = 10.0,
    seconds: float = 0.0,
    started: datetime = NOON,
    **changes: Any,
) -> HazardEvent:
    """An event that was observed `seconds` after its episode started."""
    observed = started + timedelta(seconds=seconds)
    episode = episode or uuid7(started)
    data: dict[str, Any] = {
        "episode_id": episode,
        "revision": revision,
        "phase": phase,
        "hazard": hazard,
        "tier": "alarm",
        "severity": "red",
        "confidence": 0.8,
        "started_at": started,
        "observed_at": observed,
        "clock": {"synced": True},
        "location": {"point": {"coordinates": at}, "accuracy_m": accuracy_m, "method": "camera"},
        "source": {"id": source, "kind": "camera", "name": "South gate 3"},
        "detail": copy.deepcopy(DETAILS.get(hazard, {})),
        "producer": {"software": "test 1", "detector": hazard, "config_sha256": "0" * 64},
    }
    if phase == "cleared":
        data["ended_at"] = observed
    return HazardEvent.model_validate(
        {
            "id": uuid7(observed),
            "source": f"/devices/{device}",
            "type": hazard_type(phase_of(phase)),
            "time": observed,
            "subject": episode,
            "data": {**data, **changes},
        }
    )


def phase_of(name: str) -> Any:
    from contract.events import Phase

    return Phase(name)


DETAILS: dict[str, dict[str, Any]] = {
    "thrown_object": {
        "box": {"x": 1, "y": 2, "width": 3, "height": 4},
        "track": [{"t": 0.0, "x": 1, "y": 2}, {"t": 0.5, "x": 1, "y": 90}],
        "fall": {
            "acceleration_mps2": 9.7,
            "acceleration_error_mps2": 0.4,
            "end_speed_mps": 14.0,
            "drop_m": 11.0,
            "residual_m": 0.05,
            "observations": 20,
            "coverage": 0.9,
        },
    },
    "water_level": {
        "channel": "level",
        "value": 1.4,
        "unit": "m",
        "comparison": "above",
        "set_limit": 1.2,
        "clear_limit": 1.08,
        "rule": "water_level",
    },
    "fire": {
        "box": {"x": 1, "y": 2, "width": 30, "height": 40},
        "stage": "warning",
        "proposers": ["model"],
        "light": "day",
        "seconds": 6.0,
        "area_share": 0.004,
    },
    "signal_dark": {
        "scope": "head",
        "heads": ["north_1"],
        "heads_total": 1,
        "seconds": 45.0,
        "visible_share": 0.97,
        "samples_per_second": 8.0,
    },
    "illegal_structure": {
        "structure": "E113.60000N34.70000",
        "change": "new",
        "area_m2": 30.0,
        "exceeded_m2": 30.0,
        "sightings": {"frames": 3, "flights": 1, "first_seen": "2026-11-21T08:00:00Z"},
        "flight": {"id": "flight-2", "taken_at": "2026-11-21T08:00:00Z"},
        "compared_with": {"id": "flight-1", "taken_at": "2026-10-21T08:00:00Z"},
    },
}


@pytest.fixture
def city(database: Database, tmp_path: Path) -> Database:
    """The database with the city and its lists."""
    found(database, tmp_path)
    return database
