"""The whole way over the real clip: replay, events, eval."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contract.events import HazardEvent
from edge.cli import app
from edge.config.document import load_config
from edge.replay import Progress, replay

runner = CliRunner()


@pytest.fixture(scope="module")
def replayed(root: Path, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two replays of office1, one beside the other."""
    folder = tmp_path_factory.mktemp("office1")
    config = load_config(root / "tests" / "data" / "office1.yaml")
    for name in ("a", "b"):
        results = replay(
            [shared_data / "thrown" / "office1.mp4"], config, folder / f"{name}.jsonl", folder / name, Progress()
        )
        assert [result.problem for result in results] == [None]
    yield folder


def test_exactly_one_episode_in_its_time_and_nothing_else(replayed: Path) -> None:
    events = [HazardEvent.model_validate_json(line) for line in (replayed / "a.jsonl").read_bytes().splitlines()]
    assert {event.data.hazard for event in events} == {"thrown_object"}
    assert len({event.data.episode_id for event in events}) == 1
    last = events[-1].data
    assert last.media is not None
    assert last.media.start_seconds < 8.8
    assert last.media.observed_seconds > 6.5
    assert last.ended_at is not None


def test_every_run_says_the_same(replayed: Path) -> None:
    assert (replayed / "a.jsonl").read_bytes() == (replayed / "b.jsonl").read_bytes()


def test_eval_finds_it_and_nothing_false(replayed: Path, root: Path) -> None:
    truth, figures = root / "tests" / "data" / "office1.truth.yaml", replayed / "eval" / "figures.json"
    result = runner.invoke(app, ["eval", str(truth), str(replayed / "a.jsonl"), "--json", str(figures)])
    assert result.exit_code == 0, result.output
    assert "found after" in result.output
    rows = {row["name"]: row for row in json.loads(figures.read_text())}
    assert set(rows["thrown_object.recall"]) == {"name", "value", "unit", "target", "ok", "n", "interval", "note"}
    assert rows["thrown_object.recall"]["value"] == 1
    assert rows["thrown_object.recall_alarm_tier"]["value"] == 1
    assert rows["thrown_object.false_per_camera_day_all"]["value"] == 0
    assert rows["thrown_object.duplicates"]["value"] == 0
    assert rows["thrown_object.time_to_detect_median"]["value"] < 2
    assert 0 <= rows["unknown_time_share"]["value"] < 0.1
    assert rows["ms_per_frame"]["value"] > 0


def test_eval_says_which_events_it_left_out(replayed: Path, tmp_path: Path) -> None:
    truth = tmp_path / "truth.yaml"
    truth.write_text("clips:\n  - {file: elsewhere.mp4, episodes: []}\n")
    result = runner.invoke(app, ["eval", str(truth), str(replayed / "a.jsonl")])
    assert result.exit_code == 0
    assert "clips that are not in" in result.output
    assert "office1" in result.output
    assert "duration unknown" in result.output
