"""Opens the register's files by GDAL (pyogrio): only the three kinds that we name, and only what lies near a flight."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from edge.flights.register.boxes import Box, widened
from edge.flights.register.errors import RegisterError, Remarks
from edge.flights.register.outlines import Placing
from edge.flights.register.settings import RegisterFile

MOST_FEATURES = 200_000
"""Near one flight. The largest district has fewer buildings."""
MOST_BROKEN = 16
"""Features of one file that end GDAL's reading. Each costs some readings of the file; more are a damaged file."""
READ_WHOLE = 50_000
"""Features up to which a file is read as a whole, so that those without geometry are told, too. Of larger ones only
what lies near the flight is read, and GDAL passes over what has no place."""
MOST_JSON_BYTES = 1024**3
"""GeoJSON has no index: all of it is read for every flight."""
_DRIVERS = {
    ".geojson": ("GeoJSON", "JSONFG"),
    ".json": ("GeoJSON", "JSONFG"),
    ".gpkg": ("GPKG",),
    ".shp": ("ESRI Shapefile",),
}
_BEGINNINGS = {".gpkg": b"SQLite format 3\x00", ".shp": b"\x00\x00\x27\x0a"}
_GDAL_ERRORS = (DataSourceError, DataLayerError, FeatureError, FieldError, GeometryError, ValueError, RuntimeError)
_EXPECTED = "expected a .geojson, .gpkg or .shp file"


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself."""

    crs: str | None
    count: int
    columns: tuple[str, ...]
    encoding: str | None


@dataclass(frozen=True, slots=True)
class Rows:
    """Features as GDAL gives them: `values` by column."""

    features: Sequence[int]
    geometries: Sequence[bytes | None]
    values: Mapping[str, Sequence[Any]]


def checked_path(file: RegisterFile, base: Path) -> Path:
    """Where the file is, once its beginning is what its ending says.

    Raises:
        RegisterError: it is not.
    """
    path = base / file.path
    suffix = path.suffix.casefold()
    if suffix not in _DRIVERS:
        raise RegisterError(f"{file.path}: found the ending {suffix or '(none)'!r}, {_EXPECTED}. Convert it")
    try:
        with path.open("rb") as opened:
            beginning = opened.read(64)
            size = os.fstat(opened.fileno()).st_size
    except (OSError, ValueError) as error:
        raise RegisterError(f"{file.path}: cannot be read ({error}), {_EXPECTED}. Correct `path`") from error
    # GDAL goes by the content, and some contents make it open other files or the network.
    wanted = _BEGINNINGS.get(suffix)
    is_json = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
    if not (is_json if wanted is None else beginning.startswith(wanted)):
        raise RegisterError(f"{file.path}: its content is not what its ending says, {_EXPECTED}. Export it anew")
    if suffix == ".gpkg":
        _check_tables(file, path)
    if wanted is None and size > MOST_JSON_BYTES:
        raise RegisterError(
            f"{file.path}: found {size / 1e9:.1f} GB of GeoJSON, expected at most {MOST_JSON_BYTES / 1e9:.1f}. "
            "Convert it to a GeoPackage, which has an index of places"
        )
    return path


def _check_tables(file: RegisterFile, path: Path) -> None:
    """A view is a program: it may run for ever. Only tables are read. Raises RegisterError."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as opened:
            found = opened.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()
            views = {str(name).casefold() for (name,) in found}
    except (sqlite3.Error, ValueError) as error:
        raise RegisterError(f"{file.path}: {_short(error)}, {_EXPECTED} that is whole. Export it anew") from error
    if any(name.startswith(("gpkg_", "rtree_")) for name in views):
        raise RegisterError(f"{file.path}: its own lists are views, {_EXPECTED} as programs write it. Export it anew")
    if views and (file.table is None or file.table.casefold() in views):
        raise RegisterError(f"{file.path}: it holds views, expected a table. Name one in `table`, or export the rows")


def header_of(file: RegisterFile, path: Path) -> Header:
    """Reads a file's header.

    Raises:
        RegisterError: GDAL cannot read it, or its texts are in another encoding.
    """
    encodings = (file.encoding,) if file.encoding else (None,) if _says_encoding(path) else ("utf-8", "gb18030")
    for encoding in encodings:
        try:
            info = pyogrio.read_info(path, layer=file.table, encoding=encoding, force_feature_count=True)
            if len(encodings) > 1:
                _try_texts(file, path, encoding)
        except (UnicodeDecodeError, LookupError) as error:
            failure: Exception = error
            continue
        except _GDAL_ERRORS as error:
            raise RegisterError(f"{file.path}: {_short(error)}, {_EXPECTED} that is whole. Export it anew") from error
        if info["driver"] not in _DRIVERS[path.suffix.casefold()]:
            raise RegisterError(f"{file.path}: it is of the kind {info['driver']}, {_EXPECTED}. Convert it")
        return Header(info["crs"], int(info["features"]), tuple(str(name) for name in info["fields"]), encoding)
    raise RegisterError(
        f"{file.path}: its texts are not {' or '.join(name or 'UTF-8' for name in encodings)} ({failure}). "
        "Set `encoding`, as gb18030"
    )


