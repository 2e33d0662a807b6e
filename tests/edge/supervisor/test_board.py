"""What the supervisor keeps of its children's reports: every source of the configuration, and no other."""

from __future__ import annotations

from pathlib import Path

from edge.status import SourceMeter
from edge.supervisor.board import Board
from edge.supervisor.messages import Report
from edge.supervisor.supervisor import Supervisor
from tests.edge.supervisor.running import clip, configuration, running


def reported(meter: SourceMeter) -> Report:
    return Report(sources={meter.source_id: dict(meter.snapshot())})


def test_every_source_is_in_the_view_before_any_process_runs(tmp_path: Path) -> None:
    sources = {"a": {**clip("nowhere.mp4"), "name": "Gate"}, "b": clip("nowhere.mp4"), "later": {"kind": "camera"}}
    path = configuration(tmp_path, sources)
    supervisor = Supervisor(path)
    found = supervisor.view().sources
    assert {meter.source_id: (meter.kind, meter.name, meter.state) for meter in found.values()} == {
        "a": ("camera", "Gate", ""),
        "b": ("camera", "", ""),
    }, "and none that has no input"
    supervisor.stop()
    assert supervisor.run() == 0


def test_a_source_that_a_change_brings_is_in_the_view_at_once(tmp_path: Path) -> None:
    path = configuration(tmp_path, {"a": clip("nowhere.mp4")})
    with running(path) as supervisor:
        (tmp_path / "new").mkdir()
        both = configuration(tmp_path / "new", {"a": clip("nowhere.mp4"), "b": clip("nowhere.mp4")})
        supervisor.apply(both.read_text(encoding="utf-8"))
        assert set(supervisor.view().sources) == {"a", "b"}


def test_what_was_reported_stays_over_a_change_and_goes_with_its_source() -> None:
    board = Board()
    board.keep_sources({name: SourceMeter(name, "camera") for name in ("a", "b")})
    for name in ("a", "b", "stranger"):
        board.take("cameras-1", reported(SourceMeter(name, "camera", state="online", sessions=3)))
    assert {name: meter.sessions for name, meter in board.sources.items()} == {"a": 3, "b": 3}
    board.forget_child("cameras-1")
    board.keep_sources({"a": SourceMeter("a", "camera"), "c": SourceMeter("c", "camera")})
    assert {name: meter.sessions for name, meter in board.sources.items()} == {"a": 3, "c": 0}
    board.keep_sources({"a": SourceMeter("a", "sensor")})
    assert (board.sources["a"].kind, board.sources["a"].state) == ("sensor", "")


def test_troubles_of_models_are_told_once_for_all_processes() -> None:
    board = Board()
    fine = {"model": "people", "version": "1", "state": "ready", "reason": "", "change": None}
    refused = {"state": "refused", "version": "2", "reason": "it is damaged"}
    opening = {"state": "opening", "version": "2", "reason": ""}
    broken = {"model": "fire", "version": "1", "state": "failed", "reason": "fire.onnx: cannot be read", "change": None}
    board.take("cameras-1", Report(inference=[fine, broken]))
    assert board.model_troubles == {"fire": "fire.onnx: cannot be read"}
    board.take("cameras-2", Report(inference=[{**fine, "change": refused}, broken]))
    assert board.model_troubles == {
        "fire": "fire.onnx: cannot be read",
        "people": "2 is refused, 1 serves: it is damaged",
    }
    board.take("cameras-2", Report(inference=[{**fine, "change": opening}]))
    board.forget_child("cameras-1")
    assert board.model_troubles == {}
