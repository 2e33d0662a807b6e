"""Where a source's pictures and readings come from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from contract.base import Label
from edge.config.base import ConfigPath, Seconds, Settings
from edge.config.problems import found_text

_RTSP = ("rtsp", "rtsps")
_HTTP = ("http", "https")
_RTMP = ("rtmp", "rtmps")


def _url_of(value: str, schemes: tuple[str, ...], example: str) -> str:
    # The address is part of no message that pydantic makes: found_text hides what may be a password.
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"found {found_text(value)}, expected a URL such as {example}") from error
    if parts.scheme not in schemes or not host:
        raise ValueError(f"found {found_text(value)}, expected a URL such as {example}")
    return value


def _is_rtsp_url(value: str) -> str:
    return _url_of(value, _RTSP, "rtsp://192.168.1.20/stream1")


def _is_http_url(value: str) -> str:
    return _url_of(value, _HTTP, "http://192.168.1.20/video.mjpg")


def _is_rtmp_url(value: str) -> str:
    return _url_of(value, _RTMP, "rtmp://192.168.1.20/live/drone-1")


RtspUrl = Annotated[str, AfterValidator(_is_rtsp_url), Field(max_length=4096)]
HttpUrl = Annotated[str, AfterValidator(_is_http_url), Field(max_length=4096)]
RtmpUrl = Annotated[str, AfterValidator(_is_rtmp_url), Field(max_length=4096)]


class Hardware(StrEnum):
    """Who decodes. `auto`: the first accelerator that this machine really has, else the processor."""

    AUTO = "auto"
    NONE = "none"
    VAAPI = "vaapi"
    QSV = "qsv"
    CUDA = "cuda"
    DRM = "drm"
    AMF = "amf"
    VULKAN = "vulkan"
    VIDEOTOOLBOX = "videotoolbox"


class _Decoded(Settings):
    """What everything that is decoded has in common."""

    hardware: Hardware = Hardware.AUTO
    """An accelerator that is absent or fails costs nothing but speed: the processor decodes, and the meter says so."""


class _Network(_Decoded):
    """What every camera behind a network has in common."""

    username: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Instead of a name in the URL: needs no percent-encoding."""
    password_file: ConfigPath | None = None
    """A file of one line; read anew whenever the camera is opened, so that a new password needs no restart."""
    open_timeout_seconds: Seconds = 10
    read_timeout_seconds: Seconds = 10
    """A frozen server is noticed after up to twice this time."""

    @model_validator(mode="after")
    def _password_needs_a_name(self) -> _Network:
        if self.password_file is not None and self.username is None:
            raise ValueError("found a password_file without username, expected both")
        return self


def _without_user_info(username: str | None, urls: tuple[str, ...]) -> None:
    if username is not None and any(urlsplit(url).username is not None for url in urls):
        raise ValueError("found a username beside a url that holds one, expected it in one place only")


class FileInput(_Decoded):
    """A recording, played once or for ever."""

    type: Literal["file"]
    path: ConfigPath
    pace: Literal["realtime", "fastest"] = "realtime"
    loop: bool = False
    hardware: Hardware = Hardware.NONE
    """Decoders round differently: `replay` and its figures are repeatable only on the processor."""


class RtspStreams(Settings):
    """The streams of one camera: `main` in full quality, for evidence; `sub` small, for detectors that need no more."""

    main: Annotated[RtspUrl, Field(repr=False)]
    sub: Annotated[RtspUrl, Field(repr=False)]


class RtspInput(_Network):
    """A live stream, or the two of one camera."""

    type: Literal["rtsp"]
    url: Annotated[RtspUrl | None, Field(repr=False)] = None
    """May hold a name and password: never logged as it is."""
    streams: RtspStreams | None = None
    transport: Literal["tcp", "udp"] = "tcp"

    @model_validator(mode="after")
    def _one_address(self) -> RtspInput:
        if (self.url is None) == (self.streams is None):
            found = "both" if self.url is not None else "neither"
            raise ValueError(f"found {found} of url and streams, expected one: url, or streams: {{main: …, sub: …}}")
        _without_user_info(self.username, self.urls)
        return self

    @property
    def urls(self) -> tuple[str, ...]:
        """The address of the main stream, and of the sub stream if there is one."""
        if self.streams is not None:
            return (self.streams.main, self.streams.sub)
        assert self.url is not None, "validated: one of both"
        return (self.url,)


class HttpInput(_Network):
    """An endless video behind an HTTP address: MJPEG, MPEG-TS, FLV. Recordings are downloaded and are a `file`."""

    type: Literal["http"]
    url: Annotated[HttpUrl, Field(repr=False)]

    @model_validator(mode="after")
    def _one_user(self) -> HttpInput:
        _without_user_info(self.username, (self.url,))
        return self


class HlsInput(_Network):
    """A live playlist (`.m3u8`), from its newest segment on."""

    type: Literal["hls"]
    url: Annotated[HttpUrl, Field(repr=False)]
    read_timeout_seconds: Seconds = 30
    """Above the length of a segment (2-10 s as a rule): between two of them nothing comes."""

    @model_validator(mode="after")
    def _one_user(self) -> HlsInput:
        _without_user_info(self.username, (self.url,))
        return self


