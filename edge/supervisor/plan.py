"""What a changed configuration does: computed from the two, without touching anything.

A change to a source restarts that source. A change to a section restarts the processes that use the section, but for
models: those are replaced while the cameras look on.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from edge.config.document import EdgeConfig
from edge.config.inference import InferenceSettings
from edge.config.problems import ConfigError, ConfigProblem, field_name
from edge.config.sources import CameraSource, SensorSource, SourceSettings
from edge.config.telemetry import MqttTelemetry
from edge.config.text import ParsedText
from edge.view import Plan


class Part(StrEnum):
    """What runs, seen from the configuration."""

    CAMERAS = "cameras"
    SENSORS = "sensors"
    UPLINK = "uplink"
    LOCAL = "local"


EVERYTHING = frozenset(Part)

USERS: Mapping[str, frozenset[Part]] = {
    "device": frozenset(),  # refused, see NEEDS_RESTART
    "server": frozenset({Part.UPLINK}),
    "mqtt": frozenset({Part.SENSORS}),
    "evidence": frozenset({Part.CAMERAS, Part.SENSORS, Part.UPLINK}),
    "inference": frozenset({Part.CAMERAS}),
    "health": frozenset({Part.CAMERAS, Part.UPLINK}),
    "local": frozenset({Part.LOCAL}),
    "supervision": frozenset(),  # the supervisor's own, taken up at once
    "sources": frozenset(),  # one by one, see `plan_of`
    "areas": frozenset({Part.UPLINK}),  # it ends what areas that are no more have left open
}
"""Which parts use a section of the configuration. A section that is not named here restarts everything."""

NEEDS_RESTART = (("device", "id"), ("device", "state_dir"))
"""The outbox and its chain belong to both: they cannot change under a running program."""


def watched(config: EdgeConfig) -> Mapping[str, SourceSettings]:
    """The sources that are run: those with an input."""
    return {source_id: source for source_id, source in config.sources.items() if source.input is not None}


def cameras(config: EdgeConfig) -> Mapping[str, CameraSource]:
    """The watched cameras."""
    return {key: source for key, source in watched(config).items() if isinstance(source, CameraSource)}


def sensors(config: EdgeConfig) -> Mapping[str, SensorSource]:
    """The watched sensors."""
    return {key: source for key, source in watched(config).items() if isinstance(source, SensorSource)}


def touched_parts(old: EdgeConfig, new: EdgeConfig) -> frozenset[Part]:
    """The parts whose sections differ."""
    touched: frozenset[Part] = frozenset()
    for section in EdgeConfig.model_fields:
        if section == "inference" and only_models_differ(old.inference, new.inference):
            continue
        if getattr(old, section) != getattr(new, section):
            touched |= USERS.get(section, EVERYTHING)
    if sensors(old) != sensors(new):
        # They share one session with the broker, which keeps what comes in meanwhile.
        touched |= {Part.SENSORS}
    return touched


def only_models_differ(old: InferenceSettings, new: InferenceSettings) -> bool:
    """Whether the one can become the other under running cameras.

    Not where a model's labels change: a detector that was built for the old ones would take cars for people. Nor
    between some models and none: cameras without models were given no way to ask.
    """
    if bool(old.models) != bool(new.models):
        return False
    if any(old.models[name].labels != new.models[name].labels for name in old.models.keys() & new.models.keys()):
        return False
    # Where fetched models lie has been worked into their paths.
    return old == new.model_copy(update={"models": old.models, "store": old.store})


def changed_models(old: InferenceSettings, new: InferenceSettings) -> tuple[str, ...]:
    """The models that come, go or change under running cameras."""
    if not only_models_differ(old, new):
        return ()
    names = old.models.keys() | new.models.keys()
    return tuple(sorted(name for name in names if old.models.get(name) != new.models.get(name)))


def plan_of(old: EdgeConfig, new: EdgeConfig) -> Plan:
    """What `new` does to a box that runs `old`."""
    touched = touched_parts(old, new)
    before, after = watched(old), watched(new)
    restarts: list[str] = []
    stays: list[str] = []
    for source_id in sorted(before.keys() & after.keys()):
        part = Part.CAMERAS if isinstance(before[source_id], CameraSource) else Part.SENSORS
        changed = before[source_id] != after[source_id] or part in touched or _hears_another_broker(old, new, source_id)
        (restarts if changed else stays).append(source_id)
    others = {Part.UPLINK, Part.LOCAL}
    if sensors(old) or sensors(new):
        others |= {Part.SENSORS}
    return Plan(
        starts=tuple(sorted(after.keys() - before.keys())),
        stops=tuple(sorted(before.keys() - after.keys())),
        restarts=tuple(restarts),
        stays=tuple(stays),
        children=tuple(sorted(touched & others)),
        models=changed_models(old.inference, new.inference),
    )


def _hears_another_broker(old: EdgeConfig, new: EdgeConfig, source_id: str) -> bool:
    """Whether a camera's telemetry comes over the broker, and that is another one now."""
    source = new.sources[source_id]
    over_broker = isinstance(source, CameraSource) and isinstance(source.telemetry, MqttTelemetry)
    return over_broker and old.mqtt != new.mqtt


def refuse_what_needs_a_restart(old: EdgeConfig, new: EdgeConfig, path: Path, parsed: ParsedText) -> None:
    """Raises ConfigError if the change cannot be made while the program runs."""
    problems = []
    for section, field in NEEDS_RESTART:
        before, after = (getattr(getattr(config, section), field) for config in (old, new))
        if before != after:
            where = (section, field)
            message = f"found {str(after)!r}, running with {str(before)!r}: this change needs a restart of the program"
            problems.append(ConfigProblem(path, parsed.line_of(where), field_name(where), message))
    if problems:
        raise ConfigError(problems)
