"""A small rendered junction, as frames and as a clip."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from edge.detectors.traffic_signal.settings import HeadKind
from samples.junction.camera import Camera
from samples.junction.faults import TrueFault
from samples.junction.plans import Crossroads
from samples.junction.render import Renderer
from samples.junction.scenario import HeadLook, Moment, Scene, Sky

WIDTH, HEIGHT = 400, 224


def small_scene(seconds: float, faults: Sequence[TrueFault] = (), diameter: float = 13.0) -> Scene:
    """Two heads each for two directions that take turns every 19 s, and pedestrians; a picture a second."""
    spec = Crossroads(left_turns=False, scale=0.4).spec()
    places = {"n1": 40, "n2": 110, "e1": 230, "e2": 310}
    looks = {
        head.id: HeadLook(
            x=places.get(head.id, 360), y=120 if head.kind is HeadKind.PEDESTRIAN else 30, diameter=diameter
        )
        for head in spec.heads
    }
    return Scene(
        name="crossing",
        seed=5,
        width=WIDTH,
        height=HEIGHT,
        fps=1.0,
        seconds=seconds,
        spec=spec,
        looks=looks,
        light=(Moment(0, Sky.DULL),),
        faults=tuple(faults),
        traffic=0.1,
    )


def write_clip(scene: Scene, path: Path) -> None:
    """The scene as a video file with its own times."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1)
        stream.width, stream.height, stream.pix_fmt = scene.width, scene.height, "yuv420p"
        stream.options = {"crf": "22", "preset": "ultrafast"}
        stream.time_base = Fraction(1, 1000)
        for frame in Camera(Renderer(scene)).frames():
            picture = av.VideoFrame.from_ndarray(frame.read_bgr(), format="bgr24")
            picture.pts, picture.time_base = round(frame.media_time * 1000), Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
