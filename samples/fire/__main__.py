"""`python -m samples.fire --out DIR`: the shipped clip; `--sheet SHOW`: pictures to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from samples.fire.clip import add_to_index, write_clip, yard_clip
from samples.fire.preview import scene_sheet, stills_sheet
from samples.fire.suite import PHOTOGRAPHS, SEED, evaluation_set

STILLS = ("fire", "smoke", "both", "lookalikes")
console = Console(stderr=True, soft_wrap=True)


def generate(
    out: Annotated[Path, typer.Option(help="Folder for what is made; made if it is not there.")],
    sheet: Annotated[
        str | None,
        typer.Option(help=f"Instead: composites ({', '.join(STILLS)}), or the scenes whose names hold this."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of composites.")] = 1,
) -> None:
    """Makes `yard-1.mp4` with its truth and calibration, or contact sheets of composites and evaluation scenes."""
    out.mkdir(parents=True, exist_ok=True)
    if sheet is not None:
        _look(out, sheet, seed)
        return
    scene = yard_clip()
    with Progress(console=console) as progress:
        task = progress.add_task(scene.name, total=scene.seconds * scene.fps)
        path, renderer = write_clip(out, scene, lambda: progress.advance(task))
    add_to_index(out, renderer)
    console.print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def _look(out: Path, wanted: str, seed: int) -> None:
    if wanted in STILLS:
        path = out / f"{wanted}-{seed}.png"
        stills_sheet(path, seed, wanted)
        console.print(str(path))
        return
    photographs = PHOTOGRAPHS if PHOTOGRAPHS.is_dir() else None
    scenes = evaluation_set(SEED, photographs, wanted)
    if not scenes:
        raise typer.BadParameter(f"no scene's name holds {wanted!r}; expected {', '.join(STILLS)} or flame-03")
    for scene in scenes:
        scene_sheet(out / f"{scene.name}.png", scene, photographs)
        console.print(str(out / f"{scene.name}.png"))


if __name__ == "__main__":
    typer.run(generate)
