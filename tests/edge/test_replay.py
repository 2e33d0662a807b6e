"""The same recording gives the same bytes; a broken clip does not stop the others."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.chain import verify_chain
from contract.events import HazardEvent
from contract.keys import load_or_create_key
from edge.config.document import EdgeConfig, load_config
from edge.detectors.thrown_object import ThrownObjectDetector
from edge.evaluate.stats import read_stats
from edge.replay import Progress, ReplayError, clips_in, replay
from tests.edge.evidence.streams import frames_of
from tests.edge.video import record


def configuration(folder: Path, sources: dict[str, Any]) -> EdgeConfig:
    path = folder / "edge.yaml"
    document = {"device": {"id": "box-1", "state_dir": "state"}, "sources": sources}
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return load_config(path)


def camera(root: Path, clip: str = "gate-3", **more: Any) -> dict[str, Any]:
    calibration = yaml.safe_load((root / "samples/clips/calibration.yaml").read_text(encoding="utf-8"))
    place = {"lon": 113.62, "lat": 34.75, "accuracy_m": 25}
    return {"kind": "camera", "location": place, "detectors": {"thrown_object": calibration[clip]}, **more}


def events_in(path: Path) -> list[HazardEvent]:
    return [HazardEvent.model_validate_json(line) for line in path.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def gate(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, EdgeConfig]:
    """One replay of a committed clip with evidence."""
    folder = tmp_path_factory.mktemp("gate")
    config = configuration(folder, {"gate-3": camera(root)})
    results = replay([root / "samples/clips/gate-3.mp4"], config, folder / "a.jsonl", folder / "a", Progress())
    assert [result.problem for result in results] == [None]
    return folder, config


def test_one_fall_is_one_episode_with_all_its_evidence(gate: tuple[Path, EdgeConfig]) -> None:
    folder, _ = gate
    events = events_in(folder / "a.jsonl")
    assert len({event.data.episode_id for event in events}) == 1
    assert [event.data.revision for event in events] == list(range(1, len(events) + 1))
    first, last = events[0].data, events[-1].data
    assert (first.phase, first.evidence, last.phase) == ("opened", (), "cleared")
    assert len((folder / "a.jsonl").read_bytes().splitlines()[0]) <= 2048
    assert Counter(item.kind for item in last.evidence) == {"snapshot": 1, "track": 1, "clip": 1}
    for item in last.evidence:
        assert (folder / "a" / item.sha256).stat().st_size == item.bytes
    assert first.media is not None
    assert first.media.clip == "gate-3"
    assert 3.5 < first.media.start_seconds < first.media.observed_seconds < 6.5
    assert first.started_at.isoformat().startswith("2000-01-01T00:00:0")
    track = next(item for item in last.evidence if item.kind == "track")
    points = json.loads((folder / "a" / track.sha256).read_bytes())["tracks"][0]["points"]
    assert len(points) > len(last.typed_detail().track), "the whole track, not the thinned one"  # type: ignore[union-attr]
    clip = next(item for item in last.evidence if item.kind == "clip")
    shown = frames_of((folder / "a" / clip.sha256).read_bytes())
    assert shown[-1][0] - shown[0][0] > 5


def test_the_events_are_one_chain(gate: tuple[Path, EdgeConfig]) -> None:
    folder, _ = gate
    lines = (folder / "a.jsonl").read_bytes().splitlines()
    report = verify_chain("box-1", lines, [], load_or_create_key(folder / "key").public_key())
    assert (report.problem, report.linked_to) == (None, len(lines))


def test_every_run_gives_the_same_bytes(gate: tuple[Path, EdgeConfig], root: Path) -> None:
    folder, config = gate
    replay([root / "samples/clips/gate-3.mp4"], config, folder / "b.jsonl", folder / "b", Progress())
    assert (folder / "a.jsonl").read_bytes() == (folder / "b.jsonl").read_bytes()
    assert {path.name for path in (folder / "a").iterdir()} == {path.name for path in (folder / "b").iterdir()}


def test_a_folder_is_replayed_in_order_and_its_broken_clips_are_named(tmp_path: Path, root: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    shutil.copy(root / "samples/clips/gate-3.mp4", clips / "gate-3.mp4")
    record(clips / "unknown.mp4", seconds=1)
    record(clips / "small.mp4", seconds=1)
    (clips / "broken.mp4").write_bytes(b"no video at all")
    (clips / "notes.txt").write_text("not a clip")
    sources = {name: camera(root) for name in ("gate-3", "broken", "small")}
    config = configuration(tmp_path, sources)
    results = replay(clips_in(clips), config, tmp_path / "events.jsonl", None, Progress())
    problems = {result.path.stem: result.problem for result in results}
    assert list(problems) == ["broken", "gate-3", "small", "unknown"]
    assert problems["gate-3"] is None
    assert "broken.mp4" in str(problems["broken"])
    assert "no settings for source 'unknown'; add sources.unknown" in str(problems["unknown"])
    assert "do not fit pictures of 160 × 120" in str(problems["small"])
    assert "polygon" in str(problems["small"])
    assert {event.data.source.id for event in events_in(tmp_path / "events.jsonl")} == {"gate-3"}


def test_a_clip_that_was_cut_short_says_what_was_seen_until_then(tmp_path: Path, root: Path) -> None:
    whole = (root / "samples/clips/gate-3.mp4").read_bytes()
    assert whole.index(b"moov") < whole.index(b"mdat"), "the index is in front"
    (tmp_path / "gate-3.mp4").write_bytes(whole[: int(len(whole) * 0.85)])
    config = configuration(tmp_path, {"gate-3": camera(root)})
    results = replay([tmp_path / "gate-3.mp4"], config, tmp_path / "e.jsonl", None, Progress())
    assert results[0].frames > 10
    assert "gate-3.mp4" in str(results[0].problem)
    phases = [event.data.phase for event in events_in(tmp_path / "e.jsonl")]
    assert phases[:1] == ["opened"]
    assert phases[-1] == "cleared"


def test_star_settings_and_the_time_of_recording(tmp_path: Path, root: Path) -> None:
    shutil.copy(root / "samples/clips/gate-3.mp4", tmp_path / "夜 1.mp4")
    source = camera(root, recorded_at="2026-05-01T20:00:00+08:00")
    config = configuration(tmp_path, {"*": source})
    replay([tmp_path / "夜 1.mp4"], config, tmp_path / "e.jsonl", None, Progress())
    event = events_in(tmp_path / "e.jsonl")[0]
    assert event.data.source.id == "夜 1"
    assert event.data.clock.synced
    assert event.data.started_at.isoformat().startswith("2026-05-01T12:00:0")


def test_settings_that_are_not_enough(tmp_path: Path, root: Path) -> None:
    place = camera(root)
    del place["location"]
    sources = {"a": place, "b": camera(root, detectors={}), "c": {"kind": "sensor"}}
    config = configuration(tmp_path, sources)
    clips = [shutil.copy(root / "samples/clips/gate-3.mp4", tmp_path / f"{name}.mp4") for name in "abc"]
    results = replay([Path(clip) for clip in clips], config, tmp_path / "e.jsonl", None, Progress())
    said = [str(result.problem) for result in results]
    assert "add location: {lon: …, lat: …, accuracy_m: …} to sources.a" in said[0]
    assert "has no detectors" in said[1]
    assert "is a sensor, expected a camera" in said[2]


def test_places_without_clips(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="no such file"):
        clips_in(tmp_path / "missing")
    with pytest.raises(ReplayError, match="found no video"):
        clips_in(tmp_path)
    for name in ("a.mp4", "a.mkv"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ReplayError, match="several clips called a"):
        clips_in(tmp_path)


def test_a_detector_that_breaks_fails_its_clip(
    gate: tuple[Path, EdgeConfig], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(ThrownObjectDetector, "observe", broken)
    clip = root / "samples/clips/gate-3.mp4"
    (result,) = replay([clip], gate[1], tmp_path / "events.jsonl", None, Progress())
    assert result.problem is not None
    assert "thrown_object: ZeroDivisionError: a fault of ours" in result.problem


def test_what_a_replay_took_lies_beside_its_events(gate: tuple[Path, EdgeConfig]) -> None:
    (stats,) = read_stats(gate[0] / "a.jsonl")
    assert stats.clip == "gate-3"
    assert stats.frames >= stats.frames_judged > 0
    assert stats.unknown_seconds < stats.media_seconds
