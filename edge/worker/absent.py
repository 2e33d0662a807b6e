"""What is said of a camera whose own process cannot stay alive: the same words in the same places as its own."""

from __future__ import annotations

from datetime import UTC, datetime

from edge.config.document import EdgeConfig
from edge.config.health import camera_health_settings
from edge.config.sources import CameraSource
from edge.health.camera import CameraHealth, HealthMemory
from edge.outbox.sink import Sink
from edge.status import SourceMeter
from edge.worker.state import State, new_writer


def say_camera_is_away(
    state: State, config: EdgeConfig, source_id: str, settings: CameraSource, sink: Sink, reason: str
) -> None:
    """Says that the camera is offline, as a health event and as an episode, unless both are said.

    Its health is taken up from the outbox and left there: the next process that serves the camera finds the episode
    among its own and ends it once pictures come. The hazard needs no dwell: whoever calls this has seen it for long.
    Not to be called while another process serves the camera.
    """
    health = CameraHealth(
        new_writer(config, source_id, settings),
        sink,
        camera_health_settings(config.health.cameras, settings.health),
        SourceMeter(source_id, settings.kind, settings.name),
        HealthMemory(state.outbox.state, state.resumed(source_id)),
    )
    health.offline(reason, datetime.now(UTC), lasting=True)
