"""Twelve cameras on a small box: what they send is judged."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.edge.brokers import free_port
from tests.edge.hardship.accounts import MAX_LOST, OtherLoad, lost_share, settled
from tests.edge.hardship.box import LiveBox, camera
from tests.edge.hardship.farm import Farm, Mount

STREAMS = 12
FPS = 10
SECONDS = 60.0

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(300)]


def test_twelve_streams_for_a_minute(street: Path, tmp_path: Path) -> None:
    names = [f"camera-{number:02}" for number in range(1, STREAMS + 1)]
    with Farm(free_port(), [Mount(name, street, FPS) for name in names]) as farm:
        # While the cameras pause to be counted nothing comes: that must not be taken for a frozen camera.
        sources = {name: camera(farm.url(name), timeouts_seconds=(20, 20)) for name in names}
        with LiveBox(tmp_path, sources) as box:
            box.wait_online(names)
            before = settled(farm, box, names)
            others = OtherLoad(farm, box)
            time.sleep(SECONDS)
            taken = others.share()
            after = settled(farm, box, names)
            told = box.sources()
    lost = lost_share(before, after)
    print(f"lost: {100 * lost:.3f} % of what {STREAMS} cameras sent in {SECONDS:g} s; others took {100 * taken:.0f} %")
    for name in names:
        span = after[name].since(before[name])
        assert span.sent >= 0.9 * SECONDS * FPS, f"{name}: the farm itself was too slow: {span}"
        assert told[name]["sessions"] == 1, f"{name} was opened again: {told[name]['reason']}"
        assert told[name]["packets_broken"] == 0
    spans = {name: after[name].since(before[name]) for name in names}
    assert lost < MAX_LOST, f"others took {100 * taken:.0f} % of the machine; {spans}"
