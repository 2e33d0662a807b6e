"""This box, its server and its broker."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from contract.base import Identifier
from edge.config.base import ConfigPath, Seconds, Settings
from edge.config.problems import found_text


def _is_http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"found {found_text(value)}, expected a URL such as https://centre.example:8080")
    if parts.username or parts.password:
        raise ValueError("found a name or password in the URL, expected the token in token_file alone")
    return value.rstrip("/")


class DeviceSettings(Settings):
    """This edge box."""

    id: Identifier
    state_dir: ConfigPath
    """Holds the outbox, the evidence that waits and the device's key. One process at a time."""


class ServerSettings(Settings):
    """Where events go."""

    url: Annotated[str, AfterValidator(_is_http_url)]
    token_file: ConfigPath
    connect_timeout_seconds: Seconds = 5
    """A server on another continent answers a handshake in < 1 s."""
    read_timeout_seconds: Seconds = 30
    """A batch is committed in milliseconds; a server that is silent for this long is retried."""


class MqttSettings(Settings):
    """The broker that sensors publish to."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65_535)] = 1883
    client_id: Annotated[str, Field(min_length=1, max_length=128)]
    """Fixed, because the broker keeps this client's unacknowledged messages under it."""
    username: str | None = None
    password_file: ConfigPath | None = None
    keepalive_seconds: Annotated[int, Field(ge=5, le=3600)] = 30
