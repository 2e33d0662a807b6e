"""Towns seen from a drone, before and after somebody built: pictures, poses, and what is true."""

from samples.town.changes import Change, ChangeKind, Nuisance, NuisanceKind
from samples.town.flying import GNSS, NO_NOISE, RTK, Noise, Plan
from samples.town.pairs import Flown, TownPair, Truth, make_pair
from samples.town.state import FlightState, Season, day

__all__ = [
    "GNSS",
    "NO_NOISE",
    "RTK",
    "Change",
    "ChangeKind",
    "FlightState",
    "Flown",
    "Noise",
    "Nuisance",
    "NuisanceKind",
    "Plan",
    "Season",
    "TownPair",
    "Truth",
    "day",
    "make_pair",
]
