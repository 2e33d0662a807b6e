"""Whose question is next. Latest-frame slots, one a source, served by weighted round-robin under a heartbeat.

No threads and no clock here: time is passed in, monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf

from edge.inference.detecting import Question


class Offer(StrEnum):
    """What became of a question."""

    WAITS = "waits"
    REPLACES = "replaces"
    """… an older one of the same source, which is dropped."""
    SHED = "shed"


@dataclass(slots=True)
class _Slot:
    weight: float
    question: Question | None = None
    waiting_since: float = 0.0
    """Since when the source has waited, however often its question was replaced."""
    served_at: float = -inf
    accepted_at: float = -inf
    turn: float = 0.0
    """Virtual time of its next turn: grows by 1 / weight with each (stride scheduling, Waldspurger 1995)."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A question that is answered now. `heartbeat`: its source was overdue, so its turn came first."""

    source_id: str
    question: Question
    waited_seconds: float
    heartbeat: bool


class Slots:
    """The waiting questions of one model."""

    def __init__(self, heartbeat_seconds: float) -> None:
        self._heartbeat_seconds = heartbeat_seconds
        self._slots: dict[str, _Slot] = {}
        self._turn = 0.0

    def __len__(self) -> int:
        """How many sources wait."""
        return sum(slot.question is not None for slot in self._slots.values())

    def join(self, source_id: str, weight: float) -> None:
        """Makes room for a source; one that is there already gets the new weight."""
        slot = self._slots.get(source_id)
        if slot is None:
            self._slots[source_id] = _Slot(weight, turn=self._turn)
        else:
            slot.weight = weight

    def leave(self, source_id: str) -> bool:
        """Forgets a source. Returns whether it waited."""
        slot = self._slots.pop(source_id, None)
        return slot is not None and slot.question is not None

    def offer(self, source_id: str, question: Question, now: float, *, every_seconds: float = 0.0) -> Offer:
        """Puts a question into its source's slot. `every_seconds`: a source of weight 1 is heard no more often than
        that; its heartbeat always is. A shed question leaves what already waits."""
        slot = self._slots[source_id]
        due = now - slot.served_at >= self._heartbeat_seconds
        if slot.question is None and not due and now - slot.accepted_at < every_seconds / slot.weight:
            return Offer.SHED
        replaces = slot.question is not None
        slot.question = question
        if not replaces:
            slot.waiting_since = slot.accepted_at = now
            # Who was silent for a while has not saved up turns.
            slot.turn = max(slot.turn, self._turn)
        return Offer.REPLACES if replaces else Offer.WAITS

    def take(self, most: int, now: float) -> list[Taken]:
        """The next questions, at most so many: overdue sources first, longest unheard before; then by turn."""
        waiting = [(source_id, slot) for source_id, slot in self._slots.items() if slot.question is not None]
        waiting.sort(key=lambda pair: self._order(pair[1], now))
        taken = []
        for source_id, slot in waiting[:most]:
            assert slot.question is not None, "only waiting slots were chosen"
            overdue = self._is_overdue(slot, now)
            taken.append(Taken(source_id, slot.question, now - slot.waiting_since, overdue))
            slot.question = None
            slot.served_at = now
            self._turn = max(self._turn, slot.turn)
            slot.turn += 1 / slot.weight
        return taken

    def drop(self) -> list[str]:
        """Takes all questions away: their model is gone. Returns whose they were."""
        dropped = []
        for source_id, slot in self._slots.items():
            if slot.question is not None:
                slot.question = None
                dropped.append(source_id)
        return dropped

    def longest_wait(self, now: float) -> float:
        """Seconds that the source which waits longest has waited; 0 if none does."""
        waits = [now - slot.waiting_since for slot in self._slots.values() if slot.question is not None]
        return max(waits, default=0.0)

    def _is_overdue(self, slot: _Slot, now: float) -> bool:
        return now - slot.served_at >= self._heartbeat_seconds

    def _order(self, slot: _Slot, now: float) -> tuple[float, float, float]:
        # The last of the three settles equal turns by who waits longer.
        if self._is_overdue(slot, now):
            return (0.0, slot.served_at, slot.waiting_since)
        return (1.0, slot.turn, slot.waiting_since)
