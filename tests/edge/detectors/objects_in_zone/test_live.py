"""A camera as `run` watches it, with a live model: an episode with its place, and stills that are blurred."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from contract.events import HazardData
from edge.camera_worker import CameraWorker, SharedParts
from edge.config.document import config_from_text
from edge.config.sources import CameraSource
from edge.inference.service import InferenceService
from edge.status import SourceMeter
from edge.worker.bell import Bell, new_bell
from edge.worker.cameras import source_parts
from edge.worker.state import State
from tests.edge.detectors.objects_in_zone.test_pipeline import CONFIG, record_cells
from tests.edge.inference.test_service import opener
from tests.edge.inference.tiny_model import tiny_model


def test_a_live_camera_with_a_live_model(tmp_path: Path) -> None:
    clip = record_cells(tmp_path / "gate.mp4", [(4, 2, "red", 0.0, 5.0)], 5)
    text = CONFIG.format(model=tiny_model(tmp_path / "tiny.onnx"))
    text = text.replace("ground:", f"input: {{type: file, path: {clip}, pace: realtime}}\n    ground:")
    text = text.replace("seconds: 10,", "seconds: 1,").replace("version:", "min_score: 0.3, version:")
    config = config_from_text(text, tmp_path / "edge.yaml")
    settings = config.sources["gate"]
    assert isinstance(settings, CameraSource)
    bell = new_bell()
    state = State(config, Bell(bell), threading.Event())
    sink, meter = state.patient_sink(), SourceMeter("gate", "camera")
    parts = source_parts(state, config, settings, meter, sink)
    service = InferenceService(config.inference, tmp_path / "state", open_model=opener())
    with ThreadPoolExecutor(1) as executor:
        shared = SharedParts(config.evidence, state.store, executor, sink, service)
        CameraWorker("gate", settings, parts, shared).run()
    service.close()
    state.outbox.close()
    os.close(bell)
    events = events_in(tmp_path / "state" / "outbox.db")
    assert {event.hazard for event in events} == {"blocked_fire_lane"}
    assert [events[0].phase, events[-1].phase] == ["opened", "cleared"]
    assert events[0].location.method == "homography"
    assert events[0].producer.model is not None
    assert {item.kind: item.redacted for item in events[-1].evidence} == {
        "snapshot": True,
        "track": False,
        "clip": False,
    }
    assert meter.stills == {"blurred": 1}
    assert meter.questions["answered"] > 3


def events_in(outbox: Path) -> list[HazardData]:
    with sqlite3.connect(outbox) as connection:
        rows = connection.execute("SELECT content FROM events ORDER BY seq").fetchall()
    connection.close()
    found = [json.loads(content) for (content,) in rows]
    return [HazardData.model_validate(event["data"]) for event in found if ".hazard." in event["type"]]
