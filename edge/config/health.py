"""When a camera counts as blind, and the box as in trouble."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from edge.config.base import Settings

Share = Annotated[float, Field(gt=0, lt=1)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=128)]
"""Why a check is switched off: shown wherever its source is, so that nobody takes silence for health."""
DwellSeconds = Annotated[float, Field(ge=2, le=600)]


class CameraCondition(StrEnum):
    """What can be wrong with a camera's sight, gravest first."""

    OFFLINE = "offline"
    FROZEN = "frozen"
    COVERED = "covered"
    MOVED = "moved"
    DEFOCUSED = "defocused"
    OVEREXPOSED = "overexposed"
    UNDEREXPOSED = "underexposed"
    BLIND = "blind"
    """Pictures come, but no detector can judge them. Said in health only, no hazard: fog is nobody's to mend."""


class DeviceCondition(StrEnum):
    """What can be wrong with the box, gravest first."""

    CAMERAS_OFFLINE = "cameras_offline"
    DISK_SHORT = "disk_short"
    HOT = "hot"
    CLOCK_WRONG = "clock_wrong"
    UPLINK_DOWN = "uplink_down"
    MODEL_FAILED = "model_failed"
    """A model cannot be run, or a changed one was refused and the one before serves."""


class CameraHealthSettings(Settings):
    """How a camera's sight is watched. Times are seconds of the camera's own (media) time."""

    off: dict[CameraCondition, Reason] = Field(default_factory=dict)
    """Checks that are not made, each with the reason: `{moved: it is a PTZ camera}`."""
    offline_after_seconds: DwellSeconds = 15
    """A camera that restarts its stream is back in 5-10 s and wakes nobody."""
    frozen_after_seconds: DwellSeconds = 12
    """Longer than the key frame interval of nearly all cameras (1-10 s): a still scene changes at each key frame."""
    covered_after_seconds: DwellSeconds = 12
    """A lorry that passes close by takes a few seconds; found within 30 s with room to spare."""
    moved_after_seconds: DwellSeconds = 12
    """A gust or a lorry shakes a pole for seconds."""
    defocused_after_seconds: DwellSeconds = 15
    """An autofocus that hunts is done in 5 s."""
    exposure_after_seconds: DwellSeconds = 20
    """Headlights and an automatic exposure that settles take 2-10 s."""
    blind_after_seconds: DwellSeconds = 30
    clear_after_seconds: DwellSeconds = 10
    """Good news may come sooner, but a picture that flickers must not make a storm of events."""
    moved_share: Annotated[float, Field(ge=0.005, le=0.2)] = 0.012
    """By how much of its width the picture must have shifted: 2 % must be found, vibration and wind stay below 1 %."""
    moved_spares: tuple[str, ...] = ()
    """Detectors that go on when the camera was moved because they need no registered view."""
    learn_seconds: Annotated[float, Field(ge=10, le=3600)] = 60
    """How much ordinary footage makes a reference view; until then only frozen, exposure and a flat picture are
    judged."""

    def after_seconds(self, condition: CameraCondition) -> float:
        """How long a condition must last before it is said."""
        match condition:
            case CameraCondition.OVEREXPOSED | CameraCondition.UNDEREXPOSED:
                return self.exposure_after_seconds
            case _:
                return float(getattr(self, f"{condition.value}_after_seconds"))


class DeviceHealthSettings(Settings):
    """How the box watches itself."""

    off: dict[DeviceCondition, Reason] = Field(default_factory=dict)
    disk_free_bytes: Annotated[int, Field(ge=0)] = 512 * 1024 * 1024
    """Below this the disk is short: a day of events of a busy box (100 MB) and what the system itself needs."""
    disk_free_share: Annotated[float, Field(ge=0, lt=1)] = 0.02
    hot_celsius: Annotated[float, Field(ge=40, le=125)] = 90
    """Where the machine names no limit of its own: most processors throttle at 95-105 °C."""
    unsynced_seconds: Annotated[float, Field(ge=30, le=86_400 * 7)] = 900
    """NTP needs some minutes after a start."""
    uplink_down_seconds: Annotated[float, Field(ge=10, le=86_400 * 7)] = 300
    """A server's restart or a router's takes 1-3 minutes."""
    outage_cameras: Annotated[int, Field(ge=2, le=1000)] = 3
    """So many cameras, all that the box has, gone together are one fault (a switch, a cable), not many."""
    outage_window_seconds: Annotated[float, Field(ge=1, le=600)] = 20
    """Together: within this time. Read timeouts differ between cameras by up to twice 10 s."""
    after_seconds: DwellSeconds = 10
    clear_after_seconds: DwellSeconds = 30


class HealthSettings(Settings):
    """The box's own section `health`: what holds for every camera, and for the box."""

    cameras: CameraHealthSettings = CameraHealthSettings()
    device: DeviceHealthSettings = DeviceHealthSettings()


def camera_health_settings(common: CameraHealthSettings, own: CameraHealthSettings | None) -> CameraHealthSettings:
    """What holds for one camera: its own section, and what holds for all where that says nothing.

    A check that either switches off is off.
    """
    if own is None:
        return common
    said = {name: getattr(own, name) for name in own.model_fields_set}
    return common.model_copy(update={**said, "off": {**common.off, **own.off}})


FLYING = "it flies: there is no view to compare with"


def flying_health(settings: CameraHealthSettings) -> CameraHealthSettings:
    """What holds for a camera that flies: what is judged by a registered view is switched off, and told to be."""
    off = {CameraCondition.MOVED: FLYING, CameraCondition.DEFOCUSED: FLYING}
    return settings.model_copy(update={"off": {**off, **settings.off}})
