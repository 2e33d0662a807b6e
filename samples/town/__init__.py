"""Towns seen from a drone, before and after somebody built: pictures, poses, and what is true."""

from samples.town.changes import Change, ChangeKind, Nuisance, NuisanceKind
from samples.town.flying import GNSS, NO_NOISE, RTK, Noise, Plan
from samples.town.pairs import Flown, TownPair, Truth, make_pair
from samples.town.register import register_of
from samples.town.state import FlightState, Season, day
from samples.town.suite import EvaluationPair, evaluation_pairs

__all__ = [
    "GNSS",
    "NO_NOISE",
    "RTK",
    "Change",
    "ChangeKind",
    "EvaluationPair",
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
    "evaluation_pairs",
    "make_pair",
    "register_of",
]
