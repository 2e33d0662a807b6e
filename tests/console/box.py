"""An edge box in miniature: says what it saw over HTTP, as a real one does, and sends evidence when it is told to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from contract.batch import encode_batch
from contract.canonical import canonical_bytes
from contract.events import BATCH_MEDIA_TYPE, EvidenceDroppedData, HazardData, event_of
from contract.ids import uuid7

DEVICE_ID = "demo-box"
FALL = {
    "box": {"x": 360, "y": 120, "width": 20, "height": 20},
    "track": [{"t": 5.0, "x": 370, "y": 124}, {"t": 6.6, "x": 391, "y": 398}],
    "fall": {
        "acceleration_mps2": 9.6,
        "acceleration_error_mps2": 0.2,
        "end_speed_mps": 15.5,
        "drop_m": 12.2,
        "residual_m": 0.05,
        "observations": 38,
        "coverage": 0.93,
    },
}
LEVEL = {
    "channel": "level",
    "value": 1.42,
    "unit": "m",
    "comparison": "above",
    "set_limit": 1.2,
    "clear_limit": 1.08,
    "rule": "level_high",
}


@dataclass
class Episode:
    """What the box knows of one episode."""

    source_id: str
    name: str
    place: tuple[float, float]
    hazard: str
    detail: dict[str, Any]
    severity: str
    tier: str
    accuracy_m: float
    started_at: datetime
    id: str
    canary: dict[str, Any] | None = None
    remarks: dict[str, Any] = field(default_factory=dict)
    revision: int = 0
    evidence: list[dict[str, Any]] = field(default_factory=list)


class Box:
    """Sends events and evidence with a device's token."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=20, trust_env=False
        )

    def close(self) -> None:
        self._http.close()

    def sees(
        self,
        source_id: str,
        place: tuple[float, float],
        *,
        hazard: str = "thrown_object",
        detail: dict[str, Any] | None = None,
        severity: str = "red",
        tier: str = "alarm",
        accuracy_m: float = 20.0,
        drill: bool = False,
        remarks: dict[str, Any] | None = None,
        began_seconds_ago: float = 2.0,
    ) -> Episode:
        """Opens an episode that began a moment ago; `remarks` are further fields of its events."""
        now = datetime.now(UTC)
        canary = {"id": uuid7(now), "injected_at": now - timedelta(seconds=2)} if drill else None
        episode = Episode(
            source_id=source_id,
            name=f"Camera {source_id}",
            place=place,
            hazard=hazard,
            detail=FALL if detail is None else detail,
            severity=severity,
            tier=tier,
            accuracy_m=accuracy_m,
            started_at=now - timedelta(seconds=began_seconds_ago),
            id=uuid7(now),
            canary=canary,
            remarks=remarks or {},
        )
        self.says(episode, "opened")
        return episode

    def says(self, episode: Episode, phase: str) -> None:
        """Sends the episode's next event, with all evidence that is known by now."""
        now = datetime.now(UTC)
        episode.revision += 1
        data = HazardData.model_validate(
            {
                "episode_id": episode.id,
                "revision": episode.revision,
                "phase": phase,
                "hazard": episode.hazard,
                "tier": episode.tier,
                "severity": episode.severity,
                "confidence": 0.82,
                "started_at": episode.started_at,
                "observed_at": now,
                "ended_at": now if phase == "cleared" else None,
                "clock": {"synced": True},
                "location": {
                    "point": {"type": "Point", "coordinates": episode.place},
                    "accuracy_m": episode.accuracy_m,
                    "method": "camera",
                },
                "source": {"id": episode.source_id, "kind": "camera", "name": episode.name},
                "detail": episode.detail,
                "evidence": episode.evidence,
                "producer": {"software": "test", "detector": "test", "config_sha256": "0" * 64},
                "canary": episode.canary,
                **episode.remarks,
            }
        )
        event = event_of(data, event_id=uuid7(now), device_id=DEVICE_ID, time=now)
        self.sends(canonical_bytes(event.as_json()), status="accepted")

    def sends(self, content: bytes, status: str) -> None:
        """One event's bytes; the server must answer with this item status."""
        answer = self._http.post(
            "/api/v1/events", content=encode_batch([content]), headers={"Content-Type": BATCH_MEDIA_TYPE}
        )
        assert answer.status_code == 200, answer.text
        (result,) = answer.json()["results"]
        assert result["status"] == status, result

    def announces(
        self,
        episode: Episode,
        kind: str,
        content: bytes,
        media_type: str,
        captured_at: datetime | None = None,
        short_seconds: float | None = None,
        label: str | None = None,
        size: int | None = None,
    ) -> str:
        """Adds a file to the episode's evidence; the next event tells of it."""
        name = hashlib.sha256(content).hexdigest()
        episode.evidence.append(
            {
                "sha256": name,
                "kind": kind,
                "media_type": media_type,
                "bytes": size or len(content),
                "captured_at": (captured_at or episode.started_at).isoformat(),
                "redacted": False,
                "short_seconds": short_seconds,
                "label": label,
            }
        )
        return name

    def drops(self, sha256: str, size: int, reason: str) -> None:
        """Reports that a file was given up."""
        now = datetime.now(UTC)
        data = EvidenceDroppedData.model_validate(
            {
                "reason": reason,
                "items": [{"sha256": sha256, "kind": "clip", "bytes": size}],
                "files": 1,
                "bytes": size,
                "total_files": 1,
                "total_bytes": size,
            }
        )
        event = event_of(data, event_id=uuid7(now), device_id=DEVICE_ID, time=now)
        self.sends(canonical_bytes(event.as_json()), status="accepted")

    def uploads(self, content: bytes) -> None:
        """Sends the bytes of a file that was announced before."""
        name = hashlib.sha256(content).hexdigest()
        answer = self._http.patch(
            f"/api/v1/evidence-uploads/{name}",
            content=content,
            headers={"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
        )
        assert answer.status_code == 204, answer.text


def track_document(episode: Episode, size: tuple[int, int] = (854, 480)) -> bytes:
    """A fall from the upper left to the lower right, five seconds into the clip."""
    return json.dumps(
        {
            "format": "gridsentry.track.v1",
            "source_id": episode.source_id,
            "hazard": episode.hazard,
            "units": {"t": "s", "x": "px", "y": "px"},
            "size": size,
            "started_at": episode.started_at.isoformat(),
            "start_seconds": 5.0,
            "tracks": [
                {
                    "label": "thrown_object 0.82",
                    "points": [[5.0, 370.0, 124.0], [5.8, 380.0, 192.0], [6.6, 391.0, 398.0]],
                    "box": [384.0, 390.0, 14.0, 16.0],
                }
            ],
            "detail": episode.detail,
        }
    ).encode()


def telemetry_document(episode: Episode) -> bytes:
    """A level that rises over its limit."""
    readings = [
        [(episode.started_at + timedelta(seconds=second)).isoformat(), round(1.0 + 0.014 * second, 3)]
        for second in range(-10, 31)
    ]
    return json.dumps(
        {
            "format": "gridsentry.telemetry.v1",
            "source_id": episode.source_id,
            "hazard": episode.hazard,
            "channel": "level",
            "unit": "m",
            "set_limit": 1.2,
            "clear_limit": 1.08,
            "complete_from": None,
            "readings": readings,
        }
    ).encode()
