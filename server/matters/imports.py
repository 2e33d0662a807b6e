"""Publishing lists: read, check against the grids in force, and write a version, all or nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import server.grids.service as grid_service
import server.matters.service as matter_service
from server import audit
from server.db import Database
from server.findings import Grade, ImportRefusedError, Report
from server.grids.model import GridTree
from server.matters.check import check_lists, report_of
from server.matters.reading import read_lists


def import_matters(database: Database, folder: Path, *, force: bool, actor: str) -> tuple[int, Report]:
    """Publishes the three lists of a folder. Returns the version's id and the report.

    Raises:
        OSError: a file cannot be read.
        ImportRefusedError: with the report; nothing was changed.
    """
    files = read_lists(folder)
    with database.read() as connection:
        grid_version = grid_service.version_in_force(connection, datetime.now(UTC))
        tree = GridTree(()) if grid_version is None else grid_service.load_version(connection, grid_version)[0]
    findings = list(files.findings)
    if not any(finding.grade is Grade.ERROR for finding in findings):
        findings += check_lists(files.lists, tree, files.places)
    report = report_of(files.lists, findings, tree)
    if grid_version is None or report.refuses(force=force):
        raise ImportRefusedError("lists", report)
    with database.write() as connection:
        version = matter_service.store_version(
            connection,
            files.lists,
            report,
            grid_version=grid_version,
            files_sha256=files.sha256,
            published_by=actor,
            forced=force,
        )
        audit.append(
            connection,
            actor=actor,
            action="matters.publish",
            subject_kind="list_version",
            subject_id=str(version),
            after={"files_sha256": files.sha256, "grid_version": grid_version, "forced": force},
        )
    return version, report
