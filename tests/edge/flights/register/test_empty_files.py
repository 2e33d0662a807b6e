"""A layer of which a district has none is an empty file, not a broken one."""

from __future__ import annotations

import json
from pathlib import Path

from contract.geometry import Point
from edge.flights.local import LocalPlane
from edge.flights.register.features import Layer
from edge.flights.register.reading import read_register
from edge.flights.register.settings import RegisterFile, RegisterSettings


def test_an_empty_file_is_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "permits.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": []}), encoding="utf-8")
    settings = RegisterSettings(permits=(RegisterFile(path="permits.geojson"),))
    loaded = read_register(settings, tmp_path, LocalPlane(Point(coordinates=(113.6, 34.7))), (-10, -10, 10, 10))
    assert len(loaded.register) == 0
    assert loaded.register.known == {Layer.PERMIT}
    assert [str(remark) for remark in loaded.remarks] == ["permits.geojson: it holds no features"]
