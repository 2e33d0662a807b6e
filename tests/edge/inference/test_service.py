"""The service with real sessions: answers, fairness, models that break or hang, overload."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from edge.config.inference import ModelSettings
from edge.detectors.interface import Detections, Region
from edge.inference import lane as lane_module
from edge.inference.detecting import question_about
from edge.inference.errors import ModelError, UnknownModelError
from edge.inference.overload import Shedding
from edge.inference.port import ReplayModels
from edge.inference.service import cores_for, shedding_steps
from edge.inference.sessions import SessionPlan, read_model
from edge.vision.planes import Planes
from tests.edge.inference.conftest import MakeSettings, frame
from tests.edge.inference.serving import PATIENCE_SECONDS, answer_to, counts, opener, serving, state, until
from tests.edge.inference.tiny_model import tiny_model


def test_an_answer_says_what_is_where(inference: MakeSettings, tmp_path: Path) -> None:
    settings = inference(version="7")
    with serving(settings, tmp_path) as service:
        port = service.port("gate")
        found = answer_to(port, "tiny", 4.5, (2, 1, "red"), (0, 0, "blue"))
    order = np.argsort(found.boxes[:, 0])
    assert found.boxes[order] == pytest.approx(np.array([[0, 0, 32, 32], [64, 32, 96, 64]]), abs=0.01)
    assert [port.labels("tiny")[kind] for kind in found.classes[order]] == ["blue", "red"]
    assert found.scores == pytest.approx([1, 1], abs=0.01)
    assert found.media_time == 4.5
    assert (found.model.name, found.model.version) == ("tiny", "7")
    assert found.model.sha256 == read_model(settings.models["tiny"].path).sha256
    assert (tmp_path / "state" / "inference.json").exists(), "it was measured at its first question"


def test_boxes_of_a_region_are_in_pixels_of_the_whole_picture(inference: MakeSettings, tmp_path: Path) -> None:
    """A quarter of a picture of twice the size, which fills the model's input by itself."""
    with serving(inference(), tmp_path, opener()) as service:
        port = service.port("gate")
        picture = frame(0.0, (3, 2, "red"), size=2)
        found: list[Detections] = []

        def asked() -> bool:
            port.ask("tiny", picture, Region(128, 96, 128, 96))
            found.extend(port.answers())
            return bool(found)

        until(asked, "an answer")
    assert found[0].boxes.min(axis=0)[:2] == pytest.approx([192, 128], abs=0.01)
    assert found[0].boxes.max(axis=0)[2:] == pytest.approx([256, 192], abs=0.01)


def test_live_and_replay_answer_the_same(inference: MakeSettings, tmp_path: Path) -> None:
    settings = inference(min_score=0.01)
    random = np.random.default_rng(8)
    cells = [
        [(int(random.integers(4)), int(random.integers(3)), str(random.choice(["red", "blue"]))) for _ in range(3)]
        for _ in range(20)
    ]
    replay = ReplayModels(settings).port()
    at_once = []
    for number, lit in enumerate(cells):
        assert replay.ask("tiny", frame(number / 2, *lit))
        at_once += replay.answers()
    with serving(settings, tmp_path) as service:
        port = service.port("gate")
        live = [answer_to(port, "tiny", number / 2, *lit) for number, lit in enumerate(cells)]
    for now, later in zip(at_once, live, strict=True):
        assert now.media_time == later.media_time
        assert np.array_equal(now.boxes, later.boxes)
        assert np.array_equal(now.scores, later.scores)
        assert np.array_equal(now.classes, later.classes)


