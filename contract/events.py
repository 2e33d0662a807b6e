"""Events: CloudEvents 1.0 envelopes with the data of a hazard episode, a source's health or a device's heartbeat."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints, model_validator

from contract.base import ContractModel, Identifier, Label, Sha256Hex, Slug, Timestamp, Uuid7
from contract.details import DETAILS
from contract.evidence import DroppedFile, Evidence
from contract.geometry import Location

BATCH_MEDIA_TYPE = "application/cloudevents-batch+json"
MAX_EVENT_BYTES = 64 * 1024
"""What a server accepts at the most for one event. An edge writes at most 2 KB before evidence is listed."""


MAX_DROPPED_ITEMS = 100
"""A report of so many files is 20 KB; more files are more reports."""


class Phase(StrEnum):
    """Where an episode stands."""

    OPENED = "opened"
    UPDATED = "updated"
    CLEARED = "cleared"


class Tier(StrEnum):
    """Whether an episode may wake somebody."""

    ALARM = "alarm"
    REVIEW = "review"


class Severity(StrEnum):
    """Red: life at risk now."""

    RED = "red"
    YELLOW = "yellow"
    BLUE = "blue"


class SourceKind(StrEnum):
    CAMERA = "camera"
    SENSOR = "sensor"
    FLIGHT = "flight"
    PERSON = "person"
    DEVICE = "device"
    """The edge box itself: what is wrong with it is seen by nobody else."""


class Clock(ContractModel):
    """The state of the clock behind the timestamps."""

    synced: bool
    offset_seconds: float = 0.0


class SourceRef(ContractModel):
    """Which camera, sensor or flight."""

    id: Identifier
    kind: SourceKind
    name: Label = ""


class Model(ContractModel):
    """The trained weights that took part."""

    name: Label
    version: Label
    sha256: Sha256Hex | None = None


class Producer(ContractModel):
    """What made the event: software and detector versions, and the hash of the settings in force."""

    software: Label
    detector: Label
    model: Model | None = None
    config_sha256: Sha256Hex


class Media(ContractModel):
    """Only on replay of a recording: the file's stem and media times in seconds."""

    clip: Label
    start_seconds: float
    observed_seconds: float


class Canary(ContractModel):
    """Marks a drill: the hazard was painted in by the device itself, to prove that the whole way works."""

    id: Uuid7
    injected_at: Timestamp
    """When the device put it before the detector."""


class ChainLink(ContractModel):
    """The event's place in its device's hash chain. `seq` counts from 1; the first `prev_sha256` is all zeros."""

    seq: Annotated[int, Field(ge=1, le=2**53 - 1)]
    prev_sha256: Sha256Hex


class ChainedData(ContractModel):
    """Data of an event that the device keeps in its chain."""

    chain: ChainLink | None = None


class HazardData(ChainedData):
    """One message about an episode. `revision` grows by one per event; the highest wins, whatever arrives first."""

    episode_id: Uuid7
    revision: Annotated[int, Field(ge=1, le=2**31 - 1)]
    phase: Phase
    hazard: Slug
    tier: Tier
    severity: Severity
    confidence: Annotated[float, Field(ge=0, le=1)]
    started_at: Timestamp
    observed_at: Timestamp
    ended_at: Timestamp | None = None
    clock: Clock
    location: Location
    source: SourceRef
    detail: dict[str, JsonValue] = Field(default_factory=dict)
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=64)] = ()
    media: Media | None = None
    producer: Producer
    canary: Canary | None = None
    """Present in every event of a drill, and in no other: it is shown as one, pages nobody and is counted nowhere."""
    demoted: Slug | None = None
    """Why an episode of the tier `alarm` was moved to `review`: `budget` where its source had used up its alarms."""
    repeat_of: Uuid7 | None = None
    """The episode that this one continues: the same thing, seen again within its cool-down."""
    quiet_repeats: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    """How often the same thing was seen again since, without an episode of its own."""
    stale: bool | None = None
    """True: it has lasted so long that it may be a fixture rather than a hazard."""

    @model_validator(mode="after")
    def _times_are_ordered(self) -> HazardData:
        if self.observed_at < self.started_at:
            raise ValueError("observed_at is before started_at")
        if self.ended_at is not None and self.ended_at < self.started_at:
            raise ValueError("ended_at is before started_at")
        return self

    @model_validator(mode="after")
    def _detail_fits_its_hazard(self) -> HazardData:
        self.typed_detail()
        return self

    def typed_detail(self) -> ContractModel | None:
        """`detail` as its hazard's model; None for a hazard without one."""
        model = DETAILS.get(self.hazard)
        return None if model is None else model.model_validate(self.detail)


class Sight(ContractModel):
    """For how long a source could see since `counted_from`, in seconds: the sum is the time it was watched.

    `unknown_seconds`: pictures came, and nobody could say what they show.
    """

    counted_from: Timestamp
    sight_seconds: Annotated[float, Field(ge=0)]
    blind_seconds: Annotated[float, Field(ge=0)]
    unknown_seconds: Annotated[float, Field(ge=0)] = 0.0


