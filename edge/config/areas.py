"""Ground that survey flights are flown over again and again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from contract.base import Label
from edge.config.base import ConfigPath, Settings


class AreaSettings(Settings):
    """One area: the source of what surveys of it tell. Its id must stay the same, or every structure is new again."""

    name: Label = ""
    settings: ConfigPath | None = None
    """Flights, register and judgement: the file that `gridsentry-edge survey --settings` takes."""
    flights: ConfigPath | None = None
    """The folder in which flights appear, for `survey --watch`."""
    settle_seconds: Annotated[float, Field(ge=0.1, le=86_400)] = 60
    """A flight in which nothing has changed for so long is whole: cards are copied file after file, a network drive
    that stalls comes back within half a minute."""
