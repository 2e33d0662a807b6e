"""Measuring how a model runs on this machine: every way of running it against the reference, then against the clock.

It happens in a process of its own: the cameras that decode in ours would be measured too, and a library that stumbles
over this processor takes only that process with it.

    python -m edge.inference.measuring < request.json
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from statistics import median
from typing import Any

import numpy as np
import structlog
from pydantic import BaseModel, ConfigDict

from edge.config.inference import BackendChoice, InferenceSettings, ModelSettings, PictureSizeSettings, Precision
from edge.inference.detecting import formats
from edge.inference.errors import ModelError
from edge.inference.sessions import (
    REFERENCE,
    Backend,
    ModelFile,
    SessionPlan,
    installed_backends,
    open_session,
    read_model,
)
from edge.vision.arrays import Floats

TOLERANCE = 0.002
"""How far a number of the output may be from the reference's, absolute plus relative. Two libraries at f32 differ by
2e-5 (YOLOX-nano), at bf16 by 0.7: the border lies far from both. At 640 pixels it is 1.3 pixels of a decoded box."""
FAULT = "fault: "
FEWEST_RUNS = 3
CANDIDATE_SECONDS = 60.0
"""How long one candidate may take besides the measured time: a large model loads and answers first in 20 s on a slow
core."""

log = structlog.get_logger("inference")


class Stored(BaseModel):
    """What is written down: frozen, and unknown keys are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Measurement(Stored):
    """One plan's figures, a picture, or why it was refused."""

    backend: Backend
    threads: int
    precision: Precision
    batch: int
    cpu_ms: float | None = None
    """Processor time of all threads."""
    wall_ms: float | None = None
    difference: float | None = None
    """The largest from the reference's output, as a share of the tolerance: above 1 f32 is refused."""
    refused: str | None = None
    runs: int = 0

    @property
    def plan(self) -> SessionPlan:
        """The plan that was measured."""
        return SessionPlan(self.backend, self.threads, self.precision, self.batch)


class Step(Stored):
    """What is being measured: plan `number` of `total`, then once more with its figures."""

    plan: str
    number: int
    total: int
    done: Measurement | None = None


class _Request(Stored):
    model: ModelSettings
    inference: InferenceSettings


Watch = Callable[[Step], None]


