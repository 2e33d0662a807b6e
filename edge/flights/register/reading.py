"""Reads the register's files around a flight. A broken feature costs itself only; a file that nobody can read, all.

GDAL does the reading (`files`); coordinates, datums, dates and what is missing are decided by ourselves (`entries`).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from shapely.geometry.base import BaseGeometry

from edge.flights.local import LocalPlane
from edge.flights.register.boxes import Box, degrees_of
from edge.flights.register.columns import columns_of
from edge.flights.register.entries import Shaper
from edge.flights.register.errors import Remark, Remarks
from edge.flights.register.features import Entry, Layer
from edge.flights.register.files import checked_path, crs_of, header_of, read_rows
from edge.flights.register.index import Register
from edge.flights.register.outlines import Mending, Placing, read_wkb, to_degrees
from edge.flights.register.settings import RegisterFile, RegisterSettings


@dataclass(frozen=True, slots=True)
class LoadedRegister:
    """The register around a flight, and what people should know of its files."""

    register: Register
    remarks: tuple[Remark, ...]


def read_register(settings: RegisterSettings, base: Path, plane: LocalPlane, box_m: Box) -> LoadedRegister:
    """Reads what lies in a box (west, south, east, north) of the plane, in metres. Paths are relative to `base`.

    Raises:
        RegisterError: a file cannot be used: judging without it would be wrong.
    """
    entries: list[Entry] = []
    remarks: list[Remark] = []
    known: set[Layer] = set()
    for layer, file in settings.files():
        found, said = read_file(layer, file, base, plane, box_m, ZoneInfo(settings.timezone))
        known.add(layer)
        entries += found
        remarks += said
    return LoadedRegister(Register(entries, known, ZoneInfo(settings.timezone)), tuple(remarks))


def read_file(
    layer: Layer,
    file: RegisterFile,
    base: Path,
    plane: LocalPlane,
    box_m: Box,
    zone: ZoneInfo,
) -> tuple[Sequence[Entry], Sequence[Remark]]:
    """The entries of one file that lie in a box of the plane, and the remarks about it.

    Raises:
        RegisterError: the file cannot be used at all.
    """
    path = checked_path(file, base)
    remarks = Remarks(file.path)
    with warnings.catch_warnings():
        # GDAL's warnings do not say which feature they are about; what matters of them is found by ourselves.
        warnings.simplefilter("ignore")
        header = header_of(file, path)
        if not header.count:
            remarks.note(None, "it holds no features")
            return [], remarks.all()
        placing = Placing(crs_of(file, header.crs, remarks), file.datum, plane)
        columns = columns_of(layer, file, header.columns)
        box = degrees_of(box_m, plane)
        rows = read_rows(file, path, header, placing, box, columns, remarks)
    geometries, numbers, places = read_wkb(rows.geometries, rows.features, remarks)
    degrees = to_degrees(geometries, placing)
    shaper = Shaper(layer, file, placing, box, zone, remarks, Mending(remarks))
    entries = []
    for number, place, geometry in zip(numbers, places, degrees, strict=True):
        values = {field: rows.values[column][place] for field, column in columns.items()}
        entry = shaper.entry(number, geometry, values)
        if entry is not None:
            entries.append(entry)
    _tell_if_elsewhere(shaper, degrees, entries, remarks)
    if layer in (Layer.APPROVED, Layer.PERMIT, Layer.ORDER) and "id" not in columns:
        remarks.note(None, "it has no column of ids: its features are named by their numbers", "Set `attributes.id`")
    return entries, remarks.all()


def _tell_if_elsewhere(
    shaper: Shaper, degrees: Sequence[BaseGeometry], entries: Sequence[Entry], remarks: Remarks
) -> None:
    """Nothing of a file near a flight is more often a wrong coordinate system than an empty district."""
    if entries or not shaper.elsewhere:
        return
    bounds = np.array([geometry.bounds for geometry in degrees])
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    west, south, _, _ = bounds.min(axis=0)
    _, _, east, north = bounds.max(axis=0)
    remarks.note(
        None,
        f"none of its {len(degrees)} features lies near the flight: they lie between {west:.4f}, {south:.4f} and "
        f"{east:.4f}, {north:.4f}",
        "Right if the district ends there; else `crs` or `datum` is wrong, or the axes are swapped",
    )
