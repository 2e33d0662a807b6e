"""One place for a child process: what it is for, who fills it now, and how that has gone so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from edge.supervisor.child import Child
from edge.supervisor.messages import Usage
from edge.supervisor.restarts import RestartLimit, Restarts
from edge.view import ChildKind, ChildState, ChildView


class Leaving(StrEnum):
    """Why a child was told to end."""

    REMOVED = "removed"
    """Nothing is left for it to do."""
    REPLACED = "replaced"
    """A section of the configuration that it uses has changed."""


@dataclass(slots=True)
class Post:
    """Filled by one child at a time. Times are monotonic seconds."""

    name: str
    kind: ChildKind
    sources: tuple[str, ...] = ()
    """What it shall serve."""
    child: Child | None = None
    state: ChildState = ChildState.WAITING
    reason: str = ""
    restarts: Restarts = field(default_factory=Restarts)
    start_at: float = float("-inf")
    """When an empty post is filled again."""
    spawned_at: float = 0.0
    heard_at: float | None = None
    """The present child's latest report."""
    sent: tuple[str, ...] | None = None
    """The sources that the present child was told of; None: it has not been told anything."""
    to_restart: set[str] = field(default_factory=set)
    models_changed: bool = False
    """The present child has models that are not those of the configuration."""
    running: frozenset[str] = frozenset()
    """The sources that have a thread in the present child, as it says."""
    leaving: Leaving | None = None
    kill_at: float = float("inf")
    killed_at: float | None = None
    why: str = ""
    """Why the present child is being killed, or why it says that it cannot work."""
    generation: int = 0
    """Of the configuration that the present child was told last."""
    heard_revision: int = 0
    """Of the sightings that the present child was told last."""
    usage: Usage = field(default_factory=Usage)

    def filled_by(self, child: Child, now: float) -> None:
        self.child = child
        self.state = ChildState.STARTING
        self.spawned_at = now
        self.heard_at = None
        self.sent = None
        self.to_restart.clear()
        self.models_changed = False
        self.running = frozenset()
        self.leaving = None
        self.kill_at = float("inf")
        self.killed_at = None
        self.why = ""
        self.generation = 0
        self.heard_revision = 0

    def emptied(self) -> None:
        """Its child has ended."""
        self.child = None
        self.sent = None
        self.running = frozenset()
        self.kill_at = float("inf")
        self.killed_at = None
        self.usage = Usage()

    def fell(self, reason: str, now: float, limit: RestartLimit) -> None:
        """Its child has ended though nobody asked it to."""
        self.emptied()
        self.reason = reason
        self.state = ChildState.WAITING
        self.restarts = self.restarts.after_end(now, now - self.spawned_at, limit)
        self.start_at = self.restarts.next_start(limit)

    def silent_seconds(self, now: float) -> float:
        """Since the child was last heard, or started."""
        return now - (self.spawned_at if self.heard_at is None else self.heard_at)

    def kill(self, reason: str, now: float) -> None:
        """Ends the child; `reason` is kept for when that is noticed."""
        if self.child is not None and self.killed_at is None:
            self.why = reason
            self.killed_at = now
            self.child.kill()

    def view(self, now: float) -> ChildView:
        """The post as the local page shows it."""
        return ChildView(
            name=self.name,
            kind=self.kind,
            pid=None if self.child is None else self.child.pid,
            state=self.state,
            reason=self.reason,
            sources=self.sources,
            restarts=self.restarts.total,
            last_report_age_seconds=None if self.heard_at is None else round(now - self.heard_at, 1),
            cpu_seconds=self.usage.cpu_seconds,
            rss_bytes=self.usage.rss_bytes,
            open_files=self.usage.open_files,
            threads=self.usage.threads,
        )
