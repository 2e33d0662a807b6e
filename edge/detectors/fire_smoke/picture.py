"""What of the settings does not fit a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edge.detectors.fire_smoke.settings import FireSmokeSettings, Pixel
from edge.detectors.registry import PictureSize, SettingProblem
from edge.vision.regions import polygon_mask, without


def picture_problems(settings: FireSmokeSettings, size: PictureSize) -> Sequence[SettingProblem]:
    """Polygons that leave a picture of this size, and masks that leave nothing to be watched."""
    problems: list[SettingProblem] = []
    if settings.watch is not None:
        problems += _outside(("watch",), settings.watch, size)
    for number, polygon in enumerate(settings.ignore):
        problems += _outside(("ignore", number), polygon, size)
    for number, region in enumerate(settings.allowed):
        problems += _outside(("allowed", number, "polygon"), region.polygon, size)
    if not problems:
        whole: tuple[Pixel, ...] = ((0, 0), (size.width, 0), (size.width, size.height), (0, size.height))
        watched = polygon_mask(settings.watch or whole, size.width, size.height)
        if not without(watched, settings.ignore).any():
            problems.append(
                SettingProblem(("ignore",), "found everything masked, expected a part of the picture to be watched")
            )
    return problems


def _outside(path: tuple[str | int, ...], polygon: Sequence[Pixel], size: PictureSize) -> Iterator[SettingProblem]:
    for number, (x, y) in enumerate(polygon):
        if not (0 <= x <= size.width and 0 <= y <= size.height):
            yield SettingProblem(
                (*path, number),
                f"found [{x:g}, {y:g}], expected a pixel of the {size.width} x {size.height} picture",
            )
