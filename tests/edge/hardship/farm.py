"""Drives the RTSP farm, and makes the encoded pictures that its cameras send."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
from av.bitstream import BitStreamFilterContext

SYSTEM_PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).with_name("rtsp_farm.py")
NEEDS = "no GStreamer RTSP server: apt-get install gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good"
_CHECK = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
KEY = 1


def missing() -> str | None:
    """Why there can be no farm on this machine; None: there can."""
    if not os.access(SYSTEM_PYTHON, os.X_OK):
        return NEEDS
    found = subprocess.run([SYSTEM_PYTHON, "-c", _CHECK], capture_output=True, check=False)
    return NEEDS if found.returncode else None


def write_units(clip: Path, target: Path) -> Path:
    """The access units of an H.264 recording as the farm reads them: Annex B, parameter sets before each key frame."""
    with av.open(clip) as container, target.open("wb") as output:
        stream = container.streams.video[0]
        to_annex_b = BitStreamFilterContext("h264_mp4toannexb", stream)
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            for unit in to_annex_b.filter(packet):
                data = bytes(unit)
                output.write(struct.pack(">IB", len(data), KEY if unit.is_keyframe else 0) + data)
    return target


def record_street(path: Path, *, size: tuple[int, int] = (640, 360), fps: int = 10, seconds: float = 4) -> Path:
    """A small H.264 recording of a textured wall with noise before which a few things move; a key frame a second."""
    width, height = size
    random = np.random.default_rng(5)
    wall = np.kron(random.integers(70, 150, (height // 8, width // 8), np.uint8), np.ones((8, 8), np.uint8))
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size = fps
        stream.options = {"sc_threshold": "0", "bf": "0", "preset": "veryfast", "profile": "main", "crf": "26"}
        stream.time_base = Fraction(1, fps)
        for number in range(round(seconds * fps)):
            noisy = wall + random.normal(0, 2, wall.shape)
            left = 40 + 3 * number
            noisy[height // 2 : height // 2 + 20, left : left + 12] = 230
            luma = np.clip(noisy, 0, 255).astype(np.uint8)
            grey = np.repeat(luma[:, :, None], 3, axis=2)
            for packet in stream.encode(av.VideoFrame.from_ndarray(grey, format="bgr24")):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
    return path


@dataclass(frozen=True, slots=True)
class Mount:
    """A camera of the farm: what it sends, how often, and `user:password` if it asks for a login."""

    name: str
    units: Path
    fps: float
    login: str = ""

    def argument(self) -> str:
        """As `rtsp_farm.py` reads it."""
        return f"{self.name}={self.units}@{self.fps:g}" + (f"@{self.login}" if self.login else "")


class Farm:
    """A GStreamer RTSP server in its own process; `kill` and `start` again as often as wanted."""

    def __init__(self, port: int, mounts: Iterable[Mount]) -> None:
        self.port = port
        self.mounts = {mount.name: mount for mount in mounts}
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Farm:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def url(self, name: str, login: str = "") -> str:
        """The address of a mount."""
        return f"rtsp://{login + '@' if login else ''}127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Starts it and waits until it listens."""
        assert self._process is None, "it runs"
        command = [SYSTEM_PYTHON, str(SCRIPT), str(self.port), *(mount.argument() for mount in self.mounts.values())]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line == "ready\n", f"the farm did not start: {line!r}"

    def kill(self) -> None:
        """As a power cut does it: no farewell to anybody."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def say(self, command: str) -> Mapping[str, int]:
        """Gives a command, see `rtsp_farm.py`. Returns how many access units each mount it concerns has sent."""
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None, "it does not run"
        process.stdin.write(command + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer, f"the farm died of {command!r}"
        counts: Mapping[str, int] = json.loads(answer)
        return counts

    def cpu_seconds(self) -> float:
        """What it has used since it was started."""
        assert self._process is not None, "it does not run"
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

    def counts(self) -> Mapping[str, int]:
        """How many access units each mount has sent to clients that play, since it started."""
        return self.say("counts")
