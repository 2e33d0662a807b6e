"""Entries of a library of baselines, as the edge writes them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.server.small_city import square

TILES = b"PMTiles\x03" + bytes(range(256)) * 40


def put(
    root: Path,
    area: str,
    date: str,
    bounds: tuple[float, float, float, float],
    tiles: bytes = TILES,
    zooms: tuple[int, int] = (15, 21),
    **more: Any,
) -> str:
    """The id of the mosaic. `more` overwrites what the entry says."""
    folder = root / area / date
    (folder / "mosaic").mkdir(parents=True)
    (folder / "mosaic" / "mosaic.pmtiles").write_bytes(tiles)
    sha256 = hashlib.sha256(tiles).hexdigest()
    file = {"path": "mosaic.pmtiles", "bytes": len(tiles), "sha256": sha256}
    entry = {
        "format": "gridsentry-baseline/1",
        "area": area,
        "flight": "DJI_0001",
        "taken_at": f"{date}T10:30:00+08:00",
        "outline": square(*bounds),
        "place": "/flights/DJI_0001",
        "files": [],
        "mosaic": {
            "epsg": 32649, "gsd_m": 0.05, "geotiff": file, "pmtiles": file, "attribution": "Survey",
            "tiles": {"least_zoom": zooms[0], "most_zoom": zooms[1], "bounds": bounds, "tiles": 12},
        },
        **more,
    }  # fmt: skip
    (folder / "entry.json").write_text(json.dumps(entry), encoding="utf-8")
    return sha256
