"""One valid hazard event to bend."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def hazard_message() -> dict[str, Any]:
    episode = "01939d2e-0000-7000-8000-000000000001"
    return {
        "specversion": "1.0",
        "id": "01939d2e-0000-7000-8000-0000000000aa",
        "source": "/devices/box-1",
        "type": "gridsentry.hazard.opened.v1",
        "subject": episode,
        "time": "2026-11-21T08:00:01Z",
        "datacontenttype": "application/json",
        "data": {
            "episode_id": episode,
            "revision": 1,
            "phase": "opened",
            "hazard": "thrown_object",
            "tier": "alarm",
            "severity": "red",
            "confidence": 0.9,
            "started_at": "2026-11-21T08:00:00Z",
            "observed_at": "2026-11-21T08:00:01Z",
            "clock": {"synced": True, "offset_seconds": 0.0},
            "location": {
                "point": {"type": "Point", "coordinates": [113.62, 34.75]},
                "accuracy_m": 15.0,
                "method": "camera",
            },
            "source": {"id": "gate-3", "kind": "camera", "name": "南门三号"},
            "detail": {
                "box": {"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0},
                "track": [{"t": 6.5, "x": 1.0, "y": 2.0}],
                "fall": {
                    "acceleration_mps2": 8.9,
                    "acceleration_error_mps2": 0.3,
                    "end_speed_mps": 17.0,
                    "drop_m": 16.0,
                    "residual_m": 0.08,
                    "observations": 40,
                    "coverage": 0.9,
                },
            },
            "evidence": [],
            "producer": {"software": "0.1.0", "detector": "thrown_object 1", "config_sha256": "0" * 64},
        },
    }
