"""The real program over a configuration, looked at from outside: its local page, and its processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from tests.edge.brokers import free_port

PATIENCE_SECONDS = 60.0
"""For anything that a loaded machine of two cores does in a few seconds."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """The whole process tree at one moment."""

    cpu_seconds: float
    rss_bytes: int
    uss_bytes: int
    """Memory that would be free again if the tree ended: what is shared is left out."""
    descriptors: int
    threads: int
    processes: int


class LiveBox:
    """`gridsentry-edge run` as a child. `close` asks it to end, as systemd does, and expects that it does."""

    def __init__(self, folder: Path, sources: Mapping[str, Any], **sections: Any) -> None:
        self.folder = folder
        self.port = free_port()
        self.state_dir = folder / "state"
        document = {
            "device": {"id": "hardship", "state_dir": str(self.state_dir)},
            "local": {"port": self.port},
            "sources": dict(sources),
            **sections,
        }
        self.config = folder / "edge.yaml"
        self.config.write_text(yaml.safe_dump(document), encoding="utf-8")
        self.log = folder / "edge.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10)

    def __enter__(self) -> LiveBox:
        try:
            self.start()
        except BaseException:
            self.close(expect_clean=False)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(expect_clean=kind is None)

    @property
    def process(self) -> psutil.Process:
        """The supervisor."""
        assert self._process is not None, "it does not run"
        return psutil.Process(self._process.pid)

    def start(self) -> None:
        """Starts it and waits until its page answers."""
        program = Path(sys.executable).with_name("gridsentry-edge")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(program), "run", "--config", str(self.config)],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONWARNINGS": "default"},
            )
        self.wait_until(self._answers, "its page answers")
        token = (self.state_dir / "local.token").read_text(encoding="ascii").strip()
        self._client.headers["Authorization"] = f"Bearer {token}"

    def close(self, *, expect_clean: bool = True) -> None:
        """Ends it."""
        process, self._process = self._process, None
        self._client.close()
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(60)
        except subprocess.TimeoutExpired:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
            process.wait()
            code = None
        if expect_clean:
            assert code == 0, f"ended with {code}\n{self.tail()}"

    def view(self) -> Mapping[str, Any]:
        """The whole box as its page shows it."""
        answer = self._client.get("/api/box")
        answer.raise_for_status()
        told: Mapping[str, Any] = answer.json()
        return told

    def sources(self) -> Mapping[str, Mapping[str, Any]]:
        """The sources' meters by id."""
        return {source["source_id"]: source for source in self.view()["sources"]}

    def source(self, source_id: str) -> Mapping[str, Any]:
        """One source's meter."""
        return self.sources()[source_id]

    def footprint(self) -> Footprint:
        """What the program and all its children use now."""
        cpu, rss, uss, descriptors, threads, processes = 0.0, 0, 0, 0, 0, 0
        for process in (self.process, *self.process.children(recursive=True)):
            try:
                with process.oneshot():
                    times, memory = process.cpu_times(), process.memory_full_info()
                    descriptors += process.num_fds()
                    threads += process.num_threads()
            except psutil.NoSuchProcess:
                continue
            cpu += times.user + times.system
            rss += memory.rss
            uss += memory.uss
            processes += 1
        return Footprint(cpu, rss, uss, descriptors, threads, processes)

    def wait_until(self, holds: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Waits for a condition, and fails with the log's tail."""
        deadline = time.monotonic() + seconds
        while True:
            assert self._process is not None and self._process.poll() is None, f"the program ended\n{self.tail()}"
            try:
                if holds():
                    return
            except httpx.TransportError:
                pass  # its page is not there yet, or restarts
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}\n{self.tail()}"
            time.sleep(0.1)

    def wait_online(self, source_ids: Sequence[str], seconds: float = PATIENCE_SECONDS) -> None:
        """Until pictures of all these are judged."""

        def all_online() -> bool:
            sources = self.sources()
            return all(
                source_id in sources  # before its worker's first report there may be nothing to tell
                and sources[source_id]["state"] == "online"
                and sources[source_id]["frames_judged"] > 0
                for source_id in source_ids
            )

        self.wait_until(all_online, f"online: {', '.join(source_ids)}", seconds)

    def tail(self, lines: int = 40) -> str:
        """The end of the log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _answers(self) -> bool:
        return self._client.get("/healthz").status_code == 200


def camera(
    url: str, *, size: tuple[int, int] = (640, 360), timeouts_seconds: tuple[float, float] = (5, 3), **settings: Any
) -> dict[str, Any]:
    """Settings of a live camera with a façade that fills its picture. Short timeouts: a test waits for them."""
    width, height = size
    facade = {
        "polygon": [[20, 20], [width - 20, 20], [width - 20, height - 20], [20, height - 20]],
        "camera": {"height_m": 3, "tilt_degrees": 34, "focal_px": 560 * width / 640, "distance_m": 20},
    }
    return {
        "kind": "camera",
        "name": url.rpartition("/")[2],
        "location": {"lon": 113.65, "lat": 34.75, "accuracy_m": 25},
        "input": {
            "type": "rtsp",
            "url": url,
            "open_timeout_seconds": timeouts_seconds[0],
            "read_timeout_seconds": timeouts_seconds[1],
        },
        "detectors": {"thrown_object": {"facade": facade}},
        "reconnect": {"first_seconds": 0.2, "max_seconds": 1},
        **settings,
    }
