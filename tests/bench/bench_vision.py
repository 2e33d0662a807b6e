"""Vision primitives: the motion gate by itself, association and zones beside their peers, one thread each.

The peers (`make bench-peers`) run in the same process as ours, in turn, so that the ratios hold on a busy machine.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

import cv2
import numpy as np

from edge.vision.motion_gate import MotionGate
from tests.bench.peer_programs import MISSING, installed, run_peer
from tests.bench.rows import Row, at_least, at_most, percentile, publish, skipped

SIZES = {"360p": (640, 360), "1080p": (1920, 1080), "4k": (3840, 2160)}
GATE_FRAMES = 150
GATE_ROUNDS = 9
GATE_TARGET_MS = 1.0
PEER_ROUNDS = 7


def street(width: int, height: int) -> Sequence[np.ndarray]:
    """Ten grainy frames with a few things that move, in rows longer than the picture as decoders have them."""
    random = np.random.default_rng(3)
    still = cv2.resize(random.integers(40, 200, (27, 48), dtype=np.uint8), (width, height))
    frames = []
    for number in range(10):
        held = np.zeros((height, width + 64), np.uint8)
        frame = held[:, :width]
        np.clip(still + random.normal(0, 3, still.shape), 0, 255, out=frame, casting="unsafe")
        for thing in range(6):
            top, left = height // 8 * (thing + 1), (width // 7 * thing + width // 40 * number) % (width - width // 20)
            frame[top : top + height // 15, left : left + width // 25] = 230 if thing % 2 else 20
        frames.append(frame)
    return frames


def gate_ms() -> dict[str, list[float]]:
    """Median milliseconds a frame of each round, sizes in turn."""
    scenes = {name: street(*size) for name, size in SIZES.items()}
    gates = {name: MotionGate(*size) for name, size in SIZES.items()}
    clock = dict.fromkeys(SIZES, 0)
    rounds: dict[str, list[float]] = {name: [] for name in SIZES}
    for _ in range(GATE_ROUNDS):
        for name, gate in gates.items():
            times = []
            for _ in range(GATE_FRAMES):
                clock[name] += 1
                frame = scenes[name][clock[name] % 10]
                began = time.perf_counter()
                gate.observe(frame, clock[name] / 25)
                times.append(time.perf_counter() - began)
            rounds[name].append(percentile(times, 0.5) * 1000)
    return rounds


def peer_rows() -> list[Row]:
    """Association and zones against theirs."""
    targets = {"vision.association_50_ratio": 1.0, "vision.association_20_ratio": 1.0, "vision.zones_speedup": 3.0}
    if not installed():
        return [skipped(name, "x", target, MISSING) for name, target in targets.items()]
    try:
        found = run_peer("vision", [str(PEER_ROUNDS)])
    except subprocess.CalledProcessError as error:
        reason = (error.stderr or "").strip().splitlines()[-1:] or ["no reason given"]
        return [
            skipped(name, "x", target, f"the peers' program failed: {reason[0]}") for name, target in targets.items()
        ]
    trackers, supervision = (found["versions"][name] for name in ("trackers", "supervision"))
    rows = []
    for objects in (50, 20):
        times = found[f"association_{objects}"]
        ratios = [ours / peer for ours, peer in zip(times["ours"], times["peer"], strict=True)]
        note = f"{objects} things, 10 s at 25 fps, 10 % missed; peer: trackers {trackers} ByteTrackTracker"
        rows += [
            at_most(f"vision.association_{objects}_ratio", ratios, "x ByteTrack", 1.0, note),
            at_most(f"vision.association_{objects}", times["ours"], "ms an update", None, "ours"),
            at_most(f"vision.association_{objects}_peer", times["peer"], "ms an update", None, "trackers"),
            at_most(f"vision.association_{objects}_id_changes", times["our_changes"], "in 10 s", None, "ours"),
            at_most(
                f"vision.association_{objects}_id_changes_peer", times["peer_changes"], "in 10 s", None, "trackers"
            ),
        ]
    times = found["zones"]
    speedups = [peer / ours for ours, peer in zip(times["ours"], times["peer"], strict=True)]
    agree = 100 * float(np.mean(times["agree"]))
    note = f"10 zones of 8 corners, 50 boxes, anchors included; peer: supervision {supervision}; {agree:.2f} % agree"
    rows += [
        at_least("vision.zones_speedup", speedups, "x PolygonZone", 3.0, note),
        at_most("vision.zones", times["ours"], "ms for 10 x 50", None, "ours"),
        at_most("vision.zones_peer", times["peer"], "ms for 10 x 50", None, "supervision"),
    ]
    return rows


def run() -> list[Row]:
    """Measures and publishes."""
    note = f"median of {GATE_FRAMES} frames with six things moving, {GATE_ROUNDS} rounds, sizes in turn"
    rows = [
        at_most(f"vision.motion_gate_{name}", times, "ms a frame", GATE_TARGET_MS, note)
        for name, times in gate_ms().items()
    ]
    rows += peer_rows()
    publish("vision", rows)
    return rows


if __name__ == "__main__":
    sys.exit(any(row.ok is False for row in run()))
