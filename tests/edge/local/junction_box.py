"""A box with one junction camera: its calibration is the real one, over rendered pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from edge.calibrate.signals.session import SignalSession
from edge.calibration_desk import CalibrationDesk
from edge.config.document import config_from_text
from edge.detectors.interface import Frame
from edge.view import CallError, ConfigView, Plan
from samples.junction.camera import Camera
from samples.junction.installed import document_of
from samples.junction.render import Renderer
from tests.edge.local.box import STARTED, WrittenBox, meter, whole_view
from tests.edge.local.junction import small_scene

SECRET = "Xyzzy4Plugh"


def document() -> dict[str, Any]:
    """A configuration with a junction's camera that nobody has calibrated."""
    source = {
        "kind": "camera",
        "name": "Nanjing Road × Park Street",
        "location": {"lon": 113.6, "lat": 34.7, "accuracy_m": 20},
        "input": {"type": "rtsp", "url": f"rtsp://viewer:{SECRET}@192.168.1.20/live"},
        "detectors": {},
    }
    return {"device": {"id": "box-17", "state_dir": "state"}, "sources": {"gate-3": source}}


class JunctionBox(WrittenBox):
    """Asks a real session; takes what is a valid configuration, and writes it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "edge.yaml"
        self.path.write_text("# the box beside the crossroads\n" + yaml.safe_dump(document(), allow_unicode=True))
        sources = {"gate-3": meter(name="Nanjing Road × Park Street"), "well-12": whole_view().sources["well-12"]}
        super().__init__(whole_view(sources=sources, config=ConfigView(str(self.path), "ab" * 32, STARTED)))
        self.scene = _renderer().scene
        self._frames = self._endless()
        self.latest: Frame | None = next(self._frames)
        self.desk = CalibrationDesk("gate-3", lambda: self.latest, SignalSession)
        self.report: Mapping[str, Any] = {}

    @property
    def heads(self) -> dict[str, Any]:
        """The settings of the scene's heads as they really are."""
        return deepcopy(_heads())

    def watch(self, seconds: float) -> None:
        """Lets the camera look on for so many seconds of media time."""
        for _ in range(round(seconds * self.scene.fps)):
            self.latest = next(self._frames)
            self.desk.take(self.latest)

    def call(self, source_id: str, name: str, arguments: Mapping[str, Any]) -> Any:
        if name == "reports":
            return self.report
        if name != "signals":
            return super().call(source_id, name, arguments)
        self.calls.append((source_id, name, arguments))
        if source_id != "gate-3":
            raise CallError(f"{source_id}: there is no 'signals' here now, expected one of none")
        return self.desk.call(arguments)

    def propose(self, text: str) -> Plan:
        config_from_text(text, self.path)
        return Plan(restarts=("gate-3",), stays=("well-12",))

    def apply(self, text: str) -> Plan:
        plan = super().apply(text)
        self.path.write_text(text)
        return plan

    def _endless(self) -> Iterator[Frame]:
        """The scene again and again, each picture with its own memory."""
        camera, cycle = Camera(_renderer()), 0
        while True:
            for index in range(int(self.scene.seconds * self.scene.fps)):
                frame = camera.frame(index, index / self.scene.fps)
                picture = frame.read_bgr()
                yield replace(
                    frame,
                    source_id="gate-3",
                    media_time=frame.media_time + cycle * self.scene.seconds,
                    luma=frame.luma.copy(),
                    read_bgr=lambda region=None, picture=picture: (
                        picture
                        if region is None
                        else picture[region.y : region.y + region.height, region.x : region.x + region.width].copy()
                    ),
                    read_planes=None,
                )
            cycle += 1


@cache
def _heads() -> dict[str, Any]:
    found: dict[str, Any] = document_of(_renderer().scene)["heads"]
    return found


@cache
def _renderer() -> Renderer:
    return Renderer(small_scene(fps=4))  # what learning needs, and half the work
