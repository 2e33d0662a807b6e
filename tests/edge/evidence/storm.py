"""Episodes of chosen gravity with their files, committed as a pipeline would."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contract.events import Clock, Event, HazardData, Phase, Producer, Severity, Tier, event_of
from contract.evidence import Evidence, EvidenceKind
from contract.ids import uuid7
from edge.evidence.store import EvidenceStore
from edge.outbox.sink import Commit
from edge.outbox.store import Outbox
from tests.edge.parts import PLACE, SOURCE, T0

CLIP_BYTES = 300_000
SNAPSHOT_BYTES = 60_000


@dataclass
class Storm:
    """Writes episodes into an outbox; each is one second later than the one before."""

    outbox: Outbox
    files: EvidenceStore
    device_id: str = "box-1"
    count: int = 0
    names: dict[str, str] = field(default_factory=dict)
    """sha256 to "<episode's name> <kind>"."""

    def episode(
        self,
        name: str,
        severity: Severity,
        tier: Tier,
        kinds: Sequence[EvidenceKind] = (EvidenceKind.CLIP,),
        **size: int,
    ) -> list[Evidence]:
        """Opens an episode and lists its files with an update."""
        self.count += 1
        at = T0 + timedelta(seconds=self.count)
        episode_id = uuid7(at)
        self.outbox.commit(Commit((hazard(episode_id, 1, Phase.OPENED, severity, tier, at),)))
        made = [self._put(name, kind, at, size.get(kind.value)) for kind in kinds]
        self.outbox.commit(Commit((hazard(episode_id, 2, Phase.UPDATED, severity, tier, at, tuple(made)),)))
        return made

    def _put(self, name: str, kind: EvidenceKind, at: datetime, size: int | None) -> Evidence:
        usual = CLIP_BYTES if kind is EvidenceKind.CLIP else SNAPSHOT_BYTES
        item = self.files.put(os.urandom(size or usual), kind, "application/octet-stream", at)
        self.names[item.sha256] = f"{name} {kind.value}"
        return item


def hazard(
    episode_id: str,
    revision: int,
    phase: Phase,
    severity: Severity,
    tier: Tier,
    at: datetime,
    evidence: tuple[Evidence, ...] = (),
    device_id: str = "box-1",
) -> Event:
    data = HazardData(
        episode_id=episode_id,
        revision=revision,
        phase=phase,
        hazard="test_hazard",
        tier=tier,
        severity=severity,
        confidence=0.5,
        started_at=at,
        observed_at=at,
        clock=Clock(synced=True),
        location=PLACE,
        source=SOURCE,
        evidence=evidence,
        producer=Producer(software="test", detector="test", config_sha256="0" * 64),
    )
    return event_of(data, event_id=uuid7(at), device_id=device_id, time=at)


def reports_in(outbox: Outbox) -> list[dict[str, object]]:
    """The reports of dropped evidence that wait, in their order."""
    events = [json.loads(event.content) for event in outbox.next_batch(100_000, 2**40)]
    return [event["data"] for event in events if event["type"] == "gridsentry.evidence.dropped.v1"]


def dropped_in(outbox: Outbox) -> list[str]:
    """Hashes of what was reported, in the order of dropping."""
    return [item["sha256"] for report in reports_in(outbox) for item in report["items"]]  # type: ignore[attr-defined]
