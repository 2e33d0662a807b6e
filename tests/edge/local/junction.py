"""A small rendered junction as a clip: one cycle, to be played in a loop."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from samples.junction.camera import Camera
from samples.junction.episodes import cycle_seconds
from samples.junction.plans import Crossroads
from samples.junction.render import Renderer
from samples.junction.scenario import HeadLook, Moment, Scene, Sky


def small_scene(fps: int = 8) -> Scene:
    """Two arms and a crossing, three heads, a cycle of half a minute; by day."""
    spec = Crossroads(left_turns=False, heads_per_group=1, scale=0.25, countdown_seconds=5.0).spec()
    looks = {
        "n1": HeadLook(150.0, 60.0, 18.0),
        "e1": HeadLook(330.0, 70.0, 16.0),
        "w1": HeadLook(520.0, 180.0, 14.0),
    }
    seconds = round(cycle_seconds(spec) * fps) / fps
    return Scene("junction", 4, 640, 360, fps, seconds, spec, looks, (Moment(0, Sky.SUNNY),), traffic=0.1)


def write_junction(path: Path, scene: Scene) -> None:
    """Encodes the scene as a camera would: H.264, a key frame every two seconds."""
    camera, fps = Camera(Renderer(scene)), int(scene.fps)
    with av.open(str(path), "w", format="mp4") as container:
        options = {"preset": "ultrafast", "crf": "20", "g": str(2 * fps), "bf": "0"}
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = scene.width, scene.height, "yuv420p"
        for index in range(int(scene.seconds * fps)):
            taken = camera.frame(index, index / fps)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(taken.read_bgr()), format="bgr24").reformat(
                format="yuv420p"
            )
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
