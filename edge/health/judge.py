"""What single pictures of a camera say of its sight, against the view that was learned of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.config.health import CameraCondition, CameraHealthSettings
from edge.detectors.interface import Image
from edge.vision.sampling import Samples

_NO_FIGURES: Mapping[CameraCondition, Mapping[str, float]] = {}


@dataclass(frozen=True, slots=True)
class Look:
    """What one picture says. A condition that is missing, or None, cannot be judged by it.

    `sees`: there is something to be seen; None: nobody can tell. `shift` in shares of the picture's width.
    """

    verdicts: Mapping[CameraCondition, bool | None] = field(default_factory=dict)
    figures: Mapping[CameraCondition, Mapping[str, float]] = field(default_factory=lambda: _NO_FIGURES)
    sees: bool | None = None
    shift: tuple[float, float] | None = None


class PictureJudge:
    """Judges one camera's pictures, one after the other."""

    def __init__(self, settings: CameraHealthSettings, remembered: str | None) -> None:
        self._settings = settings
        self.view_is_new = False
        self._previous: Samples | None = None

    def look(self, luma: Image, now: float) -> Look:
        """What a picture says; `now` in seconds on the camera's time axis."""
        samples = luma[3::24, 5::24].copy()
        previous, self._previous = self._previous, samples
        same = previous is not None and previous.shape == samples.shape and bool((previous == samples).all())
        flat = float(samples.std()) < 2.0
        verdicts: dict[CameraCondition, bool | None] = {
            CameraCondition.FROZEN: same and not flat,
            CameraCondition.COVERED: flat,
        }
        return Look(verdicts, sees=not flat)

    def forget_view(self) -> None:
        """Learns the view anew."""

    def saved(self) -> str | None:
        """The views, for the outbox."""
        return None
