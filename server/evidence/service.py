"""Uploads and views of evidence: who announced it, how much is here, who looked at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select, update

from server import audit
from server.accounts.service import Account
from server.alerts.service import evidence_changed, scope_covers_evidence
from server.db import Database, insert_into
from server.evidence.files import EvidenceFiles, UploadBusyError
from server.evidence.schemas import EvidenceState
from server.evidence.tables import evidence_files, evidence_links, evidence_views
from server.fleet.service import Device
from server.problems import ProblemError

_VIEW_LOGGED_EVERY = timedelta(hours=1)
"""A player asks for a clip in dozens of ranges: one entry an account, file and hour."""
_DOCUMENT = "application/json"
_SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "video/mp4": "mp4", _DOCUMENT: "json"}
"""What browsers may show, and the suffix to save it under. Anything else is a download."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Where a device's upload of a file stands. `is_complete`: not only every byte is here, its hash is right too.

    `is_document`: it is JSON, in what any of its announcements says.
    """

    sha256: str
    length: int
    offset: int
    is_complete: bool = False
    is_document: bool = False


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file as it may be sent to a browser."""

    sha256: str
    media_type: str
    is_inline: bool
    file_name: str
    is_redacted: bool


def find_upload(database: Database, files: EvidenceFiles, device: Device, sha256: str) -> Upload:
    """Where the upload stands: on disk, which is what counts.

    Raises:
        ProblemError: 404, no accepted event of this device has announced the file.
    """
    with database.read() as connection:
        announced = connection.execute(
            select(evidence_links.c.bytes, evidence_links.c.media_type).where(
                evidence_links.c.sha256 == sha256, evidence_links.c.device_id == device.id
            )
        ).all()
        state = connection.execute(
            select(evidence_files.c.state).where(evidence_files.c.sha256 == sha256)
        ).scalar_one_or_none()
    if not announced:
        raise ProblemError(404, "no accepted event of this device has announced this file")
    length = max(row.bytes for row in announced)
    is_document = any(row.media_type.partition(";")[0] == _DOCUMENT for row in announced)
    if not files.is_whole(sha256) and not _finish_interrupted(files, device, sha256, length):
        return Upload(sha256, length, files.partial_size(sha256, device.id), is_document=is_document)
    if state != EvidenceState.WHOLE:
        # We ended between the move of the verified file and the commit.
        mark_whole(database, sha256)
    return Upload(sha256, length, length, is_complete=True, is_document=is_document)


def _finish_interrupted(files: EvidenceFiles, device: Device, sha256: str, length: int) -> bool:
    """Checks and moves a file whose last byte came just before we ended. False: it is not all here, or just in hand.

    Without this the device would be told that the upload is complete, and the file would never be.
    """
    if files.partial_size(sha256, device.id) < length:
        return False
    try:
        with files.open_partial(sha256, device.id) as partial:
            return partial.size >= length and partial.finish()
    except UploadBusyError:
        return False  # the request that has it will finish it


def mark_partial(database: Database, sha256: str) -> None:
    """The first bytes of an expected file are here."""
    with database.write() as connection:
        connection.execute(
            update(evidence_files)
            .where(evidence_files.c.sha256 == sha256, evidence_files.c.state == EvidenceState.EXPECTED.value)
            .values(state=EvidenceState.PARTIAL.value)
        )


def mark_whole(database: Database, sha256: str) -> None:
    """The file is here and its hash is right: alerts that show it tell the browsers."""
    with database.write() as connection:
        changed = connection.execute(
            update(evidence_files)
            .where(evidence_files.c.sha256 == sha256, evidence_files.c.state != EvidenceState.WHOLE.value)
            .values(state=EvidenceState.WHOLE.value, whole_at=datetime.now(UTC))
        )
        if changed.rowcount:
            evidence_changed(connection, [sha256])


def view(database: Database, files: EvidenceFiles, account: Account, sha256: str, request_id: str) -> ShownFile:
    """A file for an account, whose look at unredacted evidence is put on record.

    Raises:
        ProblemError: 404, the file is not here, or outside the account's scope: the two look the same.
    """
    with database.read() as connection:
        shown = _find_shown(connection, sha256) if scope_covers_evidence(connection, account, sha256) else None
        must_log = shown is not None and not shown.is_redacted and _view_is_new(connection, account, sha256)
    if shown is None or not files.is_whole(sha256):
        raise ProblemError(404, "there is no such evidence here, or it is not in your scope")
    if must_log:
        with database.write() as connection:
            _log_view(connection, account, sha256, request_id)
    return shown


def _find_shown(connection: Connection, sha256: str) -> ShownFile | None:
    links = connection.execute(
        select(evidence_links)
        .where(evidence_links.c.sha256 == sha256)
        .order_by(evidence_links.c.captured_at, evidence_links.c.device_id, evidence_links.c.episode_id)
    ).all()
    if not links:
        return None
    media_type = links[0].media_type
    suffix = _SUFFIXES.get(media_type.partition(";")[0])
    return ShownFile(
        sha256=sha256,
        media_type="application/octet-stream" if suffix is None else media_type,
        is_inline=suffix is not None,
        file_name=f"{links[0].kind}-{sha256[:16]}.{suffix or 'bin'}",
        is_redacted=all(link.redacted for link in links),
    )


def _view_is_new(connection: Connection, account: Account, sha256: str) -> bool:
    query = select(evidence_views.c.viewed_at).where(
        evidence_views.c.account_id == account.id, evidence_views.c.sha256 == sha256
    )
    viewed_at = connection.execute(query).scalar_one_or_none()
    return viewed_at is None or datetime.now(UTC) - viewed_at >= _VIEW_LOGGED_EVERY


def _log_view(connection: Connection, account: Account, sha256: str, request_id: str) -> None:
    if not _view_is_new(connection, account, sha256):
        return  # another request of the same player was quicker
    now = datetime.now(UTC)
    statement = insert_into(connection, evidence_views).values(account_id=account.id, sha256=sha256, viewed_at=now)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["account_id", "sha256"], set_={"viewed_at": now})
    )
    audit.append(
        connection,
        actor=account.username,
        action="evidence.view",
        subject_kind="evidence",
        subject_id=sha256,
        request_id=request_id,
    )
