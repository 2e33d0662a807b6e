"""The models of one process, shared by its sources."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from edge.config.inference import InferenceSettings
from edge.detectors.interface import Detections
from edge.inference.detecting import Question
from edge.inference.lane import Lane, OpenModel, opener
from edge.inference.overload import Overload, Shedding
from edge.inference.port import LivePort
from edge.inference.slots import Offer

WATCH_SECONDS = 0.5
"""How often waits and hanging sessions are looked at: well under the seconds in which either is measured."""
PIN_FROM_CORES = 4
JOIN_SECONDS = 5.0

log = structlog.get_logger("inference")


class InferenceService:
    """One thread a model that is asked for, and one that watches them. Ports are given to sources.

    A model is opened at its first question, and measured then if this machine has not measured it yet; until it is
    ready its questions are shed. A model that is broken costs nothing but itself.
    """

    def __init__(
        self,
        settings: InferenceSettings,
        state_dir: Path,
        *,
        worker_index: int = 0,
        open_model: OpenModel | None = None,
    ) -> None:
        """`worker_index` tells the worker processes of a box apart, so that their sessions take different cores."""
        self._settings = settings
        self._ports: dict[str, tuple[LivePort, float]] = {}
        self._lock = threading.Lock()
        self._overload = Overload(settings.overload, shedding_steps(settings), time.monotonic())
        self._shedding = Shedding.NOTHING
        open_model = open_model or opener(settings, state_dir)
        cores = cores_for(settings, worker_index)
        self._lanes = {
            name: Lane(name, settings, open_model, self._deliver, lambda: self._shedding, core)
            for name, core in zip(settings.models, cores, strict=True)
        }
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._look_after, name="inference watch", daemon=True)
        self._watch.start()

    def port(self, source_id: str, weight: float = 1.0, counts: Counter[str] | None = None) -> LivePort:
        """The port of a source; of two ports of one source the newer one gets the answers.

        `counts`: where the source's questions are counted (`SourceMeter.questions`), by the source's own thread.

        Raises:
            ValueError: the weight is not positive.
        """
        if not weight > 0:
            raise ValueError(f"found a weight of {weight}, expected more than 0")
        port = LivePort(source_id, self._settings, self._asked, self._left, Counter() if counts is None else counts)
        with self._lock:
            self._ports[source_id] = (port, weight)
        return port

    def status(self) -> Sequence[Mapping[str, Any]]:
        """How each model is that was asked for or could be, as JSON types."""
        now = time.monotonic()
        shedding = self._shedding.name.lower()
        return tuple({**lane.status(now), "shedding": shedding} for lane in self._lanes.values())

    def close(self) -> None:
        """Ends all threads; what is asked from now on is shed."""
        self._stopping.set()
        for lane in self._lanes.values():
            lane.close()
        until = time.monotonic() + JOIN_SECONDS
        for lane in self._lanes.values():
            lane.join(max(0.0, until - time.monotonic()))
        self._watch.join(JOIN_SECONDS)

    def _asked(self, port: LivePort, model: str, question: Question) -> Offer:
        with self._lock:
            mine, weight = self._ports.get(port.source_id, (None, 1.0))
        if mine is not port:
            return Offer.SHED  # a port that was closed or superseded
        return self._lanes[model].offer(port.source_id, weight, question)

    def _left(self, port: LivePort) -> None:
        with self._lock:
            if self._ports.get(port.source_id, (None, 0.0))[0] is not port:
                return
            del self._ports[port.source_id]
        for lane in self._lanes.values():
            lane.leave(port.source_id)

    def _deliver(self, source_id: str, answer: Detections | None) -> None:
        with self._lock:
            port, _ = self._ports.get(source_id, (None, 0.0))
        if port is not None:
            port.deliver(answer)

    def _look_after(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            now = time.monotonic()
            for lane in self._lanes.values():
                lane.replace_if_hanging(now)
            self._overload.waited(max((lane.longest_wait(now) for lane in self._lanes.values()), default=0.0), now)
            before, self._shedding = self._shedding, self._overload.shedding
            if before is not self._shedding:
                log.warning(
                    "inference is shed" if self._shedding > before else "inference recovers",
                    was=before.name.lower(),
                    now=self._shedding.name.lower(),
                )


def shedding_steps(settings: InferenceSettings) -> Sequence[Shedding]:
    """The steps that would change anything with these models."""
    models = settings.models.values()
    steps = [Shedding.NOTHING, Shedding.RATE]
    if any(model.reduced is not None for model in models):
        steps.append(Shedding.RESOLUTION)
    if any(model.optional for model in models):
        steps.append(Shedding.OPTIONAL)
    return steps


def cores_for(settings: InferenceSettings, worker_index: int) -> Sequence[int | None]:
    """The core of each model's thread, from the last one downwards; None: wherever the kernel likes."""
    cores = sorted(os.sched_getaffinity(0))
    if settings.pin is False or (settings.pin == "auto" and len(cores) < PIN_FROM_CORES):
        return [None] * len(settings.models)
    count = len(settings.models)
    return [cores[-1 - (worker_index * count + number) % len(cores)] for number in range(count)]
