"""`predict(stream=True)` of ultralytics over a clip, on one thread. Prints JSON.

var/bench/peers/bin/python -m tests.bench.peers.ultralytics_predict CLIP MODEL STRIDE
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from typing import Any

import onnxruntime
import torch

WARM_FRAMES = 50
"""As in `tests.bench.asking_program`."""

_session = onnxruntime.InferenceSession


def one_thread(path: Any, sess_options: Any = None, *arguments: Any, **named: Any) -> onnxruntime.InferenceSession:
    """A session of one thread that does not spin: ultralytics takes the default of all cores, which costs more CPU."""
    options = sess_options or onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return _session(path, options, *arguments, **named)


def main() -> None:
    clip, model, stride = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.set_num_threads(1)
    onnxruntime.InferenceSession = one_thread
    from ultralytics import YOLO

    torch.set_num_threads(1)
    results = YOLO(model, task="detect").predict(
        clip, stream=True, imgsz=320, device="cpu", verbose=False, save=False, vid_stride=stride
    )
    inferences, boxes, warm, warm_inferences = 0, 0, 0.0, max(1, WARM_FRAMES // stride)
    for result in results:
        inferences += 1
        boxes += len(result.boxes)
        if inferences == warm_inferences:
            torch.set_num_threads(1)  # it sets its own number when it begins
            warm = time.process_time()
    ended = time.process_time()
    frames = (inferences - warm_inferences) * stride
    print(
        json.dumps(
            {
                "inferences": inferences,
                "boxes": boxes / max(inferences, 1),
                "steady_cpu_seconds_a_frame": (ended - warm) / frames,
                "process_cpu_seconds": ended,
                "version": version("ultralytics"),
            }
        )
    )


if __name__ == "__main__":
    main()
