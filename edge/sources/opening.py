"""From settings to an opened video source."""

from __future__ import annotations

from edge.config.inputs import (
    CameraInput,
    FileInput,
    HlsInput,
    HttpInput,
    ImagesInput,
    RtmpInput,
    RtspInput,
    V4l2Input,
)
from edge.sources.address import password_in, with_credentials
from edge.sources.file import FileSource
from edge.sources.http import HlsSource, HttpSource
from edge.sources.images import ImagesSource
from edge.sources.rtmp import RtmpSource
from edge.sources.rtsp import RtspSource
from edge.sources.v4l2 import V4l2Source
from edge.sources.video import VideoSource

MAIN = "main"
SUB = "sub"


def roles_of(settings: CameraInput) -> tuple[str, ...]:
    """The streams that a camera has: `main`, and `sub` if there are two."""
    return (MAIN, SUB) if isinstance(settings, RtspInput) and settings.streams is not None else (MAIN,)


def open_video(
    settings: CameraInput,
    *,
    role: str = MAIN,
    decode_threads: int = 1,
    software_only: bool = False,
    with_data: bool = False,
) -> VideoSource:
    """Opens one stream of a source; the caller closes it. `software_only`: whatever `hardware` says. `with_data`: what
    a live stream holds beside its pictures is handed to `VideoSource.on_data`.

    Raises:
        SourceError: it is missing, refused, broken, or has no video stream.
    """
    if isinstance(settings, ImagesInput):
        return ImagesSource(settings)
    hardware = "none" if software_only else str(settings.hardware)
    if isinstance(settings, FileInput):
        return FileSource(
            settings.path,
            realtime=settings.pace == "realtime",
            loop=settings.loop,
            decode_threads=decode_threads,
            hardware=hardware,
        )
    if isinstance(settings, V4l2Input):
        return V4l2Source(
            settings.device,
            size=settings.size,
            fps=settings.fps,
            pixel_format=settings.pixel_format,
            open_timeout_seconds=settings.open_timeout_seconds,
            read_timeout_seconds=settings.read_timeout_seconds,
            hardware=hardware,
        )
    return _open_remote(settings, role, decode_threads, hardware, with_data=with_data)


def _open_remote(
    settings: RtspInput | HttpInput | HlsInput | RtmpInput,
    role: str,
    decode_threads: int,
    hardware: str,
    *,
    with_data: bool,
) -> VideoSource:
    plain = settings.urls[roles_of(settings).index(role)] if isinstance(settings, RtspInput) else settings.url
    url = with_credentials(plain, settings.username, password_in(settings.password_file))
    timeouts = (settings.open_timeout_seconds, settings.read_timeout_seconds)
    if isinstance(settings, RtspInput):
        return RtspSource(
            url,
            transport=settings.transport,
            open_timeout_seconds=timeouts[0],
            read_timeout_seconds=timeouts[1],
            decode_threads=decode_threads,
            hardware=hardware,
            with_data=with_data,
        )
    if isinstance(settings, RtmpInput):
        return RtmpSource(
            url,
            open_timeout_seconds=timeouts[0],
            read_timeout_seconds=timeouts[1],
            decode_threads=decode_threads,
            hardware=hardware,
        )
    kind = HttpSource if isinstance(settings, HttpInput) else HlsSource
    return kind(
        url,
        open_timeout_seconds=timeouts[0],
        read_timeout_seconds=timeouts[1],
        decode_threads=decode_threads,
        hardware=hardware,
        with_data=with_data,
    )
