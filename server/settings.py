"""The server's settings, from the environment (``GRIDSENTRY_…``)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

_MEBIBYTE = 1024 * 1024


class Settings(BaseSettings):
    """Each field is an environment variable: ``GRIDSENTRY_DATABASE_URL`` and so on."""

    model_config = SettingsConfigDict(env_prefix="GRIDSENTRY_", frozen=True, extra="forbid")

    database_url: str = "sqlite:///var/server.db"
    """``sqlite:///path`` or ``postgresql://user:password@host/name``."""

    data_dir: Path = Path("var/server")
    """Where evidence files are kept."""

    console_dir: Path = Path(__file__).parent / "console" / "dist"
    """The built console, served at ``/`` where it exists."""

    mosaics_dir: Path | None = None
    """A library of baselines (`gridsentry-edge library`): the map shows its mosaics. Only read."""

    demo: bool = False
    """Demo accounts and their known passwords are accepted. Never on a network."""

    evidence_max_bytes: Annotated[int, Field(gt=0)] = 256 * _MEBIBYTE
    """A clip of 4K video at 20 Mbit/s for 100 s; more is a fault of the device."""

    evidence_document_max_bytes: Annotated[int, Field(gt=0)] = 16 * _MEBIBYTE
    """Of evidence that is JSON, which a browser reads as a whole; a lamp timeline has at most half of it."""

    evidence_partial_days: Annotated[float, Field(gt=0)] = 7.0
    """An upload without a new byte for longer is removed; a device that comes back begins it anew."""

    dead_letters_max_count: Annotated[int, Field(gt=0)] = 1_000
    """Kept per device; more are counted only, so that a flood of garbage cannot fill the disk."""

    dead_letters_max_bytes: Annotated[int, Field(gt=0)] = 16 * _MEBIBYTE
    """Kept per device."""

    lease_seconds: Annotated[int, Field(ge=10, le=3600)] = 120
    """How long a claimed alert belongs to the operator who claimed it."""

    session_idle_hours: Annotated[float, Field(gt=0, le=24 * 7)] = 12.0
    """A session unused for longer is over: one shift."""

    busy_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
    """How long a write waits for the database before the client is told to try again."""

    canary_close_seconds: Annotated[int, Field(ge=60, le=7 * 86_400)] = 1800
    """A drill that nobody judged is closed by the server after so long: it has shown what it had to."""
