"""Batches of events and the server's answer to each of their items."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_BATCH_EVENTS = 500
MAX_BATCH_BYTES = 8 * 1024 * 1024


class ItemStatus(StrEnum):
    """What became of one item. Every one of them is final: the edge may forget the item."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    """(source, id) was here before; nothing changed."""
    STALE = "stale"
    """Kept, but a higher revision of the episode had arrived before; it changed nothing in the queues."""
    DEAD_LETTER = "dead_letter"
    """Refused and kept for an admin to see, fix and replay."""


class Problem(BaseModel):
    """Why an item was refused (RFC 9457), naming the field."""

    model_config = ConfigDict(frozen=True)

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    field: str | None = None


class ItemResult(BaseModel):
    """The answer to one item of a batch, by its place in it."""

    model_config = ConfigDict(frozen=True)

    index: Annotated[int, Field(ge=0)]
    id: str | None = None
    status: ItemStatus
    problem: Problem | None = None


class BatchResult(BaseModel):
    """The answer to a batch: durably committed when the status is 2xx."""

    model_config = ConfigDict(frozen=True)

    results: tuple[ItemResult, ...]


def encode_batch(contents: Sequence[bytes]) -> bytes:
    """A JSON array of events, each exactly as it was written."""
    return b"[" + b",".join(contents) + b"]"