def measure_apart(
    settings: ModelSettings, file: ModelFile, inference: InferenceSettings, watch: Watch
) -> list[Measurement]:
    """Measures every candidate in a child process.

    Raises:
        ModelError: the reference cannot run the model, or the child died or hung.
    """
    request = _Request(model=settings.model_copy(update={"sha256": file.sha256}), inference=inference)
    most = len(candidates(inference, any_batch=True)) + 1
    with subprocess.Popen(
        [sys.executable, "-m", "edge.inference.measuring"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        alarm = threading.Timer(most * (CANDIDATE_SECONDS + inference.measure_seconds), child.kill)
        alarm.start()
        try:
            return _follow(child, request, file, watch)
        finally:
            alarm.cancel()
            child.kill()


def _follow(child: subprocess.Popen[str], request: _Request, file: ModelFile, watch: Watch) -> list[Measurement]:
    assert child.stdin is not None, "it was opened with pipes"
    assert child.stdout is not None, "it was opened with pipes"
    with suppress(BrokenPipeError):  # it ended before it asked what to do: its exit code says more
        child.stdin.write(request.model_dump_json())
        child.stdin.close()
    measurements: list[Measurement] = []
    for line in child.stdout:
        if line.startswith(FAULT):
            raise ModelError(line.removeprefix(FAULT).rstrip("\n"))
        step = Step.model_validate_json(line)
        watch(step)
        if step.done is not None:
            measurements.append(step.done)
            if len(measurements) == step.total:
                return measurements
    code = child.wait()
    if measurements:
        # What came before the one that it stumbled over is known, and good.
        log.warning("measuring a model ended early", model=str(file.path), exit_code=code, measured=len(measurements))
        return measurements
    raise ModelError(
        f"{file.path}: measuring it ended early (exit code {code}, nothing was measured): the model or a "
        "library stumbles over this machine; choose inference.backend and inference.precision yourself"
    )


def measure(settings: ModelSettings, file: ModelFile, inference: InferenceSettings, watch: Watch) -> None:
    """Measures every candidate here; tells what is measured, and what came of it.

    Raises:
        ModelError: the reference itself cannot run the model.
    """
    size = settings.input_size
    reference = open_session(file, REFERENCE, size)
    picture = likely_picture(reference.shape.width, reference.shape.height)
    if formats(settings.format, reference.shape.width, reference.shape.height)[0].unit_range:
        picture /= 255
    expected = reference.run(picture).copy()
    plans = candidates(inference, any_batch=reference.shape.any_batch)
    del reference
    for number, plan in enumerate(plans, start=1):
        watch(Step(plan=str(plan), number=number, total=len(plans)))
        measurement = _measure_one(file, plan, size, picture, expected, inference.measure_seconds)
        measurement = measurement.model_copy(update={"refused": _refusal(measurement, inference.precision)})
        watch(Step(plan=str(plan), number=number, total=len(plans), done=measurement))


def _refusal(measurement: Measurement, wished: Precision | None) -> str | None:
    """Why a plan must not be chosen; None: it may be."""
    if measurement.refused is not None:
        return measurement.refused
    if measurement.precision is Precision.BF16:
        # Who asks for it by name gets it, and sees how far it is off. Nobody else does, near as it may seem on one
        # picture: of a network that finds nothing there, nothing moves.
        return None if wished is Precision.BF16 else "only on request: precision: bf16"
    difference = measurement.difference or 0.0
    if difference > 1:
        return f"differs from {REFERENCE.backend} {REFERENCE.precision} by {difference:.3g} × the tolerance"
    return None


def candidates(inference: InferenceSettings, *, any_batch: bool) -> Sequence[SessionPlan]:
    """The plans that fit what is wished for and installed; simpler ones first."""
    backends = [
        backend
        for backend in installed_backends()
        if inference.backend in (BackendChoice.AUTO, BackendChoice(backend.value))
    ]
    cores = len(os.sched_getaffinity(0))
    threads = (1, 2)[: min(2, cores)] if inference.threads == "auto" else (inference.threads,)
    batches = [1]
    while any_batch and batches[-1] * 2 <= inference.max_batch:
        batches.append(batches[-1] * 2)
    return tuple(
        SessionPlan(backend, count, precision, batch)
        for backend in backends
        for precision in _precisions(backend, inference.precision)
        for count in threads
        for batch in batches
    )


def _precisions(backend: Backend, wished: Precision | None) -> Sequence[Precision]:
    if wished is not None:
        return (wished,) if wished is Precision.F32 or backend is Backend.OPENVINO else ()
    # bf16 is measured to show what it would bring, and never chosen.
    return (Precision.F32, Precision.BF16) if backend is Backend.OPENVINO else (Precision.F32,)


def likely_picture(width: int, height: int) -> Floats:
    """(1, 3, height, width) of 0-255, always the same: soft light, hard edges and fine grain, as streets have them."""
    random = np.random.default_rng(20_26)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.empty((1, 3, height, width), np.float32)
    for channel in range(3):
        picture[0, channel] = 110 + 50 * np.sin(x / width * (3 + channel)) + 40 * np.cos(y / height * 4)
    for _ in range(24):
        left, top = random.integers(0, width - 8), random.integers(0, height - 8)
        right, bottom = left + random.integers(8, width // 3), top + random.integers(8, height // 3)
        picture[0, :, top:bottom, left:right] = random.uniform(0, 255, (3, 1, 1))
    picture += random.normal(0, 6, picture.shape).astype(np.float32)
    return np.clip(picture, 0, 255)


def _measure_one(
    file: ModelFile,
    plan: SessionPlan,
    size: PictureSizeSettings | None,
    picture: Floats,
    expected: Floats,
    seconds: float,
) -> Measurement:
    what: dict[str, Any] = {
        "backend": plan.backend,
        "threads": plan.threads,
        "precision": plan.precision,
        "batch": plan.batch,
    }
    try:
        session = open_session(file, plan, size)
        batch = np.repeat(picture, plan.batch, axis=0)
        difference = parity(session.run(batch), np.repeat(expected, plan.batch, axis=0))
        cpu: list[float] = []
        wall: list[float] = []
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(cpu) < FEWEST_RUNS:
            cpu_start, wall_start = time.process_time(), time.perf_counter()
            session.run(batch)
            cpu.append(time.process_time() - cpu_start)
            wall.append(time.perf_counter() - wall_start)
    except ModelError as error:
        return Measurement(**what, refused=str(error))
    scale = 1000 / plan.batch
    return Measurement(
        **what,
        # Cameras decode on these cores too: the least disturbed run tells what the model costs by itself.
        cpu_ms=round(min(cpu) * scale, 3),
        wall_ms=round(median(wall) * scale, 3),
        difference=_finite(difference),
        runs=len(cpu),
    )


def parity(output: Floats, expected: Floats) -> float:
    """The largest difference as a share of the tolerance (TOLERANCE + TOLERANCE × expected); infinite if not a number.

    Raises:
        ModelError: the outputs have different shapes.
    """
    if output.shape != expected.shape:
        raise ModelError(f"found an output of {output.shape}, expected {expected.shape} as from {REFERENCE.backend}")
    allowed = TOLERANCE * (1 + np.abs(expected))
    worst = float(np.max(np.abs(output - expected) / allowed, initial=0.0))
    return worst if np.isfinite(worst) else float("inf")


def _finite(value: float) -> float:
    return round(min(value, 1e9), 4)


def main() -> None:
    """Reads a request from standard input and tells steps, one a line; a line that begins with FAULT is the end."""
    # Whatever a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = _Request.model_validate_json(sys.stdin.read())
    try:
        file = read_model(request.model.path, request.model.sha256)
        measure(request.model, file, request.inference, lambda step: print(step.model_dump_json(), file=answers))
    except ModelError as error:
        print(FAULT + " ".join(str(error).split()), file=answers)
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more: the program was stopped while it measured


if __name__ == "__main__":
    main()
