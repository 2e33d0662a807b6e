"""Rows of the grids: versions, each with all its grids. Old versions stay: old alerts keep what they were routed by."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from server.db import Json, UtcDateTime, metadata

grid_versions = Table(
    "grid_versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("label", String(64), nullable=False),
    Column("valid_from", UtcDateTime, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    Column("imported_by", String(128), nullable=False),
    Column("file_name", Text, nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("levels", Json, nullable=False),
    Column("report", Json, nullable=False),
    Column("forced", Boolean, nullable=False),
)

grids = Table(
    "grids",
    metadata,
    Column("version_id", Integer, ForeignKey("grid_versions.id"), primary_key=True),
    Column("code", String(32), primary_key=True),
    Column("name_zh", String(256), nullable=False),
    Column("name_en", String(256), nullable=False),
    Column("layer", String(8), nullable=False),
    Column("level", Integer, nullable=False),
    Column("parent", String(32)),
    Column("path", Text, nullable=False),
    Column("geometry", LargeBinary, nullable=False),  # WKB
    Index(None, "version_id", "parent"),
)
