"""Drills of a camera: found the real way and marked, beside real hazards that are neither hidden nor marked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from contract.events import HazardData, HazardEvent, Phase, Tier
from contract.ids import DeterministicIds
from edge.canary.camera import CANARY_LOST, CameraDrills
from edge.canary.desk import CanaryDesk, CanaryState
from edge.canary.fork import forked
from edge.canary.painting import stamp
from edge.config.canary import CanarySettings
from edge.config.evidence import EvidenceSettings
from edge.detectors.canary import NoCanaryError
from edge.detectors.interface import CameraDetector, Frame, Image, Region
from edge.detectors.policy import EpisodePolicy
from edge.detectors.registry import FrameNeeds, PictureSize
from edge.detectors.thrown_object import EPISODES, ThrownObjectDetector, ThrownObjectSettings
from edge.detectors.thrown_object.canary import PaintedFall, painted_fall
from edge.episodes.tracker import EpisodeTracker
from edge.evidence.camera import CameraEvidence, Inline
from edge.evidence.store import EvidenceStore
from edge.guard import GuardedDetector
from edge.outbox.sink import Commit
from edge.pipeline import CameraPipeline, LivePart
from edge.status import SourceMeter
from edge.streams.ring import PacketRing
from tests.edge.detectors.falls import (
    EPOCH,
    GROUND_PX,
    PIXELS_PER_M,
    Timed,
    drawn,
    falling,
    office1_settings,
    wall_settings,
)
from tests.edge.parts import PLACE, SOURCE, T0, writer

SIZE = PictureSize(320, 240)
NAME = "thrown_object"


class Blindable:
    """The sight of a camera, as its health would tell."""

    def __init__(self) -> None:
        self.inhibits: frozenset[str] = frozenset()


class Camera:
    """One camera with drills, over pictures drawn here."""

    def __init__(
        self,
        settings: ThrownObjectSettings | None = None,
        *,
        detector: Callable[[], CameraDetector] | None = None,
        evidence: Path | None = None,
        schedule: CanarySettings | None = None,
        policy: EpisodePolicy = EPISODES,
    ) -> None:
        painted = settings or wall_settings()
        self.clock = 100.0
        self.meter = SourceMeter("c", "camera")
        self.sight = Blindable()
        self.desk = CanaryDesk(
            "c", DeterministicIds("drills"), self.meter, schedule, now=lambda: T0, monotonic=lambda: self.clock
        )
        self.guarded = GuardedDetector(
            "c", FrameNeeds(fps=25), detector or (lambda: ThrownObjectDetector(painted, SIZE))
        )
        self.tracker = EpisodeTracker(SOURCE, PLACE, DeterministicIds("e"), {NAME: policy, "canary": EpisodePolicy()})
        makers = {NAME: partial(painted_fall, painted, SIZE)}
        drills = CameraDrills(self.desk, {NAME: self.guarded}, makers)
        live = LivePart(1000.0, self.sight, drills, self.meter)
        made = None
        self.store = None
        if evidence is not None:
            self.store = EvidenceStore(evidence)
            made = CameraEvidence(self.store, EvidenceSettings(), Inline(), PacketRing(75, 10**7))
        self.data: list[HazardData] = []
        self.pipeline = CameraPipeline({NAME: self.guarded}, self.tracker, writer(deterministic=True), made, self, live)

    def commit(self, commit: Commit) -> None:
        self.clock += 0.25
        self.data += [event.data for event in commit.events if isinstance(event, HazardEvent)]

    def play(self, frames: Iterable[Timed], at: Mapping[float, Callable[[], object]] | None = None) -> None:
        """Every frame; what `at` names is done before the first frame at or after its time."""
        todo = sorted((at or {}).items())
        for number, (t, luma) in enumerate(frames):
            while todo and t >= todo[0][0]:
                todo.pop(0)[1]()
            self.pipeline.take(frame_of(number, t, luma))

    def ask(self) -> str:
        return str(self.desk.call({})["id"])

    def state(self, canary_id: str) -> dict[str, object]:
        return self.desk.call({"id": canary_id})

    def of(self, *, canary: bool, hazard: str = NAME) -> list[HazardData]:
        return [data for data in self.data if (data.canary is not None) is canary and data.hazard == hazard]


def frame_of(number: int, t: float, luma: Image) -> Frame:
    def read_bgr(region: Region | None = None) -> Image:
        part = luma if region is None else luma[region.y :, region.x :][: region.height, : region.width]
        return cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_GRAY2BGR)

    return Frame("c", number, t, EPOCH + timedelta(seconds=t), luma, read_bgr)


def first_path(settings: ThrownObjectSettings) -> PaintedFall:
    """Where the first drill of a camera falls."""
    canary_id = DeterministicIds("drills")(T0)
    return painted_fall(settings, SIZE, int(canary_id.replace("-", "")[-8:], 16))


def test_a_drill_is_found_and_marked_to_its_end_with_its_latency() -> None:
    camera = Camera()
    asked: list[str] = []
    camera.play(drawn(16, []), {5.0: lambda: asked.append(camera.ask())})
    state = camera.state(asked[0])
    assert (state["state"], state["detector"]) == (CanaryState.FOUND, NAME)
    assert state["latency_seconds"] == pytest.approx(0.25), "from the first painted picture to the commit"
    assert camera.meter.canary_latency_seconds == state["latency_seconds"]
    assert camera.meter.canaries == {"injected": 1, "found": 1}
    assert camera.of(canary=False) == []
    events = camera.of(canary=True)
    assert [events[0].phase, events[-1].phase] == [Phase.OPENED, Phase.CLEARED]
    assert {data.episode_id for data in events} == {events[0].episode_id}, "one drill, one episode"
    for data in events:
        assert data.canary is not None
        assert data.canary.id == asked[0]
        assert data.canary.injected_at == EPOCH + timedelta(seconds=5)
    assert events[-1].tier is Tier.ALARM
    assert timedelta() < events[0].observed_at - EPOCH - timedelta(seconds=5) < timedelta(seconds=2.5)


def test_a_real_fall_beside_a_drill_is_found_and_never_marked() -> None:
    path = first_path(wall_settings())
    start = path.at(0)
    x_m, y_m = start.x / PIXELS_PER_M, (GROUND_PX - start.y) / PIXELS_PER_M
    beside = x_m + 1.5 if x_m < 15 else x_m - 1.5
    real = falling(6.1, beside, min(y_m + 1, 21), g=9.8)
    without = Camera()
    without.play(drawn(16, [real]))
    camera = Camera()
    camera.play(drawn(16, [real]), {6.0: camera.ask})
    assert camera.meter.canaries["found"] == 1
    assert [data.as_json() | {"episode_id": ""} for data in camera.of(canary=False)] == [
        data.as_json() | {"episode_id": ""} for data in without.of(canary=False)
    ], "the real one is what it would have been without a drill, 1.5 m beside and at the same time"
    assert camera.of(canary=False)[0].phase is Phase.OPENED
    assert camera.of(canary=True)[0].phase is Phase.OPENED


def test_a_drill_leaves_nothing_behind_in_what_the_detector_has_learned() -> None:
    runs = []
    for drilled in (False, True):
        camera = Camera()
        camera.play(drawn(9, []), {5.0: camera.ask} if drilled else {})
        runs.append(background_of(camera.guarded))
        assert camera.meter.canaries["found"] == drilled
    assert np.array_equal(*runs)


def background_of(guarded: GuardedDetector) -> np.ndarray:
    inner = guarded.inner
    assert isinstance(inner, ThrownObjectDetector)
    return inner._foreground._background.mean


def test_a_copy_of_a_detector_goes_on_as_the_detector_does() -> None:
    settings = wall_settings()
    detector = GuardedDetector("c", FrameNeeds(fps=25), lambda: ThrownObjectDetector(settings, SIZE))
    frames = [frame_of(number, t, luma) for number, (t, luma) in enumerate(drawn(7, [falling(4.2, 15, 20)]))]
    half = len(frames) * 4 // 7
    for frame in frames[:half]:
        detector.observe(frame)
    copy = forked(detector)
    ours = [detector.observe(frame) for frame in frames[half:]]
    assert any(ours)
    mean = background_of(detector).copy()
    assert [copy.observe(frame) for frame in frames[half:]] == ours
    assert np.array_equal(background_of(copy), mean)
    assert np.array_equal(background_of(detector), mean), "they share no memory"


class Deaf(ThrownObjectDetector):
    """Takes nothing for a fall that falls for less than 200 m: what a wrong setting does."""

    def __init__(self) -> None:
        super().__init__(wall_settings(gates={"drop_m": 200}), SIZE)


def test_a_drill_that_is_not_found_twice_is_lost_and_said_until_one_is_found() -> None:
    camera = Camera(detector=Deaf)
    asked: list[str] = []

    def mend() -> None:
        camera.guarded.inner = ThrownObjectDetector(wall_settings(), SIZE)

    ask = {5.0: lambda: asked.append(camera.ask()), 55.0: lambda: asked.append(camera.ask())}
    camera.play(drawn(65, []), {**ask, 45.0: mend})
    first, second = (camera.state(canary_id) for canary_id in asked)
    assert first["state"] == CanaryState.LOST
    assert "did not find" in str(first["reason"])
    assert second["state"] == CanaryState.FOUND
    assert camera.meter.canaries == {"injected": 3, "lost": 1, "found": 1}, "the first was tried twice"
    said = camera.of(canary=False, hazard=CANARY_LOST)
    assert [data.phase for data in said] == [Phase.OPENED, Phase.CLEARED]
    assert said[0].tier is Tier.REVIEW
    assert said[0].observed_at - EPOCH > timedelta(seconds=25)
    assert camera.meter.canary_lost == ""


def test_while_the_source_cannot_see_a_drill_waits_and_is_not_lost() -> None:
    camera = Camera()
    camera.sight.inhibits = frozenset({NAME})
    asked: list[str] = []

    def see() -> None:
        assert camera.state(asked[0])["state"] == CanaryState.WAITING
        assert "see" in str(camera.state(asked[0])["reason"])
        camera.sight.inhibits = frozenset()

    camera.play(drawn(26, []), {5.0: lambda: asked.append(camera.ask()), 20.0: see})
    assert camera.state(asked[0])["state"] == CanaryState.FOUND
    assert camera.of(canary=False, hazard=CANARY_LOST) == []


def test_going_blind_in_the_middle_puts_a_drill_off() -> None:
    camera = Camera()
    asked: list[str] = []

    def sight(*names: str) -> Callable[[], object]:
        return lambda: setattr(camera.sight, "inhibits", frozenset(names))

    camera.play(drawn(20, []), {5.0: lambda: asked.append(camera.ask()), 5.4: sight(NAME), 9.0: sight()})
    assert camera.state(asked[0])["state"] == CanaryState.FOUND
    assert camera.of(canary=True)[0].observed_at > EPOCH + timedelta(seconds=9)


def test_what_no_detector_can_do_is_refused_with_the_reason() -> None:
    camera = Camera()
    camera.play(drawn(6, []), {5.0: lambda: camera.desk.call({"detector": "fire"})})
    (drill,) = camera.desk._drills
    assert drill.state is CanaryState.REFUSED
    assert "thrown_object" in drill.reason
    with pytest.raises(ValueError, match="no drill"):
        camera.desk.call({"id": "x"})


def test_a_facade_that_is_too_low_for_a_fall_says_so() -> None:
    low = wall_settings(
        facade=wall_settings().facade.model_copy(update={"polygon": ((2, 200), (318, 200), (318, 238))})
    )
    with pytest.raises(NoCanaryError, match="too low"):
        painted_fall(low, SIZE, 1)


@pytest.mark.parametrize("variant", range(8))
def test_on_a_real_facade_every_variant_has_a_place(variant: int) -> None:
    settings = office1_settings()
    size = PictureSize(1280, 720)
    fall = painted_fall(settings, size, variant)
    plane = settings.facade.plane(size)
    begin, end = fall.at(0), fall.at(fall.seconds)
    assert plane.at(begin.x, begin.y).y_m - plane.at(end.x, end.y).y_m > settings.tier.drop_m


def test_drills_spend_no_budget_and_have_no_cool_down() -> None:
    tight = EpisodePolicy(clear_after_seconds=2, alarms_per_hour=1, alarms_per_day=1, cool_down_seconds=600)
    camera = Camera(policy=tight)
    real = falling(26, 15, 20)
    camera.play(drawn(32, [real]), {5.0: camera.ask, 14.0: camera.ask})
    drills = [data for data in camera.of(canary=True) if data.phase is Phase.CLEARED]
    assert [data.tier for data in drills] == [Tier.ALARM, Tier.ALARM]
    fall = camera.of(canary=False)[-1]
    assert (fall.tier, fall.demoted, fall.repeat_of) == (Tier.ALARM, None, None)


def test_pictures_of_a_drill_say_what_they_are(tmp_path: Path) -> None:
    camera = Camera(evidence=tmp_path)
    camera.play(drawn(16, []), {5.0: camera.ask})
    last = camera.of(canary=True)[-1]
    pictures = [item for item in last.evidence if item.media_type == "image/jpeg"]
    assert pictures
    for item in pictures:
        picture = cv2.imread(str(tmp_path / item.sha256))
        assert picture is not None
        for row in (2, picture.shape[0] - 3):
            blue, green, red = (int(level) for level in picture[row, 3])
            assert blue < 60 < 150 < green < red + 60, "the banner, above and below"


def test_the_stamp_fits_pictures_of_any_size() -> None:
    for height, width in ((120, 160), (720, 1280), (1520, 2592), (640, 360)):
        picture = np.zeros((height, width, 3), np.uint8)
        stamp(picture)
        assert picture[0].any()
        assert not picture[height // 2].any()


def test_a_schedule_makes_drills_by_itself() -> None:
    camera = Camera(schedule=CanarySettings(every_seconds=60))
    camera.play(drawn(100, [], fps=12))
    assert camera.meter.canaries["found"] in {1, 2}
    assert {data.hazard for data in camera.data} == {NAME}
    assert all(data.canary is not None for data in camera.data)


def test_a_drill_is_refused_when_too_many_wait() -> None:
    camera = Camera()
    for _ in range(4):
        camera.ask()
    with pytest.raises(ValueError, match="wait already"):
        camera.ask()


def test_a_detector_that_cannot_be_drilled_has_no_turn() -> None:
    """Its drills would be refused, and every second proof of the camera would be lost."""
    camera = Camera()
    detectors = {"objects_in_zone": camera.guarded, NAME: camera.guarded}
    drills = CameraDrills(camera.desk, detectors, {NAME: partial(painted_fall, wall_settings(), SIZE)})
    asked: list[str] = []
    for number, (t, luma) in enumerate(drawn(20, [])):
        if t >= 5 and not drills.is_running and len(asked) < 2:
            asked.append(camera.ask())
        frame = frame_of(number, t, luma)
        camera.guarded.observe(frame)
        if drills.step(frame, t, ()):
            drills.committed()
    assert [camera.state(canary_id)["detector"] for canary_id in asked] == [NAME, NAME]
    assert camera.meter.canaries == {"injected": 2, "found": 2}