def test_a_batch_answers_what_single_runs_answer(inference: MakeSettings, tmp_path: Path) -> None:
    """Six sources wait while the model is held up; then they are answered four and two at once, each with its own."""
    gate, runs = threading.Event(), []

    def held_up(_name: str) -> None:
        runs.append(1)
        if len(runs) == 1:
            gate.wait(PATIENCE_SECONDS)

    with serving(inference(), tmp_path, opener(SessionPlan(batch=4), held_up)) as service:
        first = service.port("first")
        until(lambda: first.ask("tiny", frame(0.0)), "the model's opening")
        until(lambda: len(runs) == 1, "the first run")
        ports = [service.port(f"s{number}") for number in range(6)]
        for number, port in enumerate(ports):
            assert port.ask("tiny", frame(number, (number % 4, number // 4, "red")))
        gate.set()
        for number, port in enumerate(ports):
            answers: list[Detections] = []
            until(lambda port=port, answers=answers: answers.extend(port.answers()) or bool(answers), "an answer")  # type: ignore[misc]
            assert answers[0].media_time == number
            assert answers[0].boxes[0, :2] == pytest.approx([number % 4 * 32, number // 4 * 32], abs=0.01)
    assert len(runs) == 3


def test_a_broken_model_costs_only_itself_and_comes_back(
    inference: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "FIRST_PAUSE_SECONDS", 0.1)
    missing = tmp_path / "later.onnx"
    other = ModelSettings.model_validate({"path": missing, "format": "yolov8"})
    with serving(inference({"models": {"missing": other}}), tmp_path) as service:
        counted: Counter[str] = Counter()
        port = service.port("gate", counts=counted)
        assert not port.ask("missing", frame())
        until(lambda: state(service, "missing") == "failed", "the failure")
        (reason,) = [one["reason"] for one in service.status() if one["model"] == "missing"]
        assert reason == f"{missing}: the model cannot be read: No such file or directory"
        assert answer_to(port, "tiny", 1.0, (0, 0, "red")).scores[0] == pytest.approx(1)
        assert not port.ask("missing", frame())
        assert counted["shed"] >= 2
        tiny_model(missing)
        assert len(answer_to(port, "missing", 2.0, (1, 1, "blue")).scores) == 1
        assert state(service, "missing") == "ready"


def test_a_session_that_raises_is_opened_anew(
    inference: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "FIRST_PAUSE_SECONDS", 0.1)
    faults = iter([ModelError("it broke"), RuntimeError("a fault of ours")])

    def stumble(_name: str) -> None:
        for fault in faults:
            raise fault

    with serving(inference(), tmp_path, opener(before_run=stumble)) as service:
        counted: Counter[str] = Counter()
        port = service.port("gate", counts=counted)
        assert answer_to(port, "tiny", 1.0, (0, 0, "red")).scores[0] == pytest.approx(1)
        assert counts(service)["failures"] == 2
        assert counted["failed"] == counts(service)["failed"] >= 2
        assert state(service) == "ready"


def test_a_session_that_hangs_is_replaced(inference: MakeSettings, tmp_path: Path) -> None:
    """What it held is told to have failed; what it says when it comes back too late is not listened to."""
    gate, hung = threading.Event(), []

    def hang_once(_name: str) -> None:
        if not hung:
            hung.append(threading.current_thread())
            gate.wait(PATIENCE_SECONDS)

    settings = inference({"hang_seconds": 0.3})
    with serving(settings, tmp_path, opener(before_run=hang_once)) as service:
        counted: Counter[str] = Counter()
        port, waiting = service.port("gate", counts=counted), service.port("other")
        until(lambda: port.ask("tiny", frame(1.0, (0, 0, "red"))), "the model's opening")
        until(lambda: bool(hung), "the hanging run")
        assert waiting.ask("tiny", frame(1.0))
        until(lambda: not port.answers() and counted["failed"] == 1, "the failed answer")
        assert answer_to(port, "tiny", 2.0, (1, 1, "blue")).boxes[0, 0] == pytest.approx(32, abs=0.01)
        assert counts(service)["replaced_sessions"] == 1
        assert counts(service)["failed"] == 2, "the one that was asked, and the one that waited"
        gate.set()
        hung[0].join(PATIENCE_SECONDS)
        late = [answer for answer in port.answers() if answer.media_time == 1.0]
        assert not late


def test_threads_that_never_come_back_are_bounded(inference: MakeSettings, tmp_path: Path) -> None:
    gate, started = threading.Event(), []

    def hang(_name: str) -> None:
        if not gate.is_set():
            started.append(threading.current_thread())
            gate.wait(PATIENCE_SECONDS)

    settings = inference({"hang_seconds": 0.1})
    with serving(settings, tmp_path, opener(before_run=hang)) as service:
        port = service.port("gate")
        until(lambda: port.ask("tiny", frame()) is None or state(service) == "hanging", "the end of patience")
        assert len(started) == lane_module.MOST_HANGING
        assert not port.ask("tiny", frame())
        gate.set()
        assert len(answer_to(port, "tiny", 9.0, (0, 0, "red")).scores) == 1


def test_an_overloaded_box_sheds_in_order_and_keeps_the_heartbeat(inference: MakeSettings, tmp_path: Path) -> None:
    """Eight sources ask ten times a second of models that take a tenth: rate, then resolution, then the optional
    model are given up; every source is still heard within its heartbeat, also by the optional one."""
    small = tiny_model(tmp_path / "small.onnx", width=64, height=64)
    reduced = {"path": small, "format": "yolov8", "labels": ("red", "blue"), "min_score": 0.3}
    optional = {**reduced, "optional": True}
    settings = inference(
        {
            "models": {
                "small": ModelSettings.model_validate(reduced),
                "extra": ModelSettings.model_validate(optional),
            },
            "heartbeat_seconds": 3,
            "overload": {"wait_seconds": 0.2, "rise_seconds": 0.6, "relax_seconds": 600, "rate_seconds": 0.3},
        },
        reduced="small",
    )
    with serving(settings, tmp_path, opener(before_run=lambda _name: time.sleep(0.1))) as service:
        names = [f"s{number}" for number in range(8)]
        counted = {name: Counter[str]() for name in names}
        ports = {name: service.port(name, counts=counted[name]) for name in names}
        heard: dict[tuple[str, str], list[float]] = {}
        began = time.monotonic()

        def shedding() -> str:
            return str(service.status()[0]["shedding"])

        def everybody_asks() -> None:
            for name, port in ports.items():
                for model in ("tiny", "extra"):
                    port.ask(model, frame(time.monotonic() - began, (0, 0, "red")))
                for answer in port.answers():
                    asked = "extra" if answer.model.name == "extra" else "tiny"
                    heard.setdefault((name, asked), []).append(time.monotonic() - began)

        seen: list[str] = []

        def at_the_end() -> bool:
            everybody_asks()
            if shedding() not in seen:
                seen.append(shedding())
            return shedding() == "optional"

        until(at_the_end, "the last step")
        shed_from = time.monotonic() - began
        while time.monotonic() - began < shed_from + 8:  # more than two heartbeats
            everybody_asks()
            time.sleep(0.05)
        everybody_asks()
        assert seen == ["nothing", "rate", "resolution", "optional"]
        assert counts(service)["reduced"] > 0
        assert counts(service)["shed"] > 0
        assert counts(service, "extra")["shed"] > counts(service)["shed"], "the optional one is shed most"
        for (name, asked), times in heard.items():
            assert times[-1] > shed_from, f"{name} was not heard by {asked} any more"
        assert set(heard) == {(name, model) for name in names for model in ("tiny", "extra")}
        for name in names:
            total = counted[name]
            told = total["answered"] + total["replaced"] + total["shed"] + total["failed"]
            # One of each model may wait, and one be under way.
            assert 0 <= total["asked"] - told <= 4, "every question is answered, replaced, shed or failed"


def test_a_stream_that_is_opened_again_gets_only_its_own_answers(inference: MakeSettings, tmp_path: Path) -> None:
    gate, begun = threading.Event(), threading.Event()

    def held_up(_name: str) -> None:
        begun.set()
        gate.wait(PATIENCE_SECONDS)

    with serving(inference(), tmp_path, opener(before_run=held_up)) as service:
        before = service.port("gate")
        until(lambda: before.ask("tiny", frame(100.0)), "the model's opening")
        assert begun.wait(PATIENCE_SECONDS)
        before.ask("tiny", frame(100.5))
        before.close()
        after = service.port("gate")
        gate.set()
        assert answer_to(after, "tiny", 0.5).media_time == 0.5
        assert [answer.media_time for answer in after.answers() if answer.media_time > 1] == []
        assert not before.ask("tiny", frame(101.0))


def test_a_question_holds_the_decoders_picture_and_copies_nothing(inference: MakeSettings, tmp_path: Path) -> None:
    plain = frame(0.0, (1, 1, "red"))
    planes = Planes(plain.luma)
    held = question_about(dataclasses.replace(plain, read_planes=lambda: planes), None)
    assert held.bgr is None
    assert held.planes is planes
    assert np.shares_memory(held.planes.luma, plain.luma)


def test_a_model_that_is_not_configured_is_named_with_those_that_are(inference: MakeSettings, tmp_path: Path) -> None:
    with serving(inference(), tmp_path) as service:
        port = service.port("gate")
        for ask in (lambda: port.ask("tniy", frame()), lambda: port.labels("tniy")):
            with pytest.raises(UnknownModelError, match=r"found no model 'tniy', expected one of tiny"):
                ask()
        assert not any(one["state"] == "ready" for one in service.status()), "nothing is opened before it is asked"


@pytest.mark.parametrize("region", [Region(0, 0, 129, 10), Region(-1, 0, 10, 10), Region(5, 5, 0, 10)], ids=str)
def test_a_region_outside_the_picture_is_refused(inference: MakeSettings, tmp_path: Path, region: Region) -> None:
    with (
        serving(inference(), tmp_path) as service,
        pytest.raises(ValueError, match="expected a region inside 128 × 96"),
    ):
        service.port("gate").ask("tiny", frame(), region)


def test_the_end_leaves_no_thread(inference: MakeSettings, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with serving(inference(), tmp_path, opener()) as service:
        port = service.port("gate")
        answer_to(port, "tiny", 0.0)
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) <= before
    assert not port.ask("tiny", frame())


def test_cores_are_taken_from_the_last_one_down(inference: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModelSettings.model_validate({"path": "x", "format": "yolox"})
    two = inference({"models": {"other": other}})
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2, 3, 4})
    assert cores_for(two, 0) == [4, 3]
    assert cores_for(two, 1) == [2, 1]
    assert cores_for(two, 2) == [0, 4]
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})
    assert cores_for(two, 0) == [None, None]
    assert cores_for(two.model_copy(update={"pin": True}), 0) == [1, 0]


def test_steps_depend_on_the_models(inference: MakeSettings) -> None:
    assert shedding_steps(inference()) == [Shedding.NOTHING, Shedding.RATE]
    optional = ModelSettings.model_validate({"path": "x", "format": "yolox", "optional": True})
    assert shedding_steps(inference({"models": {"more": optional}})) == [
        Shedding.NOTHING,
        Shedding.RATE,
        Shedding.OPTIONAL,
    ]
