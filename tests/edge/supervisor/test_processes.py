"""Processes that are killed, hang or cannot live: each is replaced alone, and the others lose nothing."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.outbox.sink import Commit
from edge.outbox.store import Outbox
from edge.supervisor.supervisor import Supervisor
from edge.view import CallError, ChildState
from tests.edge.outbox.protocol_server import ProtocolServer, protocol_server
from tests.edge.parts import episodes_of
from tests.edge.supervisor.running import (
    alive,
    children,
    children_of,
    clip,
    configuration,
    phases,
    program,
    running,
    states,
    wait_until,
    waiting_events,
)

CLIP = "samples/clips/gate-3.mp4"
SPREAD = {"workers": 2}


@pytest.fixture
def server() -> Iterator[ProtocolServer]:
    with protocol_server() as started:
        yield started


def loop(root: Path, **more: Any) -> dict[str, Any]:
    return {**clip(root / CLIP, loop=True), **more}


def pid_of(supervisor: Supervisor, name: str) -> int | None:
    child = children(supervisor).get(name)
    return None if child is None else child.pid


def frames(supervisor: Supervisor, source_id: str) -> int:
    meter = supervisor.view().sources.get(source_id)
    return 0 if meter is None else meter.frames_decoded


def sees_on(supervisor: Supervisor, source_id: str, more_than: int = 0) -> bool:
    return frames(supervisor, source_id) > more_than


def test_a_killed_worker_is_replaced_and_the_others_lose_nothing(tmp_path: Path, root: Path) -> None:
    path = configuration(tmp_path, {"a": loop(root), "b": loop(root)}, supervision=SPREAD)
    with running(path) as supervisor:
        wait_until(lambda: all(sees_on(supervisor, name) for name in "ab"), "both see")
        before = children(supervisor)
        victim = next(child for child in before.values() if child.sources == ("a",))
        other = next(child for child in before.values() if child.sources == ("b",))
        assert victim.pid is not None
        seen_by_b = frames(supervisor, "b")
        os.kill(victim.pid, signal.SIGKILL)
        wait_until(lambda: pid_of(supervisor, victim.name) not in {victim.pid, None}, "a new process")
        wait_until(
            lambda: children(supervisor)[victim.name].state is ChildState.RUNNING and sees_on(supervisor, "a"),
            "its camera sees again",
        )
        replaced = children(supervisor)[victim.name]
        assert replaced.restarts == 1
        assert replaced.reason == "ended by SIGKILL"
        assert replaced.sources == ("a",)
        wait_until(lambda: sees_on(supervisor, "b", seen_by_b), "the other one went on")
        assert pid_of(supervisor, other.name) == other.pid
        assert supervisor.view().sources["b"].sessions == 1
        assert children(supervisor)[other.name].restarts == 0


def test_a_worker_that_hangs_is_killed_and_replaced(tmp_path: Path, root: Path) -> None:
    path = configuration(tmp_path, {"a": loop(root)}, supervision={"heartbeat_limit_seconds": 3})
    with running(path) as supervisor:
        wait_until(lambda: sees_on(supervisor, "a"), "it sees")
        hung = pid_of(supervisor, "cameras-1")
        assert hung is not None
        os.kill(hung, signal.SIGSTOP)
        wait_until(lambda: pid_of(supervisor, "cameras-1") not in {hung, None}, "a new process")
        wait_until(lambda: children(supervisor)["cameras-1"].state is ChildState.RUNNING, "it works")
        assert not alive(hung)
        assert "no sign of life for 3 s" in children(supervisor)["cameras-1"].reason
        wait_until(lambda: sees_on(supervisor, "a"), "it sees again")


def test_a_killed_uplink_is_replaced_and_nothing_is_lost(tmp_path: Path, root: Path, server: ProtocolServer) -> None:
    path = configuration(tmp_path, {"gone": clip("nowhere.mp4")}, server)
    with running(path) as supervisor:
        wait_until(lambda: "gone" in states(server.memory), "the first event has arrived")
        victim = pid_of(supervisor, "uplink")
        assert victim is not None
        server.stop()  # so that what is committed now is not sent before it is killed
        outbox = Outbox(tmp_path / "state", "box-1")
        commits = list(episodes_of(5))
        for commit in commits:
            outbox.commit(Commit(commit.events))
        outbox.close()
        os.kill(victim, signal.SIGKILL)
        server.start()
        expected = {str(event.id) for commit in commits for event in commit.events}
        wait_until(lambda: expected <= {str(key) for key in server.memory.events}, "all of it arrives")
        wait_until(lambda: children(supervisor)["uplink"].restarts == 1, "it was replaced once")
        wait_until(lambda: waiting_events(tmp_path) == 0, "and is settled")


def test_children_die_with_a_killed_supervisor_and_the_next_one_starts(tmp_path: Path, root: Path) -> None:
    path = configuration(tmp_path, {"a": loop(root)})
    with program(path) as first:
        wait_until(lambda: waiting_events(tmp_path) > 0 and len(children_of(first.pid)) == 2, "it works")
        orphans = children_of(first.pid)
        os.kill(orphans[0], signal.SIGSTOP)  # even one that hangs
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        with program(path) as second:
            wait_until(lambda: not any(map(alive, orphans)), "the orphans are gone", seconds=10)
            wait_until(lambda: len(children_of(second.pid)) == 2, "the next one works")
            second.send_signal(signal.SIGTERM)
            assert second.wait(60) == 0


def test_who_brings_its_process_down_is_put_apart(
    tmp_path: Path, root: Path, harmful_detectors: None, server: ProtocolServer
) -> None:
    sources = {"good-1": loop(root), "bad": loop(root, detectors={"crashes": {}}), "good-2": loop(root)}
    limits = {"workers": 1, "restart_limit": 1, "restart_window_seconds": 600}
    sections = {"supervision": limits, "health": {"cameras": {"clear_after_seconds": 3}}}
    with running(configuration(tmp_path, sources, server, **sections)) as supervisor:
        wait_until(lambda: "camera-bad" in children(supervisor), "the shared process was given up")
        wait_until(lambda: children(supervisor)["camera-bad"].restarts == 2, "the culprit alone fell twice more")
        bad = children(supervisor)["camera-bad"]
        assert bad.state is ChildState.WAITING
        assert bad.reason == "ended by SIGSEGV"
        assert "cameras-1" not in children(supervisor)
        wait_until(lambda: states(server.memory).get("bad", [("", "")])[-1][0] == "offline", "it is said")
        assert "SIGSEGV" in states(server.memory)["bad"][-1][1]
        assert supervisor.view().sources["bad"].state == "offline"
        wait_until(lambda: phases(server.memory, "bad") == ["opened"], "and it is a hazard")
        for name in ("good-1", "good-2"):
            wait_until(lambda name=name: sees_on(supervisor, name), f"{name} sees")
            child = children(supervisor)[f"camera-{name}"]
            assert (child.state, child.restarts) == (ChildState.RUNNING, 0)
        # Somebody mends it: it is tried at once, not in ten minutes.
        sources["bad"] = loop(root)
        configuration(tmp_path, sources, server, **sections)
        wait_until(lambda: sees_on(supervisor, "bad"), "the mended camera sees")
        wait_until(lambda: states(server.memory)["bad"][-1][0] == "online", "and it is said")
        wait_until(lambda: phases(server.memory, "bad") == ["opened", "cleared"], "the hazard is over")


def test_a_camera_whose_thread_hangs_is_put_apart_at_once(tmp_path: Path, root: Path, harmful_detectors: None) -> None:
    sources = {"good": loop(root), "bad": loop(root, detectors={"hangs": {}})}
    limits = {"workers": 1, "source_limit_seconds": 5}
    with running(configuration(tmp_path, sources, supervision=limits)) as supervisor:
        wait_until(lambda: "camera-bad" in children(supervisor), "it gets a process of its own")
        wait_until(lambda: children(supervisor)["cameras-1"].restarts == 1, "the shared process was replaced")
        assert "bad made no progress for 5 s" in children(supervisor)["cameras-1"].reason
        wait_until(lambda: sees_on(supervisor, "good"), "the other camera sees")
        wait_until(lambda: children(supervisor)["camera-bad"].restarts == 1, "it hangs again, alone")
        assert children(supervisor)["cameras-1"].restarts == 1


def test_a_process_that_talks_nonsense_is_replaced(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once; the next one is sound."""
    once, stand_in = tmp_path / "once", tmp_path / "python"
    once.touch()
    stand_in.write_text(
        f"""#!{sys.executable}
import os, sys, time
if "cameras" in sys.argv and os.path.exists({str(once)!r}):
    os.unlink({str(once)!r})
    os.write(int(sys.argv[sys.argv.index("--socket") + 1]), b'{{"type":"report","sources":{{"a":{{"kind":7}}}}}}\\n')
    time.sleep(3600)
os.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])
""",
        encoding="utf-8",
    )
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    path = configuration(tmp_path, {"a": loop(root)})
    monkeypatch.setattr("edge.supervisor.child.sys.executable", str(stand_in))
    with running(path) as supervisor:
        wait_until(lambda: sees_on(supervisor, "a"), "the second process sees")
        child = children(supervisor)["cameras-1"]
        assert (child.restarts, child.reason) == (1, "sent what is no message")


