"""What an admin does with dead letters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from contract.batch import ItemStatus
from contract.canonical import CanonicalError, canonical_bytes
from contract.events import MAX_EVENT_BYTES
from server import audit
from server.ingest.dead_letters import DeadLetterLimits
from server.ingest.parsing import Refusal, read_event
from server.ingest.schemas import (
    DeadLetterPage,
    DeadLetterState,
    DeadLetterView,
    OverflowView,
    ReplayResult,
)
from server.ingest.store import Batch, ItemFailedError, store
from server.ingest.tables import dead_letter_overflows, dead_letters
from server.problems import ProblemError
from server.routing.context import RoutingContext

_NO_LIMITS = DeadLetterLimits(max_count=0, max_bytes=0)
"""A replay that fails is not kept a second time."""


def list_dead_letters(
    connection: Connection, *, state: DeadLetterState | None, device_id: str | None, before: int | None, limit: int
) -> DeadLetterPage:
    """Newest first."""
    query = select(dead_letters).order_by(dead_letters.c.id.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(dead_letters.c.state == state.value)
    if device_id is not None:
        query = query.where(dead_letters.c.device_id == device_id)
    if before is not None:
        query = query.where(dead_letters.c.id < before)
    rows = connection.execute(query).all()
    overflows = connection.execute(select(dead_letter_overflows).order_by(dead_letter_overflows.c.device_id)).all()
    return DeadLetterPage(
        dead_letters=[_view(row) for row in rows[:limit]],
        overflows=[OverflowView.model_validate(row._asdict()) for row in overflows],
        next=rows[limit - 1].id if len(rows) > limit else None,
    )


def replay(
    connection: Connection,
    context: RoutingContext,
    letter_id: int,
    fixed: dict[str, Any] | None,
    *,
    actor: str,
    request_id: str,
) -> ReplayResult:
    """Takes a dead letter in after all. Its original bytes stay, and stay in the chain; what is stored now does not.

    Raises:
        ProblemError: 404, 409 (settled before), 422 (still does not fit; names the field) or 500 (still fails).
    """
    letter = _open_letter(connection, letter_id)
    content = letter.content if fixed is None else _written(fixed)
    item = read_event(content, letter.device_id)
    if isinstance(item, Refusal):
        raise ProblemError(422, item.problem.detail, title=item.problem.title, field=item.problem.field)
    batch = Batch(letter.device_id, datetime.now(UTC), [replace(item, seq=None)])
    try:
        (answer,) = store(connection, context, [batch], _NO_LIMITS)
    except ItemFailedError as error:
        raise ProblemError(500, "the server still fails over this event; its log has the details") from error
    status = answer.results[0].status
    _settle(connection, letter_id, DeadLetterState.REPLAYED, actor)
    audit.append(
        connection,
        actor=actor,
        action="dead_letter.replay",
        subject_kind="dead_letter",
        subject_id=str(letter_id),
        before={"sha256": letter.sha256, "problem": letter.problem},
        after={"sha256": item.sha256, "fixed": fixed is not None, "event_id": item.event.id, "status": status.value},
        request_id=request_id,
    )
    return ReplayResult(id=letter_id, event_id=item.event.id, status=ItemStatus(status))


def discard(connection: Connection, letter_id: int, *, actor: str, request_id: str) -> None:
    """Settles a dead letter without taking it in. Its bytes go, unless the device's chain needs them.

    Raises:
        ProblemError: 404, or 409 (settled before).
    """
    letter = _open_letter(connection, letter_id)
    _settle(connection, letter_id, DeadLetterState.DISCARDED, actor)
    if letter.seq is None:
        connection.execute(update(dead_letters).where(dead_letters.c.id == letter_id).values(content=None))
    audit.append(
        connection,
        actor=actor,
        action="dead_letter.discard",
        subject_kind="dead_letter",
        subject_id=str(letter_id),
        before={"sha256": letter.sha256, "problem": letter.problem},
        request_id=request_id,
    )


def _open_letter(connection: Connection, letter_id: int) -> Row[*tuple[Any, ...]]:
    letter = connection.execute(select(dead_letters).where(dead_letters.c.id == letter_id)).one_or_none()
    if letter is None:
        raise ProblemError(404, f"there is no dead letter {letter_id}")
    if letter.state != DeadLetterState.OPEN:
        raise ProblemError(409, f"this dead letter was {letter.state} by {letter.settled_by}", state=letter.state)
    return letter


def _settle(connection: Connection, letter_id: int, state: DeadLetterState, actor: str) -> None:
    connection.execute(
        update(dead_letters)
        .where(dead_letters.c.id == letter_id)
        .values(state=state.value, settled_at=datetime.now(UTC), settled_by=actor)
    )


def _written(fixed: dict[str, Any]) -> bytes:
    try:
        return canonical_bytes(fixed)
    except CanonicalError as error:
        raise ProblemError(422, str(error), field="content") from error


def _view(row: Row[*tuple[Any, ...]]) -> DeadLetterView:
    text = None if row.content is None else row.content[:MAX_EVENT_BYTES].decode(errors="replace")
    return DeadLetterView.model_validate({**row._asdict(), "content": text})
