"""`gridsentry-server check`: everything that must be so before people rely on the server."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.exc import OperationalError

import server.grids.service as grid_service
import server.matters.service as matter_service
from server.accounts.service import DefaultSecretError, list_accounts, refuse_default_secrets
from server.db import Database, DatabaseConfigError
from server.fleet.service import view_devices
from server.migrations import SchemaVersionError, require_current
from server.mosaics.shelf import MosaicShelf
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Looked:
    """One thing that was looked at."""

    what: str
    ok: bool
    found: str


def look_at_everything(settings: Settings) -> list[Looked]:
    """Looks at one thing after the other; what depends on a broken one is left out."""
    findings = [_data_dir(settings), _console(settings), *_mosaics(settings)]
    try:
        database = Database(settings.database_url)
        require_current(database)
    except (DatabaseConfigError, SchemaVersionError, OperationalError) as error:
        return [*findings, Looked("database", False, str(getattr(error, "orig", None) or error))]
    findings.append(Looked("database", True, database.name))
    looks: tuple[Callable[[Database, Settings], Looked], ...] = (_secrets, _accounts, _devices, _grids, _matters)
    findings += [look(database, settings) for look in looks]
    database.close()
    return findings


def _data_dir(settings: Settings) -> Looked:
    folder = settings.data_dir.resolve()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if os.access(nearest, os.W_OK):
        return Looked("data_dir", True, str(folder))
    return Looked("data_dir", False, f"{nearest} cannot be written to: set GRIDSENTRY_DATA_DIR or its permissions")


def _console(settings: Settings) -> Looked:
    if (settings.console_dir / "index.html").is_file():
        return Looked("console", True, str(settings.console_dir))
    return Looked("console", False, f"{settings.console_dir} holds no index.html: build the console")


def _mosaics(settings: Settings) -> list[Looked]:
    """Nothing where none are wanted."""
    folder = settings.mosaics_dir
    if folder is None:
        return []
    if not folder.is_dir():
        return [Looked("mosaics", False, f"{folder} is no folder: GRIDSENTRY_MOSAICS_DIR names a library of baselines")]
    return [Looked("mosaics", True, f"{len(MosaicShelf(folder).all())} in {folder}")]


def _secrets(database: Database, settings: Settings) -> Looked:
    try:
        with database.read() as connection:
            refuse_default_secrets(connection)
    except DefaultSecretError as error:
        return Looked("secrets", settings.demo, str(error))
    return Looked("secrets", True, "no account has a known password")


def _accounts(database: Database, _settings: Settings) -> Looked:
    with database.read() as connection:
        found = list_accounts(connection)
    if not found:
        return Looked("accounts", False, "nobody can sign in: gridsentry-server user add NAME --role … --scope …")
    return Looked("accounts", True, str(len(found)))


def _devices(database: Database, _settings: Settings) -> Looked:
    with database.read() as connection:
        found = view_devices(connection)
    broken = [device.id for device in found if device.chain is not None and device.chain.problem is not None]
    if broken:
        return Looked("devices", False, f"broken chains: {', '.join(broken)}; see gridsentry-server verify-chain")
    return Looked("devices", True, str(len(found)))


def _grids(database: Database, _settings: Settings) -> Looked:
    with database.read() as connection:
        version = grid_service.version_in_force(connection, datetime.now(UTC))
    if version is None:
        return Looked("grids", False, "none: alerts go to the catch-all queue; gridsentry-server import-grids")
    return Looked("grids", True, f"version {version} in force")


def _matters(database: Database, _settings: Settings) -> Looked:
    with database.read() as connection:
        version = matter_service.version_in_force(connection)
    if version is None:
        return Looked("lists", False, "none: alerts go to the catch-all queue; gridsentry-server import-matters")
    return Looked("lists", True, f"version {version} in force")
