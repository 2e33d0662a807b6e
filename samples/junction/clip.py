"""The clip that the project ships: a junction that works, a bus before a head, a power failure, and work again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import yaml

from edge.detectors.traffic_signal.findings import Fault
from samples.facade.truth import write_yaml
from samples.junction.camera import Coded
from samples.junction.faults import TrueFault
from samples.junction.installed import document_of
from samples.junction.lights import Picture
from samples.junction.plans import Crossroads
from samples.junction.render import Renderer
from samples.junction.scenario import HeadLook, Make, Moment, Scene, Sky, Vehicle

CRF = 31
"""So that the minutes stay below 1.5 MB with the lamps' colours intact."""
GOP_SECONDS = 8


def junction_clip() -> Scene:
    """640×360, three minutes and a half at eight pictures a second; the power fails at 60 s and is back at 120 s."""
    spec = Crossroads(left_turns=False, countdown_seconds=9, scale=0.3).spec()
    looks = {
        "n1": HeadLook(232, 72, 15, make=Make.BACKBOARD),
        "n2": HeadLook(420, 88, 10, make=Make.VISORS),
        "e1": HeadLook(84, 60, 20, digits_side=1),
        "e2": HeadLook(520, 56, 14, horizontal=True),
        "w1": HeadLook(596, 196, 14, make=Make.GREEN),
    }
    return Scene(
        name="junction-1",
        seed=21,
        width=640,
        height=360,
        fps=8,
        seconds=210,
        spec=spec,
        looks=looks,
        light=(Moment(0, Sky.DULL),),
        events=(Vehicle("e1", 14, 42, (0.5, 0.08, 0.06), speed=110),),
        faults=(TrueFault(Fault.DARK, tuple(head.id for head in spec.heads), 60, 120, "junction"),),
        begins_at=datetime(2026, 3, 4, 6, 30, tzinfo=UTC),
        traffic=0.12,
    )


def write_clip(folder: Path, scene: Scene, on_picture: Callable[[], None] = lambda: None) -> Path:
    """Renders and encodes a scene as `<name>.mp4`. Equal pictures give equal bytes."""
    renderer = Renderer(scene)
    path = folder / f"{scene.name}.mp4"
    encode(path, scene, (renderer.picture(i / scene.fps, i) for i in range(int(scene.seconds * scene.fps))), on_picture)
    return path


def encode(path: Path, scene: Coded, pictures: Iterable[Picture], on_picture: Callable[[], None]) -> None:
    """H.264 in MP4, playable by browsers; no stamps of time or version."""
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=int(scene.fps), options=_options(scene))
        stream.width, stream.height, stream.pix_fmt = scene.width, scene.height, "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = Fraction(1, int(scene.fps))
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, int(scene.fps))
            container.mux(stream.encode(frame))
            on_picture()
        container.mux(stream.encode(None))


def _options(scene: Coded) -> dict[str, str]:
    gop = str(round(GOP_SECONDS * scene.fps))
    return {
        "preset": "slow",
        "profile": "main",
        "crf": str(CRF),
        "g": gop,
        "keyint_min": gop,
        "sc_threshold": "0",
        "bf": "0",
        "threads": "1",
        "flags": "+bitexact",
        "x264-params": "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m:range=tv",
    }


def truth_of(scene: Scene) -> dict[str, Any]:
    """The clip as a truth file lists it."""
    return {
        "file": f"{scene.name}.mp4",
        "episodes": [
            {"hazard": fault.kind.value, "start_seconds": fault.start_seconds, "end_seconds": fault.end_seconds}
            for fault in scene.faults
        ],
    }


def add_to_index(folder: Path, scene: Scene, command: str) -> None:
    """Puts the clip into `truth.yaml` and `calibration.yaml`, in place of what they said of it; their notes stay."""
    enter(folder, scene.name, truth_of(scene), {"traffic_signal": document_of(scene)}, command)


def enter(folder: Path, name: str, truth: dict[str, Any], calibration: dict[str, Any], command: str) -> None:
    """Puts any clip into both files; what they say of others stays."""
    truth_path, calibration_path = folder / "truth.yaml", folder / "calibration.yaml"
    known = _read(truth_path)
    clips = {clip["file"]: clip for clip in known.get("clips", [])}
    clips[truth["file"]] = truth
    write_yaml(truth_path, {"clips": list(clips.values())}, _notes(truth_path, name, command))
    # As it would be read back, so that entering a clip again changes nothing.
    settings = {**_read(calibration_path), name: json.loads(json.dumps(calibration))}
    write_yaml(calibration_path, settings, _notes(calibration_path, name, command))


def _read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}


def _notes(path: Path, name: str, command: str) -> str:
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    notes = [line.removeprefix("# ") for line in lines if line.startswith("# ")]
    mine = f"{name}: made by {command}"
    if not any(note.startswith(f"{name}:") for note in notes):
        notes.append(mine)
    return "\n".join(mine if note.startswith(f"{name}:") else note for note in notes)
