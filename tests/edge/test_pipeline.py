"""From frames to commits: what a scripted detector says over a real stream becomes events with evidence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract.events import HazardData, HazardEvent, Phase
from edge.config.evidence import EvidenceSettings
from edge.detectors.interface import CameraDetector, Frame, Observation, Visibility
from edge.evidence.camera import CameraEvidence, Inline
from edge.evidence.store import EvidenceStore
from edge.outbox.sink import Commit
from edge.pipeline import CameraPipeline
from edge.sources.file import FileSource
from edge.streams.camera import CameraStream
from tests.edge.evidence.streams import frames_of
from tests.edge.parts import T0, observation, tracker, writer
from tests.edge.video import record

Script = Callable[[float], Observation | None]


class Scripted:
    """Says what the script says at each media time."""

    name = "d"
    version = "1"

    def __init__(self, script: Script) -> None:
        self._script = script

    def observe(self, frame: Frame) -> Sequence[Observation]:
        said = self._script(frame.media_time)
        return [] if said is None else [said]

    @property
    def visibility(self) -> Visibility:
        return Visibility.CLEAR


class Kept:
    """Keeps commits, and checks that open episodes are remembered exactly while they are open."""

    def __init__(self) -> None:
        self.data: list[HazardData] = []
        self.open: set[str] = set()

    def commit(self, commit: Commit) -> None:
        for event in commit.events:
            assert isinstance(event, HazardEvent)
            self.data.append(event.data)
        self.open |= {episode.episode_id for episode in commit.open_episodes}
        self.open -= set(commit.closed_episodes)

    def story(self) -> list[tuple[Phase, int, list[str]]]:
        return [(data.phase, data.revision, [item.kind for item in data.evidence]) for data in self.data]


class Slow(Executor):
    """Does nothing until it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self._pool = ThreadPoolExecutor(1)

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        return self._pool.submit(lambda: (self.let.wait(20), fn(*args, **kwargs))[1])


@contextmanager
def opened(
    folder: Path,
    script: Script,
    executor: Executor,
    *,
    seconds: float = 20,
    clear_after: float | None = 5,
    **settings: float,
) -> Iterator[tuple[CameraPipeline, CameraStream, Kept]]:
    path = record(folder / "wall.mp4", seconds=seconds)
    with FileSource(path) as source:
        stream = CameraStream("c", source, wall_start=T0, history_seconds=75)
        evidence = CameraEvidence(
            EvidenceStore(folder / "evidence"), EvidenceSettings(**settings), executor, stream.ring
        )
        detectors: Mapping[str, CameraDetector] = {"d": Scripted(script)}
        kept = Kept()
        yield CameraPipeline(detectors, tracker(clear_after), writer(), evidence, kept), stream, kept


def between(start: float, end: float, **changes: object) -> Script:
    return lambda now: observation(now, started=start, **changes) if start <= now <= end else None


def play(pipeline: CameraPipeline, stream: CameraStream) -> None:
    for frame in stream.frames():
        pipeline.take(frame)


def test_an_episode_opens_is_shown_and_clears_with_its_clip(tmp_path: Path) -> None:
    with opened(tmp_path, between(6, 6.5), Inline()) as (pipeline, stream, kept):
        play(pipeline, stream)
        pipeline.finish(clear_all=True)
    pictures = ["snapshot", "track"]
    assert kept.story() == [
        (Phase.OPENED, 1, []),
        (Phase.UPDATED, 2, pictures),
        (Phase.CLEARED, 3, [*pictures, "clip"]),
    ]
    clip = kept.data[-1].evidence[-1]
    shown = frames_of((tmp_path / "evidence" / clip.sha256).read_bytes())
    assert len(shown) == pytest.approx(10 * (5 + 0.5 + 5) + 1, abs=2), "5 s before to 5 s after, from a key frame"
    assert clip.captured_at == kept.data[0].started_at.replace(second=1)
    assert kept.open == set()


def test_without_anything_seen_nothing_is_said(tmp_path: Path) -> None:
    with opened(tmp_path, lambda _: None, Inline(), seconds=3) as (pipeline, stream, kept):
        play(pipeline, stream)
        pipeline.finish(clear_all=True)
    assert kept.data == []


def test_the_end_of_a_recording_clears_with_what_is_there(tmp_path: Path) -> None:
    with opened(tmp_path, between(2, 2.9), Inline(), seconds=3) as (pipeline, stream, kept):
        play(pipeline, stream)
        assert kept.story() == [(Phase.OPENED, 1, [])]
        pipeline.finish(clear_all=True)
    assert kept.story()[-1] == (Phase.CLEARED, 2, ["snapshot", "track", "clip"])
    assert kept.open == set()


