"""The edge's configuration: one YAML file, checked as a whole, with every fault named by line.

Relative paths are relative to the configuration file's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from contract.base import Identifier, Label
from contract.canonical import canonical_bytes, sha256_hex
from contract.events import SourceKind
from contract.geometry import Latitude, Location, LocationMethod, Longitude, at_point
from edge.config_problems import ConfigError, ConfigProblem, field_name, found_text, problems_of, suggestion
from edge.config_text import MAX_CONFIG_BYTES, ParsedText, parse
from edge.detectors.registry import CameraDetectorKind, DetectorKind, installed_detectors

ANY_CLIP = "*"
"""The key of the settings for every clip that `replay` meets and no other key names."""


class Settings(BaseModel):
    """The base of all settings: frozen, and unknown keys are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _from_config_folder(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return path if folder is None else Path(folder) / path


ConfigPath = Annotated[Path, AfterValidator(_from_config_folder)]
"""A path; relative ones start at the configuration file's folder."""

Seconds = Annotated[float, Field(gt=0, le=86_400)]


def _is_http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"found {found_text(value)}, expected a URL such as https://centre.example:8080")
    if parts.username or parts.password:
        raise ValueError("found a name or password in the URL, expected the token in token_file alone")
    return value.rstrip("/")


def _is_rtsp_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"rtsp", "rtsps"} or not parts.hostname:
        raise ValueError(f"found {found_text(value)}, expected a URL such as rtsp://192.168.1.20/stream1")
    return value


class DeviceSettings(Settings):
    """This edge box."""

    id: Identifier
    state_dir: ConfigPath
    """Holds the outbox, the evidence that waits and the device's key. One process at a time."""


class ServerSettings(Settings):
    """Where events go."""

    url: Annotated[str, AfterValidator(_is_http_url)]
    token_file: ConfigPath
    connect_timeout_seconds: Seconds = 5
    """A server on another continent answers a handshake in < 1 s."""
    read_timeout_seconds: Seconds = 30
    """A batch is committed in milliseconds; a server that is silent for this long is retried."""


class MqttSettings(Settings):
    """The broker that sensors publish to."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65_535)] = 1883
    client_id: Annotated[str, Field(min_length=1, max_length=128)]
    """Fixed, because the broker keeps this client's unacknowledged messages under it."""
    username: str | None = None
    password_file: ConfigPath | None = None
    keepalive_seconds: Annotated[int, Field(ge=5, le=3600)] = 30


class EvidenceSettings(Settings):
    """How much is kept for an episode."""

    clip_before_seconds: Annotated[float, Field(ge=0, le=60)] = 5
    clip_after_seconds: Annotated[float, Field(ge=0, le=60)] = 5
    clip_limit_seconds: Annotated[float, Field(gt=0, le=600)] = 60
    ring_seconds: Annotated[float, Field(gt=0, le=900)] = 75
    """Clip limit + the longest usual key frame interval (10 s) + lag."""
    ring_bytes: Annotated[int, Field(ge=1_000_000)] = 64 * 1024 * 1024
    """75 s at 7 Mbit/s."""
    jpeg_quality: Annotated[int, Field(ge=30, le=100)] = 85
    keep_uploaded_hours: Annotated[float, Field(ge=0, le=24 * 365)] = 0
    """How long a file stays here after the server has it whole."""


class LocationSettings(Settings):
    """Where a source is. WGS-84."""

    lon: Longitude
    lat: Latitude
    accuracy_m: Annotated[float, Field(gt=0, le=100_000)]


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


class _SourceSettings(Settings):
    name: Label = ""
    location: LocationSettings | None = None
    """Required to `run`; `replay` needs it too."""
    detectors: dict[str, SerializeAsAny[BaseModel]] = Field(default_factory=dict)


class CameraSource(_SourceSettings):
    """A camera, or in `replay` a clip."""

    kind: Literal["camera"]
    input: Annotated[FileInput | RtspInput, Field(discriminator="type")] | None = None
    recorded_at: AwareDatetime | None = None
    """When a recording's first frame was taken; `replay` uses it as its clock."""


class SensorSource(_SourceSettings):
    """A sensor with one or more channels."""

    kind: Literal["sensor"]
    input: Annotated[MqttInput, Field()] | None = None


SourceSettings = CameraSource | SensorSource


class EdgeConfig(Settings):
    """The whole file."""

    device: DeviceSettings
    server: ServerSettings | None = None
    mqtt: MqttSettings | None = None
    evidence: EvidenceSettings = EvidenceSettings()
    sources: dict[Identifier, Annotated[SourceSettings, Field(discriminator="kind")]]

    def source_for_clip(self, stem: str) -> SourceSettings | None:
        """The settings of the clip with this name: its own, else those of `*`."""
        return self.sources.get(stem) or self.sources.get(ANY_CLIP)


def location_of(settings: SourceSettings) -> Location | None:
    """The source's position as the contract writes it."""
    place = settings.location
    if place is None:
        return None
    method = LocationMethod.CAMERA if isinstance(settings, CameraSource) else LocationMethod.SENSOR
    return at_point(place.lon, place.lat, place.accuracy_m, method)


def config_sha256(settings: SourceSettings, evidence: EvidenceSettings) -> str:
    """The hash of what shapes a source's events. Addresses and paths are left out: they may hold secrets."""
    kinds = installed_detectors()
    detectors = {
        name: {"version": kinds[name].version, "settings": value.model_dump(mode="json")}
        for name, value in settings.detectors.items()
    }
    return sha256_hex(canonical_bytes({"detectors": detectors, "evidence": evidence.model_dump(mode="json")}))


def load_config(path: Path) -> EdgeConfig:
    """Reads and checks the configuration.

    Raises:
        ConfigError: with every problem, each naming file, line, field, what was found and what was expected.
    """
    return load_config_with_lines(path)[0]


