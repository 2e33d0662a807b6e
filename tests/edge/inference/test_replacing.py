"""Changed models while sources ask: taken over, refused, taken back, and what is left after a restart."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.config.inference import InferenceSettings, ModelSettings
from edge.detectors.interface import Detections
from edge.inference.errors import ModelError, UnknownModelError
from edge.inference.keeping import FOLDER_NAME, KeptModels
from edge.inference.proving import open_proven, read_parts
from edge.inference.service import InferenceService
from edge.inference.sessions import REFERENCE, read_model
from edge.inference.trials import MOST_CRASHES
from tests.edge.inference.conftest import MakeSettings, frame
from tests.edge.inference.serving import PATIENCE_SECONDS, answer_to, counts, opener, serving, state, status, until
from tests.edge.inference.tiny_model import tiny_model

RED = (1, 1, "red")


def score_of(answer: Detections) -> float:
    return round(float(answer.scores[0]), 2)


@pytest.fixture
def dimmer(tmp_path: Path) -> Path:
    """A model that gives a red cell 0.8 where the first one gives it 1."""
    return tiny_model(tmp_path / "dimmer.onnx", weight=0.8)


@contextmanager
def asking(service: InferenceService, sources: int) -> Iterator[tuple[list[list[Detections]], Counter[str]]]:
    """Sources that ask as fast as they are answered, each in a thread of its own; what they heard, and their counts."""
    heard: list[list[Detections]] = [[] for _ in range(sources)]
    counted = [Counter[str]() for _ in range(sources)]
    total: Counter[str] = Counter()
    over = threading.Event()

    def ask(number: int) -> None:
        port = service.port(f"s{number}", counts=counted[number])
        at = 0.0
        while not over.wait(0.002):
            at += 0.1
            port.ask("tiny", frame(at, RED))
            heard[number] += port.answers()
        until(lambda: not status(service)["waiting"], "the last answers")
        heard[number] += port.answers()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(sources)]
    for thread in threads:
        thread.start()
    try:
        yield heard, total
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        for one in counted:
            total.update(one)


def heard_from(heard: Sequence[Sequence[Detections]], version: str) -> bool:
    return all(answers and answers[-1].model.version == version for answers in heard)


def test_a_changed_model_takes_over_under_load_and_no_question_is_lost(
    inference: MakeSettings, tmp_path: Path, dimmer: Path
) -> None:
    """Four sources ask without end while three models follow each other: each answer is of one of them, in this order,
    says which, and scores as that one does."""
    score = {"1": 1.0, "2": 0.8, "3": 1.0}
    with serving(inference(version="1"), tmp_path, opener()) as service:
        with asking(service, 4) as (heard, total):
            until(lambda: heard_from(heard, "1"), "answers of the first")
            service.change(inference(version="2", path=dimmer))
            until(lambda: heard_from(heard, "2"), "answers of the second")
            service.change(inference(version="3"))
            until(lambda: heard_from(heard, "3"), "answers of the third")
        assert status(service)["changes"] == {"taken_over": 2, "refused": 0, "taken_back": 0}
        assert counts(service)["failed"] == total["failed"] == 0
    for answers in heard:
        versions = [answer.model.version for answer in answers]
        assert versions == sorted(versions)
        assert all(score_of(answer) == score[answer.model.version] for answer in answers)
    hashes = {answer.model.version: answer.model.sha256 for answer in heard[0]}
    assert hashes["2"] == read_model(dimmer).sha256 != hashes["1"] == hashes["3"]


def damaged(path: Path, _dimmer: Path) -> dict[str, Any]:
    path.write_bytes(path.read_bytes()[:200])
    return {"path": path}


def of_another_hash(_path: Path, dimmer: Path) -> dict[str, Any]:
    return {"path": dimmer, "sha256": "0" * 64}


def failing_its_selftest(path: Path, dimmer: Path) -> dict[str, Any]:
    test = path.with_suffix(".yaml")
    test.write_text("fingerprint: {numbers: [[1, 1, 1], [2, 2, 2]]}\n")
    return {"path": dimmer, "selftest": test}


def of_another_format(_path: Path, dimmer: Path) -> dict[str, Any]:
    return {"path": dimmer, "format": "yolox"}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (damaged, "onnxruntime cannot load it"),
        (of_another_hash, f"expected {'0' * 64}: it is another model or damaged"),
        (failing_its_selftest, "fails its self-test by onnxruntime f32, 1 thread: fingerprint: found 6 features"),
        (of_another_format, "is no yolox model"),
        (lambda path, _dimmer: {"path": path.with_name("gone.onnx")}, "cannot be read"),
    ],
    ids=["damaged", "hash", "selftest", "format", "missing"],
)
def test_a_bad_one_is_refused_and_the_one_before_goes_on(
    inference: MakeSettings, tmp_path: Path, dimmer: Path, bad: Any, said: str
) -> None:
    wanted = inference(version="2", **bad(tiny_model(tmp_path / "other.onnx"), dimmer))
    with serving(inference(version="1"), tmp_path, opener()) as service:
        port = service.port("gate")
        answer_to(port, "tiny", 1.0, RED)
        service.change(wanted)
        until(lambda: (status(service)["change"] or {}).get("state") == "refused", "the refusal")
        assert said in status(service)["change"]["reason"]
        assert status(service)["change"]["version"] == "2"
        assert (state(service), status(service)["version"]) == ("ready", "1")
        assert answer_to(port, "tiny", 2.0, RED).model.version == "1"
        assert counts(service)["failed"] == 0
        # Taking the change back leaves nothing of it.
        service.change(inference(version="1"))
        assert status(service)["change"] is None


def test_a_refused_file_that_is_mended_is_taken(inference: MakeSettings, tmp_path: Path, dimmer: Path) -> None:
    """As when a file is copied into place after the configuration that names it."""
    later = tmp_path / "later.onnx"
    with serving(inference(version="1"), tmp_path, opener()) as service:
        port = service.port("gate")
        answer_to(port, "tiny", 1.0, RED)
        service.change(inference(version="2", path=later))
        until(lambda: (status(service)["change"] or {}).get("state") == "refused", "the refusal")
        later.write_bytes(dimmer.read_bytes())
        until(lambda: status(service)["version"] == "2", "the mended one serves")
        assert score_of(answer_to(port, "tiny", 2.0, RED)) == 0.8
        assert status(service)["change"] is None


def test_the_latest_of_several_changes_holds(inference: MakeSettings, tmp_path: Path, dimmer: Path) -> None:
    """One that was overtaken while it was opened never serves."""
    opened, gate = opener(), threading.Event()

    def slowly(name: str, model: ModelSettings) -> Any:
        if model.version == "2":
            assert gate.wait(PATIENCE_SECONDS)
        return opened(name, model)

    with serving(inference(version="1"), tmp_path, slowly) as service:
        with asking(service, 1) as (heard, _):
            until(lambda: heard_from(heard, "1"), "answers of the first")
            service.change(inference(version="2", path=dimmer))
            service.change(inference(version="3"))
            until(lambda: heard_from(heard, "3"), "answers of the third")
            gate.set()
            count = len(heard[0])
            until(lambda: len(heard[0]) > count + 20, "more answers")
        assert {answer.model.version for answer in heard[0]} == {"1", "3"}


@pytest.mark.parametrize("how", ["breaks", "hangs"])
def test_one_that_fails_on_its_trial_is_taken_back(
    inference: MakeSettings, tmp_path: Path, dimmer: Path, how: str
) -> None:
    gate = threading.Event()

    def fail(version: str) -> None:
        if version == "2" and how == "breaks":
            raise ModelError("it broke")
        if version == "2":
            gate.wait(PATIENCE_SECONDS)

    rest = {"hang_seconds": 0.5}
    with serving(inference(rest, version="1"), tmp_path, opener(before_run=fail)) as service:
        with asking(service, 2) as (heard, _):
            until(lambda: heard_from(heard, "1"), "answers of the first")
            service.change(inference(rest, version="2", path=dimmer))
            until(lambda: status(service)["changes"]["taken_back"] == 1, "it is taken back")
            count = [len(answers) for answers in heard]
            until(lambda: all(len(answers) > one for answers, one in zip(heard, count, strict=True)), "answers again")
        gate.set()
        assert {answer.model.version for answers in heard for answer in answers} == {"1"}
        change = status(service)["change"]
        assert (change["state"], change["version"]) == ("refused", "2")
        assert "broke soon after it had taken over" in change["reason"]
        assert status(service)["changes"] == {"taken_over": 1, "refused": 1, "taken_back": 1}


def test_models_come_and_go_while_others_are_asked(inference: MakeSettings, tmp_path: Path, dimmer: Path) -> None:
    extra = {"extra": ModelSettings.model_validate({"path": dimmer, "format": "yolov8", "labels": ("red", "blue")})}
    with serving(inference(), tmp_path, opener()) as service:
        port = service.port("gate")
        answer_to(port, "tiny", 1.0, RED)
        service.change(inference({"models": extra}))
        assert score_of(answer_to(port, "extra", 2.0, RED)) == 0.8
        service.change(inference())
        with pytest.raises(UnknownModelError, match="found no model 'extra', expected one of tiny"):
            port.ask("extra", frame(3.0))
        assert answer_to(port, "tiny", 4.0, RED).media_time == 4.0
        assert [one["model"] for one in service.status()] == ["tiny"]
        assert counts(service)["failures"] == 0


def test_a_model_that_is_not_asked_yet_is_changed_without_being_opened(
    inference: MakeSettings, tmp_path: Path, dimmer: Path
) -> None:
    with serving(inference(version="1"), tmp_path, opener()) as service:
        service.change(inference(version="2", path=dimmer))
        assert state(service) == "idle"
        assert answer_to(service.port("gate"), "tiny", 1.0, RED).model.version == "2"
        assert status(service)["changes"]["taken_over"] == 0


def test_one_that_cannot_be_run_is_tried_at_once_when_its_row_changes(inference: MakeSettings, tmp_path: Path) -> None:
    """Not after its pause, which is a second at first and grows to a minute."""
    with serving(inference(path=tmp_path / "gone.onnx"), tmp_path, opener()) as service:
        port = service.port("gate")
        port.ask("tiny", frame())
        until(lambda: state(service) == "failed", "the failure")
        service.change(inference(version="2"))
        assert answer_to(port, "tiny", 1.0, RED).model.version == "2"
        assert counts(service)["failures"] == 1


# ---- what is left after a restart


def kept_files(folder: Path) -> list[str]:
    return sorted(path.suffix for path in (folder / "state" / FOLDER_NAME).iterdir() if path.name != "inference.lock")


def test_a_box_that_starts_with_a_bad_model_goes_on_with_the_one_that_served_well(
    inference: MakeSettings, tmp_path: Path, tiny: Path, dimmer: Path
) -> None:
    brief = {"trial_seconds": 0.1}
    with serving(inference(brief, version="1"), tmp_path, opener()) as service:
        port = service.port("gate")
        answer_to(port, "tiny", 1.0, RED)
        until((tmp_path / "state" / FOLDER_NAME / "tiny.json").exists, "it is kept")
    tiny.unlink()  # as when a new version was written over it
    bad = inference(brief, version="2", path=dimmer, sha256="0" * 64)
    with serving(bad, tmp_path, opener()) as service:
        port = service.port("gate")
        answer = answer_to(port, "tiny", 1.0, RED)
        assert (answer.model.version, score_of(answer)) == ("1", 1.0)
        assert status(service)["change"]["state"] == "refused"
        assert (state(service), status(service)["version"]) == ("ready", "1")
        # Mended: it takes over, and is the one that is kept.
        service.change(inference(brief, version="2", path=dimmer))
        until(lambda: status(service)["version"] == "2", "the mended one serves")
        answer_to(port, "tiny", 2.0, RED)
        dimmer_copy = f"tiny-{read_model(dimmer).sha256[:16]}.onnx"
        until((tmp_path / "state" / FOLDER_NAME / dimmer_copy).exists, "it is kept")
        until(lambda: kept_files(tmp_path) == [".json", ".onnx"], "in place of the other")


CRASH = """
import os, signal, sys
from pathlib import Path
from edge.config.inference import ModelSettings
from edge.inference.keeping import KeptModels
row = ModelSettings.model_validate_json(sys.stdin.read())
KeptModels(Path(sys.argv[1])).begin("tiny", row)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_one_that_brings_its_process_down_is_refused_after_a_while(
    inference: MakeSettings, tmp_path: Path, dimmer: Path
) -> None:
    """A crash cannot be caught; what it leaves behind is a note of a process that is no more."""
    good = inference({"trial_seconds": 0.1}, version="1")
    with serving(good, tmp_path, opener()) as service:
        answer_to(service.port("gate"), "tiny", 1.0, RED)
        until((tmp_path / "state" / FOLDER_NAME / "tiny.json").exists, "it is kept")
    bad = inference(version="2", path=dimmer)
    for _ in range(MOST_CRASHES):
        with serving(bad, tmp_path, opener()) as service:
            assert answer_to(service.port("gate"), "tiny", 1.0, RED).model.version == "2", "it gets another chance"
        command, row = [sys.executable, "-c", CRASH, tmp_path / "state"], bad.models["tiny"].model_dump_json()
        crashed = subprocess.run(command, input=row, text=True, check=False)
        assert crashed.returncode == -signal.SIGKILL
    with serving(bad, tmp_path, opener()) as service:
        port = service.port("gate")
        assert answer_to(port, "tiny", 1.0, RED).model.version == "1"
        assert "its process ended 3 times before" in status(service)["change"]["reason"]
        # Another file is another trial.
        dimmer.write_bytes(dimmer.read_bytes())
        until(lambda: status(service)["version"] == "2", "the mended one serves")
    assert not list((tmp_path / "state" / FOLDER_NAME).glob("*.trial")), "a clean end leaves no note"


