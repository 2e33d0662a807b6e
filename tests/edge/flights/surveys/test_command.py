"""`gridsentry-edge survey --config`: the command line of areas."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.flights.flights_cli import FOUND_A_PROBLEM, WRONG_USAGE
from edge.flights.surveys.box import LOCK_FOLDER
from edge.outbox.lock import StateInUseError, StateLock
from tests.edge.flights.surveys.scripted import Comparisons
from tests.edge.supervisor.running import EDGE


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """The command sends log lines to its own standard error, which ends with it."""
    yield
    structlog.reset_defaults()


def configured(folder: Path, areas: dict[str, Any], **more: Any) -> Path:
    document = {"device": {"id": "box-1", "state_dir": "state"}, "sources": {}, "areas": areas, **more}
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["survey", *map(str, arguments)])


def test_the_first_flight_of_an_area_is_taken_in(tmp_path: Path, days: Path) -> None:
    config = configured(tmp_path, {"west": {}})
    first = run(days / "before", "--config", config)
    assert first.exit_code == 0, first.output
    assert "the first flight of area west" in first.stdout
    again = run(days / "before", "--config", config)
    assert again.exit_code == 0
    assert "nothing to do" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--baseline and --out"),
        (["f", "--out", "o"], "--baseline and --out"),
        (["--watch", "f"], "need --config"),
        (["f", "--baseline", "b", "--out", "o", "--area", "west"], "need --config"),
    ],
)
def test_what_is_missing_is_said(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == WRONG_USAGE
    assert said in result.output


@pytest.mark.parametrize(
    ("areas", "arguments", "said"),
    [
        ({}, ["f"], "none: it names no areas"),
        ({"a": {}, "b": {}}, ["f"], "--area, one of a, b"),
        ({"a": {}}, ["f", "--area", "c"], "'c', expected one of a"),
        ({"a": {}}, [], "expected FLIGHT"),
        ({"a": {}}, ["f", "--memory", "m"], "kept in the box's outbox"),
        ({"a": {}}, ["--watch"], "areas.ID.flights"),
        ({"a": {"flights": "nowhere"}}, ["--watch"], "no such folder"),
        ({"a": {}}, ["--watch", ".", "--baseline", "b"], "--baseline with --watch"),
        ({"a": {"settings": "nowhere.yaml"}}, ["f"], "nowhere.yaml"),
        ({"a": {"settings": "edge.yaml"}}, ["f"], "device"),
    ],
)
def test_what_the_configuration_does_not_have_is_said(
    tmp_path: Path, areas: dict[str, Any], arguments: list[str], said: str
) -> None:
    result = run(*arguments, "--config", configured(tmp_path, areas))
    assert result.exit_code == WRONG_USAGE, result.output
    assert said in result.output


def test_one_time_for_all_flights_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "west.yaml").write_text("taken_at: 2026-11-20T15:00:00+08:00", encoding="utf-8")
    config = configured(tmp_path, {"west": {"settings": "west.yaml", "flights": "."}})
    result = run("--watch", "--config", config)
    assert result.exit_code == WRONG_USAGE
    assert "every flight's" in result.output


def test_a_flight_that_cannot_be_used_is_a_problem(tmp_path: Path) -> None:
    config = configured(tmp_path, {"west": {}})
    result = run(tmp_path / "nowhere", "--config", config)
    assert result.exit_code == FOUND_A_PROBLEM
    assert "nowhere" in result.output


def test_what_a_killed_survey_has_left_is_removed(tmp_path: Path, days: Path) -> None:
    config = configured(tmp_path, {"west": {}})
    left = [tmp_path / "state" / "evidence" / ("a" * 64), tmp_path / "state" / LOCK_FOLDER / "tmp" / "surface.bin"]
    for path in left:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"left")
    assert run(days / "before", "--config", config).exit_code == 0
    assert not any(path.exists() for path in left)
    left[0].write_bytes(b"of a camera, whose event is being made")
    lock = StateLock(tmp_path / "state")
    try:
        assert run(days / "before", "--config", config).exit_code == 0
    finally:
        lock.release()
    assert left[0].exists()


def test_one_survey_at_a_time(tmp_path: Path, days: Path) -> None:
    config = configured(tmp_path, {"west": {}})
    lock = StateLock(tmp_path / "state" / LOCK_FOLDER)
    try:
        assert isinstance(run(days / "before", "--config", config).exception, StateInUseError)
    finally:
        lock.release()


def test_a_watch_ends_cleanly_and_says_what_it_did(tmp_path: Path, days: Path) -> None:
    """The installed program, as a service manager runs it."""
    shutil.copytree(days / "before", tmp_path / "flights" / "monday")
    config = configured(tmp_path, {"west": {"flights": "flights", "settle_seconds": 0.2}})
    with subprocess.Popen(
        [EDGE, "survey", "--watch", "--config", config], stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stderr is not None
        said = ""
        until = time.monotonic() + 60
        while "taken in" not in said and time.monotonic() < until:
            said += program.stderr.readline()
        program.send_signal(signal.SIGTERM)
        assert program.wait(30) == 0, said
    assert "outcome=baseline" in said


def check(config: Path) -> Result:
    return CliRunner().invoke(app, ["check", "--config", str(config)], env={"COLUMNS": "400"})


def test_check_tries_out_what_areas_name(tmp_path: Path) -> None:
    (tmp_path / "flights").mkdir()
    (tmp_path / "west.yaml").write_text("register: {approved: [{path: houses.gpkg}]}", encoding="utf-8")
    (tmp_path / "north.yaml").write_text("taken_at: 2026-11-20T15:00:00+08:00\nregister: 5", encoding="utf-8")
    areas = {
        "west": {"settings": "west.yaml", "flights": "nowhere"},
        "north": {"settings": "north.yaml"},
        "east": {"flights": "flights"},
    }
    found = check(configured(tmp_path, areas))
    assert found.exit_code == FOUND_A_PROBLEM
    for said in ("houses.gpkg: no such file", "nowhere: no such folder", "north.yaml: register:", "watched for in"):
        assert said in found.stdout
    (tmp_path / "houses.gpkg").touch()
    assert check(configured(tmp_path, {"west": {"settings": "west.yaml", "flights": "flights"}})).exit_code == 0


def test_a_baseline_of_the_library_is_known_by_area_and_date(
    tmp_path: Path, days: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies in the library, and no longer where it was flown to."""
    library = tmp_path / "baselines"
    before = shutil.copytree(days / "before", tmp_path / "card")
    held = ["--library", str(library)]
    added = CliRunner().invoke(app, ["library", "add", str(before), "--area", "town", "--copy", *held])
    assert added.exit_code == 0, added.output
    shutil.rmtree(before)
    config = configured(tmp_path, {"west": {}})
    missing = run(days / "after", "--config", config, "--baseline", "town@1999-01-01", *held)
    assert missing.exit_code == FOUND_A_PROBLEM
    assert "town@1999-01-01" in missing.output
    (tmp_path / "then.yaml").write_text("taken_at: 2026-11-20T15:00:00+08:00", encoding="utf-8")
    comparisons = Comparisons()
    monkeypatch.setattr("edge.flights.surveys.area.survey", comparisons.survey)
    monkeypatch.setattr("edge.flights.survey_cli._print", lambda _: None)
    result = run(days / "after", "--config", config, "--settings", tmp_path / "then.yaml", "--baseline", "town", *held)
    assert result.exit_code == 0, result.output
    assert [flight for flight, _ in comparisons.made] == ["after"]
