"""Trains the model: `python -m models.signal_heads.train --data …/signals/cinta --negatives …/streets/dashcam`.

On one thread of one core, with fixed seeds; goes on where it was stopped; writes `signal_heads.onnx` at the end. Needs
`pip install 'gridsentry[train]'`.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from models.signal_heads.data import Bank, make, read_negatives, read_split, targets
from models.signal_heads.labels import Picture, read_pictures
from models.signal_heads.network import SignalHeads, export, loss_of
from models.signal_heads.scenes import number_of

BATCH = 24
PEAK_RATE = 2e-3
"""A common choice for AdamW with batch normalisation; not tuned."""
WARM_STEPS = 100
DOUBT_FROM = 0.25
"""Share of the steps after which the network is believed about heads that the makers did not mark."""
KEEP = 0.998
"""A step of the running average of the weights that is exported: about the last 500 steps."""
SAVE_EVERY = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast. The rate falls towards `steps`; training ends at `until`, which may come before."""

    steps: int
    until: int
    seed: int


def train(data: Path, negatives: Path | None, work: Path, plan: Plan) -> SignalHeads:
    """Trains as planned; continues from `work/state.pt` if it is there."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(plan.seed)
    photographs = _photographs(data, work)
    bank = Bank(tuple(photographs), tuple(read_negatives(negatives)) if negatives else ())
    network = SignalHeads().to(memory_format=torch.channels_last)
    averaged = SignalHeads()
    averaged.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=0.02)
    done, state = 0, work / "state.pt"
    if state.exists():
        saved = torch.load(state)
        done = saved["done"]
        network.load_state_dict(saved["network"])
        averaged.load_state_dict(saved["averaged"])
        optimiser.load_state_dict(saved["optimiser"])
    sys.stdout.write(
        f"{len(bank.photographs)} photographs, {len(bank.negatives)} areas without heads, at step {done}\n"
    )
    work.mkdir(parents=True, exist_ok=True)
    started, losses = time.monotonic(), np.zeros(3)
    for step in range(done, plan.until):
        for group in optimiser.param_groups:
            group["lr"] = PEAK_RATE * _share_of_rate(step, plan.steps)
        losses += _step(network, optimiser, bank, plan.seed, step, doubt=step > DOUBT_FROM * plan.steps)
        _average(averaged, network, min(KEEP, (step + 1) / (step + 10)))
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == plan.until:
            heat, boxes, colours = losses / SAVE_EVERY
            spent = time.monotonic() - started
            sys.stdout.write(f"{step + 1} heat {heat:.3f} boxes {boxes:.3f} colours {colours:.3f} {spent:.0f} s\n")
            sys.stdout.flush()
            losses[:] = 0
            saved = {"done": step + 1, "network": network.state_dict(), "averaged": averaged.state_dict()}
            torch.save({**saved, "optimiser": optimiser.state_dict()}, state)
    return averaged


def _photographs(data: Path, work: Path) -> list[Picture]:
    """The pictures for training; which they are is kept in `work/training.txt`, for finding twins takes a minute."""
    names = work / "training.txt"
    if names.exists():
        wanted = frozenset(names.read_text(encoding="utf-8").split())
        return sorted((one for one in read_pictures(data) if one.name in wanted), key=lambda one: number_of(one.name))
    photographs, _ = read_split(data)
    work.mkdir(parents=True, exist_ok=True)
    names.write_text("\n".join(picture.name for picture in photographs), encoding="utf-8")
    return photographs


def _step(
    network: SignalHeads, optimiser: torch.optim.Optimizer, bank: Bank, seed: int, step: int, *, doubt: bool
) -> np.ndarray:
    made = [make(bank, (seed, step, index)) for index in range(BATCH)]
    wanted = [targets(sample) for _, sample in made]
    pictures = torch.from_numpy(np.stack([picture for picture, _ in made]).transpose(0, 3, 1, 2).astype(np.float32))
    heat, sides, colours = (torch.from_numpy(np.stack(one)) for one in zip(*wanted, strict=True))
    network.train()
    # bfloat16 halves the time on processors that multiply it; weights and losses stay in float32.
    with torch.autocast("cpu", dtype=torch.bfloat16):
        raw = network(pictures.contiguous(memory_format=torch.channels_last))
    parts = loss_of(raw.float(), heat, sides, colours, doubt=doubt)
    optimiser.zero_grad(set_to_none=True)
    (parts[0] + 2 * parts[1] + 0.3 * parts[2]).backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 20.0)
    optimiser.step()
    return np.array([float(part.detach()) for part in parts])


def _share_of_rate(step: int, steps: int) -> float:
    if step < WARM_STEPS:
        return (step + 1) / WARM_STEPS
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - WARM_STEPS) / max(1, steps - WARM_STEPS)))


@torch.no_grad()
def _average(averaged: SignalHeads, network: SignalHeads, keep: float) -> None:
    for old, new in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)


def main() -> None:
    """Reads the command line, trains, exports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="signals/cinta: images/ and labels/")
    parser.add_argument("--negatives", type=Path, help="streets/dashcam")
    parser.add_argument("--work", type=Path, default=Path("var/models/signal_heads"), help="where its state is kept")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--until", type=int, default=1000, help="the last step, at most --steps")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "signal_heads.onnx")
    asked = parser.parse_args()
    network = train(
        asked.data, asked.negatives, asked.work, Plan(asked.steps, min(asked.until, asked.steps), asked.seed)
    )
    export(network, str(asked.output))
    sys.stdout.write(f"{asked.output}: {asked.output.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
