"""A survey as a folder of JPEG files, as a drone's memory card has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import cv2

from edge.flights.local import LocalPlane
from edge.flights.reading.angles import attitude_of
from edge.flights.telemetry import Attitude
from samples.town.exif import Notes, with_notes
from samples.town.pairs import Flown

QUALITY = 92


def notes_of(flown: Flown, number: int) -> Notes:
    """What the drone says of one picture."""
    shot = flown.survey.shots[number]
    pose = shot.said_pose
    gimbal = attitude_of(pose.turn)
    # The platform flies where the picture's upper edge points to, nearly level.
    ahead = attitude_of(pose.turn[:, (0, 2, 1)] * (1, 1, -1))
    covariance = pose.covariance
    return Notes(
        taken_at=flown.began_at + timedelta(seconds=shot.seconds),
        place=LocalPlane(flown.town.origin).point(pose.east_m, pose.north_m),
        up_m=pose.up_m,
        gimbal=gimbal,
        platform=Attitude(ahead.yaw, 0.0, 0.0),
        lens=flown.survey.said_lens,
        positioning=flown.noise.positioning,
        horizontal_sigma_m=float(covariance[0, 0]) ** 0.5,
        vertical_sigma_m=float(covariance[2, 2]) ** 0.5,
    )


def write_stills(
    folder: Path, flown: Flown, on_picture: Callable[[], None] = lambda: None, only: Sequence[int] | None = None
) -> list[Path]:
    """Writes `DJI_0001.JPG` and so on, all or `only` some; returns their paths. The folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    quality = flown.state.jpeg_quality or QUALITY
    written = []
    for number in range(len(flown.survey.shots)) if only is None else only:
        # Squeezed once: the renderer's own JPEG would be the second.
        picture = flown.raw_picture(number)
        done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if not done:
            raise RuntimeError(f"picture {number} of {flown.name}: OpenCV could not make a JPEG of it")
        path = folder / f"DJI_{number + 1:04d}.JPG"
        path.write_bytes(with_notes(data.tobytes(), notes_of(flown, number)))
        written.append(path)
        on_picture()
    return written
