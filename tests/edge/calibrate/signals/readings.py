"""Readings of a junction whose controller is known: what learning sees, without pictures."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from edge.detectors.traffic_signal.readings import HeadReading, Lit, SceneReading, Unseen
from edge.detectors.traffic_signal.settings import HeadSettings, LampSettings
from samples.junction.controller import Junction
from samples.junction.plans import JunctionSpec

BEGAN = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)


def heads_of(spec: JunctionSpec) -> dict[str, HeadSettings]:
    """Heads in a row, each in a group of its own, as they are proposed."""
    found = {}
    for number, head in enumerate(spec.heads):
        left = 60.0 * number + 10
        lamps = tuple(
            LampSettings(colour=colour, shape=shape, centre=(left + 10, 20.0 + 16 * index), diameter_px=12)
            for index, (colour, shape) in enumerate(head.lamps)
        )
        found[head.id] = HeadSettings(
            kind=head.kind,
            polygon=((left, 10), (left + 20, 10), (left + 20, 70), (left, 70)),
            lamps=lamps,
            group=f"group-{number + 1}",
        )
    return found


def readings(
    junction: Junction,
    heads: Mapping[str, HeadSettings],
    *,
    fps: float,
    seconds: float,
    unseen_share: float = 0.02,
    start: float = 0.0,
    seed: int = 1,
) -> Iterator[SceneReading]:
    """What is seen of the junction; each head is hidden in some samples, at random."""
    chance = random.Random(seed)
    for index in range(int(seconds * fps)):
        t = index / fps
        states = junction.states(start + t)
        found = {}
        for head_id, head in heads.items():
            if chance.random() < unseen_share:
                found[head_id] = HeadReading((Lit.UNKNOWN,) * len(head.lamps), Unseen.OCCLUDED)
            else:
                lit = states[head_id].lit
                found[head_id] = HeadReading(tuple(Lit.ON if n in lit else Lit.OFF for n in range(len(head.lamps))))
        yield SceneReading(t, BEGAN + timedelta(seconds=start + t), found)
