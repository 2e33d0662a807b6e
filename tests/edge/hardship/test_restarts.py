"""A server that dies again and again: every camera comes back every time, and nothing grows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.edge.brokers import free_port
from tests.edge.hardship.box import Footprint, LiveBox, camera
from tests.edge.hardship.farm import Farm, Mount
from tests.edge.hardship.slopes import slope_of

STREAMS = 3
RESTARTS = 50
WARM_UP = 10
"""Restarts before which nothing is counted: allocators, code and connection pools reach their size."""
MAX_ATTEMPTS_A_RESTART = 8
"""With waits of 0.2, 0.4, 0.8, 1 s …: so many fit into the seconds that a loaded machine takes to bring it back."""
MAX_MB_A_RESTART = 0.05
"""Of memory of one's own, all processes: 144 MB a day with a restart every half minute would pass; a leaked frame
(0.35 MB), packet ring (0.3 MB) or decoder (3 MB) a stream does not."""
MAX_DESCRIPTORS_A_RESTART = 0.02
MAX_THREADS_A_RESTART = 0.02

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]


def test_fifty_restarts(street: Path, tmp_path: Path) -> None:
    names = [f"camera-{number}" for number in range(1, STREAMS + 1)]
    footprints: list[Footprint] = []
    farm = Farm(free_port(), [Mount(name, street, 25) for name in names])
    with farm, LiveBox(tmp_path, {name: camera(farm.url(name)) for name in names}) as box:
        box.wait_online(names)
        first = box.sources()
        for _ in range(RESTARTS):
            before = box.sources()
            farm.kill()
            farm.start()
            box.wait_until(lambda then=before: _all_back(then, box), "every camera is opened again")
            footprints.append(box.footprint())
        told = box.sources()
        children = box.view()["children"]
    for name in names:
        again = told[name]["sessions"] - first[name]["sessions"]
        attempts = told[name]["attempts"] - first[name]["attempts"]
        assert RESTARTS <= again <= attempts <= RESTARTS * MAX_ATTEMPTS_A_RESTART
    assert all(child["restarts"] == 0 for child in children), "a process was replaced: its growth would be hidden"
    _assert_flat(footprints[WARM_UP:])


def _all_back(before: Mapping[str, Mapping[str, Any]], box: LiveBox) -> bool:
    """Not by their state: a stream that breaks every few seconds is said to be back only when it has held."""
    now = box.sources()
    return all(
        now[name]["sessions"] > then["sessions"] and now[name]["frames_judged"] > then["frames_judged"]
        for name, then in before.items()
    )


def _assert_flat(footprints: list[Footprint]) -> None:
    memory = slope_of([footprint.uss_bytes / 1e6 for footprint in footprints])
    descriptors = slope_of([footprint.descriptors for footprint in footprints])
    threads = slope_of([footprint.threads for footprint in footprints])
    print(f"MB: {memory}\ndescriptors: {descriptors}\nthreads: {threads}\n{footprints[0]}\n{footprints[-1]}")
    assert memory.low < MAX_MB_A_RESTART, f"memory grows: {memory}"
    assert descriptors.low < MAX_DESCRIPTORS_A_RESTART, f"descriptors grow: {descriptors}"
    assert threads.low < MAX_THREADS_A_RESTART, f"threads grow: {threads}"
