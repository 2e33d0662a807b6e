"""Finds mosaics in a library of baselines. The edge adds and removes while the server runs."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import shapely
import structlog
from pydantic import ValidationError
from shapely.geometry.base import BaseGeometry

from server.mosaics.schemas import LibraryEntry, MosaicView

log = structlog.get_logger()

MOST_ENTRY_BYTES = 64 * 1024 * 1024
MOST_ENTRIES = 10_000
_ENTRY, _FOLDER = "entry.json", "mosaic"

_Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mosaic:
    """One of them."""

    view: MosaicView
    path: Path
    """Of its PMTiles."""
    bytes: int
    outline: BaseGeometry
    """In degrees."""

    @property
    def is_there(self) -> bool:
        """The library may be changed, or its disk be gone, at any time."""
        try:
            return self.path.is_file() and self.path.stat().st_size == self.bytes
        except OSError:
            return False


class MosaicShelf:
    """Reads an entry when it is new or has changed; what cannot be read is not shown, and logged once."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[_Stamp, Mosaic | None]] = {}

    def all(self) -> list[Mosaic]:
        """The newest first."""
        with self._lock:
            self._look()
            found = [mosaic for _, mosaic in self._known.values() if mosaic is not None]
        return sorted(found, key=lambda each: (each.view.taken_at, each.view.name), reverse=True)

    def one(self, sha256: str) -> Mosaic | None:
        """By its id. Asked for with every tile: only an unknown one has the folders looked through."""
        for again in (False, True):
            with self._lock:
                if again:
                    self._look()
                for path, (stamp, mosaic) in self._known.items():
                    if mosaic is None or mosaic.view.sha256 != sha256:
                        continue
                    if _stamp(path) == stamp and mosaic.is_there:
                        return mosaic
        return None

    def _look(self) -> None:
        seen: dict[Path, tuple[_Stamp, Mosaic | None]] = {}
        for path in _entries(self._root):
            stamp = _stamp(path)
            if stamp is None:
                continue
            known = self._known.get(path)
            if known is not None and known[0] == stamp:
                seen[path] = known
                continue
            seen[path] = stamp, _read(path, stamp)
        self._known = seen


def _entries(root: Path | None) -> list[Path]:
    if root is None:
        return []
    found: list[Path] = []
    for area in _folders(root):
        found += [folder / _ENTRY for folder in _folders(area)]
        if len(found) > MOST_ENTRIES:
            log.warning("the library of baselines has too many entries", folder=str(root), most=MOST_ENTRIES)
            return found[:MOST_ENTRIES]
    return found


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(each for each in path.iterdir() if not each.name.startswith(".") and each.is_dir())
    except OSError:
        return []


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _read(path: Path, stamp: _Stamp) -> Mosaic | None:
    try:
        if stamp[1] > MOST_ENTRY_BYTES:
            raise ValueError("is too large")
        entry = LibraryEntry.model_validate_json(path.read_bytes())
        outline = _shape(entry.outline)
    except (OSError, ValueError, ValidationError, RecursionError) as error:
        log.warning("an entry of the library of baselines is not shown", entry=str(path), reason=str(error)[:300])
        return None
    if entry.mosaic is None:
        return None
    made = entry.mosaic
    tiles = path.parent / _FOLDER / made.pmtiles.path
    view = MosaicView(
        sha256=made.pmtiles.sha256,
        area=entry.area,
        name=f"{entry.area}@{path.parent.name}",
        taken_at=entry.taken_at,
        bounds=made.tiles.bounds,
        least_zoom=made.tiles.least_zoom,
        most_zoom=made.tiles.most_zoom,
        gsd_m=made.gsd_m,
        attribution=made.attribution,
    )
    found = Mosaic(view, tiles, made.pmtiles.bytes, outline)
    if not found.is_there:
        log.warning("a mosaic is not shown: its tiles are gone or changed", tiles=str(tiles))
        return None
    return found


def _shape(document: dict[str, object]) -> BaseGeometry:
    if document.get("type") not in ("Polygon", "MultiPolygon"):
        raise ValueError("its outline is no Polygon or MultiPolygon")
    try:
        shape = shapely.geometry.shape(document)
    except (TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError) as error:
        raise ValueError(f"its outline cannot be read: {error}") from None
    return shape if shape.is_valid else shapely.make_valid(shape)
