"""Burns a track into a clip or a picture, for whoever has no console: a report, a court file, a chat group."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame

from edge.detectors.interface import Mark
from edge.evidence.clip import START_COMMENT
from edge.evidence.pictures import with_marks

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
JPEG_QUALITY = 92
LEAD_SECONDS = 0.4
LINGER_SECONDS = 3.0
"""In a clip a track is shown from a moment before it begins to a moment after it ends, as in the console."""
_TIME_BASE = Fraction(1, 90_000)


class BurnError(ValueError):
    """A track cannot be burnt in, with the reason and what to do."""


@dataclass(frozen=True, slots=True)
class TrackFile:
    """A `gridsentry.track.v1` document. `size` (width, height) is that of the picture whose pixels it counts."""

    marks: tuple[Mark, ...]
    size: tuple[int, int] | None


def read_track(path: Path) -> TrackFile:
    """Reads a track.

    Raises:
        BurnError: it is no track.
        OSError: it cannot be read.
    """
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        raise BurnError(f"{path}: is no JSON ({error}), expected evidence of the kind `track`") from error
    found = document.get("format") if isinstance(document, dict) else None
    if found != "gridsentry.track.v1":
        raise BurnError(f"{path}: format: found {found!r}, expected 'gridsentry.track.v1'")
    try:
        size = document.get("size")
        marks = tuple(_mark(track) for track in document["tracks"])
        return TrackFile(marks, None if size is None else (int(size[0]), int(size[1])))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise BurnError(f"{path}: tracks: cannot be read ({error!r}), expected points of [t, x, y]") from error


def burn_picture(picture: Path, track: TrackFile, out: Path) -> None:
    """Draws the whole track on a still.

    Raises:
        BurnError: the picture cannot be read or written.
    """
    content = cv2.imdecode(np.frombuffer(picture.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if content is None:
        raise BurnError(f"{picture}: is no picture, expected a JPEG or PNG")
    drawn = with_marks(np.asarray(content, np.uint8), _scaled(track, content.shape[1], content.shape[0]))
    done, encoded = cv2.imencode(out.suffix, drawn, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise BurnError(f"{out}: cannot be written as {out.suffix}, expected .jpg or .png")
    _write_whole(out, encoded.tobytes())


def start_of(clip: Path) -> float | None:
    """The media time of a clip's first picture, as it was written into it; None in clips of an older version."""
    with _opened(clip) as container:
        comment = container.metadata.get("comment", "")
    if not comment.startswith(START_COMMENT):
        return None
    try:
        return float(comment.removeprefix(START_COMMENT))
    except ValueError:
        return None


def burn_clip(clip: Path, track: TrackFile, out: Path, start_seconds: float, seen: Callable[[float], None]) -> int:
    """Draws the track into every picture of a clip as it was at its time; `seen` hears the share that is done.

    `start_seconds` is the media time of the clip's first picture. Returns how many pictures show the track.

    Raises:
        BurnError: the clip cannot be read.
    """
    target = io.BytesIO()
    shown = 0
    try:
        with _opened(clip) as source, av.open(target, "w", format="mp4") as output:
            stream = source.streams.video[0]
            marks = _scaled(track, stream.width, stream.height)
            total = float((stream.duration or 0) * (stream.time_base or 0)) or 1.0
            copy = output.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "20"})
            copy.width, copy.height, copy.pix_fmt = stream.width & ~1, stream.height & ~1, "yuv420p"
            copy.time_base = copy.codec_context.time_base = _TIME_BASE
            for picture in source.decode(stream):
                at = picture.time or 0.0
                present = [mark for mark in marks if _is_shown(mark, start_seconds + at)]
                shown += bool(present)
                colours = np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)
                drawn = with_marks(colours, present, start_seconds + at)
                frame = VideoFrame.from_ndarray(np.ascontiguousarray(drawn[: copy.height, : copy.width]), "bgr24")
                frame.pts, frame.time_base = round(at / _TIME_BASE), _TIME_BASE
                for packet in copy.encode(frame):
                    output.mux(packet)
                seen(min(1.0, at / total))
            for packet in copy.encode(None):
                output.mux(packet)
    except (FFmpegError, IndexError) as error:
        raise BurnError(f"{clip}: cannot be read as a video: {error}") from error
    _write_whole(out, target.getvalue())
    return shown


def _opened(clip: Path) -> av.container.InputContainer:
    try:
        return av.open(str(clip), "r", metadata_errors="replace")
    except FFmpegError as error:
        raise BurnError(f"{clip}: cannot be opened: {error.strerror or error}") from error


def _mark(track: Mapping[str, Any]) -> Mark:
    box = track.get("box")
    return Mark(
        polyline=tuple((float(t), float(x), float(y)) for t, x, y in track["points"]),
        box=None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
        label=str(track.get("label", "")),
    )


def _scaled(track: TrackFile, width: int, height: int) -> list[Mark]:
    """The marks in the pixels of a picture of another size than the detector's."""
    if track.size is None or track.size == (width, height):
        return list(track.marks)
    right, down = width / track.size[0], height / track.size[1]
    return [
        replace(
            mark,
            polyline=tuple((t, x * right, y * down) for t, x, y in mark.polyline),
            box=None
            if mark.box is None
            else (mark.box[0] * right, mark.box[1] * down, mark.box[2] * right, mark.box[3] * down),
        )
        for mark in track.marks
    ]


def _is_shown(mark: Mark, now: float) -> bool:
    if not mark.polyline:
        return mark.box is not None
    return mark.polyline[0][0] - LEAD_SECONDS <= now <= mark.polyline[-1][0] + LINGER_SECONDS


def _write_whole(path: Path, content: bytes) -> None:
    """What is there under a name is whole, also when the program is stopped half-way."""
    aside = path.with_name(path.name + ".part")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
