"""One camera of `run`: opens it, feeds its pipeline, and opens it again when it fails."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from contract.ids import uuid7
from edge.assembly import camera_detectors, canary_makers, picture_problems
from edge.calibration_desk import CalibrationDesk
from edge.canary.camera import CameraDrills
from edge.canary.desk import CanaryDesk
from edge.config.device import MqttSettings
from edge.config.evidence import EvidenceSettings
from edge.config.inputs import CameraInput, is_live
from edge.config.problems import field_name
from edge.config.sources import CameraSource, location_of
from edge.detectors.interface import Frame, GroundPort
from edge.detectors.registry import CameraContext, CameraDetectorKind, PictureSize, installed_detectors
from edge.episodes.events import EventWriter
from edge.episodes.tracker import EpisodeTracker
from edge.evidence.camera import CameraEvidence
from edge.evidence.redaction import WEIGHT, StillBlur
from edge.evidence.store import EvidenceStore
from edge.ground import ground_of
from edge.health.camera import CameraHealth
from edge.inference.port import SourcePorts
from edge.inference.service import InferenceService
from edge.logs import Repeats
from edge.outbox.sink import Sink
from edge.pipeline import CameraPipeline, LivePart
from edge.sources.errors import AcceleratorError, SourceError, StreamChangedError
from edge.sources.opening import MAIN, open_video
from edge.sources.video import VideoSource
from edge.status import SourceMeter
from edge.streams.camera import CameraStream
from edge.streams.metering import StreamReadings
from edge.streams.needs import settings_for
from edge.streams.opened import OpenedCamera, open_camera
from edge.streams.ring import PacketRing, RingBudget
from edge.streams.twin import MainRecorder, ReturnWatch, TwinRing
from edge.view import CallError
from edge.witnesses import LiveWitnesses, Sightings

if TYPE_CHECKING:  # boxes without drones need not have installed what they take
    from edge.flights.live.following import Drone

STEADY_SECONDS = 30.0
"""A stream that held for this long starts its backoff anew when it fails."""

REFIT_SECONDS = 180.0
"""Pictures that do not fit their settings are somebody's change to the camera, and will be mended by somebody."""
QUICK_SECONDS = 5.0
"""A stream that changed sooner than this after it was opened is opened again with backoff, not at once."""
TICK_SECONDS = 1.0
NO_MAIN = "no main stream: "
"""How finely the health of a camera that is away is told."""


class SettingsDoNotFitError(SourceError):
    """The camera's pictures are not what its settings were written for. It is opened again now and then, rarely."""


@dataclass(frozen=True, slots=True)
class SourceParts:
    """What belongs to a source for as long as the program runs, however often its stream is opened."""

    writer: EventWriter
    tracker: EpisodeTracker
    health: CameraHealth
    meter: SourceMeter
    remembered: str | None = None
    """What the source's detectors learned, as the last program left it."""


@dataclass(frozen=True, slots=True)
class SharedParts:
    """What all sources of one process share."""

    evidence: EvidenceSettings
    store: EvidenceStore
    executor: Executor
    """Makes evidence, one piece after the other."""
    sink: Sink
    inference: InferenceService | None = None
    rings: RingBudget | None = None
    own: Sightings | None = None
    """Takes what these sources observe, for others."""
    heard: Sightings | None = None
    """What all sources of the box observe."""
    broker: MqttSettings | None = None
    """Where drones tell their place, beside their streams."""


