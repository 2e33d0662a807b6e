"""The real process tree for tests: a supervisor in a thread of the test, or the installed program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from edge.outbox.report import OutboxReader
from edge.outbox.store import OutboxError
from edge.supervisor.supervisor import Supervisor
from edge.view import ChildView
from tests.edge.outbox.protocol_server import TOKEN, Memory, ProtocolServer

PLACE = {"lon": 113.62, "lat": 34.75, "accuracy_m": 25}
EDGE = Path(sys.executable).with_name("gridsentry-edge")


def configuration(
    folder: Path, sources: Mapping[str, Any], server: ProtocolServer | None = None, **sections: Any
) -> Path:
    """Writes `edge.yaml`; `sections` are added at its top."""
    document: dict[str, Any] = {"device": {"id": "box-1", "state_dir": "state"}, "sources": dict(sources), **sections}
    if server is not None:
        (folder / "token").write_text(TOKEN)
        document["server"] = {"url": server.url, "token_file": "token"}
    path = folder / "edge.yaml"
    aside = folder / "edge.yaml.new"
    aside.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    aside.replace(path)
    return path


def clip(path: Path | str, **more: Any) -> dict[str, Any]:
    """A camera without detectors that plays a recording."""
    played = {"type": "file", "path": str(path), **more}
    return {"kind": "camera", "location": PLACE, "input": played}


@contextmanager
def running(path: Path) -> Iterator[Supervisor]:
    """A supervisor with its children, stopped at the end."""
    supervisor = Supervisor(path)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()
        thread.join(60)
        assert not thread.is_alive()


@contextmanager
def program(path: Path, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """The installed program with its log in `edge.log` beside the configuration; killed at the end if it still runs."""
    with (path.parent / "edge.log").open("ab") as log:
        process = subprocess.Popen(
            [EDGE, "run", "--config", str(path)],
            stderr=log,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def children(supervisor: Supervisor) -> dict[str, ChildView]:
    return {child.name: child for child in supervisor.view().children}


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not yet waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def children_of(pid: int) -> list[int]:
    """The child processes of a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
    return found


def waiting_events(folder: Path) -> int:
    """How many events wait in the outbox below this folder; 0 while there is none, or it is being made."""
    try:
        return OutboxReader(folder / "state").summary().waiting_events
    except OutboxError:
        return 0


def states(memory: Memory) -> dict[str, list[tuple[str, str]]]:
    """Source id to its health changes, with their reasons; the box itself is left out."""
    found: dict[str, list[tuple[str, str]]] = {}
    for event in list(memory.events.values()):
        data = event["data"]
        if "state" in data and data["source"]["kind"] != "device":
            found.setdefault(data["source"]["id"], []).append((data["state"], data.get("reason", "")))
    return found


def phases(memory: Memory, source_id: str) -> list[str]:
    """The phases of a source's hazard events, in the order of arrival."""
    events = [event["data"] for event in list(memory.events.values())]
    return [data["phase"] for data in events if "phase" in data and data["source"]["id"] == source_id]
