"""One source's drone: its channel, its track and its ground, put together and kept while streams come and go."""

from __future__ import annotations

import math
import time
from pathlib import Path

import structlog

from contract.geometry import Point
from edge.config.device import MqttSettings
from edge.config.inputs import FileInput
from edge.config.sources import CameraSource
from edge.config.telemetry import FileTelemetry, KlvTelemetry, MqttTelemetry
from edge.detectors.registry import PictureSize
from edge.flights.ground import Datum, Ground, GroundError, LevelGround, read_elevation
from edge.flights.live.channels import KlvChannel, MqttChannel, fill, log_of
from edge.flights.live.ground import DroneGround, Scene
from edge.flights.live.track import LiveTrack
from edge.flights.local import LocalPlane
from edge.flights.posing import Conditions, Takeoff
from edge.flights.telemetry import TelemetryError
from edge.flights.tracks import CLOCK_SIGMA_SECONDS
from edge.sources.errors import SourceError
from edge.sources.video import VideoSource
from edge.status import SourceMeter
from edge.streams.camera import CameraStream
from edge.streams.late import Baseline

log = structlog.get_logger("drone")

LEVEL_SIGMA_M, MODEL_SIGMA_M = 5.0, 3.0
"""Of level ground and of an elevation model, where nobody says it: a drone goes farther than a survey."""
MESSAGE_SIGMA_SECONDS, UNSTATED_LAG_SIGMA_SECONDS = 0.3, 1.0
"""Of video against messages, with their lag stated and without: encoders, relays and players delay video by 0.2-3 s."""
AROUND_M, FARTHEST_AROUND_M = 1_000.0, 10_000.0
"""Of an elevation model: around the area that the source's location names, and from its middle at most."""
TOLD_SECONDS = 1.0


