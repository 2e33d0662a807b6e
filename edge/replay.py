"""`replay`: the same pipeline over recordings, as fast as the machine can, with the same result every time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from contract.base import Identifier
from contract.events import Clock
from contract.ids import DeterministicIds
from edge.assembly import camera_detectors, picture_problems, tracker_for, writer_for
from edge.config.document import EdgeConfig
from edge.config.inputs import FileInput
from edge.config.problems import field_name, suggestion
from edge.config.sources import ANY_CLIP, CameraSource, config_sha256, location_of
from edge.detectors.interface import GroundPort
from edge.detectors.registry import CameraContext, PictureSize
from edge.evaluate.stats import ClipStats, write_stats
from edge.evidence.camera import CameraEvidence, Inline
from edge.evidence.redaction import StillBlur
from edge.evidence.store import EvidenceStore
from edge.ground import ground_of
from edge.inference.errors import ModelError
from edge.inference.port import ReplayModels, ReplayPorts
from edge.outbox.sink import JsonlSink, Sink
from edge.pipeline import CameraPipeline, LivePart
from edge.sources.errors import SourceError
from edge.sources.opening import open_video
from edge.sources.video import VideoSource
from edge.streams.camera import CameraStream
from edge.witnesses import ReplayedWitnesses

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""The wall clock of a recording that does not say when it was made: fixed, so that a replay repeats itself."""

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".avi", ".ts", ".mts", ".webm", ".flv", ".mpg", ".mpeg"})

_IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)


class ReplayError(Exception):
    """A clip cannot be replayed, with the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class ClipResult:
    """What became of one clip. `problem` is None if all went well."""

    path: Path
    frames: int
    media_seconds: float
    problem: str | None
    stats: ClipStats


class Progress:
    """Hears how far a replay is; the base says nothing."""

    def clip_begins(self, path: Path, number: int, total: int) -> None:
        """The next clip is opened."""

    def frame(self, media_time: float) -> None:
        """A frame was taken in; media time in seconds."""


def clips_in(path: Path) -> Sequence[Path]:
    """The video files of a folder by name, or the file itself.

    Raises:
        ReplayError: there is nothing to replay.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ReplayError(f"{path}: no such file or folder")
    clips = sorted(clip for clip in path.iterdir() if clip.is_file() and clip.suffix.lower() in VIDEO_SUFFIXES)
    if not clips:
        raise ReplayError(f"{path}: found no video in this folder, expected files such as *.mp4")
    stems = [clip.stem for clip in clips]
    for clip in clips:
        if stems.count(clip.stem) > 1:
            raise ReplayError(
                f"{path}: found several clips called {clip.stem}, expected each name once: it is the source"
            )
    return clips


def replay(
    clips: Sequence[Path], config: EdgeConfig, out: Path, evidence: Path | None, progress: Progress
) -> Sequence[ClipResult]:
    """Replays clips in order into one file of events, one a line. A clip that fails does not stop the others.

    What it took is written beside the events (`edge.evaluate.stats`).
    """
    results = []
    with JsonlSink(out) as sink:
        store = None if evidence is None else EvidenceStore(evidence)
        models = ReplayModels(config.inference) if config.inference.models else None
        witnesses = ReplayedWitnesses()
        for number, clip in enumerate(clips, start=1):
            progress.clip_begins(clip, number, len(clips))
            results.append(_replay_clip(clip, config, sink, store, models, witnesses, progress))
    write_stats(out, [result.stats for result in results])
    return results


def _replay_clip(
    clip: Path,
    config: EdgeConfig,
    sink: Sink,
    store: EvidenceStore | None,
    models: ReplayModels | None,
    witnesses: ReplayedWitnesses,
    progress: Progress,
) -> ClipResult:
    frames = 0
    media_seconds = 0.0
    problem: str | None = None
    pipeline: CameraPipeline | None = None
    cpu_began = time.process_time()
    try:
        settings = _settings_for(clip, config)
        ports = None if models is None else models.ports()
        source = open_video(FileInput(type="file", path=clip, pace="fastest"))
        try:
            stream, pipeline = _pipeline_for(clip, source, settings, config, sink, store, ports, witnesses)
            try:
                for frame in stream.frames():
                    frames += 1
                    media_seconds = frame.media_time
                    pipeline.take(frame)
                    if ports is not None and ports.fault is not None:
                        raise ports.fault
                    for fault in pipeline.meter.broken_detectors:
                        raise ReplayError(f"{clip}: a detector broke at {media_seconds:.2f} s: {fault}")
                    progress.frame(media_seconds)
            finally:
                # Also after a fault half-way: what was seen until then is said.
                pipeline.finish(clear_all=True)
        finally:
            source.close()
    except (SourceError, ReplayError, ModelError) as error:
        problem = str(error)
    stats = ClipStats(
        clip=clip.stem,
        frames=frames,
        frames_judged=0 if pipeline is None else pipeline.meter.frames_judged,
        media_seconds=media_seconds,
        unknown_seconds=0.0 if pipeline is None else round(pipeline.unknown_seconds, 3),
        cpu_seconds=round(time.process_time() - cpu_began, 3),
    )
    return ClipResult(clip, frames, media_seconds, problem, stats)


