"""The evaluation suite and the command that writes it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import yaml

from samples.facade.preview import LEAD_SECONDS, preview_fall
from samples.facade.suite import ON_FACADE_SHARE, SHORTEST_DROP_M, SMALLEST_VISIBLE_PX, evaluation_suite


def test_suite_is_decided_by_its_seed_and_grows_without_changing() -> None:
    assert evaluation_suite(5, 4, 3) == evaluation_suite(5, 4, 3)
    short, long = evaluation_suite(5, 2, 2), evaluation_suite(5, 5, 4)
    assert {item.name: item for item in short}.items() <= {item.name: item for item in long}.items()
    assert evaluation_suite(6, 2, 2) != short


def test_every_fall_can_be_seen_and_judged() -> None:
    for scenario in evaluation_suite(2, 25, 0):
        seen = preview_fall(scenario)
        assert seen is not None
        assert seen.drop_m >= SHORTEST_DROP_M
        assert seen.widest_px >= SMALLEST_VISIBLE_PX
        assert seen.on_facade >= ON_FACADE_SHARE
        assert scenario.falls[0].release_seconds >= 2 * LEAD_SECONDS


def test_suite_varies() -> None:
    scenarios = evaluation_suite(3, 30, 30)
    assert len({item.light for item in scenarios}) >= 4
    assert len({fall.thing for item in scenarios for fall in item.falls}) >= 5
    nuisances = Counter(type(nuisance).__name__ for item in scenarios for nuisance in item.nuisances)
    assert len(nuisances) == 9
    assert all(not item.falls and len(item.nuisances) >= 3 for item in scenarios if item.name.startswith("calm"))


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "samples.facade", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)


def test_command_writes_a_suite_once(root: Path, tmp_path: Path) -> None:
    wanted = ("--suite", "--keep", "--seed", "4", "--falls", "0", "--nuisances", "1", "--out", str(tmp_path))
    done = run(root, *wanted)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} >= {"calm-000.mp4", "truth.yaml", "edge.yaml", "calibration.yaml"}
    assert yaml.safe_load((tmp_path / "truth.yaml").read_text()) == {
        "clips": [{"file": "calm-000.mp4", "episodes": []}]
    }
    clip = tmp_path / "calm-000.mp4"
    before = clip.stat().st_mtime_ns
    assert "already holds" in run(root, *wanted).stderr
    assert clip.stat().st_mtime_ns == before


def test_unknown_scenario_is_named_with_its_nearest(root: Path, tmp_path: Path) -> None:
    done = run(root, "--out", str(tmp_path), "--scenario", "gate-4")
    assert done.returncode == 2
    assert "gate-4" in done.stderr
    assert "gate-3" in done.stderr
