"""People and vehicles in pictures of surveys, blurred as in other stills of the box where its configuration says so."""

from __future__ import annotations

from edge.config.document import EdgeConfig
from edge.detectors.interface import Image
from edge.evidence.redaction import Still, StillBlur
from edge.flights.surveys.telling import Blur
from edge.inference.port import ReplayModels


def blur_of(config: EdgeConfig) -> Blur | None:
    """None: pictures are as they were taken.

    Raises:
        edge.inference.errors.ModelError: the model cannot be used.
    """
    if config.evidence.blur is None:
        return None
    blur = StillBlur(config.evidence.blur, ReplayModels(config.inference).ports().new())

    def still(picture: Image) -> Still | None:
        return blur.still(picture)

    return still
