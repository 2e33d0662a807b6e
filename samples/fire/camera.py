"""Frames of a rendered scene as a decoder would give them: noisy, compressed, now and then one missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from edge.detectors.interface import Frame
from edge.vision.planes import Planes
from samples.facade.seeding import stream
from samples.fire.render import Renderer
from samples.junction.camera import H264, LOST_SHARE, ReadRegion, split


class Camera:
    """The frames of a scene, in order."""

    def __init__(self, renderer: Renderer) -> None:
        self.renderer, self.scene = renderer, renderer.scene
        self._compressor = H264(self.scene)

    def frames(self) -> Iterator[Frame]:
        """All frames. Their planes are valid until the next one is asked for."""
        lost = stream(self.scene.seed, "lost")
        for index in range(int(self.scene.seconds * self.scene.fps)):
            if lost.random() >= LOST_SHARE:
                yield self._frame(index, index / self.scene.fps)

    def _frame(self, index: int, t: float) -> Frame:
        scene = self.scene
        i420 = self._compressor.through(self.renderer.picture(t, index))
        luma, u, v = split(i420, scene.width, scene.height)
        planes = Planes(luma, (u, v))
        return Frame(
            source_id=scene.name,
            index=index,
            media_time=t,
            wall_time=scene.begins_at + timedelta(seconds=t),
            luma=luma,
            read_bgr=ReadRegion(planes),
            read_planes=lambda: planes,
        )
