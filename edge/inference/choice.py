"""How to run a model on this machine: measured once, at first boot, stored and shown.

Every candidate (library × threads × precision × pictures at once) first answers the same picture as the reference,
ONNX Runtime at f32. One that differs is refused, however fast it is. Then each is run for two seconds, and the one that
costs the least processor time for a picture is chosen: on this box the cores also decode.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import Field, ValidationError

from contract.base import Sha256Hex
from edge.config.inference import InferenceSettings, ModelSettings
from edge.inference.errors import ModelError
from edge.inference.machine import Machine, this_machine
from edge.inference.measuring import Measurement, Step, Stored, Watch, measure_apart
from edge.inference.proving import Parts
from edge.inference.sessions import SessionPlan

STORE_NAME = "inference.json"
LOCK_NAME = "inference.lock"

KEPT = 32
"""Choices that are stored, newest last: those of models that were replaced long ago are of no use."""
WORTH_IT = 0.95
"""A plan must save 5 % to be preferred to a simpler one: that is the scatter of a measurement."""
LATENCY_WORTH_IT = 0.6
"""A second thread is chosen only if answers come in under 60 % of the time, …"""
LATENCY_TOO_LONG_MS = 250.0
"""… and only where one thread takes longer than this: half of the usual half second between questions."""
log = structlog.get_logger("inference")


class Choice(Stored):
    """What was measured of one model with one set of wishes, and what was chosen."""

    model: str
    sha256: Sha256Hex
    wishes: dict[str, str]
    chosen: Annotated[int, Field(ge=0)]
    """Index of the measurement that won."""
    measurements: tuple[Measurement, ...]

    @property
    def plan(self) -> SessionPlan:
        """The plan to run."""
        return self.measurements[self.chosen].plan


class _Store(Stored):
    machine: Machine
    choices: tuple[Choice, ...] = ()


def _nobody(_step: Step) -> None:
    """Watches nothing."""


def choose(
    name: str,
    settings: ModelSettings,
    parts: Parts,
    inference: InferenceSettings,
    state_dir: Path,
    *,
    watch: Watch = _nobody,
    anew: bool = False,
) -> Choice:
    """The stored choice for this model on this machine, measured first if there is none (or `anew`).

    Several processes may call it at once: one measures, the others wait for what it finds.

    Raises:
        ModelError: the model cannot be run, or no plan that is wished for can be used.
        OSError: the state folder cannot be written.
    """
    wishes = _wishes(settings, parts, inference)
    sha256 = parts.file.sha256
    with alone(state_dir):
        machine = this_machine()
        store = _read(state_dir / STORE_NAME, machine)
        known = [one for one in store.choices if (one.sha256, one.wishes) == (sha256, wishes)]
        if known and not anew:
            return known[0]
        measurements = tuple(measure_apart(settings, parts, inference, watch))
        choice = Choice(
            model=name,
            sha256=sha256,
            wishes=wishes,
            chosen=best_of(parts.file.path, measurements),
            measurements=measurements,
        )
        others = tuple(one for one in store.choices if (one.sha256, one.wishes) != (sha256, wishes))
        _write(state_dir / STORE_NAME, _Store(machine=machine, choices=(*others[1 - KEPT :], choice)))
    return choice


def best_of(path: Path, measurements: Sequence[Measurement]) -> int:
    """The least processor time a picture; a second thread only where one is too slow.

    Raises:
        ModelError: every plan was refused.
    """
    usable = [index for index, one in enumerate(measurements) if one.refused is None]
    if not usable:
        plans: dict[str, list[str]] = {}
        for one in measurements:
            plans.setdefault(one.refused or "", []).append(str(one.plan))
        said = (f"{' and '.join(names)}: {refused}" for refused, names in plans.items())
        reasons = "; ".join(said) or "no library for it is installed"
        raise ModelError(f"{path}: no way of running it can be used: {reasons}")
    fewest = min(measurements[index].threads for index in usable)
    best = _cheapest(measurements, [index for index in usable if measurements[index].threads == fewest])
    slow = measurements[best].wall_ms or 0.0
    more = [index for index in usable if measurements[index].threads > fewest]
    if slow > LATENCY_TOO_LONG_MS and more:
        other = _cheapest(measurements, more)
        if (measurements[other].wall_ms or slow) < LATENCY_WORTH_IT * slow:
            return other
    return best


def _cheapest(measurements: Sequence[Measurement], indices: Sequence[int]) -> int:
    best = indices[0]
    for index in indices[1:]:
        cost, least = measurements[index].cpu_ms or 0.0, measurements[best].cpu_ms or 0.0
        if cost < WORTH_IT * least:
            best = index
    return best


def _wishes(settings: ModelSettings, parts: Parts, inference: InferenceSettings) -> dict[str, str]:
    """What shapes the measurement besides the model's own file; a stored choice holds only for the same."""
    size = settings.input_size
    losses = {one.precision for one in settings.variants if one.loss is not None}
    return {
        "backend": inference.backend.value,
        "precision": inference.precision.value if inference.precision is not None else "",
        "threads": str(inference.threads),
        "max_batch": str(inference.max_batch),
        "input_size": f"{size.width}x{size.height}" if size is not None else "",
        "format": settings.format.value,
        "labels": str(len(settings.labels)),
        "variants": " ".join(
            f"{precision}:{file.sha256}{'' if precision in losses else ' of unknown loss'}"
            for precision, file in sorted(parts.variants.items())
        ),
        "selftest": "" if parts.selftest is None else parts.selftest.sha256,
    }


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time in a folder: two that measure at once measure each other.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_NAME).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(path: Path, machine: Machine) -> _Store:
    """What is stored for this machine; nothing if it is another one's, or unreadable: then it is measured again."""
    empty = _Store(machine=machine)
    try:
        stored = _Store.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return empty
    except (OSError, ValidationError) as error:
        log.warning(
            "the stored measurement cannot be read, models will be measured again", file=str(path), error=str(error)
        )
        return empty
    if stored.machine != machine or any(one.chosen >= len(one.measurements) for one in stored.choices):
        log.info("the stored measurement is of another machine or library, models will be measured again")
        return empty
    return stored


def _write(path: Path, store: _Store) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(store.model_dump_json(indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
