"""Versions of the three lists in the database: which is in force, reading one, writing a checked one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from contract.events import Severity
from server.findings import Report
from server.matters.compiled import Lists
from server.matters.model import (
    FilingCondition,
    LimitUnit,
    Matter,
    MatterKey,
    MatterKind,
    Prohibition,
    Responsibility,
    SpecialGridRule,
    Unit,
)
from server.matters.tables import list_versions, matter_conditions, matters, prohibitions, responsibilities


def version_in_force(connection: Connection) -> int | None:
    """The version published last; None before the first. Dates inside it say from when each matter holds."""
    return connection.execute(select(func.max(list_versions.c.id))).scalar_one_or_none()


def load_version(connection: Connection, version_id: int) -> Lists:
    """The three lists of a version."""
    conditions: dict[MatterKey, list[FilingCondition]] = {}
    for row in _rows(connection, matter_conditions, version_id):
        conditions.setdefault(_key(row), []).append(
            FilingCondition(
                row.number,
                row.text_zh,
                row.text_en,
                row.limit_value,
                LimitUnit(row.limit_unit),
                row.closing_zh,
                row.closing_en,
            )
        )
    return Lists(
        matters=tuple(
            Matter(
                key=_key(row),
                name_zh=row.name_zh,
                name_en=row.name_en,
                big_class_zh=row.big_class_zh,
                big_class_en=row.big_class_en,
                hazards=tuple(row.hazards),
                severity=Severity(row.severity),
                conditions=tuple(sorted(conditions.get(_key(row), ()), key=lambda condition: condition.number)),
                auto_dispatch=row.auto_dispatch,
                special_grid=SpecialGridRule(row.special_grid),
                valid_from=row.valid_from,
                valid_to=row.valid_to,
            )
            for row in _rows(connection, matters, version_id)
        ),
        responsibilities=tuple(
            Responsibility(
                _key(row),
                row.grid_scope,
                row.level,
                Unit(row.unit_code, row.unit_zh, row.unit_en),
                tuple(row.co_units),
            )
            for row in _rows(connection, responsibilities, version_id)
        ),
        prohibitions=tuple(
            Prohibition(_key(row), row.level, row.reason_zh, row.reason_en)
            for row in _rows(connection, prohibitions, version_id)
        ),
    )


def store_version(
    connection: Connection,
    lists: Lists,
    report: Report,
    *,
    grid_version: int,
    files_sha256: Mapping[str, str],
    published_by: str,
    forced: bool,
) -> int:
    """Publishes lists that were checked against `grid_version`. Returns the version's id; it is in force at once."""
    version_id: int = connection.execute(
        insert(list_versions)
        .values(
            published_at=datetime.now(UTC),
            published_by=published_by,
            grid_version_id=grid_version,
            files_sha256=dict(files_sha256),
            report=report.as_json(),
            forced=forced,
        )
        .returning(list_versions.c.id)
    ).scalar_one()
    _insert(connection, matters, [_matter_row(version_id, matter) for matter in lists.matters])
    _insert(
        connection,
        matter_conditions,
        [
            _condition_row(version_id, matter.key, condition)
            for matter in lists.matters
            for condition in matter.conditions
        ],
    )
    _insert(connection, responsibilities, [_responsibility_row(version_id, row) for row in lists.responsibilities])
    _insert(
        connection,
        prohibitions,
        [
            {
                **_key_columns(version_id, row.matter),
                "level": row.level,
                "reason_zh": row.reason_zh,
                "reason_en": row.reason_en,
            }
            for row in lists.prohibitions
        ],
    )
    return version_id


def _rows(connection: Connection, table: Table, version_id: int) -> Iterator[Any]:
    query = select(table).where(table.c.version_id == version_id)
    yield from connection.execute(query.order_by(*table.primary_key.columns))


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _key(row: Any) -> MatterKey:
    return MatterKey(row.edition, MatterKind(row.kind), row.code)


def _key_columns(version_id: int, key: MatterKey) -> dict[str, Any]:
    return {"version_id": version_id, "edition": key.edition, "kind": key.kind.value, "code": key.code}


def _matter_row(version_id: int, matter: Matter) -> dict[str, Any]:
    return {
        **_key_columns(version_id, matter.key),
        "name_zh": matter.name_zh,
        "name_en": matter.name_en,
        "big_class_zh": matter.big_class_zh,
        "big_class_en": matter.big_class_en,
        "hazards": list(matter.hazards),
        "severity": matter.severity.value,
        "auto_dispatch": matter.auto_dispatch,
        "special_grid": matter.special_grid.value,
        "valid_from": matter.valid_from,
        "valid_to": matter.valid_to,
    }


def _condition_row(version_id: int, key: MatterKey, condition: FilingCondition) -> dict[str, Any]:
    return {
        **_key_columns(version_id, key),
        "number": condition.number,
        "text_zh": condition.text_zh,
        "text_en": condition.text_en,
        "limit_value": condition.limit,
        "limit_unit": condition.limit_unit.value,
        "closing_zh": condition.closing_zh,
        "closing_en": condition.closing_en,
    }


def _responsibility_row(version_id: int, row: Responsibility) -> dict[str, Any]:
    return {
        **_key_columns(version_id, row.matter),
        "grid_scope": row.scope,
        "level": row.level,
        "unit_code": row.unit.code,
        "unit_zh": row.unit.name_zh,
        "unit_en": row.unit.name_en,
        "co_units": list(row.co_units),
    }
