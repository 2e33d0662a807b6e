"""What a detector shows itself: files of an episode's evidence, at once, once, no more than an event lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from contract.base import ContractModel
from contract.events import Canary, HazardData, Phase
from contract.evidence import Evidence, EvidenceKind
from contract.ids import uuid7
from contract.timeline import SignalTimeline
from edge.config.evidence import EvidenceSettings
from edge.detectors.interface import Exhibit, Frame, Image, Observation, Visibility
from edge.episodes.episode import Episode
from edge.evidence.camera import CameraEvidence, Inline
from edge.evidence.exhibits import MAX_DOCUMENT_BYTES, MAX_EXHIBITS, MAX_UNPLACED
from edge.evidence.store import EvidenceStore
from edge.pipeline import CameraPipeline, LivePart
from edge.streams.ring import PacketRing
from tests.edge.evidence.small_disk import fill_up, small_disk
from tests.edge.parts import SOURCE, T0, moment, observation, tracker, writer
from tests.edge.test_pipeline import Kept

TIMELINE = SignalTimeline.model_validate(
    {
        "zero_at": T0,
        "start": -20.0,
        "end": 6.0,
        "samples_per_second": 8.0,
        "heads": [
            {
                "head": "n1",
                "group": "ns",
                "concerned": True,
                "lamps": [{"colour": "red"}, {"colour": "green"}],
                "spans": [{"start": -20.0, "end": 0.0, "lit": [0]}, {"start": 0.0, "end": 6.0}],
            }
        ],
    }
)


class Anything(ContractModel):
    value: int | str


def chip(shade: int, size: int = 24) -> Image:
    return np.full((3 * size, size, 3), shade, np.uint8)


def exhibit(kind: EvidenceKind, content: Image | ContractModel, seconds: float = 0.0, label: str = "") -> Exhibit:
    return Exhibit(kind, content, T0 + timedelta(seconds=seconds), label)


BEFORE, AFTER = exhibit(EvidenceKind.BEFORE, chip(200), -3.0, "n1"), exhibit(EvidenceKind.AFTER, chip(20), 5.0, "n1")
PROOF = exhibit(EvidenceKind.TIMELINE, TIMELINE, -20.0)


class Signal:
    """Says at each media second what the script holds for it."""

    name = "d"
    version = "1"
    visibility = Visibility.CLEAR

    def __init__(self, script: Mapping[int, Observation]) -> None:
        self._script = script

    def observe(self, frame: Frame) -> list[Observation]:
        said = self._script.get(round(frame.media_time))
        return [] if said is None else [said]


class Sight:
    def __init__(self) -> None:
        self.inhibits: set[str] = set()


class Scene:
    """A pipeline over grey pictures, one a second."""

    def __init__(self, folder: Path, script: Mapping[int, Observation]) -> None:
        self.folder = folder / "evidence"
        self.kept = Kept()
        self.sight = Sight()
        evidence = CameraEvidence(EvidenceStore(self.folder), EvidenceSettings(), Inline(), PacketRing(1.0, 1000))
        live = LivePart(sight=self.sight)
        self.pipeline = CameraPipeline({"d": Signal(script)}, tracker(None), writer(), evidence, self.kept, live)

    def play(self, first: int, last: int) -> None:
        picture = np.full((90, 160, 3), 90, np.uint8)
        for second in range(first, last + 1):
            at = T0 + timedelta(seconds=second)
            self.pipeline.take(Frame("c", second, float(second), at, picture[:, :, 0], lambda _region=None: picture))

    def shown(self, kind: str) -> list[Evidence]:
        return [item for item in self.kept.data[-1].evidence if item.kind == kind]

    def content(self, item: Evidence) -> bytes:
        return (self.folder / item.sha256).read_bytes()


def seen(second: int, *exhibits: Exhibit, **changes: object) -> Observation:
    return observation(float(second), started=0.0, marks=(), exhibits=exhibits, **changes)


def story(kept: Kept) -> list[tuple[Phase, list[str]]]:
    return [(data.phase, [item.kind for item in data.evidence]) for data in kept.data]


def test_what_a_detector_shows_is_there_with_the_opening_later_and_with_the_end(tmp_path: Path) -> None:
    script = {
        5: seen(5, PROOF, BEFORE),
        9: seen(9, exhibit(EvidenceKind.AFTER, chip(30), 9.0)),
        20: seen(20, PROOF, AFTER, active=False, ended_media_time=14.0),
    }
    scene = Scene(tmp_path, script)
    scene.play(0, 21)
    scene.pipeline.finish(clear_all=True)
    pictures = ["timeline", "before", "snapshot"]
    assert story(scene.kept) == [
        (Phase.OPENED, []),
        (Phase.UPDATED, ["timeline", "before"]),
        (Phase.UPDATED, pictures),
        (Phase.UPDATED, [*pictures, "after"]),
        (Phase.CLEARED, [*pictures, "after"]),
        (Phase.CLEARED, [*pictures, "after", "after"]),
    ], "the timeline that was shown twice is listed once"
    over = scene.kept.data[-1]
    assert over.ended_at == T0 + timedelta(seconds=14)
    assert scene.kept.open == set()
    [timeline], [before] = scene.shown("timeline"), scene.shown("before")
    assert (timeline.media_type, timeline.captured_at) == ("application/json", PROOF.captured_at)
    document = json.loads(scene.content(timeline))
    assert (document["source_id"], document["hazard"]) == (SOURCE.id, "water_level")
    assert SignalTimeline.model_validate(document).heads == TIMELINE.heads
    assert (before.media_type, before.label, timeline.label) == ("image/jpeg", "n1", None)
    still = cv2.imdecode(np.frombuffer(scene.content(before), np.uint8), cv2.IMREAD_COLOR)
    assert still is not None
    assert still.shape == (72, 24, 3)


def test_a_replay_makes_the_same_files(tmp_path: Path) -> None:
    made = []
    for run in ("a", "b"):
        scene = Scene(tmp_path / run, {5: seen(5, PROOF, BEFORE), 9: seen(9, AFTER, active=False)})
        scene.play(0, 10)
        made.append([[item.sha256 for item in data.evidence] for data in scene.kept.data])
    assert made[0] == made[1]


def test_the_same_again_says_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {second: seen(second, PROOF, BEFORE) for second in range(5, 30)})
    scene.play(0, 30)
    assert [phase for phase, _ in story(scene.kept)] == [Phase.OPENED, Phase.UPDATED, Phase.UPDATED]


def test_what_was_shown_while_nobody_could_be_trusted_comes_with_the_episode(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {5: seen(5, PROOF, BEFORE), 6: seen(6), 8: seen(8)})
    scene.sight.inhibits = {"d"}
    scene.play(0, 6)
    assert scene.kept.data == []
    scene.sight.inhibits = set()
    scene.play(7, 9)
    assert (Phase.UPDATED, ["timeline", "before"]) in story(scene.kept)


def test_what_is_over_before_it_had_an_episode_shows_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {5: seen(5, BEFORE), 7: seen(7, AFTER, active=False), 8: seen(8)})
    scene.sight.inhibits = {"d"}
    scene.play(0, 6)
    scene.sight.inhibits = set()
    scene.play(7, 9)
    assert story(scene.kept)[0][0] is Phase.OPENED
    assert scene.shown("before") == scene.shown("after") == []


def opened(canary: Canary | None = None) -> Episode:
    change = tracker().observe("d", observation(5.0), moment(5.0))
    assert change is not None
    return replace(change.episode, canary=canary)


def evidence_in(folder: Path) -> CameraEvidence:
    return CameraEvidence(EvidenceStore(folder / "evidence"), EvidenceSettings(), Inline(), PacketRing(1.0, 1000))


def made(evidence: CameraEvidence) -> list[Evidence]:
    return [item for _, items in evidence.finished() for item in items]


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        Anything(value=2**60),
        Anything(value="x" * MAX_DOCUMENT_BYTES),
    ],
    ids=["empty picture", "two colours", "no JSON", "too large"],
)
def test_what_no_file_can_be_made_of_costs_only_itself(tmp_path: Path, bad: Image | ContractModel) -> None:
    evidence = evidence_in(tmp_path)
    evidence.observed(opened(), seen(6, exhibit(EvidenceKind.BEFORE, bad), BEFORE))
    assert [item.kind for item in made(evidence)] == ["before"]


def test_an_episode_shows_no_more_than_an_event_lists_and_documents_first(tmp_path: Path) -> None:
    evidence, episode = evidence_in(tmp_path), opened()
    many = tuple(exhibit(EvidenceKind.BEFORE, chip(shade, 4)) for shade in range(0, 240, 3))
    evidence.observed(episode, seen(6, *many, PROOF))
    first = made(evidence)
    assert len(first) == MAX_EXHIBITS
    assert first[0].kind == "timeline"
    evidence.observed(replace(episode, evidence=tuple(first)), seen(7, AFTER))
    assert made(evidence) == []
    own = [first[0].model_copy(update={"kind": kind}) for kind in ("snapshot", "track", "overlay", "clip")]
    event = writer().hazard(replace(episode, evidence=(*first, *own)))
    assert isinstance(event.data, HazardData)


def test_observations_without_an_episode_do_not_pile_up(tmp_path: Path) -> None:
    evidence = evidence_in(tmp_path)
    for number in range(MAX_UNPLACED + 1):
        evidence.without_episode(seen(5, BEFORE, key=f"k{number}"), inhibited=True)
    for number in (0, MAX_UNPLACED):
        evidence.observed(opened(), seen(6, key=f"k{number}"))
    assert len(made(evidence)) == 1


def test_a_drill_marks_its_documents_and_takes_nothing_real(tmp_path: Path) -> None:
    evidence, canary = evidence_in(tmp_path), Canary(id=uuid7(T0), injected_at=T0)
    evidence.without_episode(seen(5, BEFORE), inhibited=True)
    evidence.observed(opened(canary), seen(6, PROOF))
    [item] = made(evidence)
    document = json.loads((tmp_path / "evidence" / item.sha256).read_bytes())
    assert document["canary"]["id"] == canary.id


def test_on_a_full_disk_an_exhibit_costs_no_event(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8_000_000) as disk:
        scene = Scene(disk, {5: seen(5, PROOF, BEFORE), 9: seen(9, AFTER, active=False)})
        fill_up(disk, leave_bytes=0)
        scene.play(0, 10)
        assert [phase for phase, _ in story(scene.kept)] == [Phase.OPENED, Phase.CLEARED]
