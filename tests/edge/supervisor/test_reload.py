"""The configuration changes while the box runs: only what is touched notices, and nonsense changes nothing."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.config.problems import ConfigError
from edge.outbox.sink import Commit
from edge.outbox.store import Outbox
from edge.supervisor.reload import ConfigWatcher, Loaded, Refused, text_sha256
from edge.supervisor.supervisor import Supervisor
from edge.view import Plan
from tests.edge.outbox.protocol_server import protocol_server
from tests.edge.parts import moment, observation, tracker, writer
from tests.edge.supervisor.running import (
    children,
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


def loop(root: Path, **more: Any) -> dict[str, Any]:
    return {**clip(root / CLIP, loop=True), **more}


def frames(supervisor: Supervisor, source_id: str) -> int:
    meter = supervisor.view().sources.get(source_id)
    return 0 if meter is None else meter.frames_decoded


def sessions(supervisor: Supervisor, source_id: str) -> int:
    return supervisor.view().sources[source_id].sessions


def pids(supervisor: Supervisor) -> dict[str, int | None]:
    return {name: child.pid for name, child in children(supervisor).items()}


def test_cameras_come_change_and_go_and_the_others_notice_nothing(tmp_path: Path, root: Path) -> None:
    sources = {"a": loop(root), "b": loop(root)}
    path = configuration(tmp_path, sources, supervision={"workers": 2})
    with running(path) as supervisor:
        wait_until(lambda: all(frames(supervisor, name) for name in "ab"), "both see")
        before = pids(supervisor)
        counted = frames(supervisor, "a")

        sources["c"] = loop(root)
        configuration(tmp_path, sources, supervision={"workers": 2})
        wait_until(lambda: "c" in supervisor.view().sources and frames(supervisor, "c") > 0, "the new one sees")
        assert pids(supervisor) == before, "no process was touched"

        sources["b"] = loop(root, name="Yard")
        configuration(tmp_path, sources, supervision={"workers": 2})
        wait_until(lambda: sessions(supervisor, "b") == 2, "the changed one was opened again")
        wait_until(lambda: supervisor.view().sources["b"].name == "Yard", "with its new settings")

        del sources["c"]
        configuration(tmp_path, sources, supervision={"workers": 2})
        wait_until(lambda: "c" not in supervisor.view().sources, "it is gone")
        wait_until(lambda: all("c" not in child.sources for child in children(supervisor).values()), "everywhere")

        assert pids(supervisor) == before
        assert sessions(supervisor, "a") == 1, "never opened again"
        wait_until(lambda: frames(supervisor, "a") > counted, "it goes on")


def test_a_broken_file_changes_nothing_and_says_why(tmp_path: Path, root: Path) -> None:
    sources = {"a": loop(root)}
    path = configuration(tmp_path, sources)
    with running(path) as supervisor:
        wait_until(lambda: frames(supervisor, "a") > 0, "it sees")
        before, holds = pids(supervisor), supervisor.view().config.sha256

        path.write_text(path.read_text() + "\nsuorces: {}\n")
        wait_until(lambda: supervisor.view().config.refused_at is not None, "it is refused")
        view = supervisor.view()
        assert view.config.sha256 == holds
        assert "suorces" in view.config.problems[0]
        assert "did you mean 'sources'" in view.config.problems[0]
        assert str(path) in view.config.problems[0]

        path.unlink()
        wait_until(lambda: "cannot be read" in supervisor.view().config.problems[0], "a missing file is refused too")
        counted = frames(supervisor, "a")
        configuration(tmp_path, sources)
        wait_until(lambda: supervisor.view().config.refused_at is None, "the mended file is taken")
        assert pids(supervisor) == before
        wait_until(lambda: frames(supervisor, "a") > counted, "it never stopped")
        assert sessions(supervisor, "a") == 1


def test_what_needs_a_restart_is_refused(tmp_path: Path, root: Path) -> None:
    path = configuration(tmp_path, {"a": clip("nowhere.mp4")})
    with running(path) as supervisor:
        text = path.read_text().replace("box-1", "box-2")
        with pytest.raises(ConfigError, match="needs a restart"):
            supervisor.propose(text)
        with pytest.raises(ConfigError, match="needs a restart"):
            supervisor.apply(text)
        assert "box-1" in path.read_text(), "what is refused is not written"
        path.write_text(text)
        wait_until(lambda: supervisor.view().config.refused_at is not None, "nor taken from the file")
        assert "running with 'box-1'" in supervisor.view().config.problems[0]
        assert supervisor.view().device_id == "box-1"


def test_a_configuration_that_is_pushed_is_written_and_taken_up(tmp_path: Path, root: Path) -> None:
    path = configuration(tmp_path, {"a": clip("nowhere.mp4")})
    path.chmod(0o640)
    with running(path) as supervisor:
        document = yaml.safe_load(path.read_text())
        document["sources"]["b"] = loop(root)
        text = "# 由页面写入\n" + yaml.safe_dump(document)
        assert supervisor.propose(text) == Plan(starts=("b",), stays=("a",))
        assert "b" not in supervisor.view().sources, "a proposal does nothing"
        assert supervisor.apply(text) == Plan(starts=("b",), stays=("a",))
        assert path.read_text(encoding="utf-8") == text
        assert path.stat().st_mode & 0o777 == 0o640
        wait_until(lambda: frames(supervisor, "b") > 0, "the new one sees")
        assert supervisor.view().config.sha256 == text_sha256(text)
        with pytest.raises(ConfigError, match="not valid YAML"):
            supervisor.apply("sources: [")
        assert path.read_text(encoding="utf-8") == text


def test_a_section_restarts_the_processes_that_use_it(tmp_path: Path, root: Path) -> None:
    with protocol_server() as server:
        path = configuration(tmp_path, {"a": loop(root), "gone": clip("nowhere.mp4")}, supervision={"workers": 2})
        with running(path) as supervisor:
            wait_until(lambda: frames(supervisor, "a") > 0 and waiting_events(tmp_path) >= 2, "it works, unheard")
            before = pids(supervisor)
            configuration(tmp_path, {"a": loop(root), "gone": clip("nowhere.mp4")}, server, supervision={"workers": 2})
            wait_until(lambda: set(states(server.memory)) >= {"a", "gone"}, "the new uplink sends what waited")
            wait_until(lambda: pids(supervisor)["uplink"] not in {before["uplink"], None}, "a new process")
            assert children(supervisor)["uplink"].restarts == 0, "nobody counts a change as a fall"
            assert {**pids(supervisor), "uplink": 0} == {**before, "uplink": 0}
            before = pids(supervisor)
            more = {"supervision": {"workers": 2}, "evidence": {"clip_after_seconds": 7}}
            configuration(tmp_path, {"a": loop(root), "gone": clip("nowhere.mp4")}, server, **more)
            wait_until(
                lambda: all(pids(supervisor).get(name) not in {pid, None} for name, pid in before.items()),
                "all three use what has changed",
            )
            wait_until(lambda: frames(supervisor, "a") > 0, "it sees again")
            assert all(child.restarts == 0 for child in children(supervisor).values())


def test_episodes_of_a_source_that_goes_are_cleared(tmp_path: Path, root: Path) -> None:
    with protocol_server() as server:
        sources = {"stays": clip("nowhere.mp4"), "goes": clip("nowhere.mp4")}
        path = configuration(tmp_path, sources, server)
        change = tracker().observe("d", observation(0), moment(0))
        assert change is not None
        source = change.episode.source.model_copy(update={"id": "goes"})
        outbox = Outbox(tmp_path / "state", "box-1")
        with running(path):
            wait_until(lambda: set(states(server.memory)) >= {"stays", "goes"}, "both are watched")
            # Opened by a detector that this source no longer has, while it is watched: nothing else would end it.
            episode = replace(change.episode, source=source)
            outbox.commit(Commit((writer().hazard(episode),), (episode,)))
            del sources["goes"]
            configuration(tmp_path, sources, server)
            wait_until(lambda: phases(server.memory, "goes")[-1:] == ["cleared"], "it is over")
        outbox.close()
        assert phases(server.memory, "goes").count("cleared") == 1


def test_sighup_has_the_file_read_again(tmp_path: Path, root: Path) -> None:
    path = configuration(tmp_path, {"a": clip("nowhere.mp4")})
    log = tmp_path / "edge.log"
    with program(path) as box:
        wait_until(lambda: waiting_events(tmp_path) > 0, "it works")
        stat = path.stat()
        path.write_text("nonsense")
        box.send_signal(signal.SIGHUP)
        wait_until(lambda: "is refused" in log.read_text(encoding="utf-8"), "it says why not")
        assert box.poll() is None
        assert stat.st_size != path.stat().st_size
        box.send_signal(signal.SIGTERM)
        assert box.wait(60) == 0


def test_the_same_content_is_no_change(tmp_path: Path) -> None:
    path = configuration(tmp_path, {"a": clip("nowhere.mp4")})
    text = path.read_text()
    found: list[Loaded | Refused] = []
    watcher = ConfigWatcher(path, text_sha256(text), found.append)
    watcher.start()
    try:
        path.write_text(text)  # saved again: other times, the same content
        path.touch()
        marker = tmp_path / "edge.yaml.new"
        marker.write_text(text + "# new\n")
        marker.replace(path)
        wait_until(lambda: len(found) > 0, "the change is seen")
        assert [one.sha256 for one in found] == [text_sha256(text + "# new\n")]
        watcher.look_now()
        wait_until(lambda: len(found) == 2, "who asks is told even so")
    finally:
        watcher.stop()
