"""Clips that no browser would play as they are, encoded once more as H.264: bounded in size, frames and time."""

from __future__ import annotations

import io
import os
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import av
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from edge.evidence.bitstream import codec_text, layout_of
from edge.evidence.clip import MP4, Clip, ClipError, open_mp4
from edge.streams.ring import PacketCut

MAX_HEIGHT = 720
"""Enough to judge a fall by; a third of the work of 1080 lines."""
MAX_FRAMES = 1800
"""A minute at thirty frames a second: what comes behind is left out, and said."""
MAX_SECONDS = 60.0
"""Of a box's time for one clip, at the lowest priority. A minute of 720p takes a quarter of that on a free core."""
CRF = 26
"""Half the bytes of x264's default for a difference that is hard to see in surveillance video."""
_LOWEST_PRIORITY = 19
_TIME_BASE = Fraction(1, 90_000)


def transcoded(cut: PacketCut, is_over: Callable[[], bool] = lambda: False) -> Clip:
    """The cut as H.264 (8 bits, 4:2:0) in an MP4: the same bytes for the same packets, unless `is_over` ends it early.

    Raises:
        ClipError: the packets cannot be decoded.
    """
    target = io.BytesIO()
    try:
        return _encode(cut, target, is_over)
    except (FFmpegError, ValueError) as error:
        raise ClipError(f"packets of {cut.template.codec} could not be encoded as H.264: {error}") from error


class _LowestPriority(Executor):
    """One thread for jobs that everything else comes before. A daemon: a clip must not hold up the end of the program.

    On Linux a priority belongs to the thread, and only root may raise it again: hence a thread of its own.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="transcode", daemon=True).start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._jobs.put((future, partial(fn, *args, **kwargs)))
        return future

    def _run(self) -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)
        while True:
            future, work = self._jobs.get()
            try:
                future.set_result(work())
            except Exception as error:  # a future carries whatever its work raised
                future.set_exception(error)


@lru_cache(maxsize=1)
def background() -> Executor:
    """This process's one thread for transcoding, at the lowest priority: the cameras come first."""
    return _LowestPriority()


def _encode(cut: PacketCut, target: io.BytesIO, is_over: Callable[[], bool]) -> Clip:
    first, last = None, cut.packets[0].media_time
    reformatter = VideoReformatter()
    with open_mp4(target, len(cut.packets), cut.start_media_time) as output:
        stream: VideoStream | None = None
        for number, (media_time, picture) in enumerate(_pictures(cut)):
            if number >= MAX_FRAMES or is_over():
                break
            if stream is None:
                stream, first = _output_stream(output, picture), media_time
            fitted = reformatter.reformat(picture, stream.width, stream.height, "yuv420p", dst_color_range="MPEG")
            fitted.pts = round((media_time - cut.start_media_time) / _TIME_BASE)
            fitted.time_base = _TIME_BASE
            last = media_time
            for packet in stream.encode(fitted):
                output.mux(packet)
        if stream is None or first is None:
            raise ClipError(f"none of {len(cut.packets)} packets of {cut.template.codec} could be decoded")
        for packet in stream.encode(None):
            output.mux(packet)
        text = codec_text("h264", layout_of("h264", stream.codec_context.extradata).sets)
    media_type = MP4 if text is None else f'{MP4}; codecs="{text}"'
    return Clip(target.getvalue(), media_type, first, last)


def _output_stream(output: av.container.OutputContainer, picture: VideoFrame) -> VideoStream:
    scale = min(1.0, MAX_HEIGHT / picture.height)
    stream = output.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": str(CRF)})
    stream.width, stream.height = _even(picture.width * scale), _even(picture.height * scale)
    stream.pix_fmt = "yuv420p"
    stream.time_base = stream.codec_context.time_base = _TIME_BASE
    stream.gop_size = 50
    # One thread: the same bytes on every machine, and no more of the box than one core's leisure.
    stream.codec_context.thread_count = 1
    return stream


def _pictures(cut: PacketCut) -> Iterator[tuple[float, VideoFrame]]:
    """Decoded pictures from the first key frame on, with their media times; a packet that is broken is left out."""
    begin = cut.packets[0]
    with cut.template.open() as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        context.thread_count = 1
        last = -1.0
        for packet in (*cut.packets, None):
            try:
                pictures = context.decode(None if packet is None else packet.to_av(stream))
            except FFmpegError:
                continue
            for picture in pictures:
                if picture.pts is None:
                    continue
                media_time = begin.media_time + float((picture.pts - begin.pts) * begin.time_base)
                if media_time >= begin.media_time and media_time > last:
                    last = media_time
                    yield media_time, picture


def _even(length: float) -> int:
    """4:2:0 halves the colours both ways."""
    return max(2, round(length / 2) * 2)
