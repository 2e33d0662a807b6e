"""Exports the 320-pixel detector of the bench: YOLO11n by its architecture, with weights that were never trained.

    var/bench/peers/bin/python -m tests.bench.peers.export FILE

Untrained weights cost what trained ones cost; they find next to nothing, which is said where it matters.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import torch
from ultralytics import YOLO

SIZE = 320


def main() -> None:
    target = Path(sys.argv[1]).resolve()
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)  # it writes beside the working folder
        made = YOLO("yolo11n.yaml").export(format="onnx", imgsz=SIZE, opset=17, simplify=False, device="cpu")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(made).read_bytes())
    print(json.dumps({"bytes": target.stat().st_size}))


if __name__ == "__main__":
    main()
