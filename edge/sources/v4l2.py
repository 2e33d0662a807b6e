"""A camera plugged into this machine (Video4Linux)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from edge.sources.container import LiveSource, Opening
from edge.sources.errors import SourceError

VIDEO_MAJOR = 81
"""The kernel's number for video devices (Documentation/admin-guide/devices.txt)."""


class V4l2Source(LiveSource):
    """A local camera.

    libav waits inside the driver for a picture: a camera that hangs there is not noticed by `read_timeout_seconds`, but
    by the age of its latest picture.

    Raises:
        SourceError: there is no such device, it is no camera, is in use, or has no such size; while iterating: it was
            unplugged.
    """

    def __init__(
        self,
        device: Path,
        *,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        pixel_format: str | None = None,
        open_timeout_seconds: float = 10.0,
        read_timeout_seconds: float = 10.0,
        hardware: str = "none",
    ) -> None:
        check_device(device)
        opening = Opening(
            url=str(device),
            options=device_options(size, fps, pixel_format),
            format="v4l2",
            timeouts_seconds=(open_timeout_seconds, read_timeout_seconds),
            hardware=hardware,
        )
        super().__init__(opening, str(device))


def device_options(size: tuple[int, int] | None, fps: float | None, pixel_format: str | None) -> dict[str, str]:
    """What libav's device is told; what is not asked for is left to the device."""
    options = {}
    if size is not None:
        options["video_size"] = f"{size[0]}x{size[1]}"
    if fps is not None:
        options["framerate"] = f"{fps:g}"
    if pixel_format is not None:
        options["input_format"] = pixel_format
    return options


def check_device(device: Path) -> None:
    """Says what is wrong with a device in better words than the driver's.

    Raises:
        SourceError: it is missing, no video device, or not ours to read.
    """
    try:
        found = device.stat()
    except FileNotFoundError:
        present = ", ".join(str(path) for path in sorted(Path("/dev").glob("video*"))) or "none"
        raise SourceError(
            f"{device}: no such device; this machine has: {present}; plug the camera in, or give its path"
        ) from None
    except OSError as error:
        raise SourceError(f"{device}: cannot be looked at: {error.strerror}") from error
    if not stat.S_ISCHR(found.st_mode) or os.major(found.st_rdev) != VIDEO_MAJOR:
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "no video device"
        raise SourceError(f"{device}: is {what}, expected one such as /dev/video0; a recording is type: file")
    if not os.access(device, os.R_OK | os.W_OK):
        raise SourceError(f"{device}: this user may not open it; run: usermod -aG video USER, and log in again")
