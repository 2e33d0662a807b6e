"""Are the devices' chains whole? Checked behind the commit, from the last proven position onwards."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, literal, select, tuple_, union_all

from contract.chain import (
    GENESIS,
    ChainFault,
    ChainPosition,
    ChainProblem,
    ChainReport,
    head_is_genuine,
    verify_chain,
)
from contract.events import ChainHeadData
from contract.keys import parse_public_key
from server import audit
from server.db import Database, insert_into
from server.fleet.tables import devices
from server.ingest.tables import chain_heads, chain_status, dead_letters, events

_log = structlog.get_logger(__name__)

_STRIDE = 2_000
"""Events checked in one go: a backlog of days must not be one long transaction."""
_PAGE = 500
_GROUP = 20
"""Devices noted in one commit: a commit for each would get in the way of ingest."""
_PAUSE_SECONDS = 0.2
"""Between two rounds: batches that come one after another are checked together."""


class NoKeyError(ValueError):
    """The device has not registered a public key: nothing can be proven."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check found, and the position up to which the chain is proven now."""

    report: ChainReport
    proven: ChainPosition


def verify_from(connection: Connection, device_id: str, start: ChainPosition, until: int | None = None) -> Verification:
    """Checks the stored bytes after `start`, to the last signed head (or to `until`, if that comes first).

    Raises:
        NoKeyError: the device has no key.
    """
    key = _public_key(connection, device_id)
    heads = _heads(connection, device_id, start.seq, until)
    genuine = [head for head in heads if head_is_genuine(device_id, head, key)]
    last = max((head.seq for head in genuine), default=start.seq)
    report = verify_chain(device_id, _contents(connection, device_id, start.seq, last), genuine, key, start)
    forged = next((head for head in heads if head not in genuine), None)
    if report.ok and forged is not None:
        # What the true heads prove stays proven; but somebody has tried.
        problem = ChainProblem(ChainFault.BAD_SIGNATURE, forged.seq, "a head is not signed by this device")
        report = ChainReport(report.signed_to, report.linked_to, problem)
    proven = next((ChainPosition(head.seq, head.sha256) for head in genuine if head.seq == report.signed_to), start)
    return Verification(report, proven)


def verify_all(connection: Connection, device_id: str) -> Verification:
    """Checks everything that the device ever sent, from the first event.

    Raises:
        NoKeyError: the device has no key.
    """
    return verify_from(connection, device_id, GENESIS)


