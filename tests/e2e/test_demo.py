"""``make demo ARGS=--once`` as its user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

DEMO = [sys.executable, "-m", "samples.demo"]


def test_every_sample_episode_reaches_its_queue(root: Path, tmp_path: Path) -> None:
    table = tmp_path / "demo.json"
    command = [*DEMO, "--once", "--json", str(table), "--folder", str(tmp_path / "demo")]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    rows = json.loads(table.read_text(encoding="utf-8"))
    arrived = {(row["source"], row["hazard"]): row["queue"] for row in rows if row["note"] == "arrived"}
    assert arrived == {
        ("gate-3", "thrown_object"): "410199S01",  # the mall comes before the tree
        ("block-7", "thrown_object"): "410199004003",
        ("tower-2", "thrown_object"): "410199004001",
        ("junction-1", "signal_dark"): "410199004",  # the street mends signals
        ("yard-1", "fire"): "410199004",  # below the street nobody must receive a fire
        ("yard-1", "smoke"): "410199004",
        ("well-12", "water_level"): "410199004002",
        ("shop-4", "gas"): "410199003",  # two levels must never receive it
        ("hall-2", "smoke_density"): "410199004",
        ("pole-31", "tilt"): "410199002",
    }
    assert [row for row in rows if row["note"] != "arrived"] == [], "missing episodes, or false alarms in the samples"


def test_ctrl_c_stops_everything(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with subprocess.Popen(
        [*DEMO, "--folder", str(folder)], cwd=root, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as demo:
        assert demo.stderr is not None
        said = ""
        while "Ctrl-C" not in said:
            line = demo.stderr.readline()
            assert line, said
            said += line
        assert "operator-demo" in said
        time.sleep(1)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
    left = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True, check=False).stdout
    assert left == "", "programs of the demo are still running"
