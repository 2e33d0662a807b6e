"""`check`: what can be tried out before `run`, beyond the configuration's text."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from contract.geometry import distance_m
from contract.keys import load_or_create_key, public_key_text
from edge.assembly import camera_kinds, picture_problems
from edge.config.document import EdgeConfig
from edge.config.evidence import BlurSettings
from edge.config.inference import ModelSettings
from edge.config.inputs import CameraInput, FileInput, is_remote
from edge.config.local import LocalSettings
from edge.config.problems import ConfigProblem, field_name
from edge.config.sources import CameraSource, location_of
from edge.config.telemetry import KlvTelemetry, MqttTelemetry
from edge.config.text import ParsedText
from edge.detectors.registry import PictureSize
from edge.ground import described_fit
from edge.ground import ground_of as calibrated_ground_of
from edge.inference.errors import ModelError
from edge.inference.proving import open_proven, read_parts
from edge.inference.sessions import REFERENCE
from edge.outbox.server_api import RefusedError, ServerApi, UplinkError, token_problem
from edge.sources.errors import SourceError
from edge.sources.opening import MAIN, open_video, roles_of
from edge.sources.video import VideoSource
from edge.streams.needs import needs_of
from edge.streams.plan import decode_plan
from edge.streams.rhythm import StreamFacts
from edge.worker.state import KEY_NAME

SURVEY_PACKAGES = ("exifread", "pyogrio", "pyproj", "rasterio", "shapely")
TCP_SECONDS = 5.0
FAR_GROUND_M = 300.0
"""Cameras in streets see less far; maps of China are displaced by more."""


class Grade(StrEnum):
    """How a check came out."""

    FINE = "fine"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was checked, and how it is."""

    subject: str
    grade: Grade
    message: str


def findings(path: Path, config: EdgeConfig, parsed: ParsedText, *, online: bool) -> Iterator[Finding]:
    """Tries out everything that the configuration names; what needs the network only if `online`."""
    yield from _box(config)
    for source_id, settings in config.sources.items():
        if isinstance(settings, CameraSource) and settings.input is not None:
            yield from _camera_secret(source_id, settings.input)
            if is_remote(settings.input) and not online:
                yield Finding(source_id, Grade.FINE, "not opened: a camera is reached with --online")
            else:
                yield from _camera(path, parsed, source_id, settings)
        if settings.input is None:
            yield Finding(source_id, Grade.WARNING, "has no input: `run` does not watch it, only `replay` uses it")
        if not settings.detectors:
            yield Finding(source_id, Grade.WARNING, "has no detectors: nothing will be found there")
    yield from _areas(config)
    yield from _models(config)
    if config.server is not None:
        yield from _token(config.server.token_file)
        if online:
            yield _server(config)
    if config.mqtt is not None:
        if config.mqtt.password_file is not None:
            yield from _secret_file("mqtt.password_file", config.mqtt.password_file)
        if online:
            yield _tcp("mqtt", config.mqtt.host, config.mqtt.port)


def _areas(config: EdgeConfig) -> Iterator[Finding]:
    """Boxes beside cameras are installed without what surveys need."""
    if config.areas and (missing := [name for name in SURVEY_PACKAGES if find_spec(name) is None]):
        need = "surveys need `pip install gridsentry[edge,survey]`"
        yield Finding("areas", Grade.PROBLEM, f"{', '.join(missing)} not installed: {need}")
        return
    for area_id, area in config.areas.items():
        from edge.flights.surveys.checking import problems_of

        problems = list(problems_of(area))
        yield from (Finding(area_id, Grade.PROBLEM, problem) for problem in problems)
        if not problems:
            told = "given to `survey`" if area.flights is None else f"watched for in {area.flights}"
            yield Finding(area_id, Grade.FINE, f"an area, its flights are {told}")


def _box(config: EdgeConfig) -> Iterator[Finding]:
    yield _state_dir(config.device.state_dir)
    if config.local is not None:
        yield _local_page(config.local)


