"""Rows of the three lists: a version holds all of them, as they were published."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Float, ForeignKey, ForeignKeyConstraint, Integer, String, Table, Text

from server.db import Json, UtcDateTime, metadata

list_versions = Table(
    "list_versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("published_at", UtcDateTime, nullable=False),
    Column("published_by", String(128), nullable=False),
    Column("grid_version_id", Integer, ForeignKey("grid_versions.id"), nullable=False),
    Column("files_sha256", Json, nullable=False),
    Column("report", Json, nullable=False),
    Column("forced", Boolean, nullable=False),
)


def _matter_columns() -> tuple[Column[int], Column[str], Column[str], Column[str]]:
    return (
        Column("version_id", Integer, primary_key=True),
        Column("edition", String(32), primary_key=True),
        Column("kind", String(16), primary_key=True),
        Column("code", String(32), primary_key=True),
    )


def _belongs_to_a_matter() -> ForeignKeyConstraint:
    columns = ["version_id", "edition", "kind", "code"]
    return ForeignKeyConstraint(columns, [f"matters.{column}" for column in columns])


matters = Table(
    "matters",
    metadata,
    *_matter_columns(),
    Column("name_zh", String(256), nullable=False),
    Column("name_en", String(256), nullable=False),
    Column("big_class_zh", String(256), nullable=False),
    Column("big_class_en", String(256), nullable=False),
    Column("hazards", Json, nullable=False),
    Column("severity", String(8), nullable=False),
    Column("auto_dispatch", Boolean, nullable=False),
    Column("special_grid", String(8), nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    ForeignKeyConstraint(["version_id"], ["list_versions.id"]),
)

matter_conditions = Table(
    "matter_conditions",
    metadata,
    *_matter_columns(),
    Column("number", Integer, primary_key=True),
    Column("text_zh", Text, nullable=False),
    Column("text_en", Text, nullable=False),
    Column("limit_value", Float, nullable=False),
    Column("limit_unit", String(16), nullable=False),
    Column("closing_zh", Text, nullable=False),
    Column("closing_en", Text, nullable=False),
    _belongs_to_a_matter(),
)

responsibilities = Table(
    "responsibilities",
    metadata,
    *_matter_columns(),
    Column("grid_scope", String(32), primary_key=True),
    Column("level", String(8), primary_key=True),
    Column("unit_code", String(64), nullable=False),
    Column("unit_zh", String(256), nullable=False),
    Column("unit_en", String(256), nullable=False),
    Column("co_units", Json, nullable=False),
    _belongs_to_a_matter(),
)

prohibitions = Table(
    "prohibitions",
    metadata,
    *_matter_columns(),
    Column("level", String(8), primary_key=True),
    Column("reason_zh", Text, nullable=False),
    Column("reason_en", Text, nullable=False),
    _belongs_to_a_matter(),
)
