"""What two flights cost to compare: read from disk, bundled, matched, laid on each other, searched.

Of stills the work is counted, on one core; of video the whole program, as long as somebody waits for it on two.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import cv2

from edge.flights.differing import differences
from edge.flights.flight_settings import FlightSettings
from edge.flights.ingesting import Ingested, ingest
from samples.demo.programs import installed
from samples.town import Plan, make_pair
from samples.town.key_frames import write_key_frames
from samples.town.stills import write_stills
from tests.bench.rows import Row, at_most, publish

ROUNDS = 3
PLAN = Plan(4000, 3000, 0.05, forward_overlap=0.7, side_overlap=0.5)
MOST_SECONDS = 3.0
VIDEO_PLAN, VIDEO_SECONDS = Plan(3840, 2160, 0.04, side_overlap=0.5), 45
LAPS, MOST_OF_LAPS = 8, 1.5
"""A flight so many times as long takes at most so many times the memory."""
CORES = 2
LOOK_SECONDS = 0.1


def run() -> list[Row]:
    """The bench's rows."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        rows = [*_rows(), *_video_rows()]
    finally:
        cv2.setNumThreads(threads)
    publish("survey", rows)
    return rows


def _rows() -> list[Row]:
    pair = make_pair(5, 250.0, plan=PLAN, changes=6)
    with tempfile.TemporaryDirectory(prefix="bench-survey-") as name:
        folder = Path(name)
        for flown in (pair.truth.before, pair.truth.after):
            write_stills(folder / flown.name, flown)
            flown.forget()
        read, compared = [], []
        for _ in range(ROUNDS):
            began = time.process_time()
            flights = [_flight(folder / flown.name) for flown in (pair.truth.before, pair.truth.after)]
            middle = time.process_time()
            found = differences(*flights)
            assert found.shifts is not None, "nothing was compared: the figure would be of something else"
            pictures = len(flights[1].flight.frames)
            read.append((middle - began) / pictures)
            compared.append((time.process_time() - middle) / pictures)
    note = f"CPU seconds a picture of 12 MP at 5 cm and its baseline's, {pictures} of each; 70 % and 50 % overlap"
    whole = [one + other for one, other in zip(read, compared, strict=True)]
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        at_most("survey.cpu_per_pair", whole, "s", MOST_SECONDS, note),
        at_most("survey.of_it_reading", read, "s", None, "telemetry, sharpness and choice of pictures"),
        at_most("survey.memory", [most], "MiB", None, "of the whole process at most, its town's rendering included"),
    ]


def _video_rows() -> list[Row]:
    pair = make_pair(5, 250.0, plan=VIDEO_PLAN, changes=6)
    with tempfile.TemporaryDirectory(prefix="bench-survey-") as name:
        folder = Path(name)
        for flown in (pair.truth.before, pair.truth.after):
            for times, into in ((1, folder), (LAPS, folder / "long")):
                write_key_frames(into / f"{flown.name}.mp4", flown, VIDEO_SECONDS, times=times)
            flown.forget()
        runs = [_surveyed(folder, folder / f"out-{number}") for number in range(ROUNDS)]
        _, most_of_laps = _surveyed(folder / "long", folder / "out-long")
    note = f"of {VIDEO_SECONDS} s of 4K with a key frame a second and as much of its baseline, on {CORES} cores"
    share, memory = [seconds / VIDEO_SECONDS for seconds, _ in runs], [most for _, most in runs]
    longer = f"of {LAPS} such flights in one, over {LAPS} towns, to that of one"
    return [
        at_most("survey.video_share", share, "", 1.0, f"seconds a second {note}; the program's start included"),
        at_most("survey.video_memory", memory, "MiB", None, note),
        at_most("survey.longer_memory", [most_of_laps / max(memory)], "", MOST_OF_LAPS, longer),
    ]


def _surveyed(folder: Path, out: Path) -> tuple[float, float]:
    """Seconds that the program runs, and the memory that it takes at most, in MiB."""
    flights = [str(folder / "after.mp4"), "--baseline", str(folder / "before.mp4")]
    began, most = time.monotonic(), 0.0
    with subprocess.Popen(
        [installed("gridsentry-edge"), "survey", *flights, "--out", str(out)], stdout=subprocess.DEVNULL
    ) as program:
        os.sched_setaffinity(program.pid, sorted(os.sched_getaffinity(0))[:CORES])
        while program.poll() is None:
            most = max(most, _peak_mib(program.pid))
            time.sleep(LOOK_SECONDS)
    assert program.returncode == 0, "nothing was compared: the figure would be of something else"
    return time.monotonic() - began, most


def _peak_mib(pid: int) -> float:
    """The most that a process has held so far. Not `wait4`'s figure: that counts what we held as it began."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def _flight(folder: Path) -> Ingested:
    return ingest(folder, FlightSettings())
