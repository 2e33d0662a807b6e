"""`make_pair(seed)`: two flights over a town that has changed in between, and what is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial

from edge.detectors.interface import Image
from edge.flights.flight import Flight, KeyFrame
from edge.flights.local import LocalPlane
from edge.vision.pose import Pose
from samples.facade.seeding import stream
from samples.town.changes import Change, Nuisance, later
from samples.town.flying import RTK, Noise, Plan, Survey, fly
from samples.town.layout import lay_out
from samples.town.render import Renderer
from samples.town.state import FlightState, day
from samples.town.world import Town

FIRST_DAY = datetime(2026, 4, 12, 2, 30, tzinfo=UTC)


class Flown:
    """A survey of a town on one day. Pictures are rendered when they are asked for, and not kept."""

    def __init__(self, name: str, town: Town, state: FlightState, plan: Plan, noise: Noise, began_at: datetime) -> None:
        self.name, self.town, self.state, self.plan, self.began_at = name, town, state, plan, began_at
        self.noise = noise
        self.survey: Survey = fly(plan, noise, town.size_m, state.seed)

    @cached_property
    def renderer(self) -> Renderer:
        """Made when the first picture is asked for; it keeps up to 400 MB."""
        return Renderer(self.town, self.state, self.plan.gsd_m)

    def forget(self) -> None:
        """Gives the renderer's memory back; the next picture makes it anew."""
        self.__dict__.pop("renderer", None)

    def picture(self, number: int) -> Image:
        """(plan.height, plan.width, 3) BGR. The same number, the same picture."""
        return self.view(self.survey.shots[number].true_pose, number)

    def view(self, pose: Pose, number: int) -> Image:
        """As `picture`, from any place."""
        return self.renderer.picture(self.survey.true_lens, pose, number)

    def raw_picture(self, number: int) -> Image:
        """As `picture`, before the camera squeezes it."""
        pose = self.survey.shots[number].true_pose
        return self.renderer.picture(self.survey.true_lens, pose, number, squeezed=False)

    def flight(self) -> Flight:
        """Key frames with the poses that the drone states."""
        plane = LocalPlane(self.town.origin)
        frames = tuple(
            KeyFrame(
                name=f"{self.name}-{n:04d}",
                index=n,
                taken_at=self.began_at + timedelta(seconds=shot.seconds),
                media_time=shot.seconds,
                lens=self.survey.said_lens,
                pose=shot.said_pose,
                positioning=self.noise.positioning,
                read_bgr=self._reader(n),
            )
            for n, shot in enumerate(self.survey.shots)
        )
        return Flight(self.name, plane, frames)

    def _reader(self, number: int) -> Callable[[], Image]:
        return partial(self.picture, number)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is true of a pair. Metres are those of both flights' plane."""

    before: Flown
    after: Flown
    again: Flown
    changes: tuple[Change, ...]
    """Structures that differ; `is_new_structure` marks what a survey must find."""
    nuisances: tuple[Nuisance, ...]
    """What else differs for longer than a day. Cars, stalls, heaps and shadows differ everywhere."""


@dataclass(frozen=True, slots=True, eq=False)
class TownPair:
    """Two flights months apart, a third a few days after the second, and what is true.

    The frames' poses and lenses are those that the drone states (with the noise and the covariance of the asked
    positioning); `truth.before.survey` has the true ones.
    """

    before: Flight
    after: Flight
    again: Flight
    """Over the same changed town on another day: a second sighting."""
    truth: Truth

    def forget(self) -> None:
        """Gives the memory of the renderers back. The flights can still be read, at the price of starting anew."""
        for flown in (self.truth.before, self.truth.after, self.truth.again):
            flown.forget()


def make_pair(  # noqa: PLR0913 - each is one thing to ask for, and all but the seed have defaults
    seed: int,
    size_m: float = 400.0,
    *,
    plan: Plan | None = None,
    noise: Noise = RTK,
    changes: int = 8,
    mix: str | None = None,
    nuisances: bool = True,
    before: FlightState | None = None,
    after: FlightState | None = None,
) -> TownPair:
    """Two flights over a town of `size_m` squared, with up to `changes` changed structures between them.

    `plan`: size, resolution and overlap of pictures (default 2000 by 1500 at 0.1 m). `mix`: one of
    `samples.town.layout.MIXES`, or None for quarters of several. `before`, `after`: the days; None draws them from the
    seed. Nothing is rendered before a frame's `read_bgr` is called; frames of 3 MP take about 0.5 s each, the first few
    longer. Same arguments, same bytes.

    Raises ValueError for arguments outside their bounds.
    """
    old = lay_out(seed, size_m, mix)
    new = later(old, seed, changes, nuisances)
    plan = plan or Plan()
    rng = stream(seed, "pair")
    first, second, third = (int(n) for n in rng.integers(1 << 30, size=3))
    heading = float(rng.uniform(0, 360))
    started = FIRST_DAY + timedelta(days=int(rng.integers(300)))
    back = started + timedelta(days=int(rng.integers(20, 200)))
    states = before or day(first, "before"), after or day(second, "after")
    once_more = day(third, "again", season=states[1].season)
    flown = (
        Flown("before", old, states[0], replace(plan, heading_deg=heading), noise, started),
        Flown("after", new.town, states[1], replace(plan, heading_deg=heading + float(rng.normal(0, 4))), noise, back),
        Flown("again", new.town, once_more, replace(plan, heading_deg=heading + float(rng.normal(0, 4))), noise,
              back + timedelta(days=int(rng.integers(1, 8)))),
    )  # fmt: skip
    truth = Truth(*flown, new.changes, new.nuisances)
    return TownPair(flown[0].flight(), flown[1].flight(), flown[2].flight(), truth)
