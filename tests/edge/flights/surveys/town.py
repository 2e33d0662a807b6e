"""A corner of a generated town on four days: as it was, with a new house, with it still, and without it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import shapely
import yaml

from samples.town import Plan, TownPair, make_pair
from samples.town.pairs import Flown
from samples.town.register import write_register
from samples.town.state import day
from samples.town.stills import write_stills

AREA = "west"
DEVICE = "box-1"
AROUND = 3
"""Pictures of each flight: those around one new house."""
REGISTER = """
register:
  approved: [{path: register/approved.geojson}]
  permits: [{path: register/permits.geojson}]
illegal_structure: {review_confidence: 0.2, alarm_confidence: 0.4}
"""
"""Told from here on: how sure a comparison is of so few pictures is not what is tested with them."""


@dataclass(frozen=True, slots=True)
class Corner:
    """Folders `1-before`, `2-after`, `3-again`, `4-gone`, `register` and `west.yaml`. Read-only."""

    folder: Path
    pair: TownPair
    house: shapely.Polygon
    """The new one, in metres of the flights' plane."""


FLIGHTS = ("1-before", "2-after", "3-again", "4-gone")


def flown_corner(folder: Path, seed: int = 2, flights: Sequence[str] = FLIGHTS) -> Corner:
    """Renders it: some ten seconds."""
    pair = make_pair(seed, 160.0, plan=Plan(1000, 750, 0.12), changes=5)
    truth = pair.truth
    house = next(shapely.Polygon(change.outline) for change in truth.changes if change.kind.value == "new_house")
    before, again = truth.before, truth.again
    gone = Flown(
        "gone", before.town, day(seed, "gone", season=again.state.season), again.plan, again.noise,
        again.began_at + timedelta(days=30),
    )  # fmt: skip
    flown = dict(zip(FLIGHTS, (before, truth.after, again, gone), strict=True))
    middle = np.array(house.centroid.coords[0])
    for name in flights:
        shots = flown[name].survey.shots
        places = np.array([(shot.true_pose.east_m, shot.true_pose.north_m) for shot in shots])
        nearest = np.argsort(np.linalg.norm(places - middle, axis=1))[:AROUND]
        write_stills(folder / name, flown[name], only=sorted(int(number) for number in nearest))
        flown[name].forget()
    write_register(folder / "register", truth)
    (folder / "west.yaml").write_text(REGISTER, encoding="utf-8")
    return Corner(folder, pair, house)


def configuration(folder: Path, corner: Corner, **area: object) -> Path:
    """A box's configuration with one area, and no server."""
    config = {
        "device": {"id": DEVICE, "state_dir": str(folder / "state")},
        "sources": {},
        "areas": {AREA: {"name": "西片区", "settings": str(corner.folder / "west.yaml"), **area}},
    }
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return path
