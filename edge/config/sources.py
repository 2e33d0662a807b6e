"""Cameras and sensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, SerializeAsAny, model_validator

from contract.base import Label
from contract.canonical import canonical_bytes, sha256_hex
from contract.geometry import Latitude, Location, LocationMethod, Longitude, at_point
from edge.config.base import Settings
from edge.config.canary import CanarySettings
from edge.config.episodes import EpisodeSettings
from edge.config.evidence import EvidenceSettings
from edge.config.ground import GroundSettings
from edge.config.health import CameraHealthSettings
from edge.config.inputs import CameraInput, FileInput, ImagesInput, MqttInput, RtspInput, V4l2Input
from edge.config.reconnect import ReconnectSettings
from edge.config.telemetry import FileTelemetry, KlvTelemetry, TelemetrySettings
from edge.detectors.policy import EpisodePolicy
from edge.detectors.registry import installed_detectors

ANY_CLIP = "*"
"""The key of the settings for every clip that `replay` meets and no other key names."""


class LocationSettings(Settings):
    """Where a source is. WGS-84."""

    lon: Longitude
    lat: Latitude
    accuracy_m: Annotated[float, Field(gt=0, le=100_000)]


class _SourceSettings(Settings):
    name: Label = ""
    location: LocationSettings | None = None
    """Required to `run`; `replay` needs it too."""
    detectors: dict[str, SerializeAsAny[BaseModel]] = Field(default_factory=dict)
    episodes: EpisodeSettings = EpisodeSettings()
    """When observations become episodes, and how many alarms they may be, otherwise than the detectors state."""
    canary: CanarySettings | None = None
    """Drills that come by themselves; absent: only those that are asked for."""

    @model_validator(mode="after")
    def _episodes_are_of_its_detectors(self) -> Self:
        for name in self.episodes.detectors:
            if name not in self.detectors:
                expected = ", ".join(self.detectors) or "none: the source has no detectors"
                raise ValueError(f"found episodes.detectors.{name}, expected one of the source's detectors: {expected}")
        return self


class CameraSource(_SourceSettings):
    """A camera, or in `replay` a clip."""

    kind: Literal["camera"]
    input: Annotated[CameraInput, Field(discriminator="type")] | None = None
    reconnect: ReconnectSettings = ReconnectSettings()
    """How soon it is opened again after it failed."""
    recorded_at: AwareDatetime | None = None
    """When a recording's first frame was taken; `replay` uses it as its clock."""
    inference_weight: Annotated[float, Field(ge=0.1, le=10)] = 1
    """Its share of a model's time, against other cameras that ask the same model."""
    health: CameraHealthSettings | None = None
    """What this camera has otherwise than `health.cameras` says."""
    ground: GroundSettings | None = None
    """Where its picture's points are, so that what it sees is placed on the ground; absent: at the camera."""
    telemetry: TelemetrySettings | None = None
    """How a camera that flies tells its place and turn, so that what it sees is placed on the ground."""

    @model_validator(mode="after")
    def _telemetry_fits_its_input(self) -> Self:
        telemetry, address = self.telemetry, self.input
        if telemetry is None:
            return self
        if self.ground is not None:
            raise ValueError("found ground and telemetry, expected one: points are for cameras that stand still")
        if address is None:
            return self
        if isinstance(telemetry, FileTelemetry) and not isinstance(address, FileInput):
            raise ValueError(f"found telemetry of a file for an input of type {address.type}, expected klv or mqtt")
        if isinstance(telemetry, KlvTelemetry) and isinstance(address, ImagesInput | V4l2Input):
            raise ValueError(f"found telemetry of type klv for an input of type {address.type}, which holds none")
        if isinstance(telemetry, KlvTelemetry) and isinstance(address, RtspInput) and address.streams is not None:
            raise ValueError("found telemetry of type klv for two streams, expected one url: that with the packets")
        if isinstance(address, FileInput) and address.loop and not telemetry.type == "mqtt":
            raise ValueError("found a looped file with telemetry of its own, which ends with the first round")
        return self


class SensorSource(_SourceSettings):
    """A sensor with one or more channels."""

    kind: Literal["sensor"]
    input: Annotated[MqttInput, Field()] | None = None


SourceSettings = CameraSource | SensorSource


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
    policies = {name: asdict(policy) for name, policy in episode_policies(settings).items()}
    shaping = {"detectors": detectors, "episodes": policies, "evidence": evidence.model_dump(mode="json")}
    if isinstance(settings, CameraSource) and settings.ground is not None:
        shaping["ground"] = settings.ground.model_dump(mode="json")
    if isinstance(settings, CameraSource) and settings.telemetry is not None:
        shaping["telemetry"] = settings.telemetry.model_dump(
            mode="json", exclude={"topic": True, "path": True, "ground": {"elevation": True}}
        )
    return sha256_hex(canonical_bytes(shaping))


def episode_policies(settings: SourceSettings) -> Mapping[str, EpisodePolicy]:
    """How the observations of each of a source's detectors become episodes."""
    kinds = installed_detectors()
    return {name: settings.episodes.policy_for(name, kinds[name].episodes) for name in settings.detectors}