def _state_dir(folder: Path) -> Finding:
    existing = folder
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir():
        return Finding("state_dir", Grade.PROBLEM, f"{existing}: is a file, expected a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        return Finding("state_dir", Grade.PROBLEM, f"{folder}: this user may not write there; run: chown {existing}")
    return Finding("state_dir", Grade.FINE, str(folder))


def _local_page(settings: LocalSettings) -> Finding:
    address = f"{settings.host} port {settings.port}"
    if settings.is_loopback:
        return Finding("local", Grade.FINE, address)
    return Finding(
        "local",
        Grade.WARNING,
        f"{address}: reached from other machines by plain HTTP, so that who listens in reads the token and sees the "
        "pictures; keep 127.0.0.1 and put a tunnel or a proxy with TLS before it",
    )


def _camera_secret(source_id: str, address: CameraInput) -> Iterator[Finding]:
    path = getattr(address, "password_file", None)
    if path is not None:
        yield from _secret_file(f"{source_id}.password_file", path)


def _camera(path: Path, parsed: ParsedText, source_id: str, settings: CameraSource) -> Iterator[Finding]:
    assert settings.input is not None, "only cameras with an input are opened"
    found: dict[str, StreamFacts] = {}
    names: dict[str, str] = {}
    rates: dict[str, float | None] = {}
    without_data = False
    for role in roles_of(settings.input):
        wants_data = isinstance(settings.telemetry, KlvTelemetry)
        try:
            source = open_video(settings.input, role=role, with_data=wants_data)
        except SourceError as error:
            yield Finding(source_id, Grade.PROBLEM, str(error))
            continue
        found[role], names[role] = StreamFacts(role, source.width, source.height), _described(source)
        rates[role] = source.nominal_fps
        without_data |= wants_data and source.live and not source.holds_data
        source.close()
    if MAIN not in found:
        return  # what the settings' pixels mean is not known
    size = PictureSize(found[MAIN].width, found[MAIN].height)
    problems = picture_problems(settings, size)
    for problem in problems:
        where = ("sources", source_id, *problem.path)
        message = str(ConfigProblem(path, parsed.line_of(where), field_name(where), problem.message))
        yield Finding(source_id, Grade.PROBLEM, message)
    if not problems:
        others = [PictureSize(facts.width, facts.height) for role, facts in found.items() if role != MAIN]
        decoded = decode_plan(needs_of(settings, size, *others), list(found.values())).role
        for role, name in names.items():
            idle = "kept for evidence" if role == MAIN else "not needed by these detectors"
            use = "" if len(names) == 1 else f" ({role}: {'decoded' if role == decoded else idle})"
            yield Finding(source_id, Grade.FINE, f"{name}{use}")
        yield from _ground(source_id, settings, size)
        if settings.telemetry is not None:
            yield from _telemetry(source_id, settings, without_data=without_data)
        for detector, kind, values in camera_kinds(settings):
            for said in kind.unjudged(values, rates[decoded]):
                yield Finding(source_id, Grade.WARNING, f"{detector}: {said}")


def _ground(source_id: str, settings: CameraSource, size: PictureSize) -> Iterator[Finding]:
    """How well the points of the camera's ground agree, and how exact places become by them."""
    ground = calibrated_ground_of(settings.ground, size, size)
    if ground is None:
        return
    said = described_fit(ground)
    contradictory = ground.fit.is_contradictory
    yield Finding(source_id, Grade.WARNING if contradictory else Grade.FINE, f"ground: {said}")
    location = location_of(settings)
    away_m = 0.0 if location is None else distance_m(location.point, ground.origin)
    if location is not None and away_m > FAR_GROUND_M + location.accuracy_m:
        message = (
            f"ground: its points lie {away_m:.0f} m from the camera's location, expected less than {FAR_GROUND_M:.0f} "
            "m: are they of a map in GCJ-02, which lies 300-700 m off in China? Expected WGS-84"
        )
        yield Finding(source_id, Grade.WARNING, message)


def _telemetry(source_id: str, settings: CameraSource, *, without_data: bool) -> Iterator[Finding]:
    """Whether what a camera flies over can be read, and what a recording's log holds."""
    from edge.flights.ground import GridGround, GroundError
    from edge.flights.live.following import filled_track, ground_of, plane_of
    from edge.flights.telemetry import TelemetryError

    telemetry = settings.telemetry
    assert telemetry is not None, "asked for a camera that flies"
    try:
        solid = ground_of(settings, plane_of(settings))
        if isinstance(solid, GridGround):
            yield Finding(source_id, Grade.FINE, f"telemetry.ground.elevation: {'; '.join(solid.notes)}")
        if isinstance(settings.input, FileInput) and not isinstance(telemetry, MqttTelemetry):
            track = filled_track(telemetry, settings.input.path)
            newest, counts = track.newest, track.counts
            left_out = sum(count for what, count in counts.items() if what != "taken")
            seconds = 0.0 if newest is None else newest.media_time
            said = f"telemetry: {counts['taken']} records up to {seconds:.1f} s, {left_out} left out"
            yield Finding(source_id, Grade.FINE, said)
    except (GroundError, TelemetryError) as error:
        yield Finding(source_id, Grade.PROBLEM, f"telemetry: {error}")
    if without_data:
        message = (
            "telemetry: the stream has nothing beside its pictures, expected packets of MISB ST 0601: switch them on "
            "in the encoder, or take them over mqtt"
        )
        yield Finding(source_id, Grade.WARNING, message)


def _described(source: VideoSource) -> str:
    return f"{source.name}: {source.width} × {source.height}"


def _models(config: EdgeConfig) -> Iterator[Finding]:
    for name, model in config.inference.models.items():
        yield _model(name, model)
    if config.evidence.blur is not None:
        yield _blur(config.evidence.blur)


def _blur(settings: BlurSettings) -> Finding:
    """Says what of the evidence is not blurred."""
    stills = f"stills are blurred by {settings.model} ({', '.join(settings.labels)})"
    if settings.clips == "withhold":
        return Finding("evidence.blur", Grade.FINE, f"{stills}; clips are not made")
    message = (
        f"{stills}; clips are the camera's own packets and are not: set evidence.blur.clips: withhold to have none"
    )
    return Finding("evidence.blur", Grade.WARNING, message)


def _model(name: str, settings: ModelSettings) -> Finding:
    """Loads the model by the reference plan and tests it: a missing, damaged or odd one is found here, not at its first
    question."""
    subject = f"model {name}"
    try:
        parts = read_parts(settings)
        shape = open_proven(name, settings, parts, REFERENCE).shape
    except ModelError as error:
        return Finding(subject, Grade.PROBLEM, str(error))
    size = f"{settings.path}: {shape.width} × {shape.height}"
    if settings.sha256 is None:
        return Finding(subject, Grade.WARNING, f"{size}; any file is taken, set sha256: {parts.file.sha256}")
    for precision, why in parts.missing.items():
        return Finding(subject, Grade.WARNING, f"{size}; its {precision} variant is left out: {why}")
    return Finding(subject, Grade.FINE, size)


def _token(path: Path) -> Iterator[Finding]:
    problem = token_problem(path)
    if problem is not None:
        yield Finding("server.token_file", Grade.PROBLEM, problem)
    else:
        yield from _secret_file("server.token_file", path)


def _secret_file(subject: str, path: Path) -> Iterator[Finding]:
    try:
        mode = path.stat().st_mode
        with path.open("rb"):
            pass
    except OSError as error:
        yield Finding(subject, Grade.PROBLEM, f"{path}: cannot be read: {error.strerror}")
        return
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        yield Finding(subject, Grade.WARNING, f"{path}: everybody on this machine can read it; run: chmod 600 {path}")
    else:
        yield Finding(subject, Grade.FINE, str(path))


def _server(config: EdgeConfig) -> Finding:
    assert config.server is not None
    key = load_or_create_key(config.device.state_dir / KEY_NAME)
    api = ServerApi(config.server)
    try:
        known = api.register_key(public_key_text(key))
    except (UplinkError, RefusedError) as error:
        return Finding("server", Grade.PROBLEM, str(error))
    finally:
        api.close()
    if known:
        return Finding("server", Grade.FINE, f"{config.server.url} knows this device")
    message = f"{config.server.url} knows another key for device {config.device.id}: restore the key or enrol it anew"
    return Finding("server", Grade.PROBLEM, message)


def _tcp(subject: str, host: str, port: int) -> Finding:
    try:
        with socket.create_connection((host, port), TCP_SECONDS):
            return Finding(subject, Grade.FINE, f"{host}:{port} answers")
    except OSError as error:
        message = f"{host}:{port} cannot be reached: {error.strerror or error}; is the broker running?"
        return Finding(subject, Grade.PROBLEM, message)
