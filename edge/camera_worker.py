"""One camera of `run`: opens it, feeds its pipeline, and opens it again when it fails."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from edge.assembly import camera_detectors, picture_problems
from edge.config.evidence import EvidenceSettings
from edge.config.inputs import FileInput
from edge.config.problems import field_name
from edge.config.sources import CameraSource
from edge.detectors.registry import CameraContext, PictureSize
from edge.episodes.events import EventWriter
from edge.episodes.tracker import EpisodeTracker
from edge.evidence.camera import CameraEvidence
from edge.evidence.store import EvidenceStore
from edge.health.camera import CameraHealth
from edge.logs import Repeats
from edge.outbox.sink import Sink
from edge.pipeline import CameraPipeline
from edge.sources.errors import SourceError
from edge.sources.opening import open_video
from edge.sources.video import VideoSource
from edge.status import SourceMeter
from edge.streams.camera import CameraStream

FIRST_BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 60.0
STEADY_SECONDS = 30.0
"""A stream that held for this long starts its backoff anew when it fails."""

TICK_SECONDS = 1.0
"""How finely the health of a camera that is away is told."""


class SettingsDoNotFitError(SourceError):
    """The camera's pictures are not what its settings were written for. Opening it again would not help."""


@dataclass(frozen=True, slots=True)
class SourceParts:
    """What belongs to a source for as long as the program runs, however often its stream is opened."""

    writer: EventWriter
    tracker: EpisodeTracker
    health: CameraHealth
    meter: SourceMeter


@dataclass(frozen=True, slots=True)
class SharedParts:
    """What all sources of one process share."""

    evidence: EvidenceSettings
    store: EvidenceStore
    executor: Executor
    """Makes evidence, one piece after the other."""
    sink: Sink


class CameraWorker:
    """One thread's work. Nothing that happens to this camera reaches another one."""

    def __init__(
        self,
        source_id: str,
        settings: CameraSource,
        parts: SourceParts,
        shared: SharedParts,
    ) -> None:
        self.source_id = source_id
        self._settings = settings
        self._evidence_settings = shared.evidence
        self._writer = parts.writer
        self._tracker = parts.tracker
        self._health = parts.health
        self._meter = parts.meter
        self._store = shared.store
        self._executor = shared.executor
        self._sink = shared.sink
        self._stop = threading.Event()
        self._source: VideoSource | None = None
        self._source_lock = threading.Lock()
        self._repeats = Repeats()
        self._log = structlog.get_logger("camera").bind(source=source_id)
        self._held_seconds = 0.0

    def run(self) -> None:
        """Works until `stop`, or until a recording has been played."""
        try:
            self._sessions()
        finally:
            self._health.close(datetime.now(UTC))

    def _sessions(self) -> None:
        attempt = 0
        while not self._stop.is_set():
            try:
                self._session()
                return
            except SourceError as error:
                again = self._failed(str(error), final=self._is_final(error))
            except Exception:
                # A fault of ours in one camera's pipeline: the others must go on, and so may this one, from anew.
                self._log.exception("the pipeline broke, it will be started again")
                again = self._failed("internal error, see the log", final=False)
            if not again:
                return
            attempt = 1 if self._held_seconds >= STEADY_SECONDS else attempt + 1
            self._wait(backoff_seconds(attempt))

    def stop(self) -> None:
        """Makes `run` return soon, with what is there; from any thread."""
        self._stop.set()
        with self._source_lock:
            if self._source is not None:
                self._source.stop()

    def _session(self) -> None:
        """From opening to the end. Returns when the recording is over or the program stops."""
        self._held_seconds = 0.0
        assert self._settings.input is not None, "only sources with an input are run"
        source = open_video(self._settings.input)
        stream = None
        try:
            with self._source_lock:
                self._source = source
                if self._stop.is_set():
                    return
            self._check_settings(PictureSize(source.width, source.height))
            stream = CameraStream(
                self.source_id,
                source,
                wall_start=None if source.live else datetime.now(UTC),
                history_seconds=self._evidence_settings.ring_seconds,
                history_bytes=self._evidence_settings.ring_bytes,
            )
            self._follow(stream, source)
        finally:
            with self._source_lock:
                self._source = None
            source.close()
        if not self._stop.is_set():
            self._log.info("the recording has ended", frames=stream.frames_decoded)

    def _follow(self, stream: CameraStream, source: VideoSource) -> None:
        evidence = CameraEvidence(self._store, self._evidence_settings, self._executor, stream.ring)
        detectors = camera_detectors(
            self._settings, CameraContext(self.source_id, PictureSize(source.width, source.height))
        )
        pipeline = CameraPipeline(detectors, self._tracker, self._writer, evidence, self._sink)
        ended = False
        try:
            for frame in stream.frames():
                if not self._held_seconds:
                    self._is_online(source, frame.wall_time)
                self._held_seconds = max(frame.media_time, 1e-6)
                self._health.observe(frame)
                pipeline.take(frame)
                self._health.saw(pipeline.visibility)
            ended = not self._stop.is_set()
        finally:
            pipeline.finish(clear_all=ended)

    def _is_online(self, source: VideoSource, at: datetime) -> None:
        self._health.online(at)
        self._log.info("online", address=source.name, width=source.width, height=source.height)
        self._repeats.forget("failed")

    def _check_settings(self, size: PictureSize) -> None:
        problems = picture_problems(self._settings, size)
        if problems:
            said = "; ".join(f"{field_name(problem.path)}: {problem.message}" for problem in problems)
            raise SettingsDoNotFitError(
                f"{self.source_id}: the settings do not fit pictures of {size.width} × {size.height}: {said}"
            )

    def _wait(self, seconds: float) -> None:
        """Waits before the next attempt; meanwhile time passes for the camera's health."""
        until = time.monotonic() + seconds
        while not self._stop.wait(min(TICK_SECONDS, max(0.0, until - time.monotonic()))):
            self._health.tick(datetime.now(UTC))
            if time.monotonic() >= until:
                return

    def _is_final(self, error: SourceError) -> bool:
        if isinstance(error, SettingsDoNotFitError):
            return True
        # A recording that breaks half-way would only break there again, and repeat its episodes on the way.
        return isinstance(self._settings.input, FileInput) and self._held_seconds > 0

    def _failed(self, reason: str, *, final: bool) -> bool:
        """Reports a failure. Returns whether to try again."""
        held_back = self._repeats.due("failed")
        if held_back is not None:
            what = "given up" if final else "offline, will be opened again"
            self._log.error(what, reason=reason, repeated=held_back)
        self._health.offline(reason, datetime.now(UTC), lasting=final)
        return not final


def backoff_seconds(attempt: int) -> float:
    """Exponential with jitter: half to whole of 1, 2, 4 … 60 s. Cameras behind one switch must not come at once."""
    most = min(MAX_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(attempt - 1, 16))
    return most * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
