"""What the process tree costs: from start to the first commit, from a kill to sight, memory."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path

from tests.bench.rows import ROOT, Row, at_most, publish
from tests.edge.supervisor.running import (
    children,
    children_of,
    clip,
    configuration,
    program,
    running,
    wait_until,
    waiting_events,
)

ROUNDS = 5
CLIP = ROOT / "samples" / "clips" / "gate-3.mp4"


def run() -> list[Row]:
    """Measures and publishes the rows."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [*start_rows(Path(folder)), *restart_rows(Path(folder))]
    publish("processes", rows)
    return rows


def start_rows(folder: Path) -> list[Row]:
    """A box with two cameras on two workers, from nothing."""
    first, spent, proportional = [], [], []
    for number in range(ROUNDS):
        home = folder / f"start-{number}"
        home.mkdir()
        path = configuration(home, {"a": clip(CLIP, loop=True), "b": clip(CLIP, loop=True)}, supervision={"workers": 2})
        began = time.monotonic()
        with program(path) as box:
            wait_until(lambda home=home: waiting_events(home) > 0, "the first commit")
            first.append(time.monotonic() - began)
            pids = [box.pid, *children_of(box.pid)]
            spent.append(sum(map(cpu_seconds, pids)))
            proportional.append(sum(map(pss_bytes, pids)) / 1e6)
            box.send_signal(signal.SIGTERM)
            box.wait()
    note = f"supervisor, two workers, uplink; median of {ROUNDS}"
    return [
        at_most("start to the first commit", first, "s", None, note),
        at_most("processor time by then, all processes", spent, "s", None, note),
        at_most("memory then, shared pages counted once", proportional, "MB", None, note),
    ]


def restart_rows(folder: Path) -> list[Row]:
    """A worker is killed: until its camera sees again."""
    home = folder / "restart"
    home.mkdir()
    blind = []
    limits = {"restart_limit": 1000, "restart_window_seconds": 1}
    with running(configuration(home, {"a": clip(CLIP, loop=True)}, supervision=limits)) as supervisor:
        for _ in range(ROUNDS):
            wait_until(lambda: supervisor.view().sources["a"].packets_read > 150, "it sees")
            victim = children(supervisor)["cameras-1"].pid
            assert victim is not None
            began = time.monotonic()
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda victim=victim: children(supervisor)["cameras-1"].pid not in {victim, None}, "replaced")
            wait_until(lambda: 0 < supervisor.view().sources["a"].packets_read <= 150, "it sees again")
            blind.append(time.monotonic() - began)
    note = f"as the local page shows it, which is up to 2 s late; median of {ROUNDS}"
    return [at_most("worker killed to sight", blind, "s", None, note)]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss_bytes(pid: int) -> int:
    """Memory of a process, with its share of the pages that it shares."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    run()
