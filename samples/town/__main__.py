"""`python -m samples.town --out DIR`: flights over a town before and after somebody built, with truth and register."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from samples.town.flying import GNSS, NO_NOISE, RTK, Noise, Plan
from samples.town.klv import write_transport_stream
from samples.town.layout import LARGEST_M, MIXES, SMALLEST_M
from samples.town.pairs import Flown, TownPair, make_pair
from samples.town.preview import sheet as write_sheet
from samples.town.register import write_register
from samples.town.stills import write_stills
from samples.town.telling import write_truth
from samples.town.video import write_video

console = Console(stderr=True, soft_wrap=True)


class Positions(StrEnum):
    """How well the drone knows where it is."""

    RTK = "rtk"
    GNSS = "gnss"
    EXACT = "exact"


NOISES: dict[Positions, Noise] = {Positions.RTK: RTK, Positions.GNSS: GNSS, Positions.EXACT: NO_NOISE}


def generate(  # noqa: PLR0913 - a command's options
    out: Annotated[Path, typer.Option(help="Folder for what is made; made if it is not there.")],
    *,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same town.")] = 1,
    size_m: Annotated[float, typer.Option(min=SMALLEST_M, max=LARGEST_M, help="Side of the town.")] = 400.0,
    gsd_m: Annotated[float, typer.Option(min=0.02, max=1.0, help="Metres a pixel on the ground.")] = 0.1,
    width: Annotated[int, typer.Option(min=64, max=12000, help="Of pictures, in pixels.")] = 2000,
    height: Annotated[int, typer.Option(min=64, max=12000, help="Of pictures, in pixels.")] = 1500,
    changes: Annotated[int, typer.Option(min=0, help="Structures that differ between the flights.")] = 8,
    mix: Annotated[str | None, typer.Option(help=f"All of one kind: {', '.join(MIXES)}.")] = None,
    positions: Annotated[Positions, typer.Option(help="Noise of what the drone says of itself.")] = Positions.RTK,
    video_seconds: Annotated[float, typer.Option(min=0, help="Also: a video of each flight with subtitles.")] = 0.0,
    stream_seconds: Annotated[float, typer.Option(min=0, help="Also: MPEG-TS of each flight with MISB KLV.")] = 0.0,
    sheet: Annotated[
        bool, typer.Option("--sheet", help="Instead: one picture with both flights and the truth.")
    ] = False,
) -> None:
    """Writes before/, after/ and again/ (JPEG with EXIF and DJI's XMP), register/*.geojson and truth.json."""
    try:
        pair = make_pair(
            seed, size_m, plan=Plan(width, height, gsd_m), noise=NOISES[positions], changes=changes, mix=mix
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    out.mkdir(parents=True, exist_ok=True)
    if sheet:
        path = out / f"town-{seed}.png"
        write_sheet(path, pair)
        console.print(str(path))
        return
    began = time.process_time()
    pictures = _write(out, pair, video_seconds, stream_seconds)
    seconds = time.process_time() - began
    made_by = f"python -m samples.town --seed {seed} --size-m {size_m:g} --gsd-m {gsd_m:g} --width {width} "
    made_by += f"--height {height} --changes {changes} --positions {positions}" + (f" --mix {mix}" if mix else "")
    write_truth(out / "truth.json", pair.truth, made_by)
    write_register(out / "register", pair.truth)
    kinds = ", ".join(change.kind.value for change in pair.truth.changes) or "nothing"
    console.print(f"{out}: {len(pair.truth.changes)} structures differ: {kinds}")
    console.print(
        f"{pictures} pictures, {pictures * width * height / 1e6 / seconds:.1f} MP/s of one core with encoding"
    )


def _write(out: Path, pair: TownPair, video_seconds: float, stream_seconds: float) -> int:
    """Returns how many pictures were made."""
    truth = pair.truth
    flights: list[Flown] = [truth.before, truth.after, truth.again]
    columns = (TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    fps = 30
    moving = round(video_seconds * fps) + round(stream_seconds * fps)
    total = sum(len(flown.survey.shots) + moving for flown in flights)
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("pictures", total=total)
        for flown in flights:
            progress.update(task, description=flown.name)
            write_stills(out / flown.name, flown, lambda: progress.advance(task))
            if video_seconds:
                write_video(out / f"{flown.name}.mp4", flown, video_seconds, fps, lambda: progress.advance(task))
            if stream_seconds:
                path = out / f"{flown.name}.ts"
                write_transport_stream(path, flown, stream_seconds, fps, lambda: progress.advance(task))
            flown.forget()
    return total


if __name__ == "__main__":
    typer.run(generate)
