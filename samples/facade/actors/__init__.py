"""Everything that moves in a clip: what falls, and what only looks like it."""

from __future__ import annotations

from samples.facade.actors.animals import BirdFlock, InsectSwarm
from samples.facade.actors.falling import FallingLeaves, FallingThing
from samples.facade.actors.foliage import SwingingBranch
from samples.facade.actors.glow import FlickeringWindows, SweepingGlints
from samples.facade.actors.person import PersonAtRail
from samples.facade.actors.rain import RainVolume
from samples.facade.canvas import Actor, World
from samples.facade.scenario import (
    Birds,
    Branch,
    Glints,
    Insects,
    Leaves,
    Nuisance,
    Onlooker,
    Rain,
    Shake,
    WindowLights,
)

__all__ = ["FallingThing", "make_actors"]


def make_actors(world: World) -> list[Actor]:
    """The cast in the order of drawing: what shines on the wall first, what is before the lens last."""
    layers: list[tuple[int, Actor]] = [(2, FallingThing(world, number)) for number in range(len(world.scenario.falls))]
    for number, nuisance in enumerate(world.scenario.nuisances):
        made = _make(world, nuisance, number)
        if made is not None:
            layers.append(made)
    return [actor for _, actor in sorted(layers, key=lambda item: item[0])]


def _make(world: World, nuisance: Nuisance, number: int) -> tuple[int, Actor] | None:
    made: tuple[int, Actor] | None
    match nuisance:
        case WindowLights():
            made = 0, FlickeringWindows(world, nuisance, number)
        case Glints():
            made = 0, SweepingGlints(world, nuisance, number)
        case Onlooker():
            made = 1, PersonAtRail(world, nuisance, number)
        case Birds():
            made = 3, BirdFlock(world, nuisance, number)
        case Leaves():
            made = 4, FallingLeaves(world, nuisance, number)
        case Rain():
            made = 5, RainVolume(world, nuisance, number)
        case Branch():
            made = 6, SwingingBranch(world, nuisance, number)
        case Insects():
            made = 7, InsectSwarm(world, nuisance, number)
        case Shake():
            made = None  # the camera's own movement: the renderer's business
    return made
