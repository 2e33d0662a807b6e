"""What the running box shows of itself and lets be asked: values and one protocol, without processes or sockets.

The supervisor implements `Box`; the local page and the metrics only read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from edge.status import SourceMeter


class CallError(Exception):
    """A call to a worker failed, with a reason for people. Holds no credential."""


class NotYetError(CallError):
    """The worker is starting and does not serve the source yet."""


class ChildKind(StrEnum):
    """What a child process is for."""

    CAMERAS = "cameras"
    SENSORS = "sensors"
    UPLINK = "uplink"


class ChildState(StrEnum):
    """Where a child process is in its life."""

    STARTING = "starting"
    """Spawned; it has not said that it works."""
    RUNNING = "running"
    WAITING = "waiting"
    """It ended and will be started again, see `reason`."""
    STOPPING = "stopping"
    """It was told to end."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class ChildView:
    """One child process."""

    name: str
    """`cameras-1`, `sensors`, `uplink`."""
    kind: ChildKind
    pid: int | None
    state: ChildState
    reason: str = ""
    """Why it last ended, or why it waits; empty if it never ended."""
    sources: tuple[str, ...] = ()
    """Ids of the sources it serves."""
    restarts: int = 0
    """How often it was replaced since the program started."""
    last_report_age_seconds: float | None = None
    """None: it has not reported yet."""
    cpu_seconds: float = 0.0
    """User and system time of the present process."""
    rss_bytes: int = 0
    open_files: int = 0
    threads: int = 0


@dataclass(frozen=True, slots=True)
class ConfigView:
    """The configuration that holds, and what was wrong with the last one that was refused."""

    path: str
    sha256: str
    """Of its text, as UTF-8."""
    loaded_at: datetime
    refused_at: datetime | None = None
    """When a changed file was refused; None: the file is the one that holds."""
    problems: tuple[str, ...] = ()
    """Why it was refused, one line each: file, line, field, found, expected."""


@dataclass(frozen=True, slots=True)
class BoxView:
    """The box at one moment."""

    device_id: str
    software: str
    started_at: datetime
    config: ConfigView
    children: tuple[ChildView, ...]
    sources: Mapping[str, SourceMeter]
    """Every source with an input, by id; counters as of its worker's last report."""
    uplink: Mapping[str, Any] = field(default_factory=dict)
    """`configured`, what `edge.outbox.report.Summary` holds (`waiting_events`, `oldest_waiting_at`, `trouble`, …),
    `device` (`edge.health.device.DeviceHealth.snapshot`), and `outbox_trouble` where nothing can be kept. Empty before
    its first report."""
    inference: Sequence[Mapping[str, Any]] = ()
    """One mapping an inference session, with `process` beside what the service says of it."""
    log: Sequence[Mapping[str, Any]] = ()
    """The latest records of all processes, oldest first: `timestamp`, `level`, `event`, `process`, and the rest."""
    events: Sequence[Mapping[str, Any]] = ()
    """The latest events of all sources, oldest first: `id`, `type`, `time`, and where the event has them `source_id`,
    `hazard`, `severity`, `tier`, `phase`, `episode_id`, `state`, `reason`."""
    loop_age_seconds: float = 0.0
    """How long ago the supervisor's loop last came round: seconds say that it hangs."""
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a changed configuration does to the running box."""

    starts: tuple[str, ...] = ()
    """Ids of sources that are new, or have an input now."""
    stops: tuple[str, ...] = ()
    """Ids of sources that are gone."""
    restarts: tuple[str, ...] = ()
    """Ids of sources whose settings, or what they use, changed."""
    stays: tuple[str, ...] = ()
    """Ids of sources that notice nothing."""
    children: tuple[str, ...] = ()
    """Other processes and servers that start anew: `uplink`, `local`, `sensors`."""
    models: tuple[str, ...] = ()
    """Models that are replaced, added or given up while the cameras look on."""

    @property
    def empty(self) -> bool:
        """Whether nothing changes."""
        return not (self.starts or self.stops or self.restarts or self.children or self.models)


class Box(Protocol):
    """The running box, as the local page sees it. Safe to call from any thread."""

    def view(self) -> BoxView:
        """The box now. Cheap: nothing is asked of the children."""

    def call(self, source_id: str, name: str, arguments: Mapping[str, Any]) -> Any:
        """Runs a named call in the worker that serves the source. Arguments and the result are JSON types.

        Raises:
            CallError: there is no such source or call, its worker is away, or it did not answer in time.
        """

    def propose(self, text: str) -> Plan:
        """What `apply` would do.

        Raises:
            ConfigError: the text is no valid configuration, or asks for what needs a restart of the program.
        """

    def apply(self, text: str) -> Plan:
        """Makes the text the configuration: written to the file, then taken up as any change of it.

        Raises:
            ConfigError: as `propose`; nothing has changed then.
            OSError: the file cannot be written; nothing has changed then.
        """
