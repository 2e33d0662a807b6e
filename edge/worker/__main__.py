"""`python -m edge.worker KIND`: a child process, started by the supervisor alone."""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import gc
import os
import signal
import socket
import sys
import traceback
from typing import NoReturn

_PR_SET_PDEATHSIG = 1


def main() -> NoReturn:
    """Works until the supervisor says stop, or is gone."""
    parser = argparse.ArgumentParser(prog="edge.worker", description="Started by gridsentry-edge run.")
    parser.add_argument("kind", choices=["cameras", "sensors", "uplink"])
    parser.add_argument("--name", required=True)
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--bell", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--log-level", default="info")
    parser.add_argument("--log-json", action="store_true")
    arguments = parser.parse_args()
    die_with(arguments.parent)
    # Ctrl-C and systemd reach the whole group; only the supervisor knows the order in which things end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    faulthandler.enable()  # a crash inside a decoder shows in which camera's thread it was
    # What is loaded now stays for good: collecting in between costs a tenth of the start.
    gc.disable()
    from edge.worker.hosting import Inherited, Link, host

    inherited = Inherited(arguments.name, arguments.bell, arguments.log_json, arguments.log_level)
    code = 1
    try:
        code = host(arguments.kind, Link(socket.socket(fileno=arguments.socket)), inherited)
    except Exception:
        traceback.print_exc()
    finally:
        # No finalisation: threads that are still inside a decoder would meet an interpreter that is being taken down.
        os._exit(code)


def die_with(parent: int) -> None:
    """Has the kernel end this process when its parent ends, and ends it now if that has already happened."""
    # Set here and not between fork and exec: that would run Python in a copy of a program with threads.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit(1)


if __name__ == "__main__":
    main()