def load_config_with_lines(path: Path) -> tuple[EdgeConfig, ParsedText]:
    """As `load_config`, with the lines of the text for messages of later checks."""
    parsed = parse(_read_text(path))
    problems = [ConfigProblem(path, fault.line, field_name(fault.path), fault.message) for fault in parsed.problems]
    if parsed.value is None and not problems:
        problems.append(ConfigProblem(path, 1, "", "the file is empty, expected at least device and sources"))
    if not problems and not isinstance(parsed.value, dict):
        problems.append(ConfigProblem(path, 1, "", f"found {found_text(parsed.value)}, expected a mapping"))
    if not isinstance(parsed.value, dict):
        raise ConfigError(problems)
    value, detector_problems = _with_typed_detectors(path, parsed)
    problems += detector_problems
    config: EdgeConfig | None = None
    try:
        config = EdgeConfig.model_validate(value, context={"folder": path.parent})
    except ValidationError as error:
        problems += problems_of(error, EdgeConfig, path, parsed)
    if config is not None:
        problems += _cross_checks(config, path, parsed)
    if problems or config is None:
        raise ConfigError(problems)
    return config, parsed


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > MAX_CONFIG_BYTES:
            raise ValueError(f"found {len(content)} bytes, expected at most {MAX_CONFIG_BYTES}")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([ConfigProblem(path, 1, "", f"cannot be read: {error.strerror or error}")]) from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError([ConfigProblem(path, line, "", "found bytes that are not UTF-8, expected text")]) from error
    except ValueError as error:
        raise ConfigError([ConfigProblem(path, 1, "", str(error))]) from error


class _Unreadable(BaseModel):
    """Stands for detector settings that were faulty, so that the rest of the file is still checked."""


def _with_typed_detectors(path: Path, parsed: ParsedText) -> tuple[dict[str, Any], list[ConfigProblem]]:
    """The document with each source's detector settings replaced by their detector's own model."""
    value: dict[str, Any] = dict(parsed.value)
    problems: list[ConfigProblem] = []
    sources = value.get("sources")
    if not isinstance(sources, dict):
        return value, problems
    value["sources"] = typed_sources = dict(sources)
    for source_id, source in sources.items():
        if not isinstance(source, dict) or not isinstance(source.get("detectors"), dict):
            continue
        typed: dict[str, BaseModel] = {}
        for name, settings in source["detectors"].items():
            where = ("sources", source_id, "detectors", name)
            typed[name], found = _typed_detector(path, parsed, where, source.get("kind"), settings)
            problems += found
        typed_sources[source_id] = {**source, "detectors": typed}
    return value, problems


def _typed_detector(
    path: Path, parsed: ParsedText, where: tuple[str, ...], source_kind: Any, settings: Any
) -> tuple[BaseModel, list[ConfigProblem]]:
    kinds = {name: kind for name, kind in installed_detectors().items() if _fits(kind, source_kind)}
    name = where[-1]
    if name not in kinds:
        expected = f"expected one of {', '.join(kinds) or 'none: no detector for this kind is installed'}"
        message = f"found a detector that {source_kind} sources do not have, {expected}{suggestion(name, kinds)}"
        return _Unreadable(), [ConfigProblem(path, parsed.line_of(where), field_name(where), message)]
    model = kinds[name].settings
    try:
        # Absent settings (`threshold:` with nothing behind it) mean the defaults.
        return model.model_validate({} if settings is None else settings, context={"folder": path.parent}), []
    except ValidationError as error:
        return _Unreadable(), problems_of(error, model, path, parsed, where)


def _fits(kind: DetectorKind, source_kind: Any) -> bool:
    is_camera_detector = isinstance(kind, CameraDetectorKind)
    return is_camera_detector if source_kind == SourceKind.CAMERA.value else not is_camera_detector


def _cross_checks(config: EdgeConfig, path: Path, parsed: ParsedText) -> list[ConfigProblem]:
    problems = []

    def fault(where: tuple[str, ...], message: str) -> None:
        problems.append(ConfigProblem(path, parsed.line_of(where), field_name(where), message))

    for source_id, source in config.sources.items():
        where = ("sources", source_id)
        if source_id == ANY_CLIP and source.input is not None:
            fault((*where, "input"), "found an input, expected none: `*` stands for the clips given to replay")
        if isinstance(source, SensorSource) and source.input is not None:
            problems += _sensor_checks(config, source_id, source, path, parsed)
        if source.input is not None and source.location is None:
            fault(where, "found no location, expected location: {lon: …, lat: …, accuracy_m: …}")
    return problems


def _sensor_checks(
    config: EdgeConfig, source_id: str, source: SensorSource, path: Path, parsed: ParsedText
) -> list[ConfigProblem]:
    problems = []
    where: tuple[str | int, ...] = ("sources", source_id, "input")
    if config.mqtt is None:
        message = "found an mqtt input, expected a top-level mqtt: {host: …, port: …, client_id: …}"
        problems.append(ConfigProblem(path, parsed.line_of(where), field_name(where), message))
    channels: Mapping[str, ChannelSettings] = source.input.channels if source.input is not None else {}
    for name, settings in source.detectors.items():
        for index, rule in enumerate(getattr(settings, "rules", ())):
            channel = getattr(rule, "channel", None)
            if channel is None or channel in channels:
                continue
            place = ("sources", source_id, "detectors", name, "rules", index, "channel")
            expected = f"expected one of the input's channels: {', '.join(channels)}"
            message = f"found {channel!r}, {expected}{suggestion(channel, channels)}"
            problems.append(ConfigProblem(path, parsed.line_of(place), field_name(place), message))
    return problems
