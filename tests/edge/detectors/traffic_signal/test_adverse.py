"""Faults that are open while the clock is set, the stream goes away or the settings change; and key frames alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contract.events import HazardData, HazardEvent, Phase
from contract.timeline import SignalTimeline
from edge.config.evidence import EvidenceSettings
from edge.detectors.interface import Frame
from edge.detectors.registry import CameraContext
from edge.detectors.traffic_signal import KIND
from edge.detectors.traffic_signal.findings import Fault, Finding
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.settings import TrafficSignalSettings
from edge.episodes.tracker import EpisodeTracker
from edge.evidence.camera import CameraEvidence, Inline
from edge.evidence.store import EvidenceStore
from edge.guard import GuardedDetector
from edge.outbox.sink import Commit
from edge.pipeline import CameraPipeline, LivePart
from edge.sources.decoding import DecodeMode
from edge.sources.file import FileSource
from edge.streams.camera import CameraStream
from samples.junction.faults import TrueFault
from tests.edge.detectors.traffic_signal.crossing import SIZE, camera, recorded, scene, settings
from tests.edge.detectors.traffic_signal.machines import DARK, during, times
from tests.edge.detectors.traffic_signal.machines import scene as picture
from tests.edge.detectors.traffic_signal.machines import settings as machine_settings
from tests.edge.parts import tracker, writer

ALL_DARK = TrueFault(Fault.DARK, ("N1", "N2", "E1"), 60, 150, scope="junction")


class Kept:
    def __init__(self) -> None:
        self.data: list[HazardData] = []

    def commit(self, commit: Commit) -> None:
        self.data += [event.data for event in commit.events if isinstance(event, HazardEvent)]

    @property
    def phases(self) -> list[Phase]:
        """Openings and endings."""
        return [one.phase for one in self.data if one.phase in (Phase.OPENED, Phase.CLEARED)]


def pipeline(
    kept: Kept,
    episodes: EpisodeTracker,
    *,
    values: TrafficSignalSettings | None = None,
    evidence: CameraEvidence | None = None,
    remembered: str | None = None,
    began_seconds: float = 0.0,
) -> CameraPipeline:
    used = values or settings()
    guarded = GuardedDetector("crossing", KIND.needs(used), lambda: KIND.build(used, CameraContext("crossing", SIZE)))
    live = LivePart(began_seconds=began_seconds, remembered=remembered)
    return CameraPipeline({"d": guarded}, episodes, writer(), evidence, kept, live)


def frames(start: float, end: float, media_zero: float = 0.0) -> Iterable[Frame]:
    """Of the power failure, every two seconds; media time begins anew at `media_zero`."""
    for frame in camera(scene(ALL_DARK, seconds=end, fps=0.5)).frames():
        if frame.media_time >= start:
            yield replace(frame, media_time=frame.media_time - media_zero)


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_is_set_during_a_fault_neither_ends_nor_repeats_it(jump: timedelta) -> None:
    machine = TimeMachine(machine_settings())
    show = during(130, 400, lambda _: {"a1": DARK})
    said: list[Finding] = []
    for t in times(0, 700, 2.0):
        shown = picture(t, show(t))
        said += machine.observe(shown if t < 250 else replace(shown, wall_time=shown.wall_time + jump))
    assert {(one.fault, one.key) for one in said} == {(Fault.DARK, "head:a1")}
    over = [one for one in said if not one.active]
    assert not any(one.active for one in said[said.index(over[0]) :])
    assert {one.repaired_media_time for one in over} == {over[0].repaired_media_time}
    assert over[0].repaired_media_time == pytest.approx(400, abs=1)
    assert over[0].detail.seconds == pytest.approx(270, abs=2), "as long as it lasted, whatever clocks say"


def test_a_stream_that_goes_away_during_a_fault_and_comes_back_continues_it() -> None:
    kept, episodes = Kept(), tracker(None)
    first = pipeline(kept, episodes)
    for frame in frames(0, 116):
        first.take(frame)
    first.finish(clear_all=False)
    assert kept.phases == [Phase.OPENED]
    second = pipeline(kept, episodes, remembered=first.remembered, began_seconds=126)
    for frame in frames(126, 250, media_zero=126):
        second.take(frame)
    assert kept.phases == [Phase.OPENED, Phase.CLEARED]
    opened, cleared = kept.data[0], kept.data[-1]
    assert cleared.episode_id == opened.episode_id
    assert cleared.started_at == opened.started_at
    assert cleared.ended_at is not None
    assert (cleared.ended_at - opened.started_at).total_seconds() == pytest.approx(90, abs=6)


def test_pictures_that_stay_away_during_a_fault_are_a_gap_in_its_timeline() -> None:
    detector = KIND.build(settings(), CameraContext("crossing", SIZE))
    said = [one for f in frames(0, 250) if not 112 < f.media_time < 140 for one in detector.observe(f)]
    shown = [one for one in said if one.exhibits]
    assert [(one.key, one.active) for one in shown] == [("junction", True), ("junction", False)]
    timeline = shown[-1].exhibits[0].content
    assert isinstance(timeline, SignalTimeline)
    for head in timeline.heads:
        gaps = [span for span in head.spans if span.unseen == "no_picture"]
        assert [span.end - span.start for span in gaps] == [pytest.approx(28, abs=2.5)]


def test_an_open_fault_of_a_head_that_the_settings_lost_is_ended() -> None:
    one_dark = TrueFault(Fault.DARK, ("N1",), 20, 900)
    kept, episodes = Kept(), tracker(None)
    first = pipeline(kept, episodes)
    for frame in camera(scene(one_dark, seconds=80, fps=0.5)).frames():
        first.take(frame)
    first.finish(clear_all=False)
    assert kept.phases == [Phase.OPENED]
    document = settings().model_dump(mode="json")
    del document["heads"]["N1"]
    without = TrafficSignalSettings.model_validate(document)
    second = pipeline(kept, episodes, values=without, remembered=first.remembered)
    second.take(next(camera(scene(one_dark, seconds=80, fps=0.5)).frames()))
    assert kept.phases == [Phase.OPENED, Phase.CLEARED]
    assert episodes.open_episodes == ()


def test_key_frames_alone_find_a_power_failure_and_its_end_with_all_evidence(tmp_path: Path) -> None:
    """Of H.264 with a key frame every two seconds nothing else is decoded once that rhythm is known."""
    clip = recorded(tmp_path / "crossing.mp4", scene(ALL_DARK, seconds=250))
    values = settings().model_copy(update={"key_frames": True})
    kept, store = Kept(), EvidenceStore(tmp_path / "evidence")
    with FileSource(clip) as source:
        stream = CameraStream(
            "crossing", source, wall_start=scene().begins_at, history_seconds=75, needs=[KIND.needs(values)]
        )
        evidence = CameraEvidence(store, EvidenceSettings(), Inline(), stream.ring)
        watching = pipeline(kept, tracker(None), values=values, evidence=evidence)
        for frame in stream.frames():
            watching.take(frame)
        watching.finish(clear_all=True)
        assert source.mode is DecodeMode.KEY_FRAMES
        assert stream.frames_decoded < 150
    assert kept.phases[:2] == [Phase.OPENED, Phase.CLEARED]
    last = kept.data[-1]
    kinds = [item.kind for item in last.evidence]
    assert kinds.count("timeline") == 2
    assert {"before", "after", "snapshot", "clip"} <= set(kinds)
    assert last.ended_at is not None
    assert (last.ended_at - last.started_at).total_seconds() == pytest.approx(90, abs=6)
    for item in last.evidence:
        if item.kind == "timeline":
            timeline = SignalTimeline.model_validate_json((tmp_path / "evidence" / item.sha256).read_bytes())
            assert timeline.samples_per_second == pytest.approx(0.5, rel=0.1)
