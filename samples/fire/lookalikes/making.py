"""Any look-alike, by its kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from samples.fire.lookalikes.air import Cobweb, Fog, dust, exhaust, steam
from samples.fire.lookalikes.lights import Beacon, InfraredBloom, Lamp, Sign, TailLights, Welding
from samples.fire.lookalikes.shared import Actor, Lookalike, Surroundings
from samples.fire.lookalikes.things import Clouds, HiVis, RedCloth, SunsetGlass, TvWall

SMOKE_IN_A_STILL = frozenset({Lookalike.STEAM, Lookalike.EXHAUST, Lookalike.DUST, Lookalike.FOG, Lookalike.CLOUDS})
"""One picture does not tell them from smoke, their behaviour does: models of stills are not trained against them."""
_PLAIN: dict[Lookalike, Callable[[np.random.Generator, Surroundings], Actor]] = {
    Lookalike.TAIL_LIGHTS: TailLights,
    Lookalike.BEACON: Beacon,
    Lookalike.SIGN: Sign,
    Lookalike.LAMP: Lamp,
    Lookalike.WELDING: Welding,
    Lookalike.INFRARED_BLOOM: InfraredBloom,
    Lookalike.HI_VIS: HiVis,
    Lookalike.RED_CLOTH: RedCloth,
    Lookalike.SUNSET_GLASS: SunsetGlass,
    Lookalike.TV_WALL: TvWall,
    Lookalike.CLOUDS: Clouds,
    Lookalike.FOG: Fog,
    Lookalike.COBWEB: Cobweb,
}
_GAS = {Lookalike.STEAM: steam, Lookalike.EXHAUST: exhaust, Lookalike.DUST: dust}


def an_actor(rng: np.random.Generator, kind: Lookalike, inside: Surroundings, *, still: bool = False) -> Actor:
    """A look-alike somewhere in the picture. `still`: it will be asked for one moment only, and may cut corners."""
    if kind in _GAS:
        return _GAS[kind](rng, inside, still=still)
    return _PLAIN[kind](rng, inside)
