"""Hours of hardship, for a machine that has nothing else to do: cameras that come and go, and what the box makes of it.

    nice python -m tests.bench.soak --hours 8 --streams 6

Every few seconds the RTSP server is killed and started again; every minute a line says what each process holds. At the
end: slopes of memory, descriptors and threads an hour, with their 95 % intervals. No part of the suite or `make bench`.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.edge.brokers import free_port
from tests.edge.hardship.box import LiveBox, camera
from tests.edge.hardship.farm import Farm, Mount, missing, record_street, write_units
from tests.edge.hardship.slopes import slope_of

FPS = 10
MB = 1e6


@dataclass(slots=True)
class Watch:
    """Samples of each process by its name, and when they were taken."""

    hours: list[float] = field(default_factory=list)
    megabytes: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    descriptors: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    threads: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def sample(self, box: LiveBox, began: float) -> None:
        """Looks at every process."""
        self.hours.append((time.monotonic() - began) / 3600)
        pids = {"supervisor": box.process.pid}
        pids |= {child["name"]: child["pid"] for child in box.view()["children"] if child["pid"] is not None}
        for name, pid in pids.items():
            process = psutil.Process(pid)
            self.megabytes[name].append(process.memory_full_info().uss / MB)
            self.descriptors[name].append(process.num_fds())
            self.threads[name].append(process.num_threads())

    def line(self) -> str:
        """The latest sample."""
        told = (
            f"{name} {values[-1]:.1f} MB {self.descriptors[name][-1]} fd {self.threads[name][-1]} th"
            for name, values in self.megabytes.items()
        )
        return " | ".join(told)

    def report(self) -> str:
        """Slopes an hour of the second half: the first one is warming up."""
        half = len(self.hours) // 2
        lines = []
        for unit, samples in (("MB", self.megabytes), ("fd", self.descriptors), ("threads", self.threads)):
            for name, values in samples.items():
                if len(values) == len(self.hours) and len(values) - half >= 3:
                    fit = slope_of(values[half:], self.hours[half:])
                    lines.append(
                        f"{name:12} {unit:8} {fit.per_step:+8.2f} an hour, 95 % {fit.low:+.2f} … {fit.high:+.2f}"
                    )
        return "\n".join(lines)


def soak(hours: float, streams: int, restart_seconds: float, sample_seconds: float) -> Watch:
    """Runs until the time is over."""
    random.seed(streams)
    watch = Watch()
    names = [f"camera-{number:02}" for number in range(1, streams + 1)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        units = write_units(record_street(folder / "street.mp4"), folder / "street.units")
        farm = Farm(free_port(), [Mount(name, units, FPS) for name in names])
        with farm, LiveBox(folder, {name: camera(farm.url(name)) for name in names}) as box:
            box.wait_online(names)
            began = time.monotonic()
            next_restart, next_sample = began + restart_seconds, began
            while time.monotonic() - began < hours * 3600:
                now = time.monotonic()
                if now >= next_sample:
                    next_sample += sample_seconds
                    watch.sample(box, began)
                    sessions = sum(source["sessions"] for source in box.sources().values())
                    print(f"{watch.hours[-1]:.3f} h, {sessions} sessions: {watch.line()}", flush=True)
                if restart_seconds and now >= next_restart:
                    next_restart = now + restart_seconds * random.uniform(0.5, 1.5)
                    farm.kill()
                    time.sleep(random.uniform(0, 2))
                    farm.start()
                time.sleep(0.1)
    return watch


def main(arguments: Sequence[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--hours", type=float, default=8)
    parser.add_argument("--streams", type=int, default=6)
    parser.add_argument("--restart-seconds", type=float, default=20, help="mean time between kills; 0: never")
    parser.add_argument("--sample-seconds", type=float, default=60)
    chosen = parser.parse_args(arguments)
    problem = missing()
    if problem is not None:
        print(problem, file=sys.stderr)
        return 2
    watch = soak(chosen.hours, chosen.streams, chosen.restart_seconds, chosen.sample_seconds)
    print(watch.report())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
