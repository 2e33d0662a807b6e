"""What a replay took, beside its events: how long nothing could be judged, and what a frame cost.

A file of its own: the events are the same on every replay, and this is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from edge.config.problems import ConfigError, ConfigProblem

Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]


class ClipStats(BaseModel):
    """Of one clip."""

    model_config = ConfigDict(frozen=True)

    clip: str
    frames: Count
    """Decoded."""
    frames_judged: Count
    """That at least one detector looked at."""
    media_seconds: Amount
    unknown_seconds: Amount
    """In which no detector could say what it saw."""
    cpu_seconds: Amount
    """Processor time of the whole: decoding, judging, evidence."""


_STATS = TypeAdapter(tuple[ClipStats, ...])


def stats_path(events: Path) -> Path:
    """Where the figures of an event file lie: `events.jsonl.stats.json`."""
    return events.with_name(f"{events.name}.stats.json")


def write_stats(events: Path, stats: Sequence[ClipStats]) -> None:
    """Writes the figures beside the events."""
    stats_path(events).write_bytes(_STATS.dump_json(tuple(stats), indent=2) + b"\n")


def read_stats(events: Path) -> Sequence[ClipStats]:
    """The figures of an event file; none where they were not kept.

    Raises:
        ConfigError: the file is there and cannot be read.
    """
    path = stats_path(events)
    try:
        return _STATS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ConfigError([ConfigProblem(path, 1, "", f"cannot be read: {error.strerror or error}")]) from None
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in found["loc"])
        raise ConfigError([ConfigProblem(path, 1, field, f"not the figures of a replay: {found['msg']}")]) from None
