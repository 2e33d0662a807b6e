"""Detectors that do harm, found by their entry points as any other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.detectors.registry import installed_detectors

HARMFUL = """
import os
import signal
import time

from pydantic import BaseModel

from edge.detectors.interface import Visibility
from edge.detectors.registry import CameraDetectorKind


class Settings(BaseModel):
    after_frames: int = 3


class Crashes:
    name, version, visibility = "crashes", "1", Visibility.CLEAR

    def __init__(self, settings, context):
        self.left = settings.after_frames

    def observe(self, frame):
        self.left -= 1
        if self.left <= 0:
            self.harm()
        return []

    def harm(self):
        os.kill(os.getpid(), signal.SIGSEGV)


class Hangs(Crashes):
    name = "hangs"

    def harm(self):
        time.sleep(3600)


CRASHES = CameraDetectorKind(name="crashes", version="1", settings=Settings, build=Crashes)
HANGS = CameraDetectorKind(name="hangs", version="1", settings=Settings, build=Hangs)
"""


@pytest.fixture
def harmful_detectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Installs the detectors `crashes` and `hangs` for this process and its children."""
    folder = tmp_path / "plugins"
    about = folder / "harmful-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / "harmful.py").write_text(HARMFUL, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: harmful\nVersion: 1.0\n", encoding="utf-8")
    entries = "[gridsentry.detectors]\ncrashes = harmful:CRASHES\nhangs = harmful:HANGS\n"
    (about / "entry_points.txt").write_text(entries, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), before])))
    installed_detectors.cache_clear()
    yield
    installed_detectors.cache_clear()
