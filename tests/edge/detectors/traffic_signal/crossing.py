"""A small rendered junction in front of the whole detector: three heads, a cycle of half a minute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from itertools import count
from pathlib import Path

import av

from edge.detectors.interface import Frame
from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal.settings import Colour, Shape, TrafficSignalSettings
from samples.junction.camera import Camera
from samples.junction.faults import TrueFault
from samples.junction.installed import settings_of
from samples.junction.plans import GroupKind, HeadSpec, JunctionSpec, Plan, Stage
from samples.junction.render import Renderer
from samples.junction.scenario import Event, HeadLook, Moment, Scene, Sky

BALLS = ((Colour.RED, Shape.BALL), (Colour.AMBER, Shape.BALL), (Colour.GREEN, Shape.BALL))
SPEC = JunctionSpec(
    heads=(
        HeadSpec("N1", "ns", BALLS, "north"),
        HeadSpec("N2", "ns", BALLS, "north"),
        HeadSpec("E1", "ew", BALLS, "east"),
    ),
    groups={"ns": GroupKind.VEHICLE, "ew": GroupKind.VEHICLE},
    conflicts=(("ew", "ns"),),
    plans=(Plan(0.0, (Stage(("ns",), 10, 10), Stage(("ew",), 8, 8))),),
    green_flash_seconds=0,
)
LOOKS = {
    "N1": HeadLook(60, 50, 9),
    "N2": HeadLook(160, 40, 9),
    "E1": HeadLook(250, 60, 9),
}
SIZE = PictureSize(320, 180)


def scene(
    *faults: TrueFault, seconds: float = 300, fps: float = 1, events: Sequence[Event] = (), sky: Sky = Sky.DULL
) -> Scene:
    """A calm street."""
    return Scene(
        name="crossing",
        seed=11,
        width=SIZE.width,
        height=SIZE.height,
        fps=fps,
        seconds=seconds,
        spec=SPEC,
        looks=LOOKS,
        light=(Moment(0, sky),),
        faults=tuple(faults),
        events=tuple(events),
        begins_at=datetime(2026, 3, 4, 2, 0, tzinfo=UTC),
        traffic=0.05,
    )


def settings(of: Scene | None = None) -> TrafficSignalSettings:
    """As an installer accepted them."""
    return settings_of(of or scene())


class Film:
    """The frames of a scene, each rendered once: that takes longer than looking."""

    def __init__(self, of: Scene) -> None:
        self._coming = Camera(Renderer(of)).frames()
        self._taken: list[Frame] = []

    def frames(self) -> Iterator[Frame]:
        """From the first one on, however far others have looked."""
        for number in count():
            if number == len(self._taken):
                frame = next(self._coming, None)
                if frame is None:
                    return
                self._taken.append(frame)
            yield self._taken[number]


_FILMS: dict[str, Film] = {}


def camera(of: Scene) -> Film:
    """Its frames; all tests see the same ones."""
    return _FILMS.setdefault(repr(of), Film(of))


def recorded(path: Path, of: Scene) -> Path:
    """The scene as a file of H.264, with a key frame in every second picture."""
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=Fraction(of.fps))
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = of.width, of.height, "yuv420p", 2
        stream.options = {"crf": "20", "preset": "veryfast"}
        for frame in camera(of).frames():
            picture = av.VideoFrame.from_ndarray(frame.read_bgr(), format="bgr24")
            picture.pts, picture.time_base = frame.index, 1 / Fraction(of.fps)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
    return path
