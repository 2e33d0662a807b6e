"""Versions of the grids in the database: which is in force, reading one, writing a checked one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, insert, select

from server.findings import Report
from server.grids.geojson import GridFile
from server.grids.model import EVERYWHERE, Grid, GridLevel, GridTree, Layer
from server.grids.tables import grid_versions, grids


def version_in_force(connection: Connection, at: datetime) -> int | None:
    """The newest version that is valid at a time; None before the first import."""
    query = (
        select(grid_versions.c.id)
        .where(grid_versions.c.valid_from <= at)
        .order_by(grid_versions.c.valid_from.desc(), grid_versions.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def scope_code(connection: Connection, grid_scope: str) -> str:
    """What an account's scope covers: its own grid and all below, or `*` for the root's, which has the catch-all too.

    A scope that is no grid of the version in force sees only what was placed under it before.
    """
    version_id = version_in_force(connection, datetime.now(UTC))
    root = select(grids.c.code).where(grids.c.version_id == version_id, grids.c.parent.is_(None))
    return EVERYWHERE if grid_scope in connection.execute(root).scalars().all() else grid_scope


def known_codes(connection: Connection) -> list[str]:
    """The codes of all grids of the version in force; empty before the first import."""
    version_id = version_in_force(connection, datetime.now(UTC))
    return list(connection.execute(select(grids.c.code).where(grids.c.version_id == version_id)).scalars())


def load_version(connection: Connection, version_id: int) -> tuple[GridTree, dict[str, BaseGeometry]]:
    """A version's tree and the geometry of each grid by code.

    Raises:
        LookupError: there is no such version.
    """
    levels = connection.execute(select(grid_versions.c.levels).where(grid_versions.c.id == version_id)).scalar()
    if levels is None:
        raise LookupError(f"no grid version {version_id}")
    rows = connection.execute(select(grids).where(grids.c.version_id == version_id).order_by(grids.c.code)).all()
    tree = GridTree(
        (Grid(row.code, row.name_zh, row.name_en, Layer(row.layer), row.level, row.parent) for row in rows),
        (GridLevel(level["level"], level["name_zh"], level["name_en"]) for level in levels),
        version_id,
    )
    shapes = shapely.from_wkb([bytes(row.geometry) for row in rows])
    return tree, {row.code: shape for row, shape in zip(rows, shapes, strict=True)}


def store_version(connection: Connection, file: GridFile, report: Report, *, imported_by: str, forced: bool) -> int:
    """Writes a version with all its grids. Returns its id; it is in force from the file's `valid_from`."""
    tree = GridTree(file.grids)
    version_id: int = connection.execute(
        insert(grid_versions)
        .values(
            label=file.label,
            valid_from=file.valid_from,
            imported_at=datetime.now(UTC),
            imported_by=imported_by,
            file_name=file.name,
            file_sha256=file.sha256,
            levels=[
                {"level": level.level, "name_zh": level.name_zh, "name_en": level.name_en} for level in file.levels
            ],
            report=report.as_json(),
            forced=forced,
        )
        .returning(grid_versions.c.id)
    ).scalar_one()
    connection.execute(insert(grids), [_row(version_id, grid, tree, file.geometries) for grid in file.grids])
    return version_id


def _row(version_id: int, grid: Grid, tree: GridTree, geometries: Mapping[str, BaseGeometry]) -> dict[str, object]:
    return {
        "version_id": version_id,
        "code": grid.code,
        "name_zh": grid.name_zh,
        "name_en": grid.name_en,
        "layer": grid.layer.value,
        "level": grid.level,
        "parent": grid.parent,
        "path": tree.path(grid.code),
        "geometry": shapely.to_wkb(geometries[grid.code]),
    }
