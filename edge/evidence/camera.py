"""Evidence of a camera's episodes: what detectors show at once, pictures soon after they open, the clip in its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import structlog

from contract.evidence import Evidence, EvidenceKind
from edge.config.evidence import EvidenceSettings
from edge.detectors.interface import Exhibit, Frame, Image, Mark, Observation
from edge.episodes.episode import Episode
from edge.evidence.clip import Clip, ClipError, plays_in_browsers, remuxed
from edge.evidence.documents import JSON_MEDIA_TYPE, track_document
from edge.evidence.exhibits import MAX_EXHIBITS, ExhibitError, Unplaced, best_of, content_of, count_exhibits
from edge.evidence.pictures import PictureError, jpeg, with_marks
from edge.evidence.redaction import Still, StillBlur
from edge.evidence.store import EvidenceStore, NoRoomError
from edge.evidence.transcode import MAX_SECONDS, background, transcoded
from edge.sources.video import StreamTemplate
from edge.streams.ring import PacketCut, PacketRing

log = structlog.get_logger("evidence")

PAUSE_SECONDS = 0.5
"""When nothing was observed for this long, a track is taken as complete and is drawn."""
PICTURES_AFTER_SECONDS = 2.0
"""And at the latest this long after the opening: an operator waits for the picture."""
CLIP_SLACK_SECONDS = 0.25
"""A clip that is due within this is made at once, so that an episode that ends now is cleared only once."""
ROOM_PATIENCE_SECONDS = 8.0
"""A full disk is freed every few seconds; a file waits for that, and is then reported as lost."""
ROOM_RETRY_SECONDS = 0.5


class Inline(Executor):
    """Does the work at once, in the caller's thread: for `replay`, where order must not depend on luck."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # a future carries whatever its work raised
            future.set_exception(error)
        return future


@dataclass(slots=True)
class _Pending:
    """What an episode still needs. Media times in seconds."""

    episode: Episode
    picture: Image | None
    picture_taken_at: datetime
    opened: float
    observed: float
    marks: tuple[Mark, ...]
    """The latest, of the whole track."""
    shown: tuple[Mark, ...] = ()
    """Of the picture itself: where things were when it was taken."""
    clip_wanted: bool = True


@dataclass(frozen=True, slots=True)
class _Job:
    """Something that is being made for an episode; `exhibits` of it count against what an episode may list."""

    owner: str
    made: Future[tuple[Evidence, ...]]
    exhibits: int = 0


