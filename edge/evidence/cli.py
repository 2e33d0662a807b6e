"""`gridsentry-edge overlay`: a clip or picture with what the detector saw burnt into it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

FOUND_A_PROBLEM = 1
WRONG_USAGE = 2


def overlay_command(
    clip: Annotated[Path, typer.Argument(help="Evidence of the kind `clip` or `snapshot`: a video, a JPEG or PNG.")],
    track: Annotated[Path, typer.Argument(help="The `track` of the same episode: JSON.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the result goes: .mp4, or .jpg or .png of a still.")],
    start: Annotated[
        float | None, typer.Option(help="Media time of the clip's first picture, where the clip does not say it.")
    ] = None,
) -> None:
    """Burns the track into a clip (as it was at each moment) or into a still (all of it)."""
    from edge.evidence import burn

    is_picture = clip.suffix.lower() in burn.PICTURE_SUFFIXES
    if (out.suffix.lower() in burn.PICTURE_SUFFIXES) != is_picture:
        expected = "a .jpg or .png" if is_picture else "an .mp4"
        _fail(f"{out}: found {out.suffix or 'no suffix'}, expected {expected} as for {clip.name}", WRONG_USAGE)
    try:
        found = burn.read_track(track)
        if is_picture:
            burn.burn_picture(clip, found, out)
            return
        begin = start if start is not None else burn.start_of(clip)
        if begin is None:
            _fail(f"{clip}: does not say where it begins on the track's clock; give --start SECONDS", WRONG_USAGE)
        columns = (TextColumn(clip.name), BarColumn(), TimeRemainingColumn())
        with Progress(
            *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
        ) as display:
            task = display.add_task("", total=1.0)
            shown = burn.burn_clip(clip, found, out, begin, lambda share: display.update(task, completed=share))
    except burn.BurnError as error:
        _fail(str(error), FOUND_A_PROBLEM)
    if not shown:
        _fail(f"{out}: written, but no picture shows the track: is it of the same episode?", FOUND_A_PROBLEM)


def _fail(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"error: {message}\n")
    raise typer.Exit(code)