class Drone:
    """What belongs to a flying source for as long as the program runs. Nothing that its telemetry holds stops it.

    `start`, `open`, `saw` and `close` are for the source's own thread.
    """

    def __init__(
        self, source_id: str, settings: CameraSource, broker: MqttSettings | None, meter: SourceMeter | None = None
    ) -> None:
        assert settings.telemetry is not None and settings.location is not None, "the configuration was checked"
        self._source_id, self._settings, self._telemetry = source_id, settings, settings.telemetry
        self._meter = meter
        self._track = new_track(self._telemetry)
        self._mqtt: MqttChannel | None = None
        self._klv: KlvChannel | None = None
        self._plane = plane_of(settings)
        self._solid: Ground | None = None
        self._ground: DroneGround | None = None
        self._trouble = ""
        self._told_at = -math.inf
        self._broker = broker
        self._played = Baseline()
        """When a recording that is played in its time began, for telemetry that comes beside it."""

    def start(self) -> None:
        """Begins to listen, where there is something to listen to."""
        if isinstance(self._telemetry, MqttTelemetry):
            assert self._broker is not None, "the configuration was checked"
            try:
                self._mqtt = MqttChannel(self._source_id, self._telemetry, self._broker, self._track)
            except SourceError as error:
                self._fails(str(error))
                return
            self._mqtt.start()

    def close(self) -> None:
        """Listens no more."""
        if self._mqtt is not None:
            self._mqtt.close()

    def open(self, stream: CameraStream, decoded: VideoSource, main: PictureSize) -> DroneGround | None:
        """The ground for the pictures of a stream that was just opened; None: it cannot be had, see `notices`."""
        self._told_at = -math.inf
        self._played = Baseline()
        try:
            if self._solid is None:
                self._solid = ground_of(self._settings, self._plane)
            clock_sigma = self._begin(stream, decoded)
        except (GroundError, TelemetryError) as error:
            self._fails(str(error))
            return None
        size = PictureSize(decoded.width, decoded.height)
        scene = scene_of(self._settings, self._plane, self._solid, main, size, clock_sigma)
        self._ground = DroneGround(self._track, scene, lambda media_time: self._axis(stream, media_time))
        return self._ground

    def saw(self, media_time: float) -> None:
        """A picture is about to be looked at."""
        self._played.saw(media_time, time.monotonic())
        if self._ground is not None:
            self._ground.follow(media_time)
        if self._meter is not None and not 0 <= media_time - self._told_at < TOLD_SECONDS:
            self._told_at = media_time
            self._tell(self._meter, media_time)

    def notices(self, media_time: float) -> tuple[str, ...]:
        """Why what is seen now has no place; nothing, if it has one."""
        if self._ground is None:
            return (f"no places: {self._trouble}",)
        if self._ground.locator(media_time) is not None:
            return ()
        channel = self._mqtt or self._klv
        trouble = "" if channel is None or self._track.newest is not None else channel.trouble
        return (f"no places: {trouble or self._ground.problem}",)

    # ---- inside

    def _begin(self, stream: CameraStream, decoded: VideoSource) -> float:
        """Has the stream's own telemetry heard or read; how well its time is known."""
        telemetry = self._telemetry
        if isinstance(telemetry, MqttTelemetry):
            return clock_sigma_of(telemetry, 0.0)
        if isinstance(self._settings.input, FileInput):
            self._track = filled_track(telemetry, self._settings.input.path)
            return clock_sigma_of(telemetry, self._track.interval_seconds)
        assert isinstance(telemetry, KlvTelemetry), "the configuration was checked"
        # Stamps begin anew with every session.
        self._track = new_track(telemetry)
        self._klv = channel = KlvChannel(self._source_id, telemetry, self._track)
        decoded.on_data = lambda content, seconds: channel.take(content, seconds, time.monotonic())
        return clock_sigma_of(telemetry, 0.0)

    def _axis(self, stream: CameraStream, media_time: float) -> float | None:
        telemetry = self._telemetry
        if isinstance(telemetry, MqttTelemetry):
            origin = self._played.origin if stream.baseline.origin is None else stream.baseline.origin
            return None if origin is None else origin + media_time - (telemetry.lag_seconds or 0.0)
        if isinstance(self._settings.input, FileInput):
            return media_time + log_offset(telemetry)
        assert isinstance(telemetry, KlvTelemetry), "the configuration was checked"
        origin = stream.origin_seconds
        return None if origin is None else origin + media_time - telemetry.lag_seconds

    def _tell(self, meter: SourceMeter, media_time: float) -> None:
        others = tuple(notice for notice in meter.notices if not notice.startswith("no places: "))
        meter.notices = (*others, *self.notices(media_time))
        for what, count in self._track.counts.items():
            if what != "taken":
                meter.faults[f"telemetry_{what}"] = max(count, meter.faults[f"telemetry_{what}"])

    def _fails(self, why: str) -> None:
        self._trouble, self._ground = why, None
        log.error("a drone's pictures cannot be placed", source=self._source_id, reason=why)


def recorded_ground(settings: CameraSource, recording: Path, size: PictureSize) -> DroneGround | None:
    """The ground of a recording with a log, for `replay`; None where its telemetry comes over a broker.

    Raises:
        edge.flights.telemetry.TelemetryError: the log cannot be used.
        edge.flights.ground.GroundError: the elevation model cannot be used.
    """
    telemetry = settings.telemetry
    assert telemetry is not None, "asked for a camera that flies"
    if isinstance(telemetry, MqttTelemetry):
        return None
    plane = plane_of(settings)
    track = filled_track(telemetry, recording)
    sigma = clock_sigma_of(telemetry, track.interval_seconds)
    scene = scene_of(settings, plane, ground_of(settings, plane), size, size, sigma)
    offset = log_offset(telemetry)
    return DroneGround(track, scene, lambda media_time: media_time + offset)


def new_track(telemetry: KlvTelemetry | MqttTelemetry | FileTelemetry, *, whole: bool = False) -> LiveTrack:
    """An empty one."""
    return LiveTrack(telemetry.stale_after_seconds, telemetry.longest_gap_seconds, whole=whole)


