"""How a camera that failed is opened again."""

from __future__ import annotations

import random
from typing import Annotated

from pydantic import Field, model_validator

from edge.config.base import Settings


class ReconnectSettings(Settings):
    """Waits between attempts: half to whole of `first_seconds`, twice, four times … up to `max_seconds`."""

    first_seconds: Annotated[float, Field(ge=0.1, le=60)] = 1
    """A camera that restarts is away for 20 s and more; one whose switch blinked is back at once."""
    max_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 60
    """A camera that has been away for a day is seen a minute after it is back, for 1,440 attempts a day."""

    @model_validator(mode="after")
    def _ordered(self) -> ReconnectSettings:
        if self.first_seconds > self.max_seconds:
            raise ValueError(f"found first_seconds {self.first_seconds:g}, expected at most max_seconds")
        return self

    def wait_seconds(self, attempt: int) -> float:
        """The wait after this attempt, from 1. Jitter: cameras behind one switch must not come at once."""
        most = min(self.max_seconds, self.first_seconds * 2.0 ** min(attempt - 1, 16))
        return most * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
