"""A changed model on the running box: real processes, real sessions, cameras that never notice."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.config.health import DeviceCondition
from edge.detectors.registry import installed_detectors
from edge.inference.keeping import FOLDER_NAME
from edge.supervisor.supervisor import Supervisor
from models.registry import load, made_note, onnx_path
from tests.edge.inference.tiny_model import tiny_model
from tests.edge.outbox.protocol_server import ProtocolServer, protocol_server
from tests.edge.supervisor.running import PLACE, children, clip, configuration, phases, running, wait_until

ASKS = """
from pydantic import BaseModel

from edge.detectors.interface import Visibility
from edge.detectors.registry import CameraDetectorKind


class Settings(BaseModel):
    model: str = "things"


class Asks:
    name, version, visibility = "asks", "1", Visibility.CLEAR

    def __init__(self, settings, context):
        self.port, self.model = context.inference, settings.model

    def observe(self, frame):
        self.port.ask(self.model, frame)
        self.port.answers()
        return []


ASKS = CameraDetectorKind(name="asks", version="1", settings=Settings, build=Asks)
"""


@pytest.fixture
def asking_detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Installs the detector `asks` for this process and its children: it asks the model at every frame."""
    folder = tmp_path / "plugins"
    about = folder / "asking-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / "asking.py").write_text(ASKS, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: asking\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[gridsentry.detectors]\nasks = asking:ASKS\n", encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), before])))
    installed_detectors.cache_clear()
    yield
    installed_detectors.cache_clear()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def row(path: Path, version: str, **more: Any) -> dict[str, Any]:
    return {
        "path": str(path),
        "format": "yolov8",
        "labels": ["red", "blue"],
        "sha256": sha256(path),
        "version": version,
        **more,
    }


class Yard:
    """A box with two cameras that ask one model all the time."""

    def __init__(self, folder: Path, root: Path, server: ProtocolServer | None = None) -> None:
        self._folder = folder
        self._clip = root / "samples/clips/gate-3.mp4"
        self._server = server
        self._running: Supervisor | None = None
        self._processes: Mapping[str, int | None] = {}

    def write(self, model: Mapping[str, Any]) -> Path:
        """The configuration with this row for the model `things`."""
        camera = {**clip(self._clip, loop=True), "location": PLACE, "detectors": {"asks": {}}}
        inference = {
            "models": {"things": dict(model)},
            "backend": "onnxruntime",
            "threads": 1,
            "max_batch": 1,
            "measure_seconds": 0.01,
            "trial_seconds": 1,
        }
        health = {"device": {"after_seconds": 2, "clear_after_seconds": 2}}
        sections = {"supervision": {"workers": 1}, "health": health, "inference": inference}
        return configuration(self._folder, {"a": camera, "b": camera}, self._server, **sections)

    @contextmanager
    def running(self, model: Mapping[str, Any]) -> Iterator[Supervisor]:
        """The box at work with this model, both cameras answered."""
        with running(self.write(model)) as supervisor:
            self._running = supervisor
            self.wait_for_answers()
            self._processes = {name: child.pid for name, child in children(supervisor).items()}
            yield supervisor

    @property
    def supervisor(self) -> Supervisor:
        assert self._running is not None
        return self._running

    @property
    def session(self) -> Mapping[str, Any]:
        sessions = self.supervisor.view().inference
        return sessions[0] if sessions else {}

    @property
    def change(self) -> Mapping[str, Any]:
        return self.session.get("change") or {}

    def serves(self, path: Path) -> bool:
        return self.session.get("state") == "ready" and self.session["sha256"] == sha256(path)

    def refuses(self, version: str) -> bool:
        return (self.change.get("version"), self.change.get("state")) == (version, "refused")

    @property
    def trouble(self) -> str:
        """What the box says of its models."""
        device = self.supervisor.view().uplink.get("device", {})
        return str(device.get("conditions", {}).get(DeviceCondition.MODEL_FAILED, ""))

    def wait_for_answers(self) -> None:
        def answered() -> dict[str, int]:
            return {name: meter.questions["answered"] for name, meter in self.supervisor.view().sources.items()}

        before = answered()
        wait_until(lambda: all(count > before[name] + 3 for name, count in answered().items()), "both are answered")

    def check_that_nobody_noticed(self) -> None:
        """The same processes, the same streams, and answers as before."""
        self.wait_for_answers()
        assert {name: child.pid for name, child in children(self.supervisor).items()} == self._processes
        for meter in self.supervisor.view().sources.values():
            assert (meter.sessions, meter.failures, sum(meter.detector_faults.values())) == (1, 0, 0)
            assert meter.questions["failed"] == 0, "no question was lost"