class CameraEvidence:
    """Makes evidence for the episodes of one stream; used by the stream's own thread.

    The work is done by `executor`; `finished` hands the results back, so that episodes stay in one thread.
    """

    def __init__(
        self,
        store: EvidenceStore,
        settings: EvidenceSettings,
        executor: Executor,
        ring: PacketRing,
        blur: StillBlur | None = None,
    ) -> None:
        """`blur` is used by the executor alone; None: stills are as they were taken."""
        self._store = store
        self._settings = settings
        self._executor = executor
        self._ring = ring
        self._blur = blur
        self._pending: dict[str, _Pending] = {}
        self._jobs: list[_Job] = []
        self._unplaced = Unplaced()
        self._judged: tuple[StreamTemplate, bool] | None = None
        """Whether browsers play packets of this template as they are."""

    def opened(self, episode: Episode, observation: Observation, frame: Frame) -> None:
        """Keeps a copy of the frame: it is gone with the next one."""
        self._pending[episode.episode_id] = _Pending(
            episode=episode,
            picture=frame.read_bgr(),
            picture_taken_at=frame.wall_time,
            opened=frame.media_time,
            observed=observation.media_time,
            marks=observation.marks,
            shown=observation.marks,
        )
        self._make_exhibits(episode, observation)

    def without_episode(self, observation: Observation, *, inhibited: bool) -> None:
        """Keeps what an observation shows that belongs to no episode yet: it was inhibited, or must dwell."""
        if observation.active or inhibited:
            self._unplaced.keep(observation)
        else:
            self._unplaced.take(observation)

    def observed(self, episode: Episode, observation: Observation) -> None:
        """Makes what the observation shows, and follows the episode while its pictures and clip are not made."""
        self._make_exhibits(episode, observation)
        pending = self._pending.get(episode.episode_id)
        if pending is None:
            return
        pending.episode = episode
        pending.observed = max(pending.observed, observation.media_time)
        if pending.picture is not None and observation.marks:
            pending.marks = observation.marks

    def advance(self, media_time: float) -> None:
        """Starts what is due."""
        for pending in tuple(self._pending.values()):
            quiet = media_time - pending.observed >= PAUSE_SECONDS
            if quiet or media_time - pending.opened >= PICTURES_AFTER_SECONDS:
                self._make_pictures(pending)
            if media_time >= self._clip_end(pending):
                self._make_clip(pending, media_time)

    def make_now(self, episode_id: str, media_time: float, *, with_clip: bool) -> None:
        """Starts what an episode still needs with what is there."""
        pending = self._pending.get(episode_id)
        if pending is None:
            return
        self._make_pictures(pending)
        if with_clip or media_time >= self._clip_end(pending) - CLIP_SLACK_SECONDS:
            self._make_clip(pending, media_time)

    def awaits_clip(self, episode_id: str) -> bool:
        """Whether the episode's clip is not yet begun."""
        return episode_id in self._pending

    def is_at_work(self, episode_id: str) -> bool:
        """Whether something for the episode is being made."""
        return any(job.owner == episode_id for job in self._jobs)

    def finished(self) -> Sequence[tuple[str, tuple[Evidence, ...]]]:
        """What was made since the last call: episode ids and descriptors. Failures are logged and give nothing."""
        # Asked once each: a job that ends between two looks must be in exactly one of the lists.
        done = [job for job in self._jobs if job.made.done()]
        self._jobs = [job for job in self._jobs if job not in done]
        return [(job.owner, self._result(job.owner, job.made)) for job in done]

    def wait(self, seconds: float) -> None:
        """Waits for everything that is being made, up to `seconds` each."""
        for job in self._jobs:
            try:
                job.made.exception(timeout=seconds)
            except TimeoutError:
                log.error("evidence took too long and is left out", episode=job.owner)

    def _make_exhibits(self, episode: Episode, observation: Observation) -> None:
        waiting = self._unplaced.take(observation) if episode.canary is None else ()
        exhibits = (*waiting, *observation.exhibits)
        if not exhibits:
            return
        begun = sum(job.exhibits for job in self._jobs if job.owner == episode.episode_id)
        room = MAX_EXHIBITS - count_exhibits(episode.evidence) - begun
        shown = best_of(exhibits, room)
        if len(shown) < len(exhibits):
            log.error("an episode shows too much, the rest is left out", episode=episode.episode_id, shown=len(shown))
        if shown:
            self._submit(episode, self._exhibits_of, episode, shown, exhibits=len(shown))

    def _make_pictures(self, pending: _Pending) -> None:
        picture, pending.picture = pending.picture, None
        if picture is not None:
            self._submit(pending.episode, self._pictures_of, replace(pending), picture)

    def _make_clip(self, pending: _Pending, media_time: float) -> None:
        self._make_pictures(pending)
        del self._pending[pending.episode.episode_id]
        if self._blur is not None and not self._blur.keeps_clips:
            return
        start = pending.episode.start_seconds - self._settings.clip_before_seconds
        end = min(self._clip_end(pending), media_time)
        # Cut here, where the ring is ours, and written elsewhere: a cut copies no packet's bytes.
        cut = self._ring.cut(start, end)
        if cut is None:
            log.warning("no clip: its packets are gone from the ring", episode=pending.episode.episode_id)
            return
        began = cut.start_media_time - pending.episode.observed_seconds
        captured_at = pending.episode.observed_at + timedelta(seconds=began)
        asked = (start, self._clip_end(pending))
        try:
            plays = self._plays(cut)
        except ClipError as error:
            log.error("no clip can be made of this stream", episode=pending.episode.episode_id, reason=str(error))
            return
        if plays:
            self._submit(pending.episode, self._clip_of, cut, captured_at, asked)
        else:
            slow = self._executor if self._is_inline else background()
            self._submit(pending.episode, self._transcoded_clip_of, cut, captured_at, asked, executor=slow)

    def _clip_end(self, pending: _Pending) -> float:
        limit = pending.episode.start_seconds - self._settings.clip_before_seconds + self._settings.clip_limit_seconds
        return min(pending.observed + self._settings.clip_after_seconds, limit)

    def _plays(self, cut: PacketCut) -> bool:
        if self._judged is None or self._judged[0] is not cut.template:
            self._judged = (cut.template, plays_in_browsers(cut, self._settings.hevc_clips))
        return self._judged[1]

    @property
    def _is_inline(self) -> bool:
        """In `replay` nothing may depend on how quick the machine is."""
        return isinstance(self._executor, Inline)

    def _submit(
        self,
        episode: Episode,
        work: Callable[..., tuple[Evidence, ...]],
        *arguments: Any,
        executor: Executor | None = None,
        exhibits: int = 0,
    ) -> None:
        made = (executor or self._executor).submit(work, *arguments)
        self._jobs.append(_Job(episode.episode_id, made, exhibits))

    def _exhibits_of(self, episode: Episode, exhibits: Sequence[Exhibit]) -> tuple[Evidence, ...]:
        made: dict[tuple[str, str], Evidence] = {}
        for shown in exhibits:
            still = self._still(shown.content) if isinstance(shown.content, np.ndarray) else None
            if still is None and isinstance(shown.content, np.ndarray):
                continue
            exhibit = shown if still is None else replace(shown, content=still.picture)
            redacted = still is not None and still.redacted
            try:
                content, media_type = content_of(exhibit, episode, self._settings.jpeg_quality)
            except ExhibitError as error:
                # The other ones are still worth showing.
                log.error("an exhibit could not be made", episode=episode.episode_id, reason=str(error))
                continue
            kept = self._keep(
                content, exhibit.kind, media_type, exhibit.captured_at, label=exhibit.label, redacted=redacted
            )
            made.setdefault((kept.sha256, kept.kind), kept)
        return tuple(made.values())

    def _pictures_of(self, pending: _Pending, picture: Image) -> tuple[Evidence, ...]:
        episode, taken_at, marks = pending.episode, pending.picture_taken_at, pending.marks
        quality = self._settings.jpeg_quality
        still = self._still(picture, pending.shown, episode.hazard)
        made = []
        if still is not None:
            content = jpeg(still.picture, quality)
            made = [self._keep(content, EvidenceKind.SNAPSHOT, "image/jpeg", taken_at, redacted=still.redacted)]
        if marks:
            track = track_document(episode, marks, (picture.shape[1], picture.shape[0]))
            made.append(self._keep(track, EvidenceKind.TRACK, JSON_MEDIA_TYPE, episode.started_at))
        if still is not None and marks and self._settings.burn_overlay:
            drawn = jpeg(with_marks(still.picture, marks), quality)
            made.append(self._keep(drawn, EvidenceKind.OVERLAY, "image/jpeg", taken_at, redacted=still.redacted))
        return tuple(made)

    def _still(self, picture: Image, marks: tuple[Mark, ...] = (), hazard: str = "") -> Still | None:
        """The picture as it may leave the box; None: it may not."""
        if self._blur is None or picture.ndim != 3 or not picture.size:
            return Still(picture, redacted=False)
        return self._blur.still(picture, marks, hazard)

    def _clip_of(self, cut: PacketCut, captured_at: datetime, asked: tuple[float, float]) -> tuple[Evidence, ...]:
        return (self._keep_clip(remuxed(cut), captured_at, asked),)

    def _transcoded_clip_of(
        self, cut: PacketCut, captured_at: datetime, asked: tuple[float, float]
    ) -> tuple[Evidence, ...]:
        until = float("inf") if self._is_inline else time.monotonic() + MAX_SECONDS
        return (self._keep_clip(transcoded(cut, lambda: time.monotonic() > until), captured_at, asked),)

    def _keep_clip(self, clip: Clip, captured_at: datetime, asked: tuple[float, float]) -> Evidence:
        short = clip.short_of(*asked)
        return self._keep(clip.content, EvidenceKind.CLIP, clip.media_type, captured_at, short)

    def _keep(
        self,
        content: bytes,
        kind: EvidenceKind,
        media_type: str,
        captured_at: datetime,
        short_seconds: float | None = None,
        label: str = "",
        redacted: bool = False,
    ) -> Evidence:
        """Puts a file into the store; waits a little for room on a full disk, and then describes a file that is lost:
        its event lists it, and the uplink reports that it will never come."""
        until = time.monotonic() + (0.0 if self._is_inline else ROOM_PATIENCE_SECONDS)
        while True:
            try:
                return self._store.put(
                    content, kind, media_type, captured_at, short_seconds=short_seconds, label=label, redacted=redacted
                )
            except NoRoomError as error:
                if self._is_inline:
                    raise
                if time.monotonic() >= until:
                    log.error("no room for evidence", kind=kind.value, bytes=len(content))
                    return error.evidence
                time.sleep(ROOM_RETRY_SECONDS)

    def _result(self, episode_id: str, job: Future[tuple[Evidence, ...]]) -> tuple[Evidence, ...]:
        error = job.exception()
        if error is None:
            return job.result()
        if not isinstance(error, OSError | ClipError | PictureError):
            raise error
        # An event never waits for a file: it goes on without this one.
        log.error("evidence could not be made", episode=episode_id, reason=str(error))
        return ()
