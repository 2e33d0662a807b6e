"""What systemd wants to hear (sd_notify(3)): one datagram to the socket that it names."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

import structlog

log = structlog.get_logger("supervisor")


class Notifier:
    """Tells the service manager how the program is; does nothing where there is none. Never blocks, never raises."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._watchdog_seconds = _watchdog_seconds(environment) if self._address else None
        self._status = ""

    @property
    def pet_seconds(self) -> float | None:
        """How often `alive` must be said; None: nobody waits for it."""
        # Half of the limit, as sd_watchdog_enabled(3) advises.
        return None if self._watchdog_seconds is None else self._watchdog_seconds / 2

    def ready(self) -> None:
        """The start, or a reload, is over."""
        self._send("READY=1")

    def reloading(self) -> None:
        """A changed configuration is being taken up; `ready` must follow."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """The supervisor's loop turns and its children live."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`; said only when it changed."""
        if text != self._status:
            self._status = text
            self._send("STATUS=" + text.replace("\n", " "))

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.setblocking(False)
                out.sendto(message.encode("utf-8", errors="replace"), self._address)
        except OSError as error:
            log.warning("the service manager does not listen", reason=str(error), message=message.partition("\n")[0])


def _address(name: str) -> str | None:
    if name.startswith("@"):
        return "\0" + name[1:]  # the abstract namespace
    return name if name.startswith("/") else None


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None  # meant for another process
    try:
        microseconds = int(environment.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 else None


def without_notify(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for children: only the supervisor speaks to the service manager."""
    return {key: value for key, value in environment.items() if key not in _NOTIFY_VARIABLES}


_NOTIFY_VARIABLES = frozenset({"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