def _says_encoding(path: Path) -> bool:
    return path.suffix.casefold() != ".shp" or any(path.with_suffix(end).exists() for end in (".cpg", ".CPG"))


def _try_texts(file: RegisterFile, path: Path, encoding: str | None) -> None:
    """Raises UnicodeDecodeError where the first texts are of another encoding."""
    pyogrio.raw.read(
        path, layer=file.table, encoding=encoding, read_geometry=False, max_features=READ_WHOLE, datetime_as_string=True
    )


def crs_of(file: RegisterFile, said: str | None, remarks: Remarks) -> CRS:
    """The file's coordinate system: as configured, else as it says.

    Raises:
        RegisterError: neither is there, or it is none.
    """
    if said is None and file.crs is None:
        raise RegisterError(
            f"{file.path}: it does not say its coordinate system (a Shapefile needs its .prj). Set `crs`, as EPSG:4549"
        )
    try:
        stated = None if said is None else CRS.from_user_input(said)
        crs = stated if file.crs is None else CRS.from_user_input(file.crs)
    except CRSError as error:
        raise RegisterError(f"{file.path}: its coordinate system is not known ({_short(error)}). Set `crs`") from error
    assert crs is not None  # one of the two is there
    if stated is not None and file.crs is not None and not crs.equals(stated, ignore_axis_order=True):
        remarks.note(None, f"it says {stated.name}, and is read as {crs.name}, as `crs` says")
    return crs


def _in_crs(file: RegisterFile, box: Box, placing: Placing) -> Box:
    """A box of degrees in the file's own coordinates. Raises RegisterError."""
    west, south, east, north = widened(box, file.datum, placing.plane)
    there = Transformer.from_crs("EPSG:4326", placing.crs, always_xy=True)
    try:
        left, low, right, high = there.transform_bounds(west, south, east, north)
    except ProjError:
        left = low = right = high = np.inf
    if not np.isfinite((left, low, right, high)).all():
        raise RegisterError(f"{file.path}: {placing.crs.name} does not reach the flight. Correct `crs`")
    return left, low, right, high


def read_rows(
    file: RegisterFile,
    path: Path,
    header: Header,
    placing: Placing,
    box: Box,
    columns: Mapping[str, str],
    remarks: Remarks,
) -> Rows:
    """Reads the features of a small file, or those of a large one that lie near a box of degrees.

    Raises:
        RegisterError: the file is damaged, has no geometries, or too many features near one flight.
    """
    filtered = _in_crs(file, box, placing) if header.count > READ_WHOLE else None
    wanted = list(dict.fromkeys(columns.values()))

    def read(first: int, count: int) -> Rows:
        meta, features, geometries, values = pyogrio.raw.read(
            path,
            layer=file.table,
            encoding=header.encoding,
            columns=wanted,
            bbox=filtered,
            force_2d=True,
            return_fids=True,
            skip_features=first,
            max_features=count,
            datetime_as_string=True,
        )
        if geometries is None:
            raise RegisterError(f"{file.path}: it is a table without geometries. Name the right one in `table`")
        named = dict(zip(map(str, meta["fields"]), values, strict=True))
        return Rows(features.tolist(), list(geometries), {name: list(column) for name, column in named.items()})

    try:
        rows = _in_pieces(read, header.count, remarks)
    except (*_GDAL_ERRORS, UnicodeDecodeError) as error:
        raise RegisterError(f"{file.path}: {_short(error)}, {_EXPECTED} that is whole. Export it anew") from error
    if len(rows.features) > MOST_FEATURES:
        raise RegisterError(
            f"{file.path}: more than {MOST_FEATURES} of its features lie near one flight. Cut it to the district"
        )
    return rows


def _in_pieces(read: Callable[[int, int], Rows], count: int, remarks: Remarks) -> Rows:
    """Reads all features, around those that GDAL ends for: it does not pass over them itself.

    Raises:
        FeatureError: there are too many of those.
    """
    pieces: list[Rows] = []
    waiting = [(0, MOST_FEATURES + 1)]
    broken = 0
    while waiting:
        first, most = waiting.pop()
        try:
            pieces.append(read(first, most))
            continue
        except (FeatureError, GeometryError) as error:
            if broken >= MOST_BROKEN:
                raise
            failure = _short(error)
        size = min(most, count - first)
        if size > 1:
            waiting += [(first + size // 2, size - size // 2), (first, size // 2)]
        else:
            broken += 1
            remarks.refuse(first, f"it cannot be read ({failure})", "Draw it anew")
    fields = {name: None for piece in pieces for name in piece.values}
    return Rows(
        [number for piece in pieces for number in piece.features],
        [geometry for piece in pieces for geometry in piece.geometries],
        {name: [value for piece in pieces for value in piece.values[name]] for name in fields},
    )


def _short(error: Exception) -> str:
    """The first of what GDAL says, without the folder that it repeats."""
    text = " ".join(str(error).split())
    return (text[:160] + "…" if len(text) > 160 else text).rstrip(".") or type(error).__name__