class HealthData(ChainedData):
    """What a source can see: `state` is `online`, or why it is not. Said at each change and once a day."""

    source: SourceRef
    state: Slug
    reason: Label = ""
    since: Timestamp
    location: Location | None = None
    conditions: Annotated[tuple[Slug, ...], Field(max_length=16)] = ()
    """Everything that is wrong, gravest first; `state` is the first of them."""
    unwatched: Annotated[dict[Slug, Label], Field(max_length=16)] = Field(default_factory=dict)
    """Conditions that are not looked for, each with the reason."""
    sight: Sight | None = None


class HeartbeatData(ChainedData):
    """A device says that it lives and how far behind it is."""

    software: Label
    sources_online: Annotated[int, Field(ge=0)]
    sources_total: Annotated[int, Field(ge=0)]
    outbox_events: Annotated[int, Field(ge=0)]
    outbox_evidence_bytes: Annotated[int, Field(ge=0)]


class EvidenceDroppedData(ChainedData):
    """A device gave up files that it had announced or was about to, or held back updates, for want of room."""

    reason: Slug
    items: Annotated[tuple[DroppedFile, ...], Field(max_length=MAX_DROPPED_ITEMS)] = ()
    files: Annotated[int, Field(ge=0)]
    bytes: Annotated[int, Field(ge=0)]
    """Of this report."""
    total_files: Annotated[int, Field(ge=0)]
    total_bytes: Annotated[int, Field(ge=0)]
    """Of this device, since its outbox was made, this report included."""
    updates_withheld: Annotated[int, Field(ge=0)] = 0
    """Updates that were not written since the last report. What they said is in their episode's next event."""


class ChainHeadData(ContractModel):
    """The device's signature over the hash of its latest event (see contract.chain)."""

    seq: Annotated[int, Field(ge=1, le=2**53 - 1)]
    sha256: Sha256Hex
    signature: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{86}==$")]


DevicePath = Annotated[str, StringConstraints(pattern=r"^/devices/[^\s/\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,127}$")]


class Event(ContractModel):
    """The CloudEvents envelope. (`source`, `id`) is the idempotency key."""

    specversion: Literal["1.0"] = "1.0"
    id: Uuid7
    source: DevicePath
    type: str
    time: Timestamp
    subject: Label | None = None
    datacontenttype: Literal["application/json"] = "application/json"

    @property
    def device_id(self) -> str:
        return self.source.removeprefix("/devices/")


class HazardEvent(Event):
    type: Literal["gridsentry.hazard.opened.v1", "gridsentry.hazard.updated.v1", "gridsentry.hazard.cleared.v1"]
    data: HazardData

    @model_validator(mode="after")
    def _envelope_agrees_with_data(self) -> HazardEvent:
        if self.type != hazard_type(self.data.phase):
            raise ValueError(f"type {self.type!r} does not agree with data.phase {self.data.phase.value!r}")
        if self.subject != self.data.episode_id:
            raise ValueError("subject is not data.episode_id")
        return self


class HealthEvent(Event):
    type: Literal["gridsentry.source.health.v1"] = "gridsentry.source.health.v1"
    data: HealthData


class HeartbeatEvent(Event):
    type: Literal["gridsentry.device.heartbeat.v1"] = "gridsentry.device.heartbeat.v1"
    data: HeartbeatData


class EvidenceDroppedEvent(Event):
    type: Literal["gridsentry.evidence.dropped.v1"] = "gridsentry.evidence.dropped.v1"
    data: EvidenceDroppedData


class ChainHeadEvent(Event):
    type: Literal["gridsentry.chain.head.v1"] = "gridsentry.chain.head.v1"
    data: ChainHeadData


AnyEvent = Annotated[
    HazardEvent | HealthEvent | HeartbeatEvent | EvidenceDroppedEvent | ChainHeadEvent, Field(discriminator="type")
]


def hazard_type(phase: Phase) -> str:
    """The CloudEvents type of a hazard event in this phase."""
    return f"gridsentry.hazard.{phase.value}.v1"


def device_path(device_id: str) -> str:
    """The CloudEvents source of a device."""
    return f"/devices/{device_id}"


def event_of(
    data: HazardData | HealthData | HeartbeatData | EvidenceDroppedData, *, event_id: str, device_id: str, time: Any
) -> Event:
    """Wraps data in its envelope."""
    envelope = {"id": event_id, "source": device_path(device_id), "time": time}
    match data:
        case HazardData():
            return HazardEvent.model_validate(
                {**envelope, "type": hazard_type(data.phase), "subject": data.episode_id, "data": data}
            )
        case HealthData():
            return HealthEvent.model_validate({**envelope, "subject": data.source.id, "data": data})
        case HeartbeatData():
            return HeartbeatEvent.model_validate({**envelope, "subject": device_id, "data": data})
        case EvidenceDroppedData():
            return EvidenceDroppedEvent.model_validate({**envelope, "subject": device_id, "data": data})
