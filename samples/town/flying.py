"""How a drone flies over a town, where it truly was, and where it says it was."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from edge.flights.telemetry import Positioning
from edge.vision.arrays import Doubles
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned
from samples.facade.seeding import stream


@dataclass(frozen=True, slots=True)
class Noise:
    """Standard deviations of what a drone says about itself, of one axis."""

    positioning: Positioning
    bias_m: float
    """One draw for the whole flight, horizontal; vertical is `vertical` times as much. `white_m`: for each picture."""
    white_m: float
    vertical: float
    tilt_bias_deg: float
    tilt_deg: float
    heading_bias_deg: float
    heading_deg: float
    focal_share: float

    def __post_init__(self) -> None:
        for name in ("bias_m", "white_m", "vertical", "tilt_bias_deg", "tilt_deg", "heading_bias_deg", "heading_deg",
                     "focal_share"):  # fmt: skip
            if not 0 <= getattr(self, name) < 100:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a standard deviation from 0 to 100")

    @property
    def covariance(self) -> Doubles:
        """(6, 6) as `Pose` has it: what the drone's own statement is worth."""
        level = self.bias_m**2 + self.white_m**2
        tilt = math.radians(1) ** 2 * (self.tilt_bias_deg**2 + self.tilt_deg**2)
        heading = math.radians(1) ** 2 * (self.heading_bias_deg**2 + self.heading_deg**2)
        return np.diag((level, level, level * self.vertical**2, tilt, tilt, heading))


NO_NOISE = Noise(Positioning.RTK_FIXED, 0, 0, 0, 0, 0, 0, 0, 0)
GNSS = Noise(Positioning.GNSS, 1.2, 0.3, 1.5, 0.15, 0.2, 1.0, 0.3, 0.005)
RTK = Noise(Positioning.RTK_FIXED, 0.02, 0.015, 1.7, 0.1, 0.15, 0.5, 0.2, 0.002)


@dataclass(frozen=True, slots=True)
class Plan:
    """A survey in lines to and fro, the camera straight down."""

    width: int = 2000
    height: int = 1500
    gsd_m: float = 0.1
    forward_overlap: float = 0.7
    side_overlap: float = 0.6
    heading_deg: float = 0.0
    distortion: tuple[float, float, float, float, float] = (-0.012, 0.006, 0.0003, -0.0002, 0.0)
    wander_m: float = 0.6
    """How far the drone strays from its line, one standard deviation."""
    sway_deg: float = 0.5
    past_edges: bool = False
    """Lines past both edges by one step, so that two lines see what stands there; the ends are always flown past."""

    def __post_init__(self) -> None:
        if not (64 <= self.width <= 12000 and 64 <= self.height <= 12000):
            raise ValueError(f"a picture of {self.width} by {self.height}; expected 64 to 12000 pixels a side")
        if not 0.02 <= self.gsd_m <= 1:
            raise ValueError(f"gsd_m is {self.gsd_m}; expected 0.02 to 1 metres a pixel")
        for name in ("forward_overlap", "side_overlap"):
            if not 0 <= getattr(self, name) <= 0.95:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a share from 0 to 0.95")
        if self.up_m < 40:
            raise ValueError(
                f"{self.width} pixels of {self.gsd_m} m are a flight at {self.up_m:.0f} m; expected 40 m or more, "
                "over the roofs: take a larger picture or a larger gsd_m"
            )

    @property
    def lens(self) -> Lens:
        """As wide as a drone's camera: 24 mm on 36 mm film."""
        focal = self.width * 24 / 36
        return Lens(self.width, self.height, focal, focal, (self.width - 1) / 2 + 3.2, (self.height - 1) / 2 - 2.1,
                    self.distortion, 0.0)  # fmt: skip

    @property
    def up_m(self) -> float:
        """Height above the ground."""
        return self.gsd_m * self.width * 24 / 36


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One picture's truth and what the drone says of it."""

    true_pose: Pose
    said_pose: Pose
    seconds: float
    """Since the flight's first picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """A flown plan: the lens as it is, the lens as the drone states it, and every picture."""

    true_lens: Lens
    said_lens: Lens
    shots: tuple[Shot, ...]


def fly(plan: Plan, noise: Noise, size_m: float, seed: int) -> Survey:
    """Covers the square of `size_m` around the origin. Same arguments, same flight."""
    rng = stream(seed, "flight")
    lens = plan.lens
    focal = 1 + float(rng.normal(0, noise.focal_share)) if noise.focal_share else 1.0
    said = Lens(lens.width, lens.height, lens.focal_x * focal, lens.focal_y * focal, lens.centre_x, lens.centre_y,
                lens.distortion, noise.focal_share)  # fmt: skip
    shift = rng.normal(0, 1, 3) * noise.bias_m * (1, 1, noise.vertical)
    lean = np.radians(rng.normal(0, 1, 3) * (noise.tilt_bias_deg, noise.tilt_bias_deg, noise.heading_bias_deg))
    shots = []
    for n, (east, north, heading) in enumerate(_stations(plan, size_m)):
        place = np.array((east, north, plan.up_m)) + rng.normal(0, 1, 3) * plan.wander_m
        sway = np.radians(rng.normal(0, plan.sway_deg, 3))
        turn = Rotation.from_rotvec(sway).as_matrix() @ turned(heading, -90.0, 0.0)
        told = place + shift + rng.normal(0, 1, 3) * noise.white_m * (1, 1, noise.vertical)
        off = lean + np.radians(rng.normal(0, 1, 3) * (noise.tilt_deg, noise.tilt_deg, noise.heading_deg))
        told_turn = Rotation.from_rotvec(off).as_matrix() @ turn
        shots.append(
            Shot(
                Pose(float(place[0]), float(place[1]), float(place[2]), turn),
                Pose(float(told[0]), float(told[1]), float(told[2]), told_turn, noise.covariance),
                n * 2.0,
            )
        )
    return Survey(lens, said, tuple(shots))


def _stations(plan: Plan, size_m: float) -> list[tuple[float, float, float]]:
    """East, north and heading of each picture, line after line."""
    across, along = plan.width * plan.gsd_m, plan.height * plan.gsd_m
    past = 2 * across * (1 - plan.side_overlap) if plan.past_edges else 0.0
    lines = _spread(size_m + past, across, plan.side_overlap)
    # Past both ends by one step: the edges, too, are seen twice.
    places = _spread(size_m + 2 * along * (1 - plan.forward_overlap), along, plan.forward_overlap)
    found = []
    angle = math.radians(plan.heading_deg)
    for n, x in enumerate(lines):
        for y in places if n % 2 == 0 else reversed(places):
            east, north = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
            found.append((east, north, plan.heading_deg + (0 if n % 2 == 0 else 180)))
    return found


def _spread(length_m: float, reach_m: float, overlap: float) -> list[float]:
    """Middles of pictures of `reach_m` that cover `length_m` around 0 with at least this overlap."""
    if reach_m >= length_m:
        return [0.0]
    count = math.ceil((length_m - reach_m) / (reach_m * (1 - overlap))) + 1
    return [float(at) for at in np.linspace(-(length_m - reach_m) / 2, (length_m - reach_m) / 2, count)]
