"""What systemd hears, over real datagram sockets."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.supervisor.notify import Notifier, without_notify
from tests.edge.supervisor.running import children_of, clip, configuration, program, wait_until, waiting_events


@contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        listening.settimeout(60)
        yield listening


def heard(listening: socket.socket) -> str:
    return listening.recv(4096).decode()


def heard_until(listening: socket.socket, *wanted: str) -> None:
    """Listens until each of `wanted` was said, in any order: each but the state of life is said once."""
    missing = set(wanted)
    while missing:
        message = heard(listening)
        missing = {one for one in missing if one not in message}


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_everything_is_said_in_the_words_of_the_protocol(tmp_path: Path, abstract: bool) -> None:
    name = f"gridsentry-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with manager("\0" + name if abstract else name) as listening:
        notifier = Notifier({"NOTIFY_SOCKET": "@" + name if abstract else name, "WATCHDOG_USEC": "4000000"})
        assert notifier.pet_seconds == 2
        notifier.ready()
        notifier.alive()
        notifier.status("3 of 4\nsources online")
        notifier.status("3 of 4\nsources online")
        notifier.reloading()
        notifier.stopping()
        said = [heard(listening) for _ in range(5)]
    assert said[:3] == ["READY=1", "WATCHDOG=1", "STATUS=3 of 4 sources online"]
    assert said[3].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert int(said[3].rpartition("=")[2]) > 0
    assert said[4] == "STOPPING=1"


@pytest.mark.parametrize(
    "environment",
    [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "relative"}, {"NOTIFY_SOCKET": "/nowhere/at/all"}],
    ids=["absent", "empty", "relative", "nobody listens"],
)
def test_without_a_manager_nothing_happens(environment: dict[str, str]) -> None:
    notifier = Notifier(environment)
    notifier.ready()
    notifier.alive()
    assert notifier.pet_seconds is None


@pytest.mark.parametrize(
    ("usec", "pid", "expected"),
    [
        ("30000000", str(os.getpid()), 15.0),
        ("30000000", "1", None),
        ("soon", str(os.getpid()), None),
        ("0", str(os.getpid()), None),
    ],
    ids=["ours", "another's", "no number", "off"],
)
def test_the_watchdog_is_petted_only_by_whom_it_is_for(usec: str, pid: str, expected: float | None) -> None:
    environment = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": usec, "WATCHDOG_PID": pid}
    assert Notifier(environment).pet_seconds == expected


def test_children_do_not_inherit_it() -> None:
    environment = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "PATH": "/bin"}
    assert without_notify(environment) == {"PATH": "/bin"}


def test_the_program_says_when_it_is_ready_lives_reloads_and_ends(tmp_path: Path, root: Path) -> None:
    path = configuration(tmp_path, {"a": clip(root / "samples/clips/gate-3.mp4", loop=True)})
    with manager(str(tmp_path / "notify")) as listening:
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}
        with program(path, environment) as box:
            heard_until(listening, "READY=1")
            assert waiting_events(tmp_path) >= 0
            heard_until(listening, "WATCHDOG=1", "STATUS=1 of 1 sources online")
            configuration(tmp_path, {"a": clip(root / "samples/clips/gate-3.mp4", loop=True), "b": clip("nowhere.mp4")})
            box.send_signal(signal.SIGHUP)
            heard_until(listening, "RELOADING=1")
            heard_until(listening, "READY=1")
            box.send_signal(signal.SIGTERM)
            heard_until(listening, "STOPPING=1")
            assert box.wait(60) == 0


def test_a_supervisor_that_stands_still_is_not_petted(tmp_path: Path) -> None:
    path = configuration(tmp_path, {"a": clip("nowhere.mp4")})
    with manager(str(tmp_path / "notify")) as listening:
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
        with program(path, environment) as box:
            heard_until(listening, "WATCHDOG=1")
            wait_until(lambda: len(children_of(box.pid)) == 2, "all children run")
            os.kill(box.pid, signal.SIGSTOP)
            listening.settimeout(3)
            with pytest.raises(TimeoutError):
                while True:
                    heard(listening)
            os.kill(box.pid, signal.SIGCONT)
            listening.settimeout(60)
            heard_until(listening, "WATCHDOG=1")
