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

from edge.config.inference import BackendChoice, InferenceSettings, ModelSettings, Precision
from edge.inference.detecting import DetectionModel
from edge.inference.errors import ModelError
from edge.inference.proving import Parts, fault_of, input_of, raw_answer, read_parts
from edge.inference.sessions import REFERENCE, Backend, SessionPlan, installed_backends
from edge.vision.arrays import Floats

TOLERANCE = 0.002
"""How far a number of the output may be from the reference's, absolute plus relative. Two libraries at f32 differ by
2e-5 (YOLOX-nano), at bf16 by 0.7: the border lies far from both. At 640 pixels it is 1.3 pixels of a decoded box."""
FAULT = "fault: "
MEASURED = "measured"
"""What a model is called while it is measured: nobody hears its answers."""
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
    loss: str | None = None
    """What a variant loses against the f32 file, as its row says."""

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
    settings: ModelSettings, parts: Parts, inference: InferenceSettings, watch: Watch
) -> list[Measurement]:
    """Measures every candidate in a child process.

    Raises:
        ModelError: the reference cannot run the model, or the child died or hung.
    """
    variants = [
        variant.model_copy(update={"sha256": parts.variants[variant.precision].sha256})
        for variant in settings.variants
        if variant.precision in parts.variants
    ]
    # What was read here is what must be measured there; the row that it came from is not looked up again.
    model = settings.model_copy(update={"registry": None, "sha256": parts.file.sha256, "variants": tuple(variants)})
    most = len(candidates(inference, any_batch=True, variants=tuple(parts.variants))) + 1
    with subprocess.Popen(
        [sys.executable, "-m", "edge.inference.measuring"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        alarm = threading.Timer(most * (CANDIDATE_SECONDS + inference.measure_seconds), child.kill)
        alarm.start()
        try:
            return _follow(child, _Request(model=model, inference=inference), parts, watch)
        finally:
            alarm.cancel()
            child.kill()


def _follow(child: subprocess.Popen[str], request: _Request, parts: Parts, watch: Watch) -> list[Measurement]:
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
        log.warning(
            "measuring a model ended early", model=str(parts.file.path), exit_code=code, measured=len(measurements)
        )
        return measurements
    raise ModelError(
        f"{parts.file.path}: measuring it ended early (exit code {code}, nothing was measured): the model or a "
        "library stumbles over this machine; choose inference.backend and inference.precision yourself"
    )


def measure(settings: ModelSettings, parts: Parts, inference: InferenceSettings, watch: Watch) -> None:
    """Measures every candidate here; tells what is measured, and what came of it.

    Raises:
        ModelError: the reference itself cannot run the model.
    """
    reference = DetectionModel(MEASURED, settings, parts.file, REFERENCE)
    expected = raw_answer(reference).copy()
    plans = candidates(inference, any_batch=reference.shape.any_batch, variants=tuple(parts.variants))
    del reference
    for number, plan in enumerate(plans, start=1):
        watch(Step(plan=str(plan), number=number, total=len(plans)))
        measurement = _measure_one(settings, parts, plan, expected, inference.measure_seconds)
        refused = _refusal(measurement, settings, inference.precision)
        done = measurement.model_copy(update={"refused": refused, "loss": _loss(settings, plan)})
        watch(Step(plan=str(plan), number=number, total=len(plans), done=done))


def _refusal(measurement: Measurement, settings: ModelSettings, wished: Precision | None) -> str | None:
    """Why a plan must not be chosen; None: it may be."""
    if measurement.refused is not None:
        return measurement.refused
    if measurement.precision is Precision.BF16:
        # Who asks for it by name gets it, and sees how far it is off. Nobody else does, near as it may seem on one
        # picture: of a network that finds nothing there, nothing moves.
        return None if wished is Precision.BF16 else "only on request: precision: bf16"
    if measurement.precision is Precision.INT8:
        return None if wished is Precision.INT8 else _unproven(settings, measurement.plan)
    difference = measurement.difference or 0.0
    if difference > 1:
        return f"differs from {REFERENCE.backend} {REFERENCE.precision} by {difference:.3g} × the tolerance"
    return None


def _unproven(settings: ModelSettings, plan: SessionPlan) -> str | None:
    """Why nobody knows what a coarser variant misses: it differs from the reference by its nature, so its loss must
    have been measured when it was made, and what it must know is tested here."""
    if settings.selftest is None:
        return f"only on request (precision: {plan.precision}): it has no self-test"
    if _loss(settings, plan) is None:
        return f"only on request (precision: {plan.precision}): its row does not say what it loses"
    return None


def _loss(settings: ModelSettings, plan: SessionPlan) -> str | None:
    """What a plan loses, as the model's row says; None for the model's own file, or where the row says nothing."""
    losses = [one.loss for one in settings.variants if one.precision is plan.precision is Precision.INT8 and one.loss]
    return f"{losses[0].points:g} points of {losses[0].metric}" if losses else None


def candidates(
    inference: InferenceSettings, *, any_batch: bool, variants: Sequence[Precision] = ()
) -> Sequence[SessionPlan]:
    """The plans that fit what is wished for, installed and there; simpler ones first."""
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
        for precision in _precisions(backend, inference.precision, variants)
        for count in threads
        for batch in batches
    )


def _precisions(backend: Backend, wished: Precision | None, variants: Sequence[Precision]) -> Sequence[Precision]:
    able = [Precision.F32]
    if backend is Backend.OPENVINO:
        able.append(Precision.BF16)  # measured to show what it would bring, and chosen only on request
    able += [precision for precision in Precision if precision in variants and precision not in able]
    return [precision for precision in able if wished in (None, precision)]


def _measure_one(
    settings: ModelSettings, parts: Parts, plan: SessionPlan, expected: Floats, seconds: float
) -> Measurement:
    what: dict[str, Any] = {
        "backend": plan.backend,
        "threads": plan.threads,
        "precision": plan.precision,
        "batch": plan.batch,
    }
    try:
        model = DetectionModel(MEASURED, settings, parts.file_for(plan), plan)
        batch = np.repeat(input_of(model), plan.batch, axis=0)
        difference = parity(model.run(batch), np.repeat(expected, plan.batch, axis=0))
        fault = fault_of(model, settings, parts.selftest)
        cpu: list[float] = []
        wall: list[float] = []
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(cpu) < FEWEST_RUNS:
            cpu_start, wall_start = time.process_time(), time.perf_counter()
            model.run(batch)
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
        refused=None if fault is None else f"fails the self-test: {fault}",
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
        measure(
            request.model,
            read_parts(request.model),
            request.inference,
            lambda step: print(step.model_dump_json(), file=answers),
        )
    except ModelError as error:
        print(FAULT + " ".join(str(error).split()), file=answers)
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more: the program was stopped while it measured


if __name__ == "__main__":
    main()
