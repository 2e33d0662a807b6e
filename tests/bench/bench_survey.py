"""What two flights of 12 MP stills cost to compare: read from disk, bundled, matched, laid on each other, searched."""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import cv2

from edge.flights.differing import differences
from edge.flights.flight_settings import FlightSettings
from edge.flights.ingesting import Ingested, ingest
from samples.town import Plan, make_pair
from samples.town.stills import write_stills
from tests.bench.rows import Row, at_most, publish

ROUNDS = 3
PLAN = Plan(4000, 3000, 0.05, forward_overlap=0.7, side_overlap=0.5)
MOST_SECONDS = 3.0


def run() -> list[Row]:
    """The bench's rows."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        rows = _rows()
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


def _flight(folder: Path) -> Ingested:
    return ingest(folder, FlightSettings())
