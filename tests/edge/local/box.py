"""A box whose view the test writes: for what the real program cannot be made to show on demand."""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.config.problems import ConfigError, ConfigProblem
from edge.status import SourceMeter
from edge.view import BoxView, CallError, ChildKind, ChildState, ChildView, ConfigView, Plan

STARTED = datetime.now(UTC) - timedelta(hours=3, minutes=7)


def meter(source_id: str = "gate-3", **changes: Any) -> SourceMeter:
    """A camera that works; `changes` replace fields."""
    values: dict[str, Any] = {
        "source_id": source_id,
        "kind": "camera",
        "name": "天街南门三号 · Skyway south gate 3",
        "address": f"rtsp://***@192.168.1.20/{source_id}",
        "state": "online",
        "since": "2026-11-21T20:00:00+00:00",
        "codec": "h264",
        "width": 1920,
        "height": 1080,
        "role": "main",
        "decoding": "skip_non_reference",
        "sessions": 3,
        "failures": 2,
        "packets_read": 9100,
        "packets_broken": 4,
        "bytes_read": 123_456_789,
        "frames_decoded": 9000,
        "frames_judged": 8000,
        "frames_dropped": Counter({"late": 5, "not a slug: rtsp://a:b@c": 2, "Nor This": 1}),
        "last_frame_at": time.monotonic() - 0.2,
        "lag_seconds": 0.21,
        "fps": 24.9,
        "cpu_seconds": 61.5,
        "ring_bytes": 40_000_000,
        "ring_seconds": 75.0,
        "sight_seconds": 900.0,
        "blind_seconds": 90.0,
        "unknown_seconds": 10.0,
        "open_episodes": 1,
        "events": Counter({"thrown_object": 2}),
        "questions": Counter({"asked": 40, "answered": 38, "shed": 2}),
    }
    return SourceMeter(**{**values, **changes})


def child(name: str = "cameras-1", kind: ChildKind = ChildKind.CAMERAS, **changes: Any) -> ChildView:
    """A process that works."""
    whole = ChildView(
        name=name,
        kind=kind,
        pid=4711,
        state=ChildState.RUNNING,
        sources=("gate-3",) if kind is ChildKind.CAMERAS else (),
        restarts=1,
        last_report_age_seconds=0.4,
        cpu_seconds=61.0,
        rss_bytes=180_000_000,
        open_files=31,
        threads=9,
    )
    return replace(whole, **changes)


def whole_view(**changes: Any) -> BoxView:
    """A box in which everything works."""
    sources = [
        meter(),
        meter("tower-2", name="老街二号楼", state="offline", reason="no answer", fps=0.0, conditions=["offline"]),
        meter("court-5", name="", conditions=["defocused", "moved"], decoding="full"),
        SourceMeter("well-12", "sensor", "井12 · Well 12", state="online", faults=Counter({"clock_skew": 3})),
    ]
    view = BoxView(
        device_id="box-17",
        software="gridsentry-edge 0.1.0",
        started_at=STARTED,
        config=ConfigView("/etc/gridsentry/edge.yaml", "ab" * 32, STARTED),
        children=(child(), child("uplink", ChildKind.UPLINK)),
        sources={source.source_id: source for source in sources},
        uplink={
            "configured": True,
            "waiting_events": 12,
            "waiting_files": 4,
            "waiting_bytes": 3_400_000,
            "dropped_files": 2,
            "dropped_bytes": 500_000,
            "updates_withheld": 0,
            "open_episodes": 1,
            "refused_events": 0,
            "failed_files": 1,
            "oldest_waiting_at": (datetime.now(UTC) - timedelta(seconds=90)).isoformat(),
            "device": {
                "conditions": {"disk_short": "412 MB free (1.3%), expected at least 1,000 MB"},
                "unwatched": {},
                "measured": {"disk_free_bytes": 4.12e8, "disk_total_bytes": 3.2e10, "hottest_celsius": 61.0},
            },
            "trouble": "connection refused",
            "trouble_since": STARTED.isoformat(),
        },
        inference=[
            {
                "process": "cameras-1",
                "model": "people",
                "version": "1.0",
                "sha256": "cd" * 32,
                "state": "ready",
                "reason": "",
                "plan": "onnxruntime f32, 1 thread, 1 picture",
                "precision": "int8",
                "selftest": "passed",
                "change": {
                    "state": "refused",
                    "version": "1.1",
                    "sha256": "ef" * 32,
                    "reason": "people.onnx: fails its self-test",
                    "since": STARTED.isoformat(),
                },
                "changes": {"taken_over": 2, "refused": 1, "taken_back": 0},
                "input": [320, 320],
                "core": 1,
                "waiting": 2,
                "wait_seconds": 0.12,
                "run_seconds": 0.031,
                "hanging_threads": 0,
                "counts": {"asked": 100, "answered": 90, "shed": 3, "failed": 0},
                "shedding": "rate",
            }
        ],
        log=[
            {"timestamp": STARTED.isoformat(), "level": "info", "event": "running", "process": "supervisor"},
            {
                "timestamp": STARTED.isoformat(),
                "level": "error",
                "event": "offline, will be opened again",
                "process": "cameras-1",
                "source": "tower-2",
                "reason": "no answer within 10 s",
            },
        ],
        events=[
            {
                "id": "1",
                "type": "gridsentry.hazard.opened.v1",
                "time": STARTED.isoformat(),
                "source_id": "gate-3",
                "hazard": "thrown_object",
                "severity": "red",
                "tier": "alarm",
                "phase": "opened",
            }
        ],
    )
    return replace(view, **changes)


class WrittenBox:
    """A `Box` with a settable view, pictures that differ, and one text that it takes as a configuration."""

    GOOD = "device: good"

    def __init__(self, view: BoxView | None = None) -> None:
        self.now = view or whole_view()
        self.calls: list[tuple[str, str, Mapping[str, Any]]] = []
        self.applied: list[str] = []

    def view(self) -> BoxView:
        return self.now

    def call(self, source_id: str, name: str, arguments: Mapping[str, Any]) -> Any:
        self.calls.append((source_id, name, arguments))
        if source_id == "tower-2":
            raise CallError(f"{source_id}: rtsp://admin:s3cret@10.0.0.7/live did not answer within 5 s")
        if name == "canary":
            asked = "id" in arguments
            drill = {"id": "c1", "detector": "thrown_object", "reason": ""}
            return {**drill, "state": "found" if asked else "waiting", "latency_seconds": 0.8 if asked else None}
        picture = np.full((540, 960, 3), 60, np.uint8)
        cv2.putText(picture, str(len(self.calls)), (400, 300), cv2.FONT_HERSHEY_SIMPLEX, 4, (255, 255, 255), 8)
        return {"jpeg": base64.b64encode(cv2.imencode(".jpg", picture)[1].tobytes()).decode()}

    def propose(self, text: str) -> Plan:
        if text != self.GOOD:
            raise ConfigError([ConfigProblem(Path("edge.yaml"), 3, "sources", "found nothing, expected a value")])
        return Plan(starts=("new-1",), restarts=("gate-3",), stays=("court-5",), children=("uplink",))

    def apply(self, text: str) -> Plan:
        plan = self.propose(text)
        self.applied.append(text)
        return plan
