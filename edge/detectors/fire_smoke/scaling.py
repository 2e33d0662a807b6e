"""Settings that were drawn in a camera's main stream, for the same view in another size."""

from __future__ import annotations

from edge.detectors.fire_smoke.settings import FireSmokeSettings, Pixel
from edge.detectors.registry import PictureSize


def scaled(settings: FireSmokeSettings, main: PictureSize, decoded: PictureSize) -> FireSmokeSettings:
    """The settings in pixels of `decoded`, which shows what `main` shows, perhaps squeezed (704 × 576 for 16:9).

    Sizes of flames and haze are those of the working picture, whatever the stream's.
    """
    across, down = decoded.width / main.width, decoded.height / main.height

    def moved(polygon: tuple[Pixel, ...]) -> tuple[Pixel, ...]:
        return tuple((x * across, y * down) for x, y in polygon)

    return settings.model_copy(
        update={
            "watch": None if settings.watch is None else moved(settings.watch),
            "ignore": tuple(moved(polygon) for polygon in settings.ignore),
            "allowed": tuple(
                region.model_copy(update={"polygon": moved(region.polygon)}) for region in settings.allowed
            ),
        }
    )
