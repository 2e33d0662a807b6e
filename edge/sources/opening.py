"""From settings to an opened video source."""

from __future__ import annotations

from edge.config.inputs import FileInput, RtspInput
from edge.sources.file import FileSource
from edge.sources.rtsp import RtspSource
from edge.sources.video import VideoSource


def open_video(settings: FileInput | RtspInput, *, decode_threads: int = 1) -> VideoSource:
    """Opens a file or a camera; the caller closes it.

    Raises:
        SourceError: it is missing, refused, broken, or has no video stream.
    """
    if settings.type == "file":
        return FileSource(
            settings.path,
            realtime=settings.pace == "realtime",
            loop=settings.loop,
            decode_threads=decode_threads,
        )
    return RtspSource(
        settings.url,
        transport=settings.transport,
        open_timeout_seconds=settings.open_timeout_seconds,
        read_timeout_seconds=settings.read_timeout_seconds,
        decode_threads=decode_threads,
    )
