"""Cameras that announce themselves in the local network (WS-Discovery)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from edge.sources.errors import SourceError

SECONDS = 4.0
"""Cameras wait up to 0.5 s at random before they answer, and question and answer are repeated."""
ONVIF_TYPES = "http://www.onvif.org/ver10/network/wsdl"
_ASKED = 3
MAX_TEXT = 120
"""Of a name or model: it comes from the network, from anybody."""


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """A camera that answered."""

    host: str
    port: int
    name: str
    model: str

    @property
    def address(self) -> str:
        """What `probe` takes."""
        return f"onvif://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def discover(seconds: float = SECONDS) -> list[FoundCamera]:
    """Asks the local network, by multicast on every interface, and listens for `seconds`; asks again meanwhile.

    Raises:
        SourceError: this machine has no network that it could ask.
    """
    from wsdiscovery import QName
    from wsdiscovery.discovery import ThreadedWSDiscovery

    logging.getLogger("threading").setLevel(logging.CRITICAL)  # the library's own name for its log
    service = ThreadedWSDiscovery()
    try:
        service.start()
        for _ in range(_ASKED):
            # Datagrams get lost, questions and answers. The service keeps what has answered an earlier one.
            wanted = [QName(ONVIF_TYPES, "NetworkVideoTransmitter")]
            answers = service.searchServices(types=wanted, timeout=seconds / _ASKED)
        return found_among(
            (answer.getXAddrs(), [str(scope.getValue()) for scope in answer.getScopes()]) for answer in answers
        )
    except OSError as error:
        raise SourceError(
            f"the network cannot be asked: {error.strerror or error}; give the camera's address"
        ) from error
    finally:
        service.stop()


def found_among(answers: Iterable[tuple[Any, list[str]]]) -> list[FoundCamera]:
    """Cameras from (service addresses, scopes) of answers: each host once, garbage left out. Pure."""
    found: dict[tuple[str, int], FoundCamera] = {}
    for addresses, scopes in answers:
        for address in addresses or ():
            try:
                parts = urlsplit(str(address))
                host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
            except ValueError:
                continue
            if host is None or parts.scheme not in {"http", "https"} or host.startswith("fe80"):
                continue
            found.setdefault((host, port), FoundCamera(host, port, _scope(scopes, "name"), _scope(scopes, "hardware")))
            break  # the others are the same camera by another way
    return sorted(found.values(), key=lambda camera: (camera.host, camera.port))


def _scope(scopes: Iterable[str], kind: str) -> str:
    mark = f"onvif.org/{kind}/"
    for scope in scopes:
        if mark in scope:
            text = unquote(scope.partition(mark)[2])
            return "".join(letter for letter in text if letter.isprintable())[:MAX_TEXT]
    return ""
