"""Which source is served by which worker process."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from edge.config.inputs import FileInput
from edge.config.sources import CameraSource
from edge.status import SourceMeter

UNKNOWN_PIXELS_PER_SECOND = 1920 * 1080 * 25.0
"""What most cameras on a mast send; used until a stream has been opened once."""
FASTEST_FACTOR = 4.0
"""A recording that is played as fast as it decodes takes a core of its own."""


def weight_of(settings: CameraSource, meter: SourceMeter | None) -> float:
    """The load that a camera puts on its worker: pixels a second, measured if it was ever open, else estimated."""
    weight = UNKNOWN_PIXELS_PER_SECOND
    if meter is not None and meter.width and meter.height and meter.fps > 0:
        weight = meter.width * meter.height * meter.fps
    if isinstance(settings.input, FileInput) and settings.input.pace == "fastest":
        weight *= FASTEST_FACTOR
    return weight


def place(
    weights: Mapping[str, float],
    workers: Sequence[str],
    present: Mapping[str, str] = MappingProxyType({}),
    apart: Collection[str] = (),
) -> Mapping[str, str]:
    """Source id to worker name.

    A source stays where it is (`present`), so that a change disturbs no other, even on a worker that gets no new ones
    any more. A new one goes to the worker with the
    least load, heaviest first; `apart` get a worker of their own, see `worker_apart`.

    Raises:
        ValueError: there are sources to place and no workers.
    """
    placed: dict[str, str] = {}
    load = dict.fromkeys(workers, 0.0)
    for source_id, weight in weights.items():
        if source_id in apart:
            placed[source_id] = worker_apart(source_id)
        elif source_id in present:
            placed[source_id] = present[source_id]
            if present[source_id] in load:
                load[present[source_id]] += weight
    waiting = [source_id for source_id in weights if source_id not in placed]
    if waiting and not load:
        raise ValueError("there is no worker to place sources on")
    # Ids break ties, so that the same configuration is always placed in the same way.
    for source_id in sorted(waiting, key=lambda one: (-weights[one], one)):
        lightest = min(load, key=lambda name: (load[name], workers.index(name)))
        placed[source_id] = lightest
        load[lightest] += weights[source_id]
    return placed


def worker_apart(source_id: str) -> str:
    """The name of the worker that serves this source alone."""
    return f"camera-{source_id}"


def shared_workers(count: int) -> Sequence[str]:
    """The names of the workers that share the cameras."""
    return tuple(f"cameras-{number}" for number in range(1, count + 1))


def worker_index(name: str) -> int:
    """A number for each worker, from 0, to spread what wants a core of its own; those that serve one source share."""
    number = name.removeprefix("cameras-")
    return int(number) - 1 if number.isdecimal() else 0
