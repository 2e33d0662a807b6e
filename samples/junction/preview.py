"""Scenes to look at: a sheet of pictures, and what is lit against what was judged, over time."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal.eye import Eye
from edge.detectors.traffic_signal.findings import Finding
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.placer import Placer
from edge.detectors.traffic_signal.readings import HeadReading, Lit
from edge.detectors.traffic_signal.settings import Colour
from samples.junction.camera import Camera
from samples.junction.installed import settings_of
from samples.junction.plans import HeadSpec
from samples.junction.render import Renderer
from samples.junction.scenario import Scene

Picture = NDArray[np.uint8]
INK = {
    Colour.RED: (50, 50, 220),
    Colour.AMBER: (0, 170, 240),
    Colour.GREEN: (90, 180, 40),
    Colour.WHITE: (200, 200, 200),
}
HIDDEN, DARK, UNKNOWN, PAPER = (225, 225, 225), (60, 60, 60), (235, 190, 235), (255, 255, 255)
LEFT, BAND, PIXELS = 150, 9, 1500


def contact_sheet(scene: Scene, photographs: Path | None, path: Path, count: int = 12) -> None:
    """`count` pictures at even times, with the time, what is hidden and which faults are on."""
    camera = Camera(Renderer(scene, photographs))
    tiles = []
    for number in range(count):
        t = scene.seconds * (number + 0.5) / count
        picture = cv2.resize(camera.frame(round(t * scene.fps), t).read_bgr(), (640, 360))
        hidden = ", ".join(f"{head} {why}" for head, why in camera.renderer.hidden(t).items())
        on = ", ".join(
            f"{f.kind.value} {'+'.join(f.heads)}" for f in scene.faults if f.start_seconds <= t < f.end_seconds
        )
        for y, text in ((20, f"{scene.name} {t:.0f} s"), (340, f"{hidden}  {on}")):
            cv2.putText(picture, text, (8, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 3, cv2.LINE_AA)
            cv2.putText(picture, text, (8, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
        tiles.append(picture)
    rows = [np.hstack(tiles[i : i + 3]) for i in range(0, count, 3)]
    cv2.imwrite(str(path), np.vstack(rows))


def timeline_chart(scene: Scene, photographs: Path | None, path: Path) -> None:
    """Each head as two bands, truth above and reading below; above all of them what was found, as lines."""
    camera = Camera(Renderer(scene, photographs))
    settings, size = settings_of(scene), PictureSize(scene.width, scene.height)
    placer, eye, machine = Placer(settings, size), Eye(settings, size), TimeMachine(settings)
    findings: dict[str, list[Finding]] = {}
    heads = scene.spec.heads
    bands = np.full((2 * len(heads), PIXELS, 3), 255, np.uint8)
    for frame in camera.frames():
        scene_reading = eye.look(frame, placer.place(frame))
        for finding in machine.observe(scene_reading):
            findings.setdefault(f"{finding.fault.value} {finding.key}", []).append(finding)
        x = min(int(frame.media_time / scene.seconds * PIXELS), PIXELS - 1)
        truth, hidden = camera.renderer.states(frame.media_time), camera.renderer.hidden(frame.media_time)
        for row, head in enumerate(heads):
            bands[2 * row, x:] = HIDDEN if head.id in hidden else _ink(head, truth[head.id].lit)
            bands[2 * row + 1, x:] = _read_ink(head, scene_reading.heads[head.id])
    cv2.imwrite(str(path), _drawn(scene, bands, findings))


def _ink(head: HeadSpec, lit: tuple[int, ...]) -> tuple[int, int, int]:
    if not lit:
        return DARK
    red, green, blue = (sum(INK[head.lamps[index][0]][channel] for index in lit) // len(lit) for channel in range(3))
    return red, green, blue


def _read_ink(head: HeadSpec, reading: HeadReading) -> tuple[int, int, int]:
    if not reading.seen:
        return HIDDEN
    if Lit.UNKNOWN in reading.lamps:
        return UNKNOWN
    return _ink(head, tuple(index for index, lamp in enumerate(reading.lamps) if lamp is Lit.ON))


def _drawn(scene: Scene, bands: Picture, findings: dict[str, list[Finding]]) -> Picture:
    faults = [(f"TRUE {f.kind.value} {'+'.join(f.heads)}", f.start_seconds, f.end_seconds) for f in scene.faults]
    told = []
    for name, found in findings.items():
        active = [finding.media_time for finding in found if finding.active]
        told += [(name, active[0], active[-1])] if active else []
    lines = [*faults, *told]
    head_rows = len(scene.spec.heads)
    sheet = np.full((30 + 16 * len(lines) + head_rows * (2 * BAND + 8), LEFT + PIXELS + 10, 3), 255, np.uint8)
    _write(sheet, f"{scene.name}: {scene.seconds:.0f} s at {scene.fps} fps; truth above, reading below", 16)
    y = 32
    for name, start, end in lines:
        _write(sheet, name, y + 4)
        a, b = (LEFT + int(t / scene.seconds * PIXELS) for t in (start, end))
        cv2.line(sheet, (a, y), (b, y), (40, 40, 40) if name.startswith("TRUE") else (200, 90, 30), 4)
        y += 16
    for row, head in enumerate(scene.spec.heads):
        _write(sheet, f"{head.id} {scene.looks[head.id].diameter:.0f} px", y + BAND)
        for half in range(2):
            sheet[y + half * BAND : y + (half + 1) * BAND - 1, LEFT : LEFT + PIXELS] = bands[2 * row + half]
        y += 2 * BAND + 8
    return sheet


def _write(sheet: Picture, text: str, y: int) -> None:
    cv2.putText(sheet, text, (4, y), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (30, 30, 30), 1, cv2.LINE_AA)
