"""A disk without room: processes live on, sources wait, and go on when there is room again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.chain import verify_chain
from contract.events import ChainHeadData
from contract.keys import parse_public_key
from edge.view import ChildState
from tests.edge.outbox.protocol_server import protocol_server
from tests.edge.supervisor.running import children, clip, configuration, running, states, wait_until

SIZE_BYTES = 3 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own that is soon full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system can only be mounted by root (and outside most containers)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leaves no room at all."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass  # full
    return ballast


def test_a_full_disk_ends_no_process_and_loses_no_event(tmp_path: Path, root: Path, small_disk: Path) -> None:
    device = {"id": "box-1", "state_dir": str(small_disk / "state")}
    health = {"device": {"off": {"disk_short": "that is what this test is about"}}}
    with protocol_server() as server:
        sources = {"a": clip("nowhere.mp4")}
        path = configuration(tmp_path, sources, server, device=device, health=health)
        with running(path) as supervisor:
            wait_until(lambda: "a" in states(server.memory), "it works")
            server.stop()
            ballast = fill(small_disk)
            # Cameras that have something to say now, and a worker that starts on a full disk.
            sources |= {name: clip("nowhere.mp4") for name in ("b", "c", "d")}
            configuration(tmp_path, sources, server, device=device, health=health, supervision={"workers": 3})
            wait_until(lambda: len(children(supervisor)) == 4, "more workers")
            wait_until(
                lambda: all(
                    (child.last_report_age_seconds or 0) < 3 and child.cpu_seconds > 0
                    for child in children(supervisor).values()
                ),
                "all of them report",
            )
            fill(small_disk)
            assert all(child.restarts == 0 for child in children(supervisor).values())
            ballast.unlink()
            server.start()
            wait_until(lambda: set(states(server.memory)) >= set("abcd"), "what had to wait is said")
            wait_until(
                lambda: all(child.state is ChildState.RUNNING for child in children(supervisor).values()), "all work"
            )
            assert all(child.restarts == 0 for child in children(supervisor).values())
    heads = [ChainHeadData.model_validate(head) for head in server.memory.heads]
    assert server.memory.public_key is not None
    report = verify_chain("box-1", server.memory.contents, heads, parse_public_key(server.memory.public_key))
    assert report.problem is None


def test_a_box_that_starts_on_a_full_disk_waits_for_room(tmp_path: Path, root: Path, small_disk: Path) -> None:
    (small_disk / "state").mkdir()
    (small_disk / "state" / "lock").touch()
    ballast = fill(small_disk)
    device = {"id": "box-1", "state_dir": str(small_disk / "state")}
    with protocol_server() as server:
        path = configuration(tmp_path, {"a": clip("nowhere.mp4")}, server, device=device)
        with running(path) as supervisor:
            wait_until(
                lambda: all(child.last_report_age_seconds is not None for child in children(supervisor).values()),
                "all children report",
            )
            assert all(child.state is ChildState.STARTING for child in children(supervisor).values())
            ballast.unlink()
            wait_until(lambda: "a" in states(server.memory), "it works as soon as it can")
            assert all(child.restarts == 0 for child in children(supervisor).values())