class ChainVerifier:
    """A thread that follows the writer and keeps `chain_status`. If it fails, nothing is lost: it resumes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._due: set[str] = set()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chain-verifier", daemon=True)

    def start(self) -> None:
        """Begins with every device: the last run may have ended before it was through."""
        with self._database.read() as connection:
            self._due |= set(connection.execute(select(devices.c.id)).scalars())
        self._wake.set()
        self._thread.start()

    def stop(self) -> None:
        self._closing.set()
        self._wake.set()
        self._thread.join()

    def note(self, device_ids: set[str]) -> None:
        """These devices have sent something."""
        with self._lock:
            self._due |= device_ids
        self._wake.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                due, self._due = self._due, set()
            devices_due = sorted(due)
            for first in range(0, len(devices_due), _GROUP):
                self._settle(devices_due[first : first + _GROUP])
            self._closing.wait(_PAUSE_SECONDS)

    def _settle(self, group: Collection[str]) -> None:
        left = set(group)
        try:
            while left and not self._closing.is_set():
                left = advance(self._database, left)
        except Exception:
            # The next batches of these devices wake us again.
            _log.exception("chain_check_failed", devices=sorted(left))


def advance(database: Database, device_ids: Collection[str]) -> set[str]:
    """Checks the next stretch of these devices' chains and notes the results in one commit.

    Returns the devices for which there may be more to do.
    """
    found: dict[str, tuple[ChainPosition, Verification]] = {}
    with database.read() as connection:
        for device_id in sorted(device_ids):
            try:
                checked = _check_next(connection, device_id)
            except NoKeyError:
                continue
            if checked is not None:
                found[device_id] = checked
    if not found:
        return set()
    due = set()
    with database.write() as connection:
        for device_id, (start, verification) in found.items():
            is_noted = _note(connection, device_id, start, verification)
            if not is_noted or verification.proven.seq > start.seq:
                due.add(device_id)
    return due


def _check_next(connection: Connection, device_id: str) -> tuple[ChainPosition, Verification] | None:
    start = _proven(connection, device_id)
    until = _next_stop(connection, device_id, start.seq)
    return None if until is None else (start, verify_from(connection, device_id, start, until))


def _next_stop(connection: Connection, device_id: str, after: int) -> int | None:
    """The furthest head within one stride, or else the nearest beyond; None without a head."""
    seqs = select(chain_heads.c.seq).where(chain_heads.c.device_id == device_id, chain_heads.c.seq > after)
    near = connection.execute(seqs.where(chain_heads.c.seq <= after + _STRIDE).order_by(chain_heads.c.seq.desc()))
    found = near.scalars().first()
    if found is None:
        found = connection.execute(seqs.order_by(chain_heads.c.seq).limit(1)).scalars().first()
    return found


def _note(connection: Connection, device_id: str, start: ChainPosition, found: Verification) -> bool:
    """Notes the result; False if another process has come further meanwhile, so that it must be looked at again."""
    report, proven = found.report, found.proven
    known = connection.execute(select(chain_status).where(chain_status.c.device_id == device_id)).one_or_none()
    if known is not None and known.verified_seq > start.seq:
        return False
    now = datetime.now(UTC)
    problem = None if report.problem is None else _problem_json(report.problem)
    before = None if known is None else known.problem
    if known is not None and before is not None and before["fault"] == ChainFault.BAD_SIGNATURE and problem is None:
        problem = before  # a forged head behind the proven position stays a reason to look
    same = known is not None and before == problem
    values = {
        "device_id": device_id,
        "verified_seq": proven.seq,
        "verified_sha256": proven.sha256,
        "linked_seq": max(report.linked_to, proven.seq),
        "problem": problem,
        "problem_at": (known.problem_at if known is not None and same else now) if problem is not None else None,
        "checked_at": now,
    }
    statement = insert_into(connection, chain_status).values(values)
    rest = {name: value for name, value in values.items() if name != "device_id"}
    connection.execute(statement.on_conflict_do_update(index_elements=["device_id"], set_=rest))
    if problem is not None and not same:
        _log.warning("chain_problem", device=device_id, **problem)
        audit.append(
            connection,
            actor="system",
            action="chain.problem",
            subject_kind="device",
            subject_id=device_id,
            before=before,
            after=problem,
        )
    return True


def _problem_json(problem: ChainProblem) -> dict[str, str | int]:
    return {"fault": problem.fault.value, "seq": problem.seq, "message": problem.message}


def _proven(connection: Connection, device_id: str) -> ChainPosition:
    query = select(chain_status.c.verified_seq, chain_status.c.verified_sha256).where(
        chain_status.c.device_id == device_id
    )
    row = connection.execute(query).one_or_none()
    return GENESIS if row is None else ChainPosition(row.verified_seq, row.verified_sha256)


def _public_key(connection: Connection, device_id: str) -> Ed25519PublicKey:
    text = connection.execute(select(devices.c.public_key).where(devices.c.id == device_id)).scalar_one_or_none()
    if text is None:
        raise NoKeyError(f"the device {device_id!r} is unknown or has registered no key: nothing can be proven yet")
    return parse_public_key(text)


def _heads(connection: Connection, device_id: str, after: int, until: int | None) -> list[ChainHeadData]:
    query = select(chain_heads.c.seq, chain_heads.c.sha256, chain_heads.c.signature).where(
        chain_heads.c.device_id == device_id, chain_heads.c.seq > after
    )
    if until is not None:
        query = query.where(chain_heads.c.seq <= until)
    rows = connection.execute(query.order_by(chain_heads.c.seq, chain_heads.c.id))
    return [ChainHeadData(seq=row.seq, sha256=row.sha256, signature=row.signature) for row in rows]


def _contents(connection: Connection, device_id: str, after: int, until: int) -> Iterator[bytes]:
    """The stored bytes of the chain, accepted or refused, in the order of their seq; a page at a time."""
    both = union_all(
        *(
            select(table.c.seq, literal(origin).label("origin"), table.c.id, table.c.content).where(
                table.c.device_id == device_id,
                table.c.seq > after,
                table.c.seq <= until,
                table.c.content.is_not(None),
            )
            for origin, table in enumerate((events, dead_letters))
        )
    ).subquery()
    order = (both.c.seq, both.c.origin, both.c.id)
    last = (after, 0, 0)
    while True:
        after_last = tuple_(*order) > tuple_(*map(literal, last))
        query = select(*order, both.c.content).where(after_last).order_by(*order).limit(_PAGE)
        page = connection.execute(query).all()
        for row in page:
            yield row.content
        if len(page) < _PAGE:
            return
        last = tuple(page[-1][:3])
