"""Replays a clip with a detector that asks a model, and decodes the same clip beside it. Prints JSON.

PYTHONPATH=.:PLUGIN python -m tests.bench.asking_program CLIP MODEL FORMAT EVERY_SECONDS ROUNDS
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import av
import yaml

from edge.config.document import load_config
from edge.replay import Progress, replay
from tests.bench.asking import ANSWERS, NAME

WARM_FRAMES = 50
"""Left out of the steady figure, ours and theirs: libraries are loaded and buffers made with the first frames."""


def decode_only(clip: Path) -> tuple[float, int]:
    """CPU seconds to decode every frame on one thread, and how many they are."""
    began, frames = time.process_time(), 0
    with av.open(str(clip), metadata_errors="replace") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        stream.codec_context.thread_type = "NONE"
        for packet in container.demux(stream):
            frames += len(packet.decode())
    return time.process_time() - began, frames


class _Clock(Progress):
    """CPU seconds at the frame where the steady part begins."""

    def __init__(self) -> None:
        self.frames = 0
        self.warm = 0.0

    def frame(self, media_time: float) -> None:
        self.frames += 1
        if self.frames == WARM_FRAMES:
            self.warm = time.process_time()


def main() -> None:
    clip, model, kind, every, rounds = Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]), int(sys.argv[5])
    source = {
        "kind": "camera",
        "location": {"lon": 113.65, "lat": 34.75, "accuracy_m": 25},
        "detectors": {NAME: {"model": "bench", "every_seconds": every}},
    }
    decodes, costs, steady = [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        document = {
            "device": {"id": "bench", "state_dir": str(folder)},
            "inference": {"models": {"bench": {"path": str(Path(model).resolve()), "format": kind}}},
            "sources": {clip.stem: source},
        }
        (folder / "edge.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        config = load_config(folder / "edge.yaml")
        for _ in range(rounds):
            if rounds > 1:
                decodes.append(decode_only(clip)[0])
            clock, began = _Clock(), time.process_time()
            result = replay([clip], config, folder / "events.jsonl", None, clock)[0]
            ended = time.process_time()
            assert result.problem is None, result.problem
            costs.append(ended - began)
            steady.append((ended - clock.warm) / (clock.frames - WARM_FRAMES))
    print(
        json.dumps(
            {
                "frames": clock.frames,
                "media_seconds": result.media_seconds,
                "decode_cpu_seconds": decodes,
                "cpu_seconds": costs,
                "steady_cpu_seconds_a_frame": steady,
                "process_cpu_seconds": time.process_time(),
                "inferences": len(ANSWERS) / rounds,
                "boxes": sum(ANSWERS) / max(len(ANSWERS), 1),
            }
        )
    )


if __name__ == "__main__":
    main()