class CameraWorker:
    """One thread's work. Nothing that happens to this camera reaches another one."""

    def __init__(
        self,
        source_id: str,
        settings: CameraSource,
        parts: SourceParts,
        shared: SharedParts,
    ) -> None:
        self.source_id = source_id
        self._settings = settings
        self._evidence_settings = shared.evidence
        self._rings = shared.rings
        self._writer = parts.writer
        self._tracker = parts.tracker
        self._health = parts.health
        self._meter = parts.meter
        self._store = shared.store
        self._executor = shared.executor
        self._sink = shared.sink
        self._inference = shared.inference
        self._blur: StillBlur | None = None
        self._own = shared.own
        self._others = shared.heard
        self._stop = threading.Event()
        self._open: VideoSource | None = None
        self._open_lock = threading.Lock()
        self._repeats = Repeats()
        self._log = structlog.get_logger("camera").bind(source=source_id)
        self._held_seconds = 0.0
        self._heard = ""
        self._main_size: PictureSize | None = None
        self._software_only = False
        self._latest: Frame | None = None
        self._fitted = settings
        self._pipeline: CameraPipeline | None = None
        self._remembered = parts.remembered
        self._desk = CanaryDesk(source_id, uuid7, parts.meter, settings.canary, now=lambda: datetime.now(UTC))
        self._calibration = CalibrationDesk(source_id, lambda: self._latest)
        self._drone = None if settings.telemetry is None else _drone(source_id, settings, shared.broker, parts.meter)

    @property
    def latest_frame(self) -> Frame | None:
        """The latest picture that was judged; may be looked at from any thread as long as it is held."""
        return self._latest

    def calls(self) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
        """What may be asked of this camera by name, from any thread, while it is at work."""
        own = {"still": self._still, "canary": self._canary, "reports": self._reports}
        own["signals"] = self._calibration.call
        return {**own, **self._health.calls()}

    def run(self) -> None:
        """Works until `stop`, or until a recording has been played."""
        if self._drone is not None:
            self._drone.start()
        try:
            self._sessions()
        finally:
            if self._drone is not None:
                self._drone.close()
            self._health.close(datetime.now(UTC))
            if self._blur is not None:
                self._blur.close()

    def _sessions(self) -> None:
        attempt = 0
        while not self._stop.is_set():
            try:
                self._meter.attempts += 1
                self._session()
                return
            except (StreamChangedError, AcceleratorError) as error:
                if self._is_final(error):
                    self._failed(str(error), final=True)
                    return
                self._software_only |= isinstance(error, AcceleratorError)
                self._log.warning("opened anew", reason=str(error))
                if self._held_seconds >= QUICK_SECONDS:
                    attempt = 0
                    continue
            except SourceError as error:
                if not self._failed(str(error), final=self._is_final(error)):
                    return
                if isinstance(error, SettingsDoNotFitError):
                    self._wait(REFIT_SECONDS)
                    continue
            except Exception:
                # A fault of ours in one camera's pipeline: the others must go on, and so may this one, from anew.
                self._log.exception("the pipeline broke, it will be started again")
                self._failed("internal error, see the log", final=False)
            attempt = 1 if self._held_seconds >= STEADY_SECONDS else attempt + 1
            self._wait(self._settings.reconnect.wait_seconds(attempt))

    def stop(self) -> None:
        """Makes `run` return soon, with what is there; from any thread."""
        self._stop.set()
        with self._open_lock:
            if self._open is not None:
                self._open.stop()

    def _session(self) -> None:
        """From opening to the end. Returns when the recording is over or the program stops."""
        self._held_seconds = 0.0
        self._heard = ""
        also_needs = self._calibration.needs()
        opened = open_camera(self._settings, self._main_size, also_needs=also_needs, software_only=self._software_only)
        try:
            with self._open_lock:
                self._open = opened.decoded
                if self._stop.is_set():
                    return
            self._meter.sessions += 1
            if opened.kept is not None or not opened.keeps_main:
                self._main_size = opened.main_size
            self._check_settings(opened.main_size)
            opened.decoded.says = self._hears
            stream = self._stream_of(opened)
            self._follow(stream, opened)
        finally:
            with self._open_lock:
                self._open = None
            opened.close()
        if not self._stop.is_set():
            self._log.info("the recording has ended", frames=stream.frames_decoded)

    def _stream_of(self, opened: OpenedCamera) -> CameraStream:
        seconds, size_bytes = self._evidence_settings.ring_seconds, self._evidence_settings.ring_bytes
        kind = TwinRing if opened.keeps_main else PacketRing
        ring = kind(seconds, size_bytes, self._rings)
        stream = CameraStream(
            self.source_id,
            opened.decoded,
            wall_start=None if opened.decoded.live else datetime.now(UTC),
            needs=opened.needs,
            role=opened.role,
            ring=ring,
        )
        stream.also_needs = self._calibration.needs
        return stream

    def _follow(self, stream: CameraStream, opened: OpenedCamera) -> None:
        self._calibration.follow(opened)
        blur = self._still_blur()
        evidence = CameraEvidence(self._store, self._evidence_settings, self._executor, stream.ring, blur)
        self._fitted = settings_for(self._settings, opened.main_size, opened.size)
        ports = self._inference_ports()
        context = CameraContext(
            self.source_id,
            opened.size,
            witnesses=self._witnesses(),
            ground=self._ground(stream, opened),
            moves=self._drone is not None,
        )
        detectors = camera_detectors(self._fitted, context, None if ports is None else ports.new)
        drills = CameraDrills(self._desk, detectors, canary_makers(self._fitted, opened.size))
        tell = None if self._own is None else self._own.tell
        live = LivePart(time.monotonic(), self._health, drills, self._meter, self._remembered, tell)
        pipeline = CameraPipeline(detectors, self._tracker, self._writer, evidence, self._sink, live)
        self._pipeline = pipeline
        recorder, watch = self._beside(stream, opened)
        readings = StreamReadings(self._meter, opened, stream, recorder)
        ended = False
        try:
            for frame in stream.frames():
                if not self._held_seconds:
                    self._is_online(opened, frame.wall_time)
                self._held_seconds = max(frame.media_time, 1e-6)
                self._latest = frame
                self._health.observe(frame)
                if self._drone is not None:
                    self._drone.saw(frame.media_time)
                pipeline.take(frame)
                self._calibration.take(frame)
                self._health.saw(pipeline.visibility)
                readings.judged()
                if watch is not None and watch.is_back:
                    raise StreamChangedError(f"{self.source_id}: the {opened.wanted_role} stream is back")
                if reason := self._calibration.reason_to_reopen(opened):
                    raise StreamChangedError(f"{self.source_id}: {reason}")
            ended = not self._stop.is_set()
        finally:
            self._latest = self._pipeline = None
            readings.close()
            for part in (recorder, watch):
                if part is not None:
                    part.stop()
            if ports is not None:
                ports.close()
            pipeline.finish(clear_all=ended)
            self._remembered = pipeline.remembered

    def _ground(self, stream: CameraStream, opened: OpenedCamera) -> GroundPort | None:
        if self._drone is not None:
            return self._drone.open(stream, opened.decoded, opened.main_size)
        return ground_of(self._settings.ground, opened.main_size, opened.size)

    def _inference_ports(self) -> SourcePorts | None:
        if self._inference is None or not self._inference.settings.models:
            return None
        return self._inference.ports(self.source_id, self._settings.inference_weight, self._meter.questions)

    def _still_blur(self) -> StillBlur | None:
        settings = self._evidence_settings.blur
        if settings is None or self._inference is None:
            return None
        # It outlives the stream: the last pictures are made after it has ended.
        if self._blur is None:
            port = self._inference.port(f"{self.source_id} stills", WEIGHT)
            self._blur = StillBlur(settings, port, self._meter.stills, give_back=port.close)
            self._blur.wake()
        return self._blur

    def _witnesses(self) -> LiveWitnesses | None:
        place = location_of(self._settings)
        return None if self._others is None or place is None else LiveWitnesses(self.source_id, place, self._others)

    def _beside(self, stream: CameraStream, opened: OpenedCamera) -> tuple[MainRecorder | None, ReturnWatch | None]:
        """What runs beside the decoded stream: a keeper of the other one, or a look-out for it."""
        address = self._address
        if isinstance(stream.ring, TwinRing):
            recorder = MainRecorder(
                opened.kept,
                lambda: open_video(address, role=MAIN, software_only=True),
                stream.ring.main,
                stream.baseline,
                told=self._hears_of_main,
                backoff=self._settings.reconnect.wait_seconds,
            )
            opened.kept = None  # the recorder closes it
            recorder.start()
            return recorder, None
        if opened.wanted_role:
            wanted = opened.wanted_role
            watch = ReturnWatch(lambda: open_video(address, role=wanted, software_only=True))
            watch.start()
            return None, watch
        return None, None

    @property
    def _address(self) -> CameraInput:
        assert self._settings.input is not None, "only sources with an input are run"
        return self._settings.input

    def _still(self, arguments: Mapping[str, Any]) -> Mapping[str, str]:
        """The latest picture as JPEG, with what the detectors watch."""
        from edge.local.still import MAX_WIDTH_PX, still

        frame = self._latest
        if frame is None:
            raise CallError(f"{self.source_id}: there is no picture now")
        kinds = installed_detectors()
        outlines = [
            outline
            for name, values in self._fitted.detectors.items()
            if isinstance(kind := kinds[name], CameraDetectorKind)
            for outline in kind.outlines(values)
        ]
        pipeline = self._pipeline
        marks = () if pipeline is None else pipeline.latest_marks
        picture = still(frame, marks, outlines, int(arguments.get("max_width", MAX_WIDTH_PX)))
        return {"jpeg": base64.b64encode(picture).decode("ascii")}

    def _reports(self, _arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """What each detector says of itself at the moment, by its name; those that have nothing to say are left out."""
        pipeline = self._pipeline
        return {} if pipeline is None else pipeline.reports()

    def _canary(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Asks for a drill, or for what became of one."""
        try:
            return self._desk.call(arguments)
        except ValueError as error:
            raise CallError(str(error)) from error

    def _hears(self, what: str) -> None:
        """The source is alive, but says why no pictures come; an empty text when they do."""
        self._meter.turns += 1
        if self._held_seconds:
            return
        if what and what != self._heard:
            self._failed(what, final=False)
        self._heard = what
        self._health.tick(datetime.now(UTC))

    def _hears_of_main(self, what: str) -> None:
        others = tuple(notice for notice in self._meter.notices if not notice.startswith(NO_MAIN))
        self._meter.notices = (f"{NO_MAIN}{what}", *others) if what else others

    def _is_online(self, opened: OpenedCamera, at: datetime) -> None:
        self._health.online(at)
        size = opened.size
        self._log.info("online", address=opened.decoded.name, stream=opened.role, width=size.width, height=size.height)
        if opened.missing:
            self._log.warning("one of the camera's streams is away", decoded=opened.role, reason=opened.missing)
        self._repeats.forget("failed")

    def _check_settings(self, size: PictureSize) -> None:
        problems = picture_problems(self._settings, size)
        if problems:
            said = "; ".join(f"{field_name(problem.path)}: {problem.message}" for problem in problems)
            raise SettingsDoNotFitError(
                f"{self.source_id}: the settings do not fit pictures of {size.width} × {size.height}: {said}"
            )

    def _wait(self, seconds: float) -> None:
        """Waits before the next attempt; meanwhile time passes for the camera's health."""
        until = time.monotonic() + seconds
        while not self._stop.wait(min(TICK_SECONDS, max(0.0, until - time.monotonic()))):
            self._health.tick(datetime.now(UTC))
            self._meter.turns += 1
            if time.monotonic() >= until:
                return

    def _is_final(self, error: SourceError) -> bool:
        # A recording that breaks half-way would only break there again, and repeat its episodes on the way.
        over = self._held_seconds > 0 and not is_live(self._address)
        return over and not isinstance(error, AcceleratorError)

    def _failed(self, reason: str, *, final: bool) -> bool:
        """Reports a failure. Returns whether to try again."""
        held_back = self._repeats.due("failed")
        if held_back is not None:
            what = "given up" if final else "offline, will be opened again"
            self._log.error(what, reason=reason, repeated=held_back)
        self._meter.failures += 1
        self._health.offline(reason, datetime.now(UTC), lasting=final)
        return not final


def _drone(source_id: str, settings: CameraSource, broker: MqttSettings | None, meter: SourceMeter) -> Drone:
    from edge.flights.live.following import Drone

    return Drone(source_id, settings, broker, meter)
