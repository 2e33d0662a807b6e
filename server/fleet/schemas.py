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
    first_seen_at: datetime
    last_seen_at: datetime


class SourceList(BaseModel):
    """All sources, by device and id."""

    sources: list[SourceView]
