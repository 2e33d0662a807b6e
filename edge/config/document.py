"""The edge's configuration: one YAML file, checked as a whole, with every fault named by line.

Relative paths are relative to the configuration file's folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from contract.base import Identifier
from contract.events import SourceKind
from edge.config.areas import AreaSettings
from edge.config.base import Settings
from edge.config.device import DeviceSettings, MqttSettings, ServerSettings
from edge.config.evidence import EvidenceSettings
from edge.config.health import HealthSettings
from edge.config.inference import InferenceSettings
from edge.config.inputs import ChannelSettings
from edge.config.local import LocalSettings
from edge.config.problems import ConfigError, ConfigProblem, field_name, found_text, problems_of, suggestion
from edge.config.registered import STORE_NAME
from edge.config.sources import ANY_CLIP, CameraSource, SensorSource, SourceSettings
from edge.config.supervision import SupervisionSettings
from edge.config.telemetry import MqttTelemetry
from edge.config.text import MAX_CONFIG_BYTES, ParsedText, parse
from edge.detectors.registry import CameraDetectorKind, DetectorKind, SettingProblem, installed_detectors


class EdgeConfig(Settings):
    """The whole file."""

    device: DeviceSettings
    server: ServerSettings | None = None
    mqtt: MqttSettings | None = None
    evidence: EvidenceSettings = EvidenceSettings()
    health: HealthSettings = HealthSettings()
    local: LocalSettings | None = None
    supervision: SupervisionSettings = SupervisionSettings()
    inference: InferenceSettings = InferenceSettings()
    sources: dict[Identifier, Annotated[SourceSettings, Field(discriminator="kind")]]
    areas: dict[Identifier, AreaSettings] = Field(default_factory=dict)
    """What `gridsentry-edge survey` sends events of; each is a source of its own."""

    def source_for_clip(self, stem: str) -> SourceSettings | None:
        """The settings of the clip with this name: its own, else those of `*`."""
        return self.sources.get(stem) or self.sources.get(ANY_CLIP)


def load_config(path: Path) -> EdgeConfig:
    """Reads and checks the configuration.

    Raises:
        ConfigError: with every problem, each naming file, line, field, what was found and what was expected.
    """
    return load_config_with_lines(path)[0]


def load_config_with_lines(path: Path) -> tuple[EdgeConfig, ParsedText]:
    """As `load_config`, with the lines of the text for messages of later checks."""
    return _checked(read_config_text(path), path)


def config_from_text(text: str, path: Path) -> EdgeConfig:
    """As `load_config`, of a text that stands, or would stand, in the file.

    Raises:
        ConfigError: with every problem.
    """
    return _checked(text, path)[0]


def _checked(text: str, path: Path) -> tuple[EdgeConfig, ParsedText]:
    parsed = parse(text)
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
        context = {"folder": path.parent, "store": _store(value, path.parent)}
        config = EdgeConfig.model_validate(value, context=context)
    except ValidationError as error:
        problems += problems_of(error, EdgeConfig, path, parsed)
    if config is not None:
        problems += _cross_checks(config, path, parsed)
    if problems or config is None:
        raise ConfigError(problems)
    return config, parsed


def read_config_text(path: Path) -> str:
    """The file's text, unchecked.

    Raises:
        ConfigError: it cannot be read, is too large, or is no text.
    """
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


def _store(value: Mapping[str, Any], folder: Path) -> Path | None:
    """Where fetched models lie; None where the settings that say so are faulty, which is named elsewhere."""
    device, inference = value.get("device"), value.get("inference")
    if isinstance(inference, Mapping) and isinstance(inference.get("store"), str):
        return folder / str(inference["store"])
    if isinstance(device, Mapping) and isinstance(device.get("state_dir"), str):
        return folder / str(device["state_dir"]) / STORE_NAME
    return None


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

    def fault(where: tuple[str | int, ...], message: str) -> None:
        problems.append(ConfigProblem(path, parsed.line_of(where), field_name(where), message))

    for path_below, message in _blur_problems(config):
        fault(("evidence", "blur", *path_below), message)
    for area_id in config.areas.keys() & config.sources.keys():
        fault(("areas", area_id), f"found {area_id!r} among the sources as well, expected another id")
    for source_id, source in config.sources.items():
        where = ("sources", source_id)
        if source_id == ANY_CLIP and source.input is not None:
            fault((*where, "input"), "found an input, expected none: `*` stands for the clips given to replay")
        if isinstance(source, SensorSource) and source.input is not None:
            problems += _sensor_checks(config, source_id, source, path, parsed)
        if isinstance(source, CameraSource) and isinstance(source.telemetry, MqttTelemetry) and config.mqtt is None:
            message = "found telemetry over mqtt, expected a top-level mqtt: {host: …, port: …, client_id: …}"
            fault((*where, "telemetry"), message)
        for problem in _model_problems(config, source):
            fault((*where, "detectors", *problem.path), problem.message)
        if source.input is not None and source.location is None:
            fault(where, "found no location, expected location: {lon: …, lat: …, accuracy_m: …}")
    return problems


def _blur_problems(config: EdgeConfig) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What the blurring of stills expects of its model and does not find."""
    blur = config.evidence.blur
    if blur is None:
        return
    model = config.inference.models.get(blur.model)
    if model is None:
        expected = ", ".join(config.inference.models) or "none: inference.models is empty"
        yield ("model",), f"found {blur.model!r}, expected one of inference.models: {expected}"
        return
    if model.min_score > blur.min_score:
        message = (
            f"found {blur.min_score:g}, below which the model's boxes are dropped already; expected at least "
            f"inference.models.{blur.model}.min_score ({model.min_score:g}), or a lower one there"
        )
        yield ("min_score",), message
    unknown = [label for label in blur.labels if label not in model.labels]
    if unknown:
        known = ", ".join(model.labels) or "none: it has no labels"
        yield ("labels",), f"found {', '.join(unknown)}, expected labels of {blur.model}: {known}"


def _model_problems(config: EdgeConfig, source: SourceSettings) -> Iterator[SettingProblem]:
    """What a source's detectors expect of models and do not find; paths start below its detectors."""
    models = {name: model.labels for name, model in config.inference.models.items()}
    for name, settings in source.detectors.items():
        kind = installed_detectors().get(name)
        if isinstance(kind, CameraDetectorKind) and isinstance(settings, kind.settings):
            for problem in kind.model_problems(settings, models):
                yield SettingProblem((name, *problem.path), problem.message)


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
