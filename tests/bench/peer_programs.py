"""Starts programs in the environment of `make bench-peers`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from typing import Any

from tests.bench.rows import FOLDER, ROOT

PEERS = FOLDER / "peers"
MISSING = "the peers are not installed; install them with: make bench-peers"

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Ours and theirs alike. OPENCV_FFMPEG_THREADS: of OpenCV's capture, which ultralytics reads videos with."""
ENVIRONMENT = {
    **ONE_THREAD,
    "OPENCV_FFMPEG_THREADS": "1",
    "YOLO_CONFIG_DIR": str(FOLDER / "ultralytics"),
    "YOLO_OFFLINE": "true",
    "YOLO_VERBOSE": "false",
}


def installed() -> bool:
    """Whether the peers are there."""
    return (PEERS / ".installed").exists()


def run_peer(module: str, arguments: Sequence[str]) -> Any:
    """Runs a module of `tests.bench.peers` and returns what its last line says, as JSON.

    Raises:
        subprocess.CalledProcessError: it failed; its own words are in `stderr`.
    """
    command = [str(PEERS / "bin" / "python"), "-m", f"tests.bench.peers.{module}", *arguments]
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])
