"""What the API shows of ingest. Batches and their results are the contract's own (contract.batch)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from contract.batch import ItemStatus, Problem


class DeadLetterState(StrEnum):
    """What became of a refused item."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class DeadLetterView(BaseModel):
    """An item that could not be taken in, and why."""

    id: int
    device_id: str
    event_id: Annotated[str | None, Field(description="As far as it could be read")]
    seq: Annotated[int | None, Field(description="Its number in the device's chain, as far as it could be read")]
    sha256: str
    bytes: int
    problem: Problem
    state: DeadLetterState
    received_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    content: Annotated[str | None, Field(description="The text as received, at most 64 KiB; null once discarded")]


class OverflowView(BaseModel):
    """Items of a device that were refused and not kept: its share of the dead letters was full."""

    device_id: str
    count: int
    last_at: datetime
    last_problem: Problem


class DeadLetterPage(BaseModel):
    """Dead letters, newest first. `next` is the `before` of the following page."""

    dead_letters: list[DeadLetterView]
    overflows: list[OverflowView]
    next: int | None


class Replay(BaseModel):
    """How to replay: as it was, or with its content put right."""

    model_config = ConfigDict(extra="forbid")

    content: Annotated[dict[str, Any] | None, Field(description="The event put right; without it, as received")] = None


class ReplayResult(BaseModel):
    """What the replay came to."""

    id: int
    event_id: str
    status: ItemStatus
