"""Starting and stopping real programs: used by the demo, and by the end-to-end tests to kill and restart them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import yaml

START_SECONDS = 60.0
"""A cold start with migrations on a loaded two-core machine takes several seconds; a minute means that it hangs."""
STOP_SECONDS = 15.0


class ProgramError(RuntimeError):
    """A program did not start or ended by itself; the message holds the end of its log."""


@dataclass
class Program:
    """One child process in a process group of its own, with its output in a log file."""

    name: str
    command: Sequence[str]
    log_path: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Starts it; `wait_until` then tells when it serves."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                # A Ctrl-C in the terminal reaches the demo alone, which then stops the programs in order.
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Waits until `ready()` says so.

        Raises:
            ProgramError: it ended or did not get there in time.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running:
                raise ProgramError(f"{self.name} ended while starting{self._log_end()}")
            if time.monotonic() > deadline:
                raise ProgramError(f"{self.name} was not ready after {seconds:.0f} s{self._log_end()}")
            time.sleep(0.05)

    def check(self) -> None:
        """Raises ProgramError if it is no longer running."""
        if not self.running:
            raise ProgramError(f"{self.name} ended by itself{self._log_end()}")

    def stop(self) -> int:
        """Asks it to end, insists after a while, and returns its exit status."""
        if self._process is None:
            return 0
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    def kill(self) -> None:
        """``kill -9`` for the program and its children: what a power cut looks like to it."""
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            self._process.wait()

    def __enter__(self) -> Program:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _log_end(self) -> str:
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        return f"; the end of {self.log_path}:\n  " + "\n  ".join(lines)


def installed(name: str) -> str:
    """The path of a program installed beside this Python.

    Raises:
        ProgramError: it is not installed.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise ProgramError(f"{name} is not installed: run `make setup`")
    return found


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Whether a program could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def listens(port: int) -> bool:
    """Whether somebody accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def mqtt_broker(port: int, folder: Path) -> Program:
    """amqtt: a broker from a wheel, enough for one machine. It forgets what it holds when it stops."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "amqtt.yaml"
    settings = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return Program("broker", [installed("amqtt"), "-c", str(config)], folder / "broker.log")
