"""The time machine over a simulated junction: what is wrong is found, told once and ended; what is normal is not."""

from __future__ import annotations

import pytest

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.machine import TimeMachine
from samples.junction.controller import Junction
from samples.junction.faults import TrueFault
from samples.junction.plans import Crossroads
from tests.evaluate.signals_stream import Stream, settings_of

SPEC = Crossroads(arrow=True).spec()


@pytest.mark.parametrize("fps", [0.2, 1, 4])
def test_a_power_failure_is_told_once_and_ended(fps: float) -> None:
    fault = TrueFault(Fault.DARK, tuple(head.id for head in SPEC.heads), 300.0, 700.0, scope="junction")
    machine = TimeMachine(settings_of(SPEC))
    found = [f for p in Stream(Junction(SPEC, 3, [fault]), fps).pictures(0, 1100) for f in machine.observe(p)]
    assert {(f.fault, f.key) for f in found} == {(Fault.DARK, "junction")}
    assert 300 < found[0].media_time <= 360
    assert found[-1].active is False
    assert found[-1].repaired_media_time is not None
    assert 700 <= found[-1].repaired_media_time <= 800
