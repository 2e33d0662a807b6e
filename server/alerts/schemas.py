"""What the API shows of alerts and queues."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from contract.events import Model, Phase, Severity, Tier
from contract.geometry import Location
from server.alerts.model import AlertState, RejectReason, VerdictKind
from server.evidence.schemas import EvidenceState


class MatterView(BaseModel):
    """The matter that the hazard is, in law and in code."""

    edition: str
    kind: str
    code: str
    name_zh: str
    name_en: str


class UnitView(BaseModel):
    """The organisation that the lists propose."""

    code: str
    name_zh: str
    name_en: str
    co_units: list[str]


class VerdictView(BaseModel):
    """What somebody decided, and when."""

    verdict: VerdictKind
    reason: RejectReason | None = None
    comment: str | None = None
    by: str
    at: datetime


class CanaryView(BaseModel):
    """The alert is a drill that the device painted in itself. The device's times are by its own clock."""

    id: str
    injected_at: datetime
    opened_at: datetime
    """When the device's detector found it; the server has it since `created_at`."""


class AlertSummary(BaseModel):
    """An alert as lists and the live stream show it.

    `version` grows with changes of state, queue or lease, and is what claim, release and verdict compare; the device's
    updates leave it alone. A lease that has run out shows as none.
    """

    id: str
    version: int
    state: AlertState
    hazard: str
    hazard_zh: str
    hazard_en: str
    matter: MatterView | None
    severity: Severity
    tier: Tier
    confidence: float
    queue: str
    queue_name_zh: str
    queue_name_en: str
    border_queues: list[str]
    location: Location
    source_id: str
    source_name: str
    device_id: str
    opened_at: datetime
    observed_at: datetime
    ended_at: datetime | None
    phase: Phase
    episodes: int
    claimed_by: str | None
    claim_expires_at: datetime | None
    verdict: VerdictView | None
    snapshot_sha256: str | None
    created_at: datetime
    received_at: datetime
    canary: CanaryView | None = None
    demoted: Annotated[
        str | None, Field(description="Why an alarm is only a review: `budget` where its source had used up its alarms")
    ] = None
    stale: Annotated[bool, Field(description="It has lasted so long that it may be a fixture")] = False
    repaired_at: Annotated[
        datetime | None,
        Field(description="When what was out of order worked again, or was gone, once its device has seen that"),
    ] = None


class StepView(BaseModel):
    """One step of the routing decision."""

    rule: str
    grid: str | None
    outcome: str
    text_zh: str
    text_en: str


class ExplanationView(BaseModel):
    """Why the alert is in its queue: the versions of lists and grids, and the path through them."""

    list_version: int | None
    grid_version: int | None
    steps: list[StepView]


class EvidenceView(BaseModel):
    """A file that supports the alert."""

    sha256: str
    kind: str
    media_type: str
    bytes: int
    captured_at: datetime
    redacted: bool
    state: EvidenceState
    dropped_reason: Annotated[str | None, Field(description="Why the device gave it up, if it did")] = None
    short_seconds: Annotated[float | None, Field(description="A clip: how much of what was asked for is missing")] = (
        None
    )
    label: Annotated[str | None, Field(description="What of the scene it shows, such as a signal head's id")] = None


class ProducerView(BaseModel):
    """What made the episode's newest event."""

    software: str
    detector: Annotated[str, Field(description="The detector and its version")]
    model: Annotated[Model | None, Field(description="The trained weights that took part, with their hash")] = None
    config_sha256: Annotated[str, Field(description="Of the settings in force")]


class EpisodeView(BaseModel):
    """One of the alert's episodes, at its newest revision."""

    episode_id: str
    source_id: str
    phase: Phase
    revision: int
    started_at: datetime
    observed_at: datetime
    ended_at: datetime | None
    demoted: str | None
    stale: bool
    repeat_of: Annotated[str | None, Field(description="The earlier episode that it continues")]
    quiet_repeats: Annotated[
        int | None, Field(description="How often the same was seen since that one without an episode of its own")
    ]
    repaired_at: Annotated[datetime | None, Field(description="When what was out of order worked again")]
    producer: Annotated[
        ProducerView | None, Field(description="Absent of episodes that came in before the server kept it")
    ] = None


class HistoryView(BaseModel):
    """Something that happened to the alert, in words."""

    at: datetime
    who: str
    action: str
    text_zh: str
    text_en: str


class AlertDetail(AlertSummary):
    """Everything about one alert. `detail` is that of the latest event, typed per hazard."""

    unit: UnitView | None
    detail: dict[str, Any]
    explanation: ExplanationView
    evidence: list[EvidenceView]
    media_episodes: list[EpisodeView]
    history: list[HistoryView]


class AlertPage(BaseModel):
    """A page of alerts. `cursor` is where the live stream goes on from this list; `next` asks for the next page."""

    alerts: list[AlertSummary]
    cursor: int
    next: str | None


class QueueView(BaseModel):
    """A queue with what waits in it. `claimed` and `red` are parts of `open`; `canaries` counts the drills."""

    code: str
    name_zh: str
    name_en: str
    level: int
    layer: Literal["admin", "special", "catch_all"]
    parent: str | None
    open: int
    claimed: int
    red: int
    oldest_at: datetime | None
    canaries: int


class QueueList(BaseModel):
    """The queues in the account's scope; `cursor` as in AlertPage."""

    queues: list[QueueView]
    cursor: int


class VersionBody(BaseModel):
    """The version of the alert that the operator saw."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1)]


class VerdictBody(VersionBody):
    """A verdict; rejecting needs a reason."""

    verdict: VerdictKind
    reason: RejectReason | None = None
    comment: Annotated[str, Field(max_length=2000)] | None = None