def test_what_was_kept_serves_only_where_it_fits(inference: MakeSettings, tmp_path: Path) -> None:
    settings = inference(version="1").models["tiny"]
    model = open_proven("tiny", settings, read_parts(settings), REFERENCE)
    kept = KeptModels(tmp_path / "state")
    assert kept.open("tiny", settings) is None
    kept.keep("tiny", settings, model)
    found = kept.open("tiny", settings)
    assert found is not None
    assert (found[0].sha256, found[1].version) == (model.sha256, "1")
    assert kept.open("tiny", settings.model_copy(update={"labels": ("cat", "dog")})) is None, "other things"
    copy = found[0].path
    copy.write_bytes(copy.read_bytes() + b"\0")
    assert kept.open("tiny", settings) is None, "it is damaged"
    (tmp_path / "state" / FOLDER_NAME / "tiny.json").write_text("{")
    assert kept.open("tiny", settings) is None, "it is torn"
    kept.keep("tiny", settings, model)
    assert kept.open("tiny", settings) is not None
    kept.forget_others({"another"})
    assert kept_files(tmp_path) == []


def test_the_smaller_model_of_an_overloaded_box_is_changed_too(
    inference: MakeSettings, tmp_path: Path, dimmer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where it cannot be opened, the one before stands in."""

    def settings(path: Path) -> InferenceSettings:
        small = {"path": path, "format": "yolov8", "labels": ("red", "blue"), "min_score": 0.3}
        overload = {"wait_seconds": 0.05, "rise_seconds": 0.1, "relax_seconds": 600, "rate_seconds": 0.1}
        also = {"models": {"small": ModelSettings.model_validate(small)}, "overload": overload}
        return inference(also, reduced="small")

    first = tiny_model(tmp_path / "first.onnx", weight=0.6)
    slow = threading.Event()
    with serving(settings(first), tmp_path, opener(before_run=lambda _name: bool(slow.wait(0.04)))) as service:
        with asking(service, 6) as (heard, _):
            until(lambda: all(one and score_of(one[-1]) == 0.6 for one in heard), "the smaller one stands in")
            service.change(settings(dimmer))
            until(lambda: all(score_of(one[-1]) == 0.8 for one in heard), "the changed one does")
            service.change(settings(tmp_path / "gone.onnx"))
            count = [len(one) for one in heard]
            until(lambda: all(len(one) > n + 3 for one, n in zip(heard, count, strict=True)), "more answers")
            assert all(score_of(one[-1]) == 0.8 for one in heard)
        assert state(service) == "ready"
        assert counts(service)["failures"] == 0
