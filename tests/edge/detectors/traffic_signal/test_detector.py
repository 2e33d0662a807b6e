"""The whole detector before rendered junctions: faults found once, with proof, and nothing while it cannot see."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from contract.details import SignalDetail
from contract.events import HazardEvent, Severity, Tier
from contract.timeline import SignalTimeline
from edge.canary.fork import forked
from edge.canary.painting import painted
from edge.config.document import load_config
from edge.detectors.canary import NoCanaryError
from edge.detectors.interface import Observation, Visibility
from edge.detectors.registry import CameraContext, PictureSize, Resumable, installed_detectors
from edge.detectors.traffic_signal import KIND
from edge.detectors.traffic_signal.canary import dark_head
from edge.detectors.traffic_signal.detector import TrafficSignalDetector, heads_concerned
from edge.detectors.traffic_signal.findings import Fault
from edge.replay import Progress, replay
from samples.junction.faults import TrueFault
from samples.junction.scenario import Away, Fog, Scene
from tests.edge.detectors.traffic_signal.crossing import SIZE, camera, recorded, scene, settings

EVERY_HEAD = ("N1", "N2", "E1")
POWER_FAILURE = TrueFault(Fault.DARK, EVERY_HEAD, 60, 120, scope="junction")
FAILURE = scene(POWER_FAILURE, seconds=230)
RESTART_AT = 112.0


def new_detector() -> TrafficSignalDetector:
    built = KIND.build(settings(), CameraContext("crossing", SIZE))
    assert isinstance(built, TrafficSignalDetector)
    return built


def watched(of: Scene) -> tuple[list[Observation], list[tuple[float, Visibility]]]:
    """Everything a detector says of a scene, and what it could see when."""
    detector = new_detector()
    said: list[Observation] = []
    seen = []
    for frame in camera(of).frames():
        said += detector.observe(frame)
        seen.append((frame.media_time, detector.visibility))
    return said, seen


@dataclass(frozen=True)
class Watched:
    """What was said of the power failure, by one detector and by two of which the second took up the first one's
    memory."""

    said: Sequence[Observation]
    said_by_two: Sequence[Observation]
    detector: TrafficSignalDetector


@pytest.fixture(scope="module")
def failure() -> Watched:
    """Rendered once: that takes longer than looking."""
    first, second = new_detector(), None
    said: list[Observation] = []
    by_two: list[Observation] = []
    for frame in camera(FAILURE).frames():
        said += first.observe(frame)
        if frame.media_time < RESTART_AT:
            by_two = list(said)
            continue
        if second is None:
            assert isinstance(first, Resumable)
            saved = json.loads(json.dumps(forked(first).save()))
            second = new_detector()
            second.load(saved)
            assert second.is_open("signal_dark", "junction")
        # Media time begins anew with each opening of a stream.
        by_two += second.observe(replace(frame, media_time=frame.media_time - RESTART_AT))
    return Watched(said, by_two, first)


def test_it_is_installed() -> None:
    assert installed_detectors()["traffic_signal"] is KIND


@pytest.mark.parametrize(
    ("more", "fps", "key_frames"), [({}, 8, False), ({"max_fps": 5}, 5, False), ({"key_frames": True}, 1, True)]
)
def test_it_asks_for_the_pictures_it_needs(more: dict[str, Any], fps: float, key_frames: bool) -> None:
    needs = KIND.needs(settings().model_copy(update=more))
    assert (needs.fps, needs.key_frames) == (fps, key_frames)


def test_its_heads_are_its_outlines() -> None:
    assert [outline.points for outline in KIND.outlines(settings())] == [
        head.polygon for head in settings().heads.values()
    ]


def test_a_power_failure_is_one_fault_with_all_its_heads(
    failure: Watched,
) -> None:
    said = failure.said
    assert {(one.hazard, one.key) for one in said} == {("signal_dark", "junction")}
    first = said[0]
    assert 100 <= first.media_time <= 120
    assert first.started_media_time == pytest.approx(60, abs=2)
    assert isinstance(first.detail, SignalDetail)
    assert first.detail.heads == EVERY_HEAD
    assert first.detail.box is not None
    assert {mark.label for mark in first.marks} == {"N1 dark", "N2 dark", "E1 dark"}


def test_it_ends_with_two_normal_cycles_and_says_since_when(
    failure: Watched,
) -> None:
    said, detector = failure.said, failure.detector
    over = next(one for one in said if not one.active)
    assert 150 <= over.media_time <= 210
    assert over.ended_media_time is not None
    assert 120 <= over.ended_media_time <= 150
    assert not any(one.active for one in said[said.index(over) :])
    assert not detector.is_open("signal_dark", "head:N1")


def test_its_proof_is_shown_when_it_is_certain_and_when_it_is_over(
    failure: Watched,
) -> None:
    said = failure.said
    shown = [[exhibit.kind.value for exhibit in one.exhibits] for one in said if one.exhibits]
    assert shown == [["timeline", "before", "after"], ["timeline", "after"]]
    opening, closing = (one for one in said if one.exhibits)
    timeline, before, after = (exhibit.content for exhibit in opening.exhibits)
    assert isinstance(timeline, SignalTimeline)
    assert [(moment.what, round(moment.at)) for moment in timeline.moments] == [
        ("began", round(opening.started_media_time)),
        ("certain", round(opening.media_time)),
    ]
    assert all(head.concerned for head in timeline.heads)
    assert all(head.spans[-1].lit == () and head.spans[-1].unseen is None for head in timeline.heads)
    assert all({span.lit for span in head.spans} >= {(0,), (2,), ()} for head in timeline.heads)
    # What was lit shines on the sheet of before, and nothing does on that of now.
    assert isinstance(before, np.ndarray)
    assert isinstance(after, np.ndarray)
    assert before.shape[1] >= 3 * 160
    shining = [int(((sheet[..., 2] > 200) & (sheet[..., 0] < 120)).sum()) for sheet in (before, after)]
    assert shining[0] > 3000 > 10 * shining[1]
    assert opening.exhibits[1].captured_at < opening.exhibits[2].captured_at
    last = closing.exhibits[0].content
    assert isinstance(last, SignalTimeline)
    assert [moment.what for moment in last.moments] == ["began", "repaired", "over"]


def test_one_dark_head_is_its_own_fault_and_the_others_are_witnesses() -> None:
    said, _ = watched(scene(TrueFault(Fault.DARK, ("N1",), 60, 150), seconds=140, fps=0.5))
    assert {(one.hazard, one.key) for one in said} == {("signal_dark", "head:N1")}
    timeline = said[0].exhibits[0].content
    assert [(shown.kind.value, shown.label) for shown in said[0].exhibits] == [
        ("timeline", ""),
        ("before", "N1"),
        ("after", "N1"),
    ]
    assert isinstance(timeline, SignalTimeline)
    assert [(head.head, head.concerned) for head in timeline.heads] == [("N1", True), ("N2", False), ("E1", False)]


@pytest.mark.parametrize(
    ("event", "said_to_be"),
    [(Away(60, 150), Visibility.INVALID), (Fog(50, 160, 0.99, ramp=10), Visibility.UNKNOWN)],
    ids=["turned away", "fog"],
)
def test_what_cannot_be_seen_is_not_dark(event: Away | Fog, said_to_be: Visibility) -> None:
    said, seen = watched(scene(seconds=200, events=[event], fps=0.5))
    assert said == []
    assert {visibility for t, visibility in seen if 70 <= t < 140} == {said_to_be}
    assert seen[-1][1] is Visibility.CLEAR


def test_a_frame_of_another_size_is_refused() -> None:
    frame = next(camera(scene()).frames())
    with pytest.raises(ValueError, match="found a frame of 320 x 180, expected 640 x 360"):
        TrafficSignalDetector(settings(), PictureSize(640, 360)).observe(frame)


def test_the_report_says_what_it_sees_and_what_it_cannot_judge() -> None:
    detector = new_detector()
    assert detector.report() == {}
    for frame in islice(camera(scene()).frames(), 0, 100, 2):
        detector.observe(frame)
    report = json.loads(json.dumps(detector.report()))
    assert report["visibility"] == "clear"
    assert report["placement"]["registration"] == "steady"
    assert report["samples_per_second"] == pytest.approx(0.5, rel=0.1)
    assert set(report["not_judged"]) == {"signal_flashing", "signal_conflict", "signal_sequence", "signal_countdown"}
    assert set(report["heads"]) == set(EVERY_HEAD)
    for head in report["heads"].values():
        assert len(head["lit"]) == 1
        assert head["unseen"] is None
        assert 0 <= head["since_seconds"] <= 40
    assert set(report["groups"]["ns"]["states"]) >= {"red", "green"}
    drawn = SignalTimeline.model_validate(report["timeline"])
    assert drawn.end - drawn.start == pytest.approx(98, abs=10)


def test_reports_may_be_asked_for_from_any_thread() -> None:
    detector = new_detector()
    wrong: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            report = detector.report()
            if report and set(report["heads"]) != set(EVERY_HEAD):
                wrong.append(str(report))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for frame in islice(camera(scene()).frames(), 30):
            detector.observe(frame)
    finally:  # else a fault would leave the thread asking for ever
        stop.set()
        asking.join()
    assert wrong == []


def test_it_goes_on_after_a_restart_in_the_midst_of_a_fault(failure: Watched) -> None:
    """The next program finds the fault as it was: told once, ended by normal cycles, with what was learned."""
    said = failure.said_by_two
    assert {(one.hazard, one.key) for one in said} == {("signal_dark", "junction")}
    assert [[exhibit.kind.value for exhibit in one.exhibits] for one in said if one.exhibits] == [
        ["timeline", "before", "after"],
        ["timeline", "after"],
    ]
    assert not said[-1].active


def test_what_is_saved_of_other_settings_is_left() -> None:
    detector = new_detector()
    for frame in islice(camera(scene()).frames(), 40):
        detector.observe(frame)
    saved = copy.deepcopy(dict(detector.save()))
    saved["active"] = [["signal_dark", "head:gone"], ["no_hazard", "junction"]]
    other = new_detector()
    other.load(saved)
    assert not other.is_open("signal_dark", "head:gone")


def test_more_heads_are_concerned_than_an_event_lists() -> None:
    heads = {f"h{number}": head for number, head in enumerate([*settings().heads.values()] * 2)}
    many = settings().model_copy(update={"heads": heads})
    detail = SignalDetail(scope="junction", heads=("h1",), heads_total=6, visible_share=1.0, samples_per_second=1.0)
    assert heads_concerned(detail, many) == ["h1", "h0", "h2", "h3", "h4", "h5"]


# ---- drills


def test_a_drill_is_found_by_a_copy_and_leaves_nothing_behind() -> None:
    detector = new_detector()
    frames = camera(scene()).frames()
    for frame in frames:
        detector.observe(frame)
        if frame.media_time >= 60:
            break
    drill = dark_head(settings(), SIZE, 1)
    copied = forked(detector)
    drill.aim(copied)
    before = json.dumps(detector.save(), sort_keys=True)
    found = None
    for frame in frames:
        shown = painted(frame, drill, frame.media_time - 60)
        if any(drill.recognises(one, 60) for one in copied.observe(shown)):
            found = frame.media_time - 60
            break
        if frame.media_time >= 60 + drill.patience_seconds:
            break
    assert json.dumps(detector.save(), sort_keys=True) == before
    assert found is not None
    assert found < drill.patience_seconds


def test_a_real_dark_head_is_not_taken_for_the_drill() -> None:
    drill = dark_head(settings(), SIZE, 0)
    detail = SignalDetail(scope="head", heads=("E1",), heads_total=1, visible_share=1.0, samples_per_second=1.0)
    other = "E1" if drill.head_id != "E1" else "N1"
    real = _dark(detail.model_copy(update={"heads": (other,)}), 100.0)
    ours = _dark(detail.model_copy(update={"heads": (drill.head_id,)}), 100.0)
    long_since = _dark(detail.model_copy(update={"heads": (drill.head_id,)}), 20.0)
    assert [drill.recognises(one, 100.0) for one in (real, ours, long_since)] == [False, True, False]


def _dark(detail: SignalDetail, began: float) -> Observation:
    return Observation("signal_dark", "", 150.0, began, Severity.YELLOW, Tier.ALARM, 0.9, detail)


def test_arrows_alone_allow_no_drill() -> None:
    document = settings().model_dump(mode="json")
    for head in document["heads"].values():
        head["kind"] = "arrow"
    with pytest.raises(NoCanaryError, match="no head that always shows something"):
        dark_head(settings().model_validate(document), SIZE, 0)


# ---- the whole way


def test_a_recording_becomes_events_with_evidence(tmp_path: Path) -> None:
    """In real H.264: the dark junction is found once, and cleared as of its repair."""
    clip = recorded(tmp_path / "crossing.mp4", FAILURE)
    document = {
        "device": {"id": "box-1", "state_dir": "state"},
        "sources": {
            "crossing": {
                "kind": "camera",
                "location": {"lon": 113.62, "lat": 34.75, "accuracy_m": 25},
                "detectors": {"traffic_signal": settings().model_dump(mode="json", exclude_defaults=True)},
            }
        },
    }
    path = tmp_path / "edge.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    out, evidence = tmp_path / "events.jsonl", tmp_path / "evidence"
    results = replay([clip], load_config(path), out, evidence, Progress())
    assert [result.problem for result in results] == [None]
    lines = out.read_bytes().splitlines()
    assert len(lines[0]) <= 2048
    data = [HazardEvent.model_validate_json(line).data for line in lines]
    assert {(one.hazard, one.episode_id) for one in data} == {("signal_dark", data[0].episode_id)}
    assert (data[0].phase, data[-1].phase) == ("opened", "cleared")
    last = data[-1]
    kinds = [item.kind for item in last.evidence]
    assert kinds.count("timeline") == 2
    assert kinds.count("after") == 2
    assert {"before", "snapshot"} <= set(kinds)
    detail = last.typed_detail()
    assert isinstance(detail, SignalDetail)
    assert detail.repaired_at is not None
    assert last.ended_at == detail.repaired_at
    assert 58 <= (detail.repaired_at - last.started_at).total_seconds() <= 100
    sheet = next(item for item in last.evidence if item.kind == "before")
    assert cv2.imdecode(np.frombuffer((evidence / sheet.sha256).read_bytes(), np.uint8), cv2.IMREAD_COLOR) is not None
