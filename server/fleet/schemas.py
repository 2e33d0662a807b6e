"""What the API shows of devices and sources."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class PublicKey(BaseModel):
    """A device's Ed25519 public key."""

    model_config = ConfigDict(extra="forbid")

    public_key: Annotated[str, Field(max_length=64, description="32 bytes in base64")]


class ChainProblemView(BaseModel):
    """The first fault found in a chain."""

    fault: str
    seq: int
    message: str


class ChainStatus(BaseModel):
    """How far a device's chain of events is proven, and what was found after that."""

    verified_seq: int
    linked_seq: int
    problem: ChainProblemView | None
    problem_at: datetime | None
    checked_at: datetime


class DeviceView(BaseModel):
    """An edge box."""

    id: str
    name: str
    has_key: bool
    created_at: datetime
    revoked_at: datetime | None
    last_seen_at: datetime | None
    heartbeat: dict[str, Any] | None
    heartbeat_at: datetime | None
    chain: Annotated[ChainStatus | None, Field(description="null until a signed head has been checked")]


class DeviceList(BaseModel):
    """All devices, by id."""

    devices: list[DeviceView]


class SightView(BaseModel):
    """For how long a source could see, in seconds, since it was first counted."""

    counted_from: datetime
    sight_seconds: float
    blind_seconds: float
    unknown_seconds: float


class SourceHealthDetail(BaseModel):
    """Everything that is wrong with a source, gravest first, and what its device does not look for."""

    conditions: list[str] = []
    unwatched: Annotated[dict[str, str], Field(description="condition to the reason why it is switched off")] = {}
    sight: SightView | None = None


class SourceView(BaseModel):
    """A camera, sensor or flight, as its events tell."""

    device_id: str
    id: str
    kind: str
    name: str
    location: dict[str, Any] | None
    health_state: str | None
    health_reason: str | None
    health_since: datetime | None
    health_detail: Annotated[SourceHealthDetail | None, Field(description="null until the source has told its health")]
    first_seen_at: datetime
    last_seen_at: datetime


class SourceList(BaseModel):
    """All sources, by device and id."""

    sources: list[SourceView]
