"""Settings that were written for a camera's main stream, for the same view in another size."""

from __future__ import annotations

from edge.detectors.registry import PictureSize
from edge.detectors.thrown_object.settings import CalibrationPoint, FacadeSettings, Pixel, ThrownObjectSettings

SAME_SHAPE = 0.01
"""Ratios of width and height that differ by less are rounding (1080 lines are 1088 in the encoder)."""


def scaled(settings: ThrownObjectSettings, main: PictureSize, decoded: PictureSize) -> ThrownObjectSettings:
    """The settings in pixels of `decoded`, which shows what `main` shows, perhaps squeezed (704 × 576 for 16:9).

    Only what is measured in the picture changes; blobs keep their lower limit: a single pixel is noise at any size.
    """
    across, down = decoded.width / main.width, decoded.height / main.height
    smallest, largest = settings.background.blob_px
    blob_px = (smallest, max(largest * across * down, smallest + 1))
    return settings.model_copy(
        update={
            "facade": _facade(settings.facade, main, across, down),
            "background": settings.background.model_copy(update={"blob_px": blob_px}),
        }
    )


def _facade(facade: FacadeSettings, main: PictureSize, across: float, down: float) -> FacadeSettings:
    def moved(pixel: Pixel) -> Pixel:
        return (pixel[0] * across, pixel[1] * down)

    update: dict[str, object] = {
        "polygon": tuple(moved(pixel) for pixel in facade.polygon),
        "ignore": tuple(tuple(moved(pixel) for pixel in polygon) for polygon in facade.ignore),
    }
    if facade.homography is not None:
        update["homography"] = tuple(
            point.model_copy(update={"pixel": moved(point.pixel)}) for point in facade.homography
        )
    elif facade.camera is not None and abs(across / down - 1) <= SAME_SHAPE:
        update["camera"] = facade.camera.model_copy(update={"focal_px": facade.camera.focal_px * across})
    else:
        # Squeezed pixels are not square any more: the pose's plane, said by points of it, bears any stretching.
        plane = facade.plane(main)
        corners = facade.polygon
        middles = [
            ((x + u) / 2, (y + v) / 2) for (x, y), (u, v) in zip(corners, corners[1:] + corners[:1], strict=True)
        ]
        places = [(pixel, plane.at(*pixel)) for pixel in (*corners, *middles)]
        update["homography"] = tuple(
            CalibrationPoint(pixel=moved(pixel), metres=(at.x_m, at.y_m)) for pixel, at in places
        )
        update["camera"] = None
    return facade.model_copy(update=update)
