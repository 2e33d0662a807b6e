"""What accounts see: queues with their numbers, pages of alerts, one alert in full. Reads only."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, exists, func, select, tuple_

from server.alerts.history import story
from server.alerts.model import AlertState
from server.alerts.rows import QUEUE, SCOPE, AlertRow, summary, summary_fields
from server.alerts.schemas import (
    AlertDetail,
    AlertPage,
    EpisodeView,
    EvidenceView,
    ExplanationView,
    QueueList,
    QueueView,
)
from server.alerts.service import visible_alert
from server.alerts.tables import alert_places, alerts, episodes
from server.evidence.schemas import EvidenceState
from server.evidence.tables import evidence_drops, evidence_files, evidence_links
from server.grids.model import CATCH_ALL, EVERYWHERE, GridTree
from server.live.feed import last_seq
from server.problems import ProblemError
from server.routing.context import RoutingContext

MAX_PAGE = 200


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a page ended: the listing's order key of its last alert."""

    rank: int
    opened_at: datetime
    alert_id: str

    def token(self) -> str:
        text = json.dumps([self.rank, self.opened_at.isoformat(), self.alert_id], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def of(cls, token: str) -> _Position:
        """Reads a token.

        Raises:
            ProblemError: 422, it is not one that we gave out.
        """
        try:
            rank, opened_at, alert_id = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            position = cls(int(rank), datetime.fromisoformat(opened_at), str(alert_id))
            if position.opened_at.tzinfo is None or not 0 <= position.rank <= 10:
                raise ValueError("not an order key")
        except (ValueError, TypeError, binascii.Error, RecursionError) as error:
            raise ProblemError(
                422, "this page token was not given out by this server; start from the first page", field="before"
            ) from error
        return position


def list_alerts(
    connection: Connection,
    scope: str,
    *,
    queue: str | None = None,
    within: str | None = None,
    is_open: bool = True,
    limit: int = 50,
    before: str | None = None,
) -> AlertPage:
    """A page of alerts: open ones red first and newest first in each severity, closed ones newest first.

    `queue` picks one queue, `within` the queues of a grid and all below it (as a scope code); both within `scope`.
    The page and its cursor are of one snapshot of the database, so that following from the cursor leaves no gap.
    """
    query = _listing(scope, queue, within).where(alert_places.c.is_open == is_open)
    key = tuple_(alert_places.c.rank, alert_places.c.opened_at, alert_places.c.alert_id)
    if before is not None:
        last = _Position.of(before)
        query = query.where(key < tuple_(last.rank, last.opened_at, last.alert_id))
    query = query.order_by(
        alert_places.c.rank.desc(), alert_places.c.opened_at.desc(), alert_places.c.alert_id.desc()
    ).limit(limit + 1)
    rows = connection.execute(query).all()
    page, now = rows[:limit], datetime.now(UTC)
    following = None
    if len(rows) > limit:
        following = _Position(page[-1].place_rank, page[-1].opened_at, page[-1].id).token()
    return AlertPage(alerts=[summary(row, now) for row in page], cursor=last_seq(connection), next=following)


def _listing(scope: str, queue: str | None, within: str | None) -> Select[Any]:
    relation, code = (SCOPE, within or scope) if queue is None else (QUEUE, queue)
    query = (
        select(*alerts.c, alert_places.c.rank.label("place_rank"))
        .join_from(alert_places, alerts, alerts.c.id == alert_places.c.alert_id)
        .where(alert_places.c.relation == relation, alert_places.c.grid_code == code)
    )
    if scope == EVERYWHERE or (relation == SCOPE and code == scope):
        return query
    return query.where(_seen_by(scope, alert_places.c.alert_id))


def _seen_by(scope: str, alert_id: ColumnElement[str]) -> ColumnElement[bool]:
    seen = alert_places.alias("seen")
    return exists().where(seen.c.alert_id == alert_id, seen.c.relation == SCOPE, seen.c.grid_code == scope)


def list_queues(connection: Connection, context: RoutingContext, scope: str, *, with_empty: bool) -> QueueList:
    """The queues in scope where something waits, with the grids above them; with `with_empty` all of the scope."""
    counts = _counts(connection, scope)
    tree = context.tree
    shown: dict[str, None] = {}
    for code in counts:
        if code == CATCH_ALL or code not in tree or not _in_scope(tree, scope, code):
            continue
        shown |= dict.fromkeys(above for above in tree.codes_upwards(code) if _in_scope(tree, scope, above))
    top = tree.root.code if scope == EVERYWHERE and tree.root is not None else scope
    if top in tree:
        shown.setdefault(top)
    if with_empty:
        shown |= dict.fromkeys(grid.code for grid in tree if _in_scope(tree, scope, grid.code))
    queues = [_grid_queue(tree, code, counts.get(code)) for code in sorted(shown, key=tree.path)]
    queues += [_old_queue(code, row) for code, row in counts.items() if code not in tree and code != CATCH_ALL]
    if scope == EVERYWHERE:
        queues.append(_catch_all_queue(tree, context, counts.get(CATCH_ALL)))
    return QueueList(queues=queues, cursor=last_seq(connection))


def _in_scope(tree: GridTree, scope: str, code: str) -> bool:
    return tree.covers(scope, code)


def _counts(connection: Connection, scope: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    real = alerts.c.canary.is_(None)
    held = (alerts.c.state == AlertState.CLAIMED.value) & (alerts.c.claim_expires_at > now)
    query = (
        select(
            alert_places.c.grid_code,
            func.sum(case((real, 1), else_=0)).label("open"),
            func.sum(case((real & held, 1), else_=0)).label("claimed"),
            func.sum(case((real & (alerts.c.severity == "red"), 1), else_=0)).label("red"),
            func.min(case((real, alerts.c.opened_at))).label("oldest_at"),
            func.sum(case((real, 0), else_=1)).label("canaries"),
            func.max(alerts.c.queue_name_zh).label("name_zh"),
            func.max(alerts.c.queue_name_en).label("name_en"),
        )
        .join_from(alert_places, alerts, alerts.c.id == alert_places.c.alert_id)
        .where(alert_places.c.relation == QUEUE, alert_places.c.is_open.is_(True))
        .group_by(alert_places.c.grid_code)
        .order_by(alert_places.c.grid_code)
    )
    if scope != EVERYWHERE:
        query = query.where(_seen_by(scope, alert_places.c.alert_id))
    return {row.grid_code: row for row in connection.execute(query)}


def _numbers(row: Any) -> dict[str, Any]:
    if row is None:
        return {"open": 0, "claimed": 0, "red": 0, "oldest_at": None, "canaries": 0}
    return {name: getattr(row, name) for name in ("open", "claimed", "red", "oldest_at", "canaries")}


def _grid_queue(tree: GridTree, code: str, row: Any) -> QueueView:
    grid = tree.get(code)
    assert grid is not None
    return QueueView(
        code=code,
        name_zh=grid.name_zh,
        name_en=grid.name_en,
        level=grid.level,
        layer=grid.layer.value,
        parent=grid.parent,
        **_numbers(row),
    )


def _old_queue(code: str, row: Any) -> QueueView:
    """A queue of an older grid version in which something still waits."""
    return QueueView(
        code=code, name_zh=row.name_zh, name_en=row.name_en, level=0, layer="admin", parent=None, **_numbers(row)
    )


def _catch_all_queue(tree: GridTree, context: RoutingContext, row: Any) -> QueueView:
    name_zh, name_en = context.queue_names(CATCH_ALL)
    parent = tree.root.code if tree.root is not None else None
    return QueueView(
        code=CATCH_ALL, name_zh=name_zh, name_en=name_en, level=0, layer="catch_all", parent=parent, **_numbers(row)
    )


def alert_detail(connection: Connection, alert_id: str, scope: str) -> AlertDetail:
    """Everything about one alert.

    Raises:
        ProblemError: 404 outside the scope.
    """
    return detail_of(connection, visible_alert(connection, alert_id, scope))


def detail_of(connection: Connection, row: AlertRow) -> AlertDetail:
    """Everything about an alert whose row is at hand."""
    return AlertDetail.model_validate(
        {
            **summary_fields(row, datetime.now(UTC)),
            "unit": row.unit,
            "detail": row.detail,
            "explanation": ExplanationView(
                list_version=row.list_version, grid_version=row.grid_version, steps=row.explanation
            ),
            "evidence": _evidence(connection, row.id),
            "media_episodes": _episodes(connection, row.id),
            "history": story(connection, row.id),
        }
    )


def _episodes(connection: Connection, alert_id: str) -> list[EpisodeView]:
    query = select(episodes).where(episodes.c.alert_id == alert_id).order_by(episodes.c.started_at)
    return [
        EpisodeView(**{name: getattr(row, name) for name in EpisodeView.model_fields})
        for row in connection.execute(query)
    ]


def _evidence(connection: Connection, alert_id: str) -> list[EvidenceView]:
    """Each file once, though several episodes may list it; in the order in which it was taken."""
    query = (
        select(*evidence_links.c, evidence_files.c.state, evidence_drops.c.reason.label("dropped_reason"))
        .join_from(evidence_links, evidence_files, evidence_files.c.sha256 == evidence_links.c.sha256)
        .outerjoin(
            evidence_drops,
            (evidence_drops.c.device_id == evidence_links.c.device_id)
            & (evidence_drops.c.sha256 == evidence_links.c.sha256),
        )
        .join(
            episodes,
            (episodes.c.device_id == evidence_links.c.device_id)
            & (episodes.c.episode_id == evidence_links.c.episode_id),
        )
        .where(episodes.c.alert_id == alert_id)
        .order_by(evidence_links.c.captured_at, evidence_links.c.kind, evidence_links.c.sha256)
    )
    views: dict[str, EvidenceView] = {}
    for row in connection.execute(query):
        is_dropped = row.dropped_reason is not None and row.state != EvidenceState.WHOLE
        views.setdefault(
            row.sha256,
            EvidenceView(
                sha256=row.sha256,
                kind=row.kind,
                media_type=row.media_type,
                bytes=row.bytes,
                captured_at=row.captured_at,
                redacted=row.redacted,
                state=EvidenceState.DROPPED if is_dropped else EvidenceState(row.state),
                dropped_reason=row.dropped_reason if is_dropped else None,
                short_seconds=row.short_seconds,
                label=row.label,
            ),
        )
    return list(views.values())