class RtmpInput(_Network):
    """A live stream of an RTMP server: what drones' remote controls push there is fetched from it."""

    type: Literal["rtmp"]
    url: Annotated[RtmpUrl, Field(repr=False)]
    """Its path may hold a stream key: never logged as it is."""

    @model_validator(mode="after")
    def _one_user(self) -> RtmpInput:
        _without_user_info(self.username, (self.url,))
        return self


class V4l2Input(_Decoded):
    """A camera plugged into this machine (Video4Linux)."""

    type: Literal["v4l2"]
    device: Annotated[Path, Field()] = Path("/dev/video0")
    """Use `/dev/v4l/by-id/…`: numbers change when something else is plugged in."""
    size: tuple[Annotated[int, Field(ge=16, le=16384)], Annotated[int, Field(ge=16, le=16384)]] | None = None
    """[width, height]; the device's own choice without."""
    fps: Annotated[float, Field(gt=0, le=240)] | None = None
    pixel_format: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,16}$")] | None = None
    """As `v4l2-ctl --list-formats-ext` and libav name it: `mjpeg`, `yuyv422`, `h264`."""
    open_timeout_seconds: Seconds = 10
    read_timeout_seconds: Seconds = 10


class ImagesInput(Settings):
    """Stills in a folder: a survey, a camera that uploads a picture now and then."""

    type: Literal["images"]
    path: ConfigPath
    """A folder, or a pattern such as `/srv/ftp/gate-3/*.jpg`."""
    order: Literal["name", "taken"] = "name"
    """`taken`: by EXIF, by the file's time where that is missing."""
    times: Literal["fps", "name", "taken"] = "fps"
    """How pictures get their time: so many a second, digits in their name (`…20261121_081500…`), or as `order`."""
    fps: Annotated[float, Field(gt=0, le=240)] = 1
    pace: Literal["realtime", "fastest"] = "realtime"
    loop: bool = False
    watch: bool = False
    """Waits for new files for ever, beginning with the newest that is there. They are stamped with their arrival."""
    open_timeout_seconds: Seconds = 60
    read_timeout_seconds: Seconds = 300
    """With `watch`: no new picture for this long is a fault."""

    @model_validator(mode="after")
    def _once_looped_or_watched(self) -> ImagesInput:
        if self.loop and self.watch:
            raise ValueError("found loop and watch, expected one of them")
        return self


class ChannelSettings(Settings):
    """Where one value lies in a message."""

    path: Annotated[str, Field(min_length=1, max_length=256)]
    """Keys and list positions joined by dots: `data.level_m`, `values.0.v`."""
    unit: Label
    valid_range: tuple[float, float] | None = None
    """[lowest, highest] that the sensor can measure; others are faults of the sensor, not readings."""

    @model_validator(mode="after")
    def _range_is_ordered(self) -> ChannelSettings:
        if self.valid_range is not None and self.valid_range[0] >= self.valid_range[1]:
            raise ValueError(f"found valid_range {list(self.valid_range)}, expected [lowest, highest]")
        return self


def _is_topic_filter(value: str) -> str:
    levels = value.split("/")
    misplaced = any(("+" in level or "#" in level) and len(level) > 1 for level in levels) or "#" in levels[:-1]
    if misplaced or "\x00" in value:
        raise ValueError(f"found {found_text(value)}, expected a topic filter: + or # alone in a level, # at the end")
    return value


TopicFilter = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_is_topic_filter)]


class MqttInput(Settings):
    """Messages in JSON on a topic of the configured broker."""

    type: Literal["mqtt"]
    topic: TopicFilter
    time_path: str | None = None
    """Where the time of a reading lies: RFC 3339 text or Unix seconds or milliseconds. Absent: time of arrival."""
    channels: Annotated[dict[str, ChannelSettings], Field(min_length=1)]
    max_skew_seconds: Annotated[float, Field(gt=0, le=86_400 * 30)] = 300
    """A time further ahead of now is a fault of the sensor's clock (detectors.md §5: ± 5 min)."""
    max_late_seconds: Annotated[float, Field(gt=0, le=86_400 * 30)] = 7 * 86_400
    """Older readings are a fault. Younger ones are what a broker kept while this box or the network was away."""


CameraInput = FileInput | RtspInput | HttpInput | HlsInput | RtmpInput | V4l2Input | ImagesInput
"""Where pictures may come from; `type` says which."""


def is_remote(settings: CameraInput) -> bool:
    """Whether it is reached through a network."""
    return isinstance(settings, _Network)


def patience_seconds(settings: CameraInput) -> float:
    """How long opening and reading may block a thread by themselves: after that it is stuck, not waiting."""
    if isinstance(settings, FileInput | ImagesInput):
        return 0.0  # a disk answers, and a watched folder is looked at each half second
    streams = len(settings.urls) if isinstance(settings, RtspInput) else 1
    # A frozen server is noticed after up to twice the read timeout.
    return streams * settings.open_timeout_seconds + 2 * settings.read_timeout_seconds


def is_live(settings: CameraInput) -> bool:
    """Whether its end is a fault."""
    if isinstance(settings, ImagesInput):
        return settings.watch
    return not isinstance(settings, FileInput)
