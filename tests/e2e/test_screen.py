"""Every episode that opens at the edge appears on the operator's screen by itself; how fast is a bench's affair."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.bench_latency import SENSORS, delays_to_the_screen

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(300)]


def test_every_episode_appears_by_itself(tmp_path: Path) -> None:
    assert len(delays_to_the_screen(tmp_path)) == SENSORS
