"""`gridsentry-edge canary`: what is said when the box cannot be asked. The way through: tests/e2e/test_canary.py."""

from __future__ import annotations

import subprocess
from pathlib import Path

from samples.demo.programs import free_port, installed

CONFIG = """
device: {{id: box-1, state_dir: state}}
{local}
sources: {{}}
"""


def asked(folder: Path, local: str) -> subprocess.CompletedProcess[str]:
    path = folder / "edge.yaml"
    path.write_text(CONFIG.format(local=local))
    command = [installed("gridsentry-edge"), "canary", "gate-3", "--config", str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_without_a_local_section_it_says_what_to_add(tmp_path: Path) -> None:
    result = asked(tmp_path, "")
    assert result.returncode == 1
    assert "add local:" in result.stderr


def test_a_box_that_never_ran_has_no_token(tmp_path: Path) -> None:
    result = asked(tmp_path, "local: {}")
    assert result.returncode == 1
    assert "local.token: cannot be read" in result.stderr


def test_a_box_that_is_not_running_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "local.token").write_text("a-token-of-more-than-twenty-letters\n")
    result = asked(tmp_path, f"local: {{port: {free_port()}}}")
    assert result.returncode == 1
    assert "is it running?" in result.stderr
    assert "a-token" not in result.stderr