@pytest.fixture
def server() -> Iterator[ProtocolServer]:
    with protocol_server() as started:
        yield started


@pytest.mark.usefixtures("asking_detector")
def test_a_model_is_replaced_under_running_cameras_or_refused_and_the_one_before_goes_on(
    tmp_path: Path, root: Path, server: ProtocolServer
) -> None:
    old, new = tiny_model(tmp_path / "old.onnx"), tiny_model(tmp_path / "new.onnx", weight=0.9)
    broken, test = tmp_path / "broken.onnx", tmp_path / "selftest.yaml"
    broken.write_bytes(new.read_bytes()[:400])
    test.write_text("fingerprint: {numbers: [[1, 1, 1], [2, 2, 2]]}\n", encoding="utf-8")
    yard = Yard(tmp_path, root, server)
    with yard.running(row(old, "1")) as supervisor:
        assert yard.serves(old)
        plan = supervisor.propose(yard.write(row(new, "2")).read_text(encoding="utf-8"))
        assert (plan.models, plan.restarts) == (("things",), ())
        wait_until(lambda: yard.serves(new), "the new model serves")
        assert (yard.session["version"], yard.session["changes"]["taken_over"]) == ("2", 1)
        yard.check_that_nobody_noticed()
        for version, bad, reason in (
            ("3", row(broken, "3"), "cannot load it"),
            ("4", {**row(old, "4"), "sha256": "0" * 64}, f"expected {'0' * 64}"),
            ("5", row(old, "5", selftest=str(test)), "fingerprint: found 6 features, expected 2"),
        ):
            yard.write(bad)
            wait_until(lambda version=version: yard.refuses(version), f"{version} is refused")  # type: ignore[misc]
            assert reason in yard.change["reason"]
            assert yard.serves(new)
            yard.check_that_nobody_noticed()
        wait_until(lambda: "model things: 5 is refused, 2 serves" in yard.trouble, "the box says so")
        wait_until(lambda: phases(server.memory, "box-1")[-1:] == ["opened"], "and the server is told")
        # The row stays in the configuration when its model is refused: the next process must not be left with nothing.
        copy = tmp_path / "state" / FOLDER_NAME / f"things-{sha256(new)[:16]}.onnx"
        wait_until(copy.exists, "what has served well is kept")
        first = children(supervisor)["cameras-1"].pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: children(supervisor)["cameras-1"].pid not in {first, None}, "a new process")
        wait_until(lambda: yard.serves(new) and yard.refuses("5"), "it goes on with what was kept")
        yard.wait_for_answers()
        yard.write(row(old, "6"))
        wait_until(lambda: yard.serves(old), "one that is good again takes over")
        wait_until(lambda: phases(server.memory, "box-1")[-1:] == ["cleared"], "it is over")
    hazards = {event["data"].get("hazard") for event in server.memory.events.values()} - {None}
    assert hazards == {"model_failed"}


def test_a_file_that_came_later_is_taken_up_when_the_same_configuration_is_read_again(tmp_path: Path) -> None:
    """What a registry's row comes to is not in the text: here the hash of a model that is made on site."""
    known = load().models["yolo11n"]
    store = tmp_path / "state" / "models"
    made = onnx_path(store, "yolo11n", known, known.file())
    path = configuration(tmp_path, {"*": {"kind": "camera"}}, inference={"models": {"things": {"registry": "yolo11n"}}})
    with running(path) as supervisor:
        text = path.read_text(encoding="utf-8")
        assert supervisor.propose(text).empty
        store.mkdir(parents=True, exist_ok=True)
        made_note(made).write_text(f"{'ab' * 32}  {made.name}\n", encoding="ascii")
        assert supervisor.propose(text).models == ("things",)
        assert supervisor.apply(text).models == ("things",)
        assert supervisor.propose(text).empty, "it was taken up"
