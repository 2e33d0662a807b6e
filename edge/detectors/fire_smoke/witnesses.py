"""A second witness: what other sources near by saw, felt or smelt a moment ago."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from contract.details import FireWitness
from edge.detectors.fire_smoke.settings import TimingSettings
from edge.detectors.interface import Frame, Witness, WitnessPort

TESTIFIES: Mapping[str, frozenset[str]] = {
    "camera": frozenset({"fire", "smoke"}),
    "sensor": frozenset({"temperature", "gas", "smoke_density", "carbon_monoxide"}),
}
"""What says that something burns, by the kind of source. A water level does not."""
LEAST_CONFIDENCE = 0.35
"""Of the other source: two guesses are no proof."""
MOST = 4


class Seconded:
    """Asks for witnesses; a copy for a drill asks nobody, or a drill would be seconded by the real thing."""

    def __init__(self, port: WitnessPort | None, timing: TimingSettings) -> None:
        self._timing = timing
        self._near: Callable[[Frame, float, float], Sequence[Witness]] | None = None
        if port is None:
            return

        def near(frame: Frame, metres: float, seconds: float) -> Sequence[Witness]:
            return port.near(frame, metres, seconds)

        self._near = near  # a function: whoever copies a detector's state must not come upon the port

    def __deepcopy__(self, _memo: Mapping[int, object]) -> Seconded:
        return Seconded(None, self._timing)

    def heard(self, frame: Frame) -> tuple[FireWitness, ...]:
        """Those that count, newest first."""
        if self._near is None:
            return ()
        found = self._near(frame, self._timing.witness_m, self._timing.witness_seconds)
        return tuple(
            FireWitness(
                source=witness.source_id,
                hazard=witness.hazard,
                seconds_ago=round(max(witness.age_seconds, 0.0), 1),
                distance_m=None if witness.distance_m is None else round(witness.distance_m, 1),
            )
            for witness in found
            if witness.hazard in TESTIFIES.get(witness.kind, frozenset()) and witness.confidence >= LEAST_CONFIDENCE
        )[:MOST]
