"""A part that breaks through a fault of ours says so and starts anew; the others go on."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger("worker")

RESTART_SECONDS = 5.0


def guarded(name: str, work: Callable[[], None], stopping: threading.Event) -> threading.Thread:
    """Runs `work` in a thread of its own, anew whenever it breaks, until it returns or the program stops."""

    def run() -> None:
        while True:
            try:
                work()
            except Exception:
                log.exception("a part of the program broke, it will be started again", part=name)
                if stopping.wait(RESTART_SECONDS):
                    return
            else:
                return

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
