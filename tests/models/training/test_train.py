"""Training and export for real, with a network of 220,000 numbers, where torch and ultralytics are installed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.models.drawn import recipe, round_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("torch") is None or find_spec("ultralytics") is None,
        reason="torch and ultralytics are not installed: pip install 'gridsentry[edge,train]'",
    ),
]

ROOT = Path(__file__).parents[3]
ARCHITECTURE = """
nc: 2
scales: {n: [1, 1, 1024]}
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [24, 3, 2]]
  - [-1, 1, Conv, [24, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
head:
  - [[2, 3, 4], 1, Detect, [nc]]
"""
PROGRAM = (
    "import typer; from models.training.commands import add_commands; "
    "app = typer.Typer(pretty_exceptions_enable=False); add_commands(app); app()"
)


def start(cells: Path, command: str, *words: str, work: str = "work") -> subprocess.Popen[str]:
    given = [command, str(cells), "--data", str(cells.parent / "data"), "--work", str(cells.parent / work), *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "YOLO_CONFIG_DIR": str(cells.parent / "settings")}
    (cells.parent / "settings").mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *given],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def run(cells: Path, command: str, *words: str, work: str = "work") -> tuple[int, str]:
    with start(cells, command, *words, work=work) as process:
        output = process.communicate(timeout=240)[0]
        return process.returncode, output


@pytest.fixture
def trainable(cells: Path) -> Path:
    (cells.parent / "tiny.yaml").write_text(ARCHITECTURE)
    return cells


def test_rounds_are_trained_exported_and_the_same_again(trainable: Path) -> None:
    settings = {"optimizer": "AdamW", "lr0": 0.01, "mosaic": 0.0}
    rounds = [
        round_of("first", settings=settings),
        round_of("second", start={"round": "first"}, settings=settings, epochs=1, seed=3),
    ]
    recipe(trainable.parent, rounds=rounds, export={"round": "second", "weights": "f16", "file": "cells.onnx"})
    hashes = []
    for work in ("one", "two"):
        code, output = run(trainable, "train", work=work)
        assert code == 0, output
        assert "first: 2 epochs on cpu" in output
        assert "epoch 2/2" in output
        assert "second: 1 epochs" in output
        code, output = run(trainable, "export", work=work)
        assert code == 0, output
        assert "parity on 10 pictures" in output
        found = re.search(r"sha256 ([0-9a-f]{64})", output)
        assert found is not None
        hashes.append(found.group(1))
    assert hashes[0] == hashes[1]
    assert str(ROOT).encode() not in (trainable.parent / "cells.onnx").read_bytes()


def test_a_killed_run_goes_on_where_it_stopped(trainable: Path) -> None:
    recipe(trainable.parent, rounds=[round_of("first", epochs=8)])
    kept = trainable.parent / "work" / "rounds" / "first" / "kept.pt"
    process = start(trainable, "train")
    with process:
        until = time.monotonic() + 200
        while not kept.is_file() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert kept.is_file()
    code, output = run(trainable, "train")
    assert code == 0, output
    assert "goes on where it stopped" in output
    assert "epoch 1/8" not in output
    assert "epoch 8/8" in output
    assert not kept.exists()
    assert "is trained already" in run(trainable, "train")[1]


def test_what_the_trainer_refuses_is_said(trainable: Path) -> None:
    recipe(trainable.parent, rounds=[round_of("first", settings={"lr00": 0.1})])
    code, output = run(trainable, "train")
    assert code == 2
    assert "rounds.first: the trainer refuses" in output
    recipe(trainable.parent, rounds=[round_of("first", start={"weights": "gone.npz"})])
    code, output = run(trainable, "train", "--fresh")
    assert code == 2
    assert "gone.npz: start.weights: cannot be read as arrays" in output


def test_what_is_no_checkpoint_of_the_recipe_is_refused(trainable: Path) -> None:
    other = trainable.parent / "other.pt"
    other.write_bytes(b"no checkpoint")
    code, output = run(trainable, "export", "--checkpoint", str(other))
    assert code == 1
    assert "other.pt: is no checkpoint" in output
    program = f"import torch; torch.save({{'ema': {{'model.0.weight': torch.zeros(3)}}}}, {str(other)!r})"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
    code, output = run(trainable, "export", "--checkpoint", str(other))
    assert code == 1
    assert "is not of tiny.yaml" in output
    assert not (trainable.parent / "cells.onnx").exists()