def filled_track(telemetry: KlvTelemetry | FileTelemetry, recording: Path) -> LiveTrack:
    """With the log of a recording.

    Raises:
        edge.flights.telemetry.TelemetryError: there is none that can be used, or it says nothing of media time.
    """
    found, track = log_of(telemetry, recording), new_track(telemetry, whole=True)
    left_out = fill(track, found, telemetry)
    if track.newest is None:
        raise TelemetryError(
            f"{found.path}: its {left_out} records do not say at which second of the video they are: add a column "
            "media_time_s, or give the log that the drone wrote with the video"
        )
    return track


def log_offset(telemetry: KlvTelemetry | FileTelemetry) -> float:
    """Seconds of the log at media time 0."""
    return telemetry.offset_seconds if isinstance(telemetry, FileTelemetry) else -telemetry.lag_seconds


def clock_sigma_of(telemetry: KlvTelemetry | MqttTelemetry | FileTelemetry, interval_seconds: float) -> float:
    """How well it is known which record belongs to which picture."""
    if telemetry.clock_sigma_seconds is not None:
        return telemetry.clock_sigma_seconds
    if isinstance(telemetry, MqttTelemetry):
        return UNSTATED_LAG_SIGMA_SECONDS if telemetry.lag_seconds is None else MESSAGE_SIGMA_SECONDS
    if isinstance(telemetry, KlvTelemetry):
        return CLOCK_SIGMA_SECONDS
    # As `edge.flights.tracks`: a record that is shown for a second may be of any moment in it.
    return math.hypot(CLOCK_SIGMA_SECONDS, interval_seconds / math.sqrt(12))


def plane_of(settings: CameraSource) -> LocalPlane:
    """Around the source's location."""
    assert settings.location is not None, "the configuration was checked"
    return LocalPlane(Point(coordinates=(settings.location.lon, settings.location.lat)))


def ground_of(settings: CameraSource, plane: LocalPlane) -> Ground:
    """What is stated of the ground.

    Raises:
        edge.flights.ground.GroundError: the elevation model cannot be used.
    """
    assert settings.telemetry is not None and settings.location is not None, "the configuration was checked"
    said = settings.telemetry.ground
    if said.elevation is not None:
        reach = min(settings.location.accuracy_m + AROUND_M, FARTHEST_AROUND_M)
        bounds = (-reach, -reach, reach, reach)
        return read_elevation(said.elevation, plane, bounds, datum=said.datum, sigma_m=said.sigma_m or MODEL_SIGMA_M)
    sigma = said.sigma_m or LEVEL_SIGMA_M
    if said.height_m is None:
        return LevelGround(sigma_m=sigma)
    return LevelGround(said.height_m, said.datum or Datum.SEA, sigma)


def scene_of(
    settings: CameraSource,
    plane: LocalPlane,
    ground: Ground,
    main: PictureSize,
    decoded: PictureSize,
    clock_sigma_seconds: float,
) -> Scene:
    """Of pictures of `decoded`, which show what `main` shows."""
    telemetry = settings.telemetry
    assert telemetry is not None, "asked for a camera that flies"
    takeoff = None
    if telemetry.takeoff is not None:
        place = Point(coordinates=(telemetry.takeoff.lon, telemetry.takeoff.lat))
        takeoff = Takeoff(place, telemetry.takeoff.height_m)
    conditions = Conditions(
        takeoff=takeoff,
        geoid_m=telemetry.ground.geoid_m,
        assume_nadir=telemetry.assume_nadir,
        takeoff_height_sigma_m=telemetry.takeoff_height_sigma_m,
        sea_height_sigma_m=telemetry.sea_height_sigma_m,
    )
    return Scene(
        plane=plane,
        ground=ground,
        lens=telemetry.lens,
        main_size=(main.width, main.height),
        decoded_size=(decoded.width, decoded.height),
        conditions=conditions,
        clock_sigma_seconds=clock_sigma_seconds,
        pixel_error_px=telemetry.pixel_error_px,
        max_accuracy_m=telemetry.max_accuracy_m,
    )
