"""Draw the district: `python -m samples.district.picture OUT.png [--seed 7]`."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from matplotlib import font_manager, patheffects
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from shapely import LineString, get_coordinates
from shapely.affinity import affine_transform

from samples.district.grids import District, Grid, build_district
from samples.district.layout import METRES_PER_DEGREE_LAT, METRES_PER_DEGREE_LON, ORIGIN_LAT, ORIGIN_LON, to_lon_lat
from samples.district.partition import LATTICE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STREET_COLOURS: Final = ("#dfe9d3", "#d8e4ee", "#f3e8cf", "#f5dcd3", "#e6def0")
_SPECIAL_COLOUR: Final = "#c2452d"
_RIVER_COLOUR: Final = "#9cc3dd"
_INK: Final = "#3b3f45"
_CJK_FONTS: Final = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "SimHei")


def draw(district: District, path: Path) -> None:
    """Write the district as a picture of 1600 × 1500 pixels, north up, as a map shows it."""
    chinese = _chinese_font()
    figure = Figure(figsize=(16, 15), dpi=100, facecolor="white")
    axes = figure.add_axes((0.01, 0.01, 0.98, 0.98))
    for grid in district.at_level(3):
        colour = _STREET_COLOURS[(int(grid.code[6:9]) - 1) % len(_STREET_COLOURS)]
        _ring(axes, grid, face=colour, edge="#ffffff", width=1.1)
    _river(axes, district)
    for level, edge, width in ((2, "#8b8f96", 1.4), (1, "#5a5f68", 2.8), (0, _INK, 3.6)):
        for grid in district.at_level(level):
            _ring(axes, grid, face="none", edge=edge, width=width)
    for grid in district.special:
        _ring(axes, grid, face=_SPECIAL_COLOUR, edge="#7d2314", width=1.4)
        _label(axes, grid, 10, chinese=chinese, above=True)
    for grid in district.at_level(2):
        _label(axes, grid, 10.5, chinese=chinese)
    _frame(axes, district, chinese=chinese)
    figure.savefig(path)


def _ring(axes: Axes, grid: Grid, *, face: str, edge: str, width: float) -> None:
    points = get_coordinates(grid.shape.exterior) / LATTICE
    axes.fill(points[:, 0], points[:, 1], facecolor=face, edgecolor=edge, linewidth=width, joinstyle="round")


def _river(axes: Axes, district: District) -> None:
    inside: LineString = district.layout.river.intersection(district.layout.outline)
    degrees = affine_transform(
        inside, (1 / METRES_PER_DEGREE_LON, 0, 0, 1 / METRES_PER_DEGREE_LAT, ORIGIN_LON, ORIGIN_LAT)
    )
    for part in getattr(degrees, "geoms", [degrees]):
        points = get_coordinates(part)
        axes.plot(points[:, 0], points[:, 1], color=_RIVER_COLOUR, linewidth=13, solid_capstyle="butt")


def _label(axes: Axes, grid: Grid, size: float, *, chinese: str | None, above: bool = False) -> None:
    """The grid's name on it, or above it in red for a compound that is too small to hold it."""
    _, _, _, top = grid.shape.bounds
    at = grid.shape.representative_point()
    english = grid.name.en.removesuffix(" Community")
    axes.annotate(
        f"{grid.name.zh.removesuffix('社区')}\n{english}" if chinese else english,
        (at.x / LATTICE, (top if above else at.y) / LATTICE),
        xytext=(0, 4 if above else 0),
        textcoords="offset points",
        ha="center",
        va="bottom" if above else "center",
        fontsize=size,
        fontfamily=chinese or "sans-serif",
        color="#7d2314" if above else _INK,
        fontweight="bold" if above else "normal",
        path_effects=[patheffects.withStroke(linewidth=3, foreground="white", alpha=0.7)],
    )


def _frame(axes: Axes, district: District, *, chinese: str | None) -> None:
    root = district.at_level(0)[0]
    counts = [len(district.at_level(level)) for level in (1, 2, 3)]
    title = f"{root.name.zh}  {root.name.en}" if chinese else root.name.en
    summary = f"invented · {counts[0]} streets, {counts[1]} communities, {counts[2]} micro-grids"
    family = chinese or "sans-serif"
    axes.text(0.01, 0.985, title, transform=axes.transAxes, va="top", fontsize=22, fontfamily=family, color=_INK)
    axes.text(0.01, 0.95, summary, transform=axes.transAxes, va="top", fontsize=12, color="#6a6f77")
    (lon, lat), (end, _) = to_lon_lat(150, 250), to_lon_lat(1150, 250)
    axes.plot([lon, end], [lat, lat], color=_INK, linewidth=3, solid_capstyle="butt")
    axes.annotate("1 km", ((lon + end) / 2, lat), xytext=(0, 5), textcoords="offset points", ha="center", color=_INK)
    legend = [
        Patch(facecolor=colour, label=f"{street.name.zh}  {street.name.en}" if chinese else street.name.en)
        for street, colour in zip(district.at_level(1), _STREET_COLOURS, strict=True)
    ]
    axes.legend(handles=legend, loc="lower right", frameon=False, prop={"family": family, "size": 12})
    axes.set_aspect(1 / math.cos(math.radians(ORIGIN_LAT)))
    axes.set_axis_off()


def _chinese_font() -> str | None:
    """A font with Chinese characters, or None where the machine has none: then the names are English alone."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in _CJK_FONTS if name in installed), None)


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m samples.district.picture", description="Draw the district.")
    parser.add_argument("out", type=Path, help="the picture to write (.png)")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    draw(build_district(options.seed), options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
