"""Importing grids: read, check, and write a version, all or nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import server.grids.service as grid_service
import server.matters.service as matter_service
from server import audit
from server.db import Database
from server.findings import Finding, Grade, ImportRefusedError, Report
from server.grids.check import check_grids, report_of
from server.grids.geojson import read_grids
from server.grids.model import GridTree
from server.matters.check import check_lists


def import_grids(database: Database, path: Path, *, force: bool, actor: str) -> tuple[int, Report]:
    """Makes the file the next version of the grids. Returns its id and the report.

    Raises:
        OSError: the file cannot be read.
        ImportRefusedError: with the report; nothing was changed.
    """
    file, findings = read_grids(path)
    now = datetime.now(UTC)
    with database.read() as connection:
        in_force = grid_service.version_in_force(connection, now)
        previous = grid_service.load_version(connection, in_force)[1] if in_force is not None else None
        published = matter_service.version_in_force(connection)
        lists = matter_service.load_version(connection, published) if published is not None else None
    if file is not None:
        findings += check_grids(file, previous)
        if lists is not None and not any(finding.grade is Grade.ERROR for finding in findings):
            of_lists = check_lists(lists, GridTree(file.grids))
            findings += [_of_lists(finding) for finding in of_lists if finding.grade is not Grade.NOTE]
    report = report_of(file, findings)
    if file is None or report.refuses(force=force):
        raise ImportRefusedError("grids", report)
    with database.write() as connection:
        version = grid_service.store_version(connection, file, report, imported_by=actor, forced=force)
        audit.append(
            connection,
            actor=actor,
            action="grids.import",
            subject_kind="grid_version",
            subject_id=str(version),
            after={"file_sha256": file.sha256, "label": file.label, "grids": len(file.grids), "forced": force},
        )
    return version, report


def _of_lists(finding: Finding) -> Finding:
    """What the lists in force would lack with these grids: to be mended by new lists, which need the grids first."""
    remedy = "import with --force, then import lists that fit the new grids"
    where = f"lists in force: {finding.where}"
    return Finding(f"lists_{finding.code}", Grade.WARNING, where, finding.message, remedy)
