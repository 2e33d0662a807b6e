"""Watches a source for a while: once for proposals, once to learn. A recording is played as fast as it can be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge.calibrate.signals.history import LampHistory
from edge.calibrate.signals.looks import boxes_in, load_proposer
from edge.calibrate.signals.proposing import BoxFound, Proposal, propose
from edge.calibrate.signals.session import HISTORY_SECONDS, Learning
from edge.config.inputs import CameraInput, FileInput
from edge.detectors.interface import Frame, Image
from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal.settings import TrafficSignalSettings
from edge.sources.errors import SourceError
from edge.sources.opening import open_video
from edge.sources.video import VideoSource
from edge.streams.camera import CameraStream

RECORDED = datetime(2000, 1, 1, tzinfo=UTC)
"""The wall clock of a recording that does not say when it was made, as in `replay`."""
REOPEN_TRIES = 5
"""A live stream that is lost is opened again; learning goes on where it was."""

Progress = Callable[[float], None]
"""Told how many seconds were watched."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a first look gave."""

    still: Image
    """(height, width, 3) BGR: the first picture, in whose pixels the heads are."""
    seconds: float
    pictures: int
    proposal: Proposal


class Watch:
    """One source, opened anew for each look. A live one is watched by the clock, a recording as fast as it decodes."""

    def __init__(self, source_id: str, settings: CameraInput, recorded_at: datetime | None = None) -> None:
        if isinstance(settings, FileInput):
            settings = settings.model_copy(update={"pace": "fastest", "loop": False})
        self.source_id = source_id
        self._input = settings
        self._recorded_at = recorded_at
        self._stopped = threading.Event()
        self._open: VideoSource | None = None

    @property
    def stopped(self) -> bool:
        """Whether somebody ended it before its time; what was seen until then counts."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Makes the present look end soon, and the next ones at once; from any thread or signal."""
        self._stopped.set()
        source = self._open
        if source is not None:
            source.stop()

    def look(self, seconds: float, progress: Progress) -> Watched:
        """Proposes heads from what is seen within `seconds`.

        Raises:
            SourceError: the source cannot be opened, or gives no picture.
        """
        history = LampHistory()
        still: Image | None = None
        last = float("-inf")
        pictures = 0
        for at, frame in self._frames(seconds):
            progress(at)
            if at - last < HISTORY_SECONDS:
                continue
            last = at
            picture = frame.read_bgr()
            views = history.views
            pictures += history.add(picture) is not None
            if still is None or history.views != views:
                still = picture
        if still is None:
            raise SourceError(f"{self.source_id}: no picture came before it was interrupted")
        notes: list[str] = []
        proposer = load_proposer(notes)
        boxes: list[BoxFound] = [] if proposer is None else boxes_in(proposer, still, history)
        proposal = propose(history.heads(), boxes, history.displays(), size=PictureSize(still.shape[1], still.shape[0]))
        proposal = Proposal(proposal.heads, (*notes, *proposal.notes))
        return Watched(still, max(last, 0.0), pictures, proposal)

    def still(self) -> Image:
        """The first picture, (height, width, 3) BGR.

        Raises:
            SourceError: the source cannot be opened, or gives none.
        """
        for _, frame in self._frames(1.0):
            return frame.read_bgr()
        raise SourceError(f"{self.source_id}: no picture came")

    def learn(self, settings: TrafficSignalSettings, seconds: float, progress: Progress) -> Learning:
        """Watches the heads for `seconds`.

        Raises:
            SourceError: the source cannot be opened, or its pictures do not fit the settings.
        """
        learning = Learning(settings)
        for at, frame in self._frames(seconds):
            progress(at)
            problem = learning.take(frame)
            if problem:
                raise SourceError(f"{self.source_id}: {problem}")
        return learning

    def _frames(self, seconds: float) -> Iterator[tuple[float, Frame]]:
        """Frames with the time since the first one; ends after `seconds`, with the recording, or by `stop`."""
        began: datetime | None = None
        lost = 0
        while not self._stopped.is_set():
            source = self._open = open_video(self._input)
            live = source.live
            wall_start = None if live else self._recorded_at or RECORDED
            try:
                stream = CameraStream(self.source_id, source, wall_start=wall_start, history_seconds=1.0)
                for frame in stream.frames():
                    began = began or frame.wall_time
                    at = (frame.wall_time - began) / timedelta(seconds=1)
                    if at > seconds or self._stopped.is_set():
                        return
                    lost = 0
                    yield at, frame
            except SourceError:
                lost += 1
                if self._stopped.is_set():
                    return
                if not live or began is None or lost > REOPEN_TRIES:
                    raise
            finally:
                self._open = None
                source.close()
            if not live:
                return
