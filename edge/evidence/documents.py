"""Evidence that is data: the whole track of an object, the readings around an event, what a detector writes itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from contract.base import ContractModel
from contract.canonical import canonical_bytes
from edge.detectors.interface import Mark, Reading
from edge.episodes.episode import Episode

JSON_MEDIA_TYPE = "application/json"


def track_document(episode: Episode, marks: Sequence[Mark], size: tuple[int, int]) -> bytes:
    """Every point of every track in pixels and media seconds, and the detail of the latest observation.

    `size` (width, height) is that of the picture whose pixels these are: a clip may be larger or smaller.
    """
    return canonical_bytes(
        {
            "format": "gridsentry.track.v1",
            "source_id": episode.source.id,
            "hazard": episode.hazard,
            "units": {"t": "s", "x": "px", "y": "px"},
            "size": list(size),
            "started_at": episode.started_at.isoformat(),
            "start_seconds": round(episode.start_seconds, 6),
            "tracks": [
                {
                    "label": mark.label,
                    "points": [[round(t, 6), round(x, 3), round(y, 3)] for t, x, y in mark.polyline],
                    "box": None if mark.box is None else [round(side, 3) for side in mark.box],
                }
                for mark in marks
            ],
            "detail": episode.detail,
            **_drill_of(episode),
        }
    )


def telemetry_document(episode: Episode, readings: Iterable[Reading], complete_from: datetime | None) -> bytes:
    """The readings of one channel around an event, in event time.

    `complete_from` is the time since which every reading is known: the program's start, if it came within the window.
    """
    rows = [[reading.observed_at.isoformat(), reading.value] for reading in readings]
    return canonical_bytes(
        {
            "format": "gridsentry.telemetry.v1",
            "source_id": episode.source.id,
            "hazard": episode.hazard,
            "channel": episode.detail.get("channel"),
            "unit": episode.detail.get("unit"),
            "set_limit": episode.detail.get("set_limit"),
            "clear_limit": episode.detail.get("clear_limit"),
            "complete_from": None if complete_from is None else complete_from.isoformat(),
            "readings": rows,
            **_drill_of(episode),
        }
    )


def exhibit_document(episode: Episode, content: ContractModel) -> bytes:
    """A document of a detector, with the episode that it belongs to.

    Raises:
        contract.canonical.CanonicalError: it holds something that is not JSON.
    """
    return canonical_bytes(
        {**content.as_json(), "source_id": episode.source.id, "hazard": episode.hazard, **_drill_of(episode)}
    )


def _drill_of(episode: Episode) -> dict[str, Any]:
    """Marks what was made up: whoever meets the file without its event must see it."""
    return {} if episode.canary is None else {"canary": episode.canary.as_json()}
