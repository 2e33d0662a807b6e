"""Truth and event files: what is read, and what is said of faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.events import Tier
from edge.config.problems import ConfigError
from edge.evaluate.alarms import read_alarms
from edge.evaluate.stats import ClipStats, read_stats, stats_path, write_stats
from edge.evaluate.truth import load_truth

EPISODE_ID = "00dc6acf-cb05-7749-8099-a061aa083225"


def written(folder: Path, text: str) -> Path:
    path = folder / "truth.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_truth_file_is_read_with_paths_from_its_own_folder(tmp_path: Path) -> None:
    truth = load_truth(
        written(
            tmp_path,
            """
clips:
  - file: clips/gate-3.mp4
    episodes:
      - {hazard: thrown_object, start_seconds: 4.2, end_seconds: 5.87}
  - {file: calm.mp4, episodes: []}
  - {file: quiet.mp4, duration_seconds: 20}
""",
        )
    )
    assert [clip.name for clip in truth.clips] == ["gate-3", "calm", "quiet"]
    assert [clip.is_nuisance for clip in truth.clips] == [False, True, True]
    assert truth.clips[0].file == tmp_path / "clips" / "gate-3.mp4"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("clips:\n  - fille: a.mp4\n", 2, "did you mean 'file'?"),
        (
            "clips:\n  - file: a.mp4\n    episodes:\n      - {hazard: fire, start_seconds: x, end_seconds: 2}\n",
            4,
            "'x'",
        ),
        (
            "clips:\n  - file: a.mp4\n    episodes:\n      - {hazard: fire, start_seconds: 5, end_seconds: 2}\n",
            4,
            "end_",
        ),
        (
            "clips:\n  - file: a.mp4\n    episodes:\n      - {hazard: Fire!, start_seconds: 1, end_seconds: 2}\n",
            4,
            "hazard",
        ),
        ("clips:\n  - file: a/x.mp4\n  - file: b/x.mkv\n", 3, "the clip 'x' again, first on line 2"),
        ("clips: []\n", 1, "at least 1 item"),
        ("", 1, "an empty file"),
        ("- a\n", 1, "a list of 1"),
        ("clips: [\n", 2, "not valid YAML"),
    ],
)
def test_faults_are_named_by_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load_truth(path)
    assert f"{path}:{line}:" in str(raised.value)
    assert words in str(raised.value)


def test_unreadable_truth(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_truth(tmp_path / "gone.yaml")
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"clips: \xe9")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_truth(path)


def event(phase: str, revision: int, **data: Any) -> dict[str, Any]:
    """A contract event as a line of JSON would hold it."""
    return {
        "specversion": "1.0",
        "id": f"00dc6acf-cb05-7749-8099-a061aa08322{revision}",
        "source": "/devices/box",
        "type": f"gridsentry.hazard.{phase}.v1",
        "time": "2000-01-01T00:00:08Z",
        "subject": EPISODE_ID,
        "datacontenttype": "application/json",
        "data": {
            "episode_id": EPISODE_ID,
            "revision": revision,
            "phase": phase,
            "hazard": "flood",
            "tier": "review",
            "severity": "red",
            "confidence": 0.7,
            "started_at": "2000-01-01T00:00:07Z",
            "observed_at": "2000-01-01T00:00:08Z",
            "clock": {"synced": False},
            "location": {
                "point": {"type": "Point", "coordinates": [113.6, 34.7]},
                "accuracy_m": 25,
                "method": "camera",
            },
            "source": {"id": "gate", "kind": "camera"},
            "media": {"clip": "gate", "start_seconds": 7.0, "observed_seconds": 8.0},
            "producer": {"software": "x", "detector": "y", "config_sha256": "0" * 64},
            **data,
        },
    }


def lines(folder: Path, *events: Any) -> Path:
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps(e) + "\n" for e in events), encoding="utf-8")
    return path


def test_an_episode_is_one_alarm_raised_by_its_first_event(tmp_path: Path) -> None:
    later = {
        "media": {"clip": "gate", "start_seconds": 6.5, "observed_seconds": 9.0},
        "tier": "alarm",
        "confidence": 0.9,
    }
    (alarm,) = read_alarms(lines(tmp_path, event("updated", 2, **later), event("opened", 1)))
    assert (alarm.raised_seconds, alarm.started_seconds, alarm.tier, alarm.confidence) == (8.0, 6.5, Tier.ALARM, 0.9)
    assert (alarm.clip, alarm.hazard, alarm.place) == ("gate", "flood", None)


def test_the_place_of_a_fall_is_all_of_its_way(tmp_path: Path) -> None:
    detail = {
        "box": {"x": 50, "y": 200, "width": 10, "height": 10},
        "track": [{"t": 7, "x": 40, "y": 20}, {"t": 8, "x": 55, "y": 205}],
        "fall": {
            "acceleration_mps2": 9, "acceleration_error_mps2": 0.3, "end_speed_mps": 15, "drop_m": 12,
            "residual_m": 0.1, "observations": 20, "coverage": 0.9,
        },
    }  # fmt: skip
    (alarm,) = read_alarms(lines(tmp_path, event("opened", 1, hazard="thrown_object", detail=detail)))
    assert alarm.place == (40, 20, 20, 190)


def test_other_events_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    path = lines(tmp_path, {"type": "gridsentry.chain.head.v1"}, event("opened", 1, media=None))
    path.write_text(path.read_text() + "\n\n")
    assert read_alarms(path) == []


def test_lines_that_are_no_events_are_named(tmp_path: Path) -> None:
    path = lines(tmp_path, event("opened", 1), event("opened", 2, confidence=7))
    path.write_text(path.read_text() + "garbage\n[1]\n")
    with pytest.raises(ConfigError) as raised:
        read_alarms(path)
    said = str(raised.value)
    assert f"{path}:2: data.confidence: not a contract event" in said
    assert f"{path}:3: found no JSON object" in said
    assert f"{path}:4: found no JSON object" in said
    with pytest.raises(ConfigError, match="cannot be read"):
        read_alarms(tmp_path / "gone.jsonl")


def test_figures_of_a_replay_lie_beside_its_events(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    assert read_stats(events) == ()
    stats = (ClipStats(clip="a", frames=3, frames_judged=2, media_seconds=1, unknown_seconds=0.5, cpu_seconds=0.1),)
    write_stats(events, stats)
    assert read_stats(events) == stats
    stats_path(events).write_text('[{"clip": "a", "frames": -1}]')
    with pytest.raises(ConfigError, match=r"events\.jsonl\.stats\.json.*0\.frames"):
        read_stats(events)
