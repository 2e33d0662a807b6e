"""One child process: started with a socket of its own, spoken to without waiting, ended for certain."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

from edge.supervisor.messages import READ_BYTES, Lines, MessageError, News, Order, encoded, news_from
from edge.supervisor.notify import without_notify

MAX_UNSENT_BYTES = 64 * 1024 * 1024
"""A child that takes nothing is about to be killed for its silence; until then this much may wait for it."""


class Child:
    """A running child. None of its methods waits for the child.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(self, arguments: Sequence[str], inherited: Sequence[int] = ()) -> None:
        ours, theirs = socket.socketpair()
        try:
            # -P: the folder where the program was started must not shadow its modules.
            command = [sys.executable, "-P", "-m", "edge.worker", *arguments]
            command += ["--socket", str(theirs.fileno()), "--parent", str(os.getpid())]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), *inherited),
                env=without_notify(os.environ),
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        try:
            self.exit_fd = os.pidfd_open(self._process.pid)
            """Becomes readable when the process has ended."""
        except BaseException:
            ours.close()
            self._process.kill()
            self._process.wait()
            raise
        ours.setblocking(False)
        self.socket = ours
        self.closed = False
        """Nothing more will come from it."""
        self._lines = Lines()
        self._unsent = bytearray()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_unsent(self) -> bool:
        """Whether `flush` should be called when the socket takes more."""
        return bool(self._unsent)

    def send(self, order: Order) -> None:
        """Sends an order, now or when the child takes it. A child that is gone takes nothing."""
        line = encoded(order)
        if len(self._unsent) + len(line) <= MAX_UNSENT_BYTES:
            self._unsent += line
        self.flush()

    def flush(self) -> None:
        """Sends what the socket takes now."""
        try:
            while self._unsent:
                del self._unsent[: self.socket.send(self._unsent[:READ_BYTES])]
        except BlockingIOError:
            return
        except OSError:
            self._unsent.clear()  # it has ended; `poll` will say so

    def receive(self) -> Sequence[News]:
        """What the child has said since the last call.

        Raises:
            MessageError: it sends what is no message.
        """
        return [news_from(line) for line in self._lines.feed(self._read() or b"")]

    def last_words(self) -> Sequence[News]:
        """What a child that has ended still had to say, as far as it can be read."""
        said: list[News] = []
        with contextlib.suppress(MessageError):
            while content := self._read():
                said += [news_from(line) for line in self._lines.feed(content)]
        return said

    def _read(self) -> bytes | None:
        try:
            content = self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return None
        except ConnectionError:
            content = b""
        self.closed = self.closed or not content
        return content

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """Ends it without asking."""
        self._process.kill()

    def close(self) -> None:
        """Lets go of an ended child."""
        self.socket.close()
        os.close(self.exit_fd)


def said_exit(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"ended with exit code {status}"
    try:
        return f"ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"ended by signal {-status}"
