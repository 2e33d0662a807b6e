"""What the children have told last, kept for the local page."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from edge.status import SourceMeter, meter_from
from edge.supervisor.messages import Report

KEPT_RECORDS = 500
"""Of all processes together: minutes in trouble, days without."""
KEPT_EVENTS = 200
TROUBLED = frozenset({"failed", "hanging"})
REFUSED = "refused"
"""Of `edge.inference.lane_state.LaneState` and `edge.inference.replacing.ChangeState`: importing those would bring the
libraries of models into the supervisor."""


class Board:
    """Used by the supervisor's loop alone; what it hands out are copies."""

    def __init__(self) -> None:
        self._meters: dict[str, SourceMeter] = {}
        self._log: deque[Mapping[str, Any]] = deque(maxlen=KEPT_RECORDS)
        self._events: deque[Mapping[str, Any]] = deque(maxlen=KEPT_EVENTS)
        self._inference: dict[str, Sequence[Mapping[str, Any]]] = {}
        self._uplink: Mapping[str, Any] = {}

    def take(self, child_name: str, report: Report) -> None:
        """Takes in a child's report.

        Raises:
            pydantic.ValidationError: a meter in it is none.
        """
        for source_id, plain in report.sources.items():
            meter = meter_from(plain)
            if source_id in self._meters:  # else its source has gone from the configuration, and ends just now
                self._meters[source_id] = meter
        self._log.extend(report.log)
        self._events.extend(report.events)
        if report.uplink:
            self._uplink = report.uplink
        if report.inference:
            self._inference[child_name] = [{"process": child_name, **session} for session in report.inference]

    def note(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Adds records of the supervisor's own log."""
        self._log.extend(records)

    def forget_child(self, name: str) -> None:
        """The child has ended: its sessions are gone."""
        self._inference.pop(name, None)

    def keep_sources(self, expected: Mapping[str, SourceMeter]) -> None:
        """Drops all other sources; those that nobody has reported on yet are shown as they are given here."""
        kept: dict[str, SourceMeter] = {}
        for source_id, blank in expected.items():
            known = self._meters.get(source_id)
            # What became another kind of source shares nothing but its id with what was told of it.
            kept[source_id] = known if known is not None and known.kind == blank.kind else blank
        self._meters = kept

    def say_of(self, source_ids: Collection[str], state: str, reason: str, since: str) -> None:
        """Says of sources what their own process cannot say."""
        for source_id in source_ids:
            meter = self._meters.get(source_id)
            if meter is not None and (meter.state, meter.reason) != (state, reason):
                meter.state, meter.reason, meter.since = state, reason, since

    def meter(self, source_id: str) -> SourceMeter | None:
        return self._meters.get(source_id)

    @property
    def sources(self) -> Mapping[str, SourceMeter]:
        return dict(self._meters)

    @property
    def uplink(self) -> Mapping[str, Any]:
        return self._uplink

    @property
    def inference(self) -> Sequence[Mapping[str, Any]]:
        return [session for name in sorted(self._inference) for session in self._inference[name]]

    @property
    def model_troubles(self) -> dict[str, str]:
        """Models that cannot be run, or whose change was refused, with the reason: of one process, for all."""
        troubles: dict[str, str] = {}
        for session in self.inference:
            change = session.get("change") or {}
            if session.get("state") in TROUBLED:
                troubles.setdefault(str(session["model"]), str(session.get("reason", "")))
            elif change.get("state") == REFUSED:
                wanted, serves = change.get("version"), session.get("version")
                troubles.setdefault(str(session["model"]), f"{wanted} is refused, {serves} serves: {change['reason']}")
        return troubles

    @property
    def log(self) -> Sequence[Mapping[str, Any]]:
        # Reports of several processes come in one after the other; people read them by time.
        return sorted(self._log, key=lambda record: str(record.get("timestamp", "")))

    @property
    def events(self) -> Sequence[Mapping[str, Any]]:
        return sorted(self._events, key=lambda event: str(event.get("id", "")))
