"""How commands come to their settings and their database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from rapidfuzz import process

from server.db import Database
from server.migrations import require_current
from server.settings import Settings

_PREFIX = "GRIDSENTRY_"
_FOREIGN_PREFIXES = ("GRIDSENTRY_EDGE_",)


class SettingsError(ValueError):
    """The environment holds a setting that cannot be used; the message names it."""


def load_settings(*, demo: bool = False) -> Settings:
    """The settings from the environment.

    Raises:
        SettingsError: a value is wrong, or a `GRIDSENTRY_…` variable is none of ours.
    """
    _refuse_unknown_variables()
    try:
        return Settings(demo=True) if demo else Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = _PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"environment variable {name}: found {first['input']!r}; {first['msg']}") from error


@contextmanager
def open_database() -> Iterator[Database]:
    """The database of the settings, with the schema of this program.

    Raises:
        SettingsError, DatabaseConfigError, SchemaVersionError: with what to do.
    """
    database = Database(load_settings().database_url)
    try:
        require_current(database)
        yield database
    finally:
        database.close()


def _refuse_unknown_variables() -> None:
    known = {_PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if not name.upper().startswith(_PREFIX) or name.upper().startswith(_FOREIGN_PREFIXES):
            continue
        if name.upper() not in known:
            nearest = process.extractOne(name.upper(), known)
            hint = f"; did you mean {nearest[0]}?" if nearest is not None else ""
            raise SettingsError(f"environment variable {name}: there is no such setting{hint}")
