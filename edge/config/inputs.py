"""Where a source's pictures and readings come from."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from contract.base import Label
from edge.config.base import ConfigPath, Seconds, Settings
from edge.config.problems import found_text


def _is_rtsp_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"rtsp", "rtsps"} or not parts.hostname:
        raise ValueError(f"found {found_text(value)}, expected a URL such as rtsp://192.168.1.20/stream1")
    return value


class FileInput(Settings):
    """A recording, played once or for ever."""

    type: Literal["file"]
    path: ConfigPath
    pace: Literal["realtime", "fastest"] = "realtime"
    loop: bool = False


class RtspInput(Settings):
    """A live stream."""

    type: Literal["rtsp"]
    url: Annotated[str, AfterValidator(_is_rtsp_url), Field(repr=False)]
    """May hold a name and password: never logged as it is."""
    transport: Literal["tcp", "udp"] = "tcp"
    open_timeout_seconds: Seconds = 10
    read_timeout_seconds: Seconds = 10
    """A frozen server is noticed after up to twice this time."""


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


class MqttInput(Settings):
    """Messages in JSON on a topic of the configured broker."""

    type: Literal["mqtt"]
    topic: Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_is_topic_filter)]
    time_path: str | None = None
    """Where the time of a reading lies: RFC 3339 text or Unix seconds or milliseconds. Absent: time of arrival."""
    channels: Annotated[dict[str, ChannelSettings], Field(min_length=1)]
    max_skew_seconds: Annotated[float, Field(gt=0, le=86_400 * 30)] = 300
    """A time further ahead of now is a fault of the sensor's clock (detectors.md §5: ± 5 min)."""
    max_late_seconds: Annotated[float, Field(gt=0, le=86_400 * 30)] = 7 * 86_400
    """Older readings are a fault. Younger ones are what a broker kept while this box or the network was away."""
