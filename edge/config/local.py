"""The box's own page and end points."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, Field

from edge.config.base import Settings
from edge.config.problems import found_text

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)


def _is_host(value: str) -> str:
    lower = value.lower()
    if _NAME.fullmatch(lower) is None:
        try:
            ip_address(lower)
        except ValueError:
            raise ValueError(
                f"found {found_text(value)}, expected a host name or address without scheme or port, such as 127.0.0.1"
            ) from None
    return lower


HostName = Annotated[str, Field(min_length=1, max_length=253), AfterValidator(_is_host)]


class LocalSettings(Settings):
    """The page, health end points and metrics that the box serves itself. Absent: nothing is served."""

    host: HostName = "127.0.0.1"
    """Where to listen. The loopback by default: the page shows pictures, takes a token and speaks plain HTTP; others
    reach it through a tunnel or a proxy with TLS."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 8790
    names: tuple[HostName, ...] = ()
    """Further host names that requests may be addressed to, behind a proxy for example. Addresses and `localhost` are
    always taken; any other name is refused: that keeps a foreign web page from reading the box through a name that it
    points at the loopback (DNS rebinding)."""
    pictures: bool = True
    """Whether the page shows live pictures. Off: states and figures only."""
    still_width_px: Annotated[int, Field(ge=160, le=1280)] = 960
    """Widest live picture. 960 shows the windows of a facade and costs about 10 ms of a core a picture."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
