"""A changed model on the running box: real processes, real sessions, cameras that never notice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.detectors.registry import installed_detectors
from edge.supervisor.supervisor import Supervisor
from tests.edge.inference.tiny_model import tiny_model
from tests.edge.outbox.protocol_server import protocol_server
from tests.edge.supervisor.running import PLACE, children, clip, configuration, running, wait_until

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

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder = folder
        self._clip = root / "samples/clips/gate-3.mp4"
        self._supervisor: Supervisor | None = None
        self._cameras: Mapping[str, Any] = {}

    def write(self, model: Mapping[str, Any], **sections: Any) -> Path:
        """The configuration with this row for the model `things`."""
        camera = {**clip(self._clip, loop=True), "location": PLACE, "detectors": {"asks": {}}}
        inference = {"models": {"things": dict(model)}, "measure_seconds": 0.01, "backend": "onnxruntime", "threads": 1}
        quick = {"device": {"after_seconds": 2, "clear_after_seconds": 2}}
        self._sections = {"supervision": {"workers": 1}, "health": quick, **sections}
        return configuration(self._folder, {"a": camera, "b": camera}, **self._sections, inference=inference)

    def watch(self, supervisor: Supervisor) -> None:
        """Waits until both cameras are answered, and notes the processes."""
        self._supervisor = supervisor
        self.wait_for_answers()
        self._processes = {name: child.pid for name, child in children(supervisor).items()}

    @property
    def session(self) -> Mapping[str, Any]:
        assert self._supervisor is not None
        sessions = self._supervisor.view().inference
        return sessions[0] if sessions else {}

    @property
    def change(self) -> Mapping[str, Any]:
        return self.session.get("change") or {}

    def serves(self, path: Path) -> bool:
        return self.session.get("state") == "ready" and self.session["sha256"] == sha256(path)

    def answered(self, camera: str) -> int:
        assert self._supervisor is not None
        meter = self._supervisor.view().sources.get(camera)
        return 0 if meter is None else meter.questions["answered"]

    def wait_for_answers(self) -> None:
        before = {camera: self.answered(camera) for camera in "ab"}
        wait_until(lambda: all(self.answered(camera) > before[camera] + 3 for camera in "ab"), "both are answered")

    def check_that_nobody_noticed(self) -> None:
        """The same processes, the same streams, and answers as before."""
        assert self._supervisor is not None
        self.wait_for_answers()
        assert {name: child.pid for name, child in children(self._supervisor).items()} == self._processes
        for camera in "ab":
            meter = self._supervisor.view().sources[camera]
            assert (meter.sessions, meter.failures, sum(meter.detector_faults.values())) == (1, 0, 0)
            assert meter.questions["failed"] == 0, "no question was lost"


@pytest.mark.usefixtures("asking_detector")
def test_a_model_is_replaced_under_running_cameras_or_refused_and_the_old_one_goes_on(
    tmp_path: Path, root: Path
) -> None:
    old, new = tiny_model(tmp_path / "old.onnx"), tiny_model(tmp_path / "new.onnx", weight=0.9)
    yard = Yard(tmp_path, root)
    with (
        protocol_server() as server,
        running(
            yard.write(
                row(old, "1"),
            )
        ) as supervisor,
    ):
        yard.watch(supervisor)
        assert yard.serves(old)
        # A good one takes over.
        plan = supervisor.propose(yard.write(row(new, "2")).read_text(encoding="utf-8"))
        assert (plan.models, plan.restarts) == (("things",), ())
        wait_until(lambda: yard.serves(new), "the new model serves")
        assert (yard.session["version"], yard.session["changes"]["taken_over"]) == ("2", 1)
        yard.check_that_nobody_noticed()
        # A broken file, a wrong hash, a failing self-test: each is refused by name.
        broken = tmp_path / "broken.onnx"
        broken.write_bytes(new.read_bytes()[: new.stat().st_size // 2])
        test = tmp_path / "selftest.yaml"
        test.write_text("fingerprint: {numbers: [[1, 1, 1], [2, 2, 2]]}\n", encoding="utf-8")
        for bad, reason in (
            (row(broken, "3"), "cannot load it"),
            (row(old, "4") | {"sha256": "0" * 64}, f"expected {'0' * 64}"),
            (row(old, "5", selftest=str(test)), "fingerprint: found 6 features, expected 2"),
        ):
            yard.write(bad)
            wait_until(
                lambda bad=bad: yard.change.get("version") == bad["version"] and yard.change["state"] == "refused",
                f"{bad['version']} is refused",
            )
            assert reason in yard.change["reason"]
            assert yard.serves(new)
            yard.check_that_nobody_noticed()
        del server
