"""A server that dies again and again: every camera comes back every time, and nothing grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.brokers import free_port
from tests.edge.hardship.box import Footprint, LiveBox, camera
from tests.edge.hardship.farm import Farm, Mount
from tests.edge.hardship.slopes import slope_of

STREAMS = 3
FPS = 25
RESTARTS = 50
SEEN_FRAMES = 25
"""That a camera must have sent to the box before it is killed again: libav watches some of them before it calls the
stream open."""
WARM_UP = 20
"""Restarts before which nothing is counted: allocators, rings, the database's cache and the log's memory fill up."""
MAX_ATTEMPTS_A_RESTART = 8
"""With waits of 0.2, 0.4, 0.8, 1 s …: so many fit into the seconds that a loaded machine takes to bring it back."""
MAX_MB_A_RESTART = 0.25
"""Of memory of one's own, all processes, at the upper end of the interval. A leaked frame (0.35 MB a stream), decoder
(3 MB) or packet ring (0.3 MB) would be 1-9 MB a restart. What fills up for longer than this test is watched by
`tests.bench.soak`."""
MAX_COUNT_A_RESTART = 0.05
"""Of descriptors, and of threads: a leaked one a stream would be 3."""

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]


def test_fifty_restarts(street: Path, tmp_path: Path) -> None:
    names = [f"camera-{number}" for number in range(1, STREAMS + 1)]
    footprints: list[Footprint] = []
    farm = Farm(free_port(), [Mount(name, street, FPS) for name in names])
    with farm, LiveBox(tmp_path, {name: camera(farm.url(name)) for name in names}) as box:
        box.wait_online(names)
        first = box.sources()
        for _ in range(RESTARTS):
            farm.kill()
            farm.start()
            box.wait_until(lambda: min(farm.counts().values()) >= SEEN_FRAMES, "every camera is opened again")
            footprints.append(box.footprint())
        last = {name: source["frames_judged"] for name, source in box.sources().items()}
        box.wait_until(lambda: all(box.source(name)["frames_judged"] > last[name] for name in names), "all are judged")
        told, children = box.sources(), box.view()["children"]
    for name in names:
        again = told[name]["sessions"] - first[name]["sessions"]
        attempts = told[name]["attempts"] - first[name]["attempts"]
        assert RESTARTS <= attempts <= RESTARTS * MAX_ATTEMPTS_A_RESTART
        assert again >= 0.9 * RESTARTS, "on a loaded machine a kill may come while libav still watches"
    assert all(child["restarts"] == 0 for child in children), "a process was replaced: its growth would be hidden"
    _assert_flat(footprints[WARM_UP:])


def _assert_flat(footprints: list[Footprint]) -> None:
    memory = slope_of([footprint.uss_bytes / 1e6 for footprint in footprints])
    descriptors = slope_of([footprint.descriptors for footprint in footprints])
    threads = slope_of([footprint.threads for footprint in footprints])
    print(f"MB: {memory}\ndescriptors: {descriptors}\nthreads: {threads}\n{footprints[0]}\n{footprints[-1]}")
    assert memory.high < MAX_MB_A_RESTART, f"memory grows: {memory}"
    assert descriptors.high < MAX_COUNT_A_RESTART, f"descriptors grow: {descriptors}"
    assert threads.high < MAX_COUNT_A_RESTART, f"threads grow: {threads}"
