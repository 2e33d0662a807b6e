"""`python -m samples.junction --out DIR`: the shipped clip; `--sheet SCENE`: pictures of a scene, to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from samples.junction.clip import add_to_index, junction_clip, write_clip
from samples.junction.preview import contact_sheet, timeline_chart
from samples.junction.suite import PHOTOGRAPHS, SEED, evaluation_set

console = Console(stderr=True, soft_wrap=True)


def generate(
    out: Annotated[Path, typer.Option(help="Folder for what is made; made if it is not there.")],
    sheet: Annotated[str | None, typer.Option(help="Instead: look at the scenes whose names hold this.")] = None,
) -> None:
    """Makes `junction-1.mp4` with its truth and calibration, or contact sheets and timelines of evaluation scenes."""
    out.mkdir(parents=True, exist_ok=True)
    if sheet is not None:
        _look(out, sheet)
        return
    scene = junction_clip()
    with Progress(console=console) as progress:
        task = progress.add_task(scene.name, total=scene.seconds * scene.fps)
        path = write_clip(out, scene, lambda: progress.advance(task))
    add_to_index(out, scene, "python -m samples.junction")
    console.print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def _look(out: Path, wanted: str) -> None:
    photographs = PHOTOGRAPHS if PHOTOGRAPHS.is_dir() else None
    scenes = evaluation_set(SEED, photographs, wanted)
    if not scenes:
        raise typer.BadParameter(f"no scene's name holds {wanted!r}; expected part of one such as fault-slow-03")
    for scene in scenes:
        contact_sheet(scene, photographs, out / f"{scene.name}.png")
        timeline_chart(scene, photographs, out / f"{scene.name}.timeline.png")
        console.print(f"{out / scene.name}.png, {out / scene.name}.timeline.png")


if __name__ == "__main__":
    typer.run(generate)
