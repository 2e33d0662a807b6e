"""The calibration of one camera inside its worker: made when it is first asked for, fed only while somebody uses it.

A camera that nobody calibrates pays for one comparison a frame; nothing of the calibration is imported for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

import structlog

from edge.detectors.interface import Frame
from edge.detectors.registry import FrameNeeds
from edge.sources.opening import MAIN
from edge.streams.opened import OpenedCamera
from edge.view import CallError

IDLE_SECONDS = 120.0
"""Nobody has asked for so long: the page was closed. It asks every few seconds while it is open."""
LEARN_NEEDS = FrameNeeds(fps=8, min_height=100_000)
"""What learning wants, whatever the camera's detectors would do with: a flashing lamp needs 4 pictures a second and
LED flicker a few more; lamps are smallest in the sub stream, so it must be the largest there is."""

log = structlog.get_logger("camera")


class CalibrationSession(Protocol):
    """What a calibration is to its camera."""

    @property
    def learning(self) -> bool:
        """Whether it watches now."""

    def take(self, frame: Frame) -> None:
        """One picture, in the order of their media time."""

    def call(self, arguments: Mapping[str, Any]) -> Any:
        """Answers in JSON types, from any thread.

        Raises:
            ValueError: the arguments make no sense, with a reason for people.
        """


def signal_session(source_id: str) -> CalibrationSession:
    """The calibration of traffic signals."""
    from edge.calibrate.signals.session import SignalSession

    return SignalSession(source_id)


class CalibrationDesk:
    """Holds a camera's session through every loss of its stream, and says what it needs of the stream.

    `latest` gives the camera's latest picture, if there is one: a session that is new need not wait for the next.
    """

    def __init__(
        self,
        source_id: str,
        latest: Callable[[], Frame | None],
        open_session: Callable[[str], CalibrationSession] = signal_session,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source_id = source_id
        self._latest = latest
        self._open_session = open_session
        self._clock = clock
        self._lock = threading.Lock()
        self._session: CalibrationSession | None = None
        self._asked_at = 0.0
        self._shift_seconds = 0.0
        self._taken: tuple[float, datetime] | None = None
        self._stream: OpenedCamera | None = None

    def follow(self, opened: OpenedCamera) -> None:
        """The camera was opened: frames are of this stream from now on."""
        self._stream = opened

    def call(self, arguments: Mapping[str, Any]) -> Any:
        """Asks the session; the first call makes it. From any thread.

        Raises:
            CallError: the session refuses, with its reason.
        """
        with self._lock:
            session = self._session or self._opened()
            self._asked_at = self._clock()
            self._session = session
        stream = self._stream
        if self._taken is None and stream is not None and stream.role != MAIN and stream.missing:
            raise CallError(f"{self._source_id}: it is calibrated on its main stream, which is away: {stream.missing}")
        try:
            return session.call(arguments)
        except ValueError as error:
            raise CallError(str(error)) from error

    def needs(self) -> Sequence[FrameNeeds]:
        """What it wants of the stream beside the camera's detectors."""
        return (LEARN_NEEDS,) if self._is_wanted() else ()

    def reason_to_reopen(self, opened: OpenedCamera) -> str:
        """Why the camera should be opened anew, for a calibration or after it; empty: it should not."""
        if not self._is_wanted():
            return "the calibration is over: the sub stream will do again" if opened.lent else ""
        smaller = opened.size.height < opened.main_size.height
        return "calibrated on its main stream" if smaller and not opened.missing else ""

    def take(self, frame: Frame) -> None:
        """Hands the frame on, if it is wanted and of the main stream, whose pixels the settings are written in. Media
        time goes on where it was when the stream was lost.
        """
        session = self._session
        if session is None or not self._is_wanted() or not self._shows_main:
            return
        if self._taken is not None and frame.media_time + self._shift_seconds <= self._taken[0]:
            away = (frame.wall_time - self._taken[1]).total_seconds()
            # A clock that was set back meanwhile says nothing: a second is then as good as any.
            self._shift_seconds = self._taken[0] + (away if away > 0 else 1.0) - frame.media_time
        media_time = frame.media_time + self._shift_seconds
        self._taken = (media_time, frame.wall_time)
        try:
            session.take(replace(frame, media_time=media_time))
        except Exception:
            # A calibration must never cost the camera its watch: it is given up, and the next call begins anew.
            log.exception("the calibration broke, it is given up", source=self._source_id)
            self._session = None

    @property
    def _shows_main(self) -> bool:
        return self._stream is None or self._stream.role == MAIN

    def _opened(self) -> CalibrationSession:
        session = self._open_session(self._source_id)
        frame = self._latest() if self._shows_main else None
        if frame is not None:
            self._taken = (frame.media_time, frame.wall_time)
            session.take(frame)  # nobody else has the session yet
        return session

    def _is_wanted(self) -> bool:
        session = self._session
        if session is None:
            return False
        return session.learning or self._clock() - self._asked_at < IDLE_SECONDS
