"""The command line as people and scripts meet it: exit codes, and messages that say what to do."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from edge.outbox.store import Outbox, Verdict
from tests.edge.brokers import free_port
from tests.edge.parts import episodes_of
from tests.edge.supervisor.running import configuration
from tests.edge.test_replay import camera


def edge(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd, check=False)


@pytest.fixture
def good(tmp_path: Path, root: Path) -> Path:
    shutil.copy(root / "samples/clips/gate-3.mp4", tmp_path / "gate-3.mp4")
    return configuration(tmp_path, {"gate-3": camera(root, input={"type": "file", "path": "gate-3.mp4"})}, None)


def test_check_finds_nothing_wrong(good: Path) -> None:
    result = edge("check", "--config", good)
    assert result.returncode == 0, result.stderr
    assert "gate-3.mp4: 854 × 480" in result.stdout
    assert "fine, 1 sources" in result.stdout


def test_wrong_usage_and_wrong_configuration_end_with_2(good: Path) -> None:
    assert edge("replay").returncode == 2
    good.write_text(good.read_text().replace("state_dir", "statedir"))
    result = edge("check", "-c", good)
    assert result.returncode == 2
    assert f"{good}:3: device.statedir: found an unknown key" in result.stderr
    assert "did you mean 'state_dir'?" in result.stderr
    assert "Traceback" not in result.stderr
    assert edge("run", "-c", good.parent / "missing.yaml").returncode == 2


def test_check_opens_everything_and_names_the_line(tmp_path: Path, root: Path) -> None:
    clip = root / "samples/clips/gate-3.mp4"
    outside = camera(root, input={"type": "file", "path": str(clip)})
    outside["detectors"]["thrown_object"]["facade"]["polygon"] = [[0, 0], [2000, 0], [2000, 400], [0, 400]]
    sources: dict[str, Any] = {
        "missing": camera(root, input={"type": "file", "path": "nowhere.mp4"}),
        "outside": outside,
        "rtsp": camera(root, input={"type": "rtsp", "url": f"rtsp://127.0.0.1:{free_port()}/x"}),
    }
    path = configuration(tmp_path, sources, None)
    text = path.read_text()
    (tmp_path / "token").write_text("secret-token")
    (tmp_path / "token").chmod(0o644)
    path.write_text(text + f"server: {{url: 'http://127.0.0.1:{free_port()}', token_file: token}}\n")
    result = edge("check", "-c", path)
    assert result.returncode == 1
    assert "nowhere.mp4: no such file" in result.stdout
    first = text[: text.index("outside:")].count("\n") + 1
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "polygon" in row and n > first)
    assert "sources.outside.detectors.thrown_object.facade.polygon" in result.stdout
    assert any(f"{path}:{near}:" in result.stdout for near in range(line, line + 10)), (line, result.stdout)
    assert "everybody on this machine can read it" in result.stdout
    assert "reached with --online" in result.stdout
    online = edge("check", "-c", path, "--online")
    assert online.returncode == 1
    assert "cannot be reached" in online.stdout
    assert "secret-token" not in online.stdout + online.stderr


def test_replay_and_eval(good: Path, root: Path, tmp_path: Path) -> None:
    result = edge("replay", tmp_path / "gate-3.mp4", "-c", good, "--out", tmp_path / "out" / "events.jsonl")
    assert result.returncode == 0, result.stderr
    events = [json.loads(line) for line in (tmp_path / "out" / "events.jsonl").read_bytes().splitlines()]
    assert events[0]["data"]["phase"] == "opened"
    truth = tmp_path / "truth.yaml"
    truth.write_text(
        "clips: [{file: gate-3.mp4, episodes: [{hazard: thrown_object, start_seconds: 4.2, end_seconds: 5.87}]}]\n"
    )
    judged = edge("eval", truth, tmp_path / "out" / "events.jsonl", "--json", tmp_path / "eval.json")
    assert judged.returncode == 0, judged.stderr
    rows = {row["name"]: row for row in json.loads((tmp_path / "eval.json").read_text())}
    assert any("recall" in name and row["value"] == 1 for name, row in rows.items()), rows


def test_a_replay_with_a_broken_clip_ends_with_1_and_names_it(good: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    shutil.copy(tmp_path / "gate-3.mp4", folder / "gate-3.mp4")
    (folder / "other.mp4").write_bytes(b"nothing")
    result = edge("replay", folder, "-c", good, "-o", tmp_path / "events.jsonl")
    assert result.returncode == 1
    assert "other.mp4: no settings for source 'other'" in result.stderr
    assert (tmp_path / "events.jsonl").read_bytes().count(b"\n") >= 2


def test_the_outbox_is_looked_into_while_it_waits(good: Path, tmp_path: Path) -> None:
    missing = edge("outbox", "state", "-c", good)
    assert missing.returncode == 1
    assert "no outbox here" in missing.stderr
    outbox = Outbox(tmp_path / "state", "box-1")
    for commit in episodes_of(2):
        outbox.commit(commit)
    outbox.settle([Verdict(1, refused="422 data.tier: no such tier")])
    state = edge("outbox", "state", "-c", good, "--json")
    assert json.loads(state.stdout)["waiting_events"] == 3
    assert json.loads(state.stdout)["refused_events"] == 1
    listed = edge("outbox", "list", "-c", good)
    assert "422 data.tier: no such tier" in " ".join(listed.stdout.split())
    assert json.loads(edge("outbox", "show", "2", "-c", good).stdout)["data"]["phase"] == "cleared"
    assert edge("outbox", "show", "99", "-c", good).returncode == 1
    assert "4 events, every link holds" in edge("outbox", "verify", "-c", good).stdout
    outbox.close()
    assert "0 files will be uploaded again" in edge("outbox", "retry", "-c", good).stdout


def test_run_ends_cleanly_and_excludes_a_second_one(good: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edge.cli", "run", "-c", str(good), "--log-json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = [json.loads(process.stderr.readline()) for _ in range(2)]
        assert any(line["event"] == "running" for line in lines), lines
        second = edge("run", "-c", good)
        assert second.returncode == 1
        assert f"process {process.pid}" in second.stderr
        assert edge("outbox", "retry", "-c", good).returncode == 1
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(30) == 0
    assert time.monotonic() - begin < 20
    assert json.loads(rest.splitlines()[-1])["event"] == "stopped"
