"""Settings that were drawn in a camera's main stream, for the same view in another size."""

from __future__ import annotations

from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal.settings import MIN_LAMP_PX, Pixel, TrafficSignalSettings


def scaled(settings: TrafficSignalSettings, main: PictureSize, decoded: PictureSize) -> TrafficSignalSettings | None:
    """The settings in pixels of `decoded`, which shows what `main` shows, perhaps squeezed (704 × 576 for 16:9).

    None where a lamp would be too small to be judged there: then the main stream is decoded. A squeezed lamp counts
    by its narrower side.
    """
    across, down = decoded.width / main.width, decoded.height / main.height
    narrow = min(across, down)

    def moved(pixel: Pixel) -> Pixel:
        return (pixel[0] * across, pixel[1] * down)

    heads = {}
    for head_id, head in settings.heads.items():
        if any(lamp.diameter_px * narrow < MIN_LAMP_PX for lamp in head.lamps):
            return None
        countdown = head.countdown
        heads[head_id] = head.model_copy(
            update={
                "polygon": tuple(moved(point) for point in head.polygon),
                "lamps": tuple(
                    lamp.model_copy(update={"centre": moved(lamp.centre), "diameter_px": lamp.diameter_px * narrow})
                    for lamp in head.lamps
                ),
                "countdown": None
                if countdown is None
                else countdown.model_copy(update={"polygon": tuple(moved(point) for point in countdown.polygon)}),
            }
        )
    return settings.model_copy(update={"heads": heads, "anchors": tuple(moved(point) for point in settings.anchors)})
