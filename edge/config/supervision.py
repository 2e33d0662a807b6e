"""How the program's processes are watched, replaced and ended."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edge.config.base import Settings


class SupervisionSettings(Settings):
    """Limits for the child processes. A change of these takes hold at once and restarts nothing."""

    workers: Annotated[int, Field(ge=1, le=64)] | None = None
    """Processes that cameras are spread over; absent: one per core. One that is lowered later frees no process before
    its cameras go."""
    heartbeat_limit_seconds: Annotated[float, Field(ge=3, le=3600)] = 15
    """A child reports each second; one that is silent for this long is killed and replaced. A healthy one was never
    late by more than 4 s on two cores with eight busy processes."""
    start_limit_seconds: Annotated[float, Field(ge=5, le=3600)] = 90
    """The same until a child's first report: a cold start from an SD card loads 150 MB of libraries."""
    source_limit_seconds: Annotated[float, Field(ge=5, le=86_400)] = 60
    """A camera whose thread does nothing at all for this long, beyond its own timeouts, has its process replaced. It
    counts its turns each second while it waits for a camera; the longest picture takes a detector seconds."""
    restart_limit: Annotated[int, Field(ge=1, le=1000)] = 5
    restart_window_seconds: Annotated[float, Field(ge=1, le=86_400)] = 300
    """A child that ended more often than `restart_limit` in this time is tried once in this time, for ever."""
    drain_seconds: Annotated[float, Field(ge=1, le=600)] = 20
    """How long a clean end may take: sources stop, evidence is finished, the uplink sends. Then children are killed;
    what was not sent waits on the disk."""