def test_calls_reach_the_worker_of_their_source_or_say_why_not(tmp_path: Path, root: Path) -> None:
    path = configuration(tmp_path, {"a": loop(root), "gone": clip("nowhere.mp4")}, supervision=SPREAD)
    with running(path) as supervisor:
        wait_until(lambda: sees_on(supervisor, "a"), "it sees")
        wait_until(lambda: supervisor.view().sources["gone"].failures > 0, "the other one works, and does not see")
        picture = supervisor.call("a", "still", {})
        assert len(picture["jpeg"]) > 1000
        for source_id, name, reason in [
            ("nobody", "still", "no such source"),
            ("a", "explode", "no 'explode' here"),
            ("gone", "still", "no picture now"),
        ]:
            with pytest.raises(CallError, match=reason):
                supervisor.call(source_id, name, {})
        with pytest.raises(CallError, match="cannot be written"):
            supervisor.call("a", "still", {"max_width": object()})
        hung = pid_of(supervisor, "cameras-1" if "a" in children(supervisor)["cameras-1"].sources else "cameras-2")
        assert hung is not None
        os.kill(hung, signal.SIGKILL)
        with pytest.raises(CallError, match="process"):
            supervisor.call("a", "still", {})


def test_what_only_a_person_can_mend_ends_the_start(tmp_path: Path) -> None:
    Outbox(tmp_path / "state", "another-box").close()
    path = configuration(tmp_path, {"a": clip("nowhere.mp4")})
    with program(path) as box:
        assert box.wait(60) == 1
    assert "belongs to device 'another-box'" in (tmp_path / "edge.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
def test_the_end_waits_for_nobody_for_ever(tmp_path: Path, root: Path, again: bool) -> None:
    path = configuration(tmp_path, {"a": loop(root)}, supervision={"drain_seconds": 600 if again else 2})
    with program(path) as box:
        wait_until(lambda: waiting_events(tmp_path) > 0 and len(children_of(box.pid)) == 2, "it works")
        orphans = children_of(box.pid)
        for orphan in orphans:
            os.kill(orphan, signal.SIGSTOP)
        box.send_signal(signal.SIGTERM)
        if again:
            wait_until(lambda: "stopping" in (tmp_path / "edge.log").read_text(encoding="utf-8"), "it begins to end")
            box.send_signal(signal.SIGTERM)
            assert box.wait(30) == -signal.SIGTERM
        else:
            assert box.wait(30) == 0
        wait_until(lambda: not any(map(alive, orphans)), "nothing is left behind", seconds=10)
