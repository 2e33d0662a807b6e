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
from edge.inference.keeping import KeptModels
from edge.inference.lane import Lane
from edge.inference.opening import OpenModel, opener
from edge.inference.overload import Overload, Shedding
from edge.inference.port import LivePort, SourcePorts
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
        self._ports_given = 0
        self._beside: dict[str, LivePort] = {}
        """The latest copy of a port, by the original's key."""
        self._lock = threading.Lock()
        self._steps = shedding_steps(settings)
        self._overload = Overload(settings.overload, self._steps, time.monotonic())
        self._shedding = Shedding.NOTHING
        self._open_model = open_model or opener(settings, state_dir)
        self._kept = KeptModels(state_dir)
        self._worker_index = worker_index
        self._lanes: Mapping[str, Lane] = self._lanes_for(settings, {})
        self._stopping = threading.Event()
        self._watch: threading.Thread | None = None

    @property
    def settings(self) -> InferenceSettings:
        """The models that can be asked, and how."""
        return self._settings

    def change(self, settings: InferenceSettings) -> None:
        """Takes up other models while sources go on asking. Returns at once.

        A changed model serves when it has proven itself beside the present one; that goes on until then, and if it
        does not. Only `models` may differ, and no model's labels: what detectors made of them would be wrong.
        """
        steps = shedding_steps(settings)
        present = self._lanes
        lanes = self._lanes_for(settings, present)
        # Who finds a model in the settings must find its lane too.
        self._lanes = {**present, **lanes}
        self._settings = settings
        self._lanes = lanes
        if steps != self._steps:
            self._steps = steps
            self._overload = Overload(settings.overload, steps, time.monotonic())
        for name, lane in present.items():
            if name in lanes:
                lane.change(settings)
            else:
                lane.close()
        self._kept.forget_others(settings.models)

    def _lanes_for(self, settings: InferenceSettings, present: Mapping[str, Lane]) -> Mapping[str, Lane]:
        """A lane for each model: the present one where there is one."""

        def new(name: str, core: int | None) -> Lane:
            return Lane(name, settings, self._open_model, self._deliver, lambda: self._shedding, core, self._kept)

        cores = cores_for(settings, self._worker_index)
        return {
            name: present[name] if name in present else new(name, core)
            for name, core in zip(settings.models, cores, strict=True)
        }

    def port(self, source_id: str, weight: float = 1.0, counts: Counter[str] | None = None) -> LivePort:
        """A port for one opening of a source: media times begin anew with each, so answers must not cross over.

        `counts`: where the source's questions are counted (`SourceMeter.questions`), by the source's own thread.

        Raises:
            ValueError: the weight is not positive.
        """
        if not weight > 0:
            raise ValueError(f"found a weight of {weight}, expected more than 0")
        with self._lock:
            self._ports_given += 1
            port = LivePort(f"{source_id} {self._ports_given}", self, Counter() if counts is None else counts)
            self._ports[port.key] = (port, weight)
        return port

    def ports(self, source_id: str, weight: float = 1.0, counts: Counter[str] | None = None) -> SourcePorts:
        """As `port`, for as many detectors as the source has."""
        return SourcePorts(lambda: self.port(source_id, weight, counts))

    def status(self) -> Sequence[Mapping[str, Any]]:
        """How each configured model is, as JSON types; see `Lane.status`, with what is shed by all of them."""
        now = time.monotonic()
        shedding = self._shedding.name.lower()
        return tuple({**lane.status(now), "shedding": shedding} for lane in self._lanes.values())

    def close(self, timeout_seconds: float = JOIN_SECONDS) -> None:
        """Ends all threads, or leaves them behind after so long; what is asked from now on is shed."""
        self._stopping.set()
        for lane in self._lanes.values():
            lane.close()
        until = time.monotonic() + timeout_seconds
        for lane in self._lanes.values():
            lane.join(max(0.0, until - time.monotonic()))
        if self._watch is not None:
            self._watch.join(max(0.0, until - time.monotonic()))

    def ask(self, port: LivePort, model: str, question: Question) -> Offer:
        """For ports: puts a question to a model."""
        with self._lock:
            mine, weight = self._ports.get(port.key, (None, 1.0))
            if self._watch is None and not self._stopping.is_set():
                self._watch = threading.Thread(target=self._look_after, name="inference watch", daemon=True)
                self._watch.start()
        if mine is not port:
            return Offer.SHED  # it was closed
        lane = self._lanes.get(model)
        return Offer.SHED if lane is None else lane.offer(port.key, weight, question)

    def beside(self, port: LivePort) -> LivePort:
        """For ports: one more for the same source. It is closed with the original, or when the next one is made."""
        with self._lock:
            _, weight = self._ports.get(port.key, (None, 1.0))
            former = self._beside.pop(port.key, None)
        if former is not None:
            former.close()
        made = self._beside[port.key] = self.port(f"{port.key} copy", weight)
        return made

    def leave(self, port: LivePort) -> None:
        """For ports: forgets one."""
        with self._lock:
            self._ports.pop(port.key, None)
            copy = self._beside.pop(port.key, None)
        if copy is not None:
            copy.close()
        for lane in self._lanes.values():
            lane.leave(port.key)

    def _deliver(self, key: str, answer: Detections | None) -> None:
        with self._lock:
            port, _ = self._ports.get(key, (None, 0.0))
        if port is not None:
            port.deliver(answer)

    def _look_after(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            now = time.monotonic()
            lanes = tuple(self._lanes.values())
            for lane in lanes:
                lane.look_after(now)
            self._overload.waited(max((lane.longest_wait(now) for lane in lanes), default=0.0), now)
            before, self._shedding = self._shedding, self._overload.shedding
            if before is not self._shedding:
                said = "inference is shed" if self._shedding > before else "inference recovers"
                log.warning(said, was=before.name.lower(), now=self._shedding.name.lower())


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