def test_a_fault_of_the_stream_keeps_what_only_the_detector_may_end(tmp_path: Path) -> None:
    with opened(tmp_path, between(1, 2.9), Inline(), seconds=3, clear_after=None) as (pipeline, stream, kept):
        play(pipeline, stream)
        pipeline.finish(clear_all=False)
    assert Phase.CLEARED not in [phase for phase, _, _ in kept.story()]
    assert len(kept.open) == 1


def test_slow_evidence_never_holds_up_the_opening(tmp_path: Path) -> None:
    slow = Slow()
    with opened(tmp_path, between(2, 3), slow, seconds=30) as (pipeline, stream, kept):
        begin = time.monotonic()
        frames = iter(stream.frames())
        for frame in frames:
            pipeline.take(frame)
            if frame.media_time >= 12:
                break
        assert time.monotonic() - begin < 20, "frames do not wait for evidence"
        assert kept.story() == [(Phase.OPENED, 1, [])], "cleared is held for the evidence …"
        for frame in frames:
            pipeline.take(frame)
            if kept.story()[-1][0] is Phase.CLEARED:
                break
        assert kept.story()[-1] == (Phase.CLEARED, 2, []), "… but not for ever"
        slow.let.set()
        pipeline.finish(clear_all=True)
    final = kept.story()[-1]
    assert final[0] is Phase.CLEARED
    assert final[2] == ["snapshot", "track", "clip"]
    assert [revision for _, revision, _ in kept.story()] == list(range(1, len(kept.data) + 1))


def test_a_long_episode_gets_its_clip_while_it_is_open(tmp_path: Path) -> None:
    limits = {"clip_limit_seconds": 8.0}
    with opened(tmp_path, between(5, 100), Inline(), seconds=15, **limits) as (pipeline, stream, kept):
        play(pipeline, stream)
        kinds = {kind for phase, _, evidence in kept.story() if phase is Phase.UPDATED for kind in evidence}
        assert "clip" in kinds
        clip = kept.data[-1].evidence[-1]
        shown = frames_of((tmp_path / "evidence" / clip.sha256).read_bytes())
        assert shown[-1][0] == pytest.approx(8, abs=1.1)
        pipeline.finish(clear_all=True)


def test_a_clip_that_ends_after_the_episode_comes_with_a_second_cleared(tmp_path: Path) -> None:
    with opened(tmp_path, between(6, 6.5), Inline(), clip_after_seconds=9) as (pipeline, stream, kept):
        play(pipeline, stream)
        pipeline.finish(clear_all=True)
    phases = [(phase, evidence[-1:]) for phase, _, evidence in kept.story()]
    assert phases[-2:] == [(Phase.CLEARED, ["track"]), (Phase.CLEARED, ["clip"])]


def test_the_detector_may_end_it_and_the_clip_still_comes(tmp_path: Path) -> None:
    def script(now: float) -> Observation | None:
        return observation(now, started=6, active=now < 7) if 6 <= now <= 7 else None

    with opened(tmp_path, script, Inline(), clear_after=None) as (pipeline, stream, kept):
        play(pipeline, stream)
        pipeline.finish(clear_all=True)
    assert kept.story()[-1] == (Phase.CLEARED, kept.data[-1].revision, ["snapshot", "track", "clip"])
    assert kept.data[-1].ended_at == kept.data[0].started_at.replace(second=7)


def test_a_disk_that_is_full_costs_the_evidence_not_the_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with opened(tmp_path, between(6, 6.5), Inline()) as (pipeline, stream, kept):
        monkeypatch.setattr(EvidenceStore, "_write", refuse)
        play(pipeline, stream)
        pipeline.finish(clear_all=True)
    assert kept.story() == [(Phase.OPENED, 1, []), (Phase.CLEARED, 2, [])]


def test_two_things_at_once_are_two_episodes(tmp_path: Path) -> None:
    class Two(Scripted):
        def observe(self, frame: Frame) -> Sequence[Observation]:
            if not 2 <= frame.media_time <= 3:
                return []
            return [observation(frame.media_time, started=2, key=key) for key in ("1", "2")]

    with opened(tmp_path, lambda _: None, Inline(), seconds=10) as (_, stream, kept):
        pipeline = CameraPipeline({"d": Two(lambda _: None)}, tracker(), writer(), None, kept)
        play(pipeline, stream)
        pipeline.finish(clear_all=True)
    assert len({data.episode_id for data in kept.data}) == 2
    assert [phase for phase, _, _ in kept.story()] == [Phase.OPENED] * 2 + [Phase.CLEARED] * 2