def _settings_for(clip: Path, config: EdgeConfig) -> CameraSource:
    try:
        _IDENTIFIER.validate_python(clip.stem)
    except ValidationError as error:
        raise ReplayError(f"{clip}: its name cannot be a source's id (1-128 characters): rename it") from error
    settings = config.source_for_clip(clip.stem)
    if settings is None:
        near = suggestion(clip.stem, config.sources)
        raise ReplayError(
            f"{clip}: no settings for source {clip.stem!r}; add sources.{clip.stem} (or {ANY_CLIP!r}) to the "
            f"configuration{near}"
        )
    if not isinstance(settings, CameraSource):
        raise ReplayError(f"{clip}: source {clip.stem!r} is a {settings.kind}, expected a camera")
    if not settings.detectors:
        raise ReplayError(f"{clip}: source {clip.stem!r} has no detectors; add sources.{clip.stem}.detectors")
    return settings


def _pipeline_for(
    clip: Path,
    source: VideoSource,
    settings: CameraSource,
    config: EdgeConfig,
    sink: Sink,
    store: EvidenceStore | None,
    ports: ReplayPorts | None,
    witnesses: ReplayedWitnesses,
) -> tuple[CameraStream, CameraPipeline]:
    size = PictureSize(source.width, source.height)
    problems = picture_problems(settings, size)
    if problems:
        said = "; ".join(f"{field_name(('sources', clip.stem, *fault.path))}: {fault.message}" for fault in problems)
        raise ReplayError(f"{clip}: the settings do not fit pictures of {size.width} × {size.height}: {said}")
    location = location_of(settings)
    if location is None:
        place = "location: {lon: …, lat: …, accuracy_m: …}"
        raise ReplayError(f"{clip}: the source has no position; add {place} to sources.{clip.stem}")
    digest = config_sha256(settings, config.evidence)
    clock = Clock(synced=settings.recorded_at is not None)
    writer = writer_for(
        config.device.id,
        clip.stem,
        settings,
        config.evidence,
        location,
        new_id=DeterministicIds(f"{clip.stem}\x00{digest}"),
        clock=lambda: clock,
        clip=clip.stem,
    )
    stream = CameraStream(
        clip.stem,
        source,
        wall_start=EPOCH if settings.recorded_at is None else settings.recorded_at.astimezone(UTC),
        history_seconds=config.evidence.ring_seconds,
        history_bytes=config.evidence.ring_bytes,
    )
    made = None
    if store is not None:
        blur = None
        if config.evidence.blur is not None and ports is not None:
            blur = StillBlur(config.evidence.blur, ports.new())
        made = CameraEvidence(store, config.evidence, Inline(), stream.ring, blur)
    # A clip of unknown time is nobody's witness.
    dated = settings.recorded_at is not None
    heard = witnesses.of(clip.stem, location) if dated else None
    ground = ground_of(settings.ground, size, size) if settings.telemetry is None else _flown_over(clip, settings, size)
    context = CameraContext(clip.stem, size, witnesses=heard, ground=ground, moves=settings.telemetry is not None)
    pipeline = CameraPipeline(
        camera_detectors(settings, context, None if ports is None else ports.new),
        tracker_for(settings, writer),
        writer,
        made,
        sink,
        LivePart(tell=witnesses.tell if dated else None),
    )
    return stream, pipeline


def _flown_over(clip: Path, settings: CameraSource, size: PictureSize) -> GroundPort | None:
    from edge.flights.ground import GroundError
    from edge.flights.live.following import recorded_ground
    from edge.flights.telemetry import TelemetryError

    try:
        return recorded_ground(settings, clip, size)
    except (GroundError, TelemetryError) as error:
        raise ReplayError(f"{clip}: what it shows cannot be placed: {error}") from error
