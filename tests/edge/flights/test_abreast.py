"""Works done at the same time: the same results as one after the other, one progress, and nobody works on in vain."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from edge.flights.abreast import abreast
from edge.flights.pictured import Pictured
from edge.flights.shots import NoProgress, Progress
from edge.flights.surfacing import Surfaced, surfaced
from tests.edge.flights.drawn import HOUSES, PLANE, SHED, flown
from tests.edge.vision.surface.scenes import Scene


class Told:
    """Progress that remembers: what was said, and how far it came."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int]] = []
        self.done = 0

    def begins(self, what: str, total: int) -> None:
        self.steps.append((what, total))
        self.done = 0

    def advances(self) -> None:
        self.done += 1
        assert self.done <= self.steps[-1][1]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a shell starts in the background ignores interrupts, and so do its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def counting(name: str, count: int, progress: Progress, *, wait: Callable[[], object] = lambda: None) -> str:
    progress.begins(name, count)
    for _ in range(count):
        wait()
        progress.advances()
    return name


def endless(ended: threading.Event, progress: Progress) -> None:
    """Ends with its progress only."""
    try:
        while True:
            progress.begins("endless", 1)
            time.sleep(0.001)
    finally:
        ended.set()


def test_results_come_in_the_order_of_the_works_whoever_is_faster() -> None:
    other = threading.Event()

    def slow(progress: Progress) -> str:
        other.wait()
        return counting("slow", 3, progress)

    def fast(progress: Progress) -> str:
        try:
            return counting("fast", 5, progress)
        finally:
            other.set()

    assert abreast([slow, fast], NoProgress()) == ["slow", "fast"]


def test_they_work_at_the_same_time() -> None:
    """Each waits for the other in the middle."""
    meet = threading.Barrier(2, timeout=30)
    works = [partial(counting, name, 4, wait=meet.wait) for name in ("one", "other")]
    assert abreast(works, NoProgress()) == ["one", "other"]


def test_progress_is_shown_as_one() -> None:
    told, turn = Told(), threading.Barrier(2, timeout=30)

    def first(progress: Progress) -> None:
        progress.begins("baseline: tied", 10)
        for _ in range(4):
            progress.advances()
        turn.wait()
        turn.wait()
        for _ in range(6):
            progress.advances()

    def second(progress: Progress) -> None:
        turn.wait()
        progress.begins("flight: tied", 6)
        assert told.done == 4, "what was done stays done"
        progress.advances()
        assert told.done == 5
        turn.wait()
        for _ in range(5):
            progress.advances()
        progress.begins("flight: measured", 2)
        progress.advances()
        progress.advances()

    works: list[Callable[[Progress], None]] = [first, second]
    abreast(works, told)
    assert told.steps[:2] == [("baseline: tied", 10), ("baseline: tied; flight: tied", 16)]
    assert ("flight: measured", 2) in told.steps or ("baseline: tied; flight: measured", 12) in told.steps
    assert told.done == told.steps[-1][1]


def test_what_all_do_is_said_once() -> None:
    told, meet = Told(), threading.Barrier(2, timeout=30)
    abreast([partial(counting, "looking", 2, wait=meet.wait), partial(counting, "looking", 2, wait=meet.wait)], told)
    assert ("looking", 4) in told.steps
    assert {what for what, _ in told.steps} == {"looking"}


def test_an_error_is_raised_and_the_other_does_not_work_on() -> None:
    ended, meet = threading.Event(), threading.Barrier(2, timeout=30)

    def full(progress: Progress) -> None:
        meet.wait()
        progress.begins("measured", 3)
        raise OSError("no space left on device")

    def other(progress: Progress) -> None:
        meet.wait()
        endless(ended, progress)

    works: list[Callable[[Progress], None]] = [other, full]
    for order in (works, works[::-1]):
        ended.clear()
        with pytest.raises(OSError, match="no space left"):
            abreast(order, NoProgress())
        assert ended.is_set()


def test_of_two_errors_the_first_one_is_raised() -> None:
    meet = threading.Barrier(2, timeout=30)

    def failing(name: str, _progress: Progress) -> None:
        meet.wait()
        raise OSError(name)

    for _ in range(5):
        with pytest.raises(OSError, match="baseline"):
            abreast([partial(failing, "baseline"), partial(failing, "flight")], NoProgress())


def test_progress_that_raises_ends_all() -> None:
    class Refusing(NoProgress):
        def advances(self) -> None:
            raise ValueError("the window is gone")

    with pytest.raises(ValueError, match="window"):
        abreast([partial(counting, "one", 3), partial(counting, "other", 3)], Refusing())


def test_who_is_interrupted_leaves_nobody_at_work(interruptible: None) -> None:
    ended, meet = [threading.Event(), threading.Event()], threading.Barrier(2, timeout=30)

    def interrupting(progress: Progress) -> None:
        meet.wait()
        os.kill(os.getpid(), signal.SIGINT)
        endless(ended[0], progress)

    def other(progress: Progress) -> None:
        meet.wait()
        endless(ended[1], progress)

    works: list[Callable[[Progress], None]] = [interrupting, other]
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        abreast(works, NoProgress())
    assert all(each.is_set() for each in ended)
    assert threading.active_count() == before


def test_an_interrupt_may_come_at_any_time(interruptible: None) -> None:
    """Also while the threads are started: whoever has begun has ended, too."""
    for microseconds in range(0, 3000, 150):
        begun: list[int] = []
        ended: list[int] = []

        def counted(name: int, begun: list[int], ended: list[int], progress: Progress) -> None:
            begun.append(name)
            try:
                endless(threading.Event(), progress)
            finally:
                ended.append(name)

        timer = threading.Timer(microseconds / 1e6, os.kill, (os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            abreast([partial(counted, name, begun, ended) for name in range(3)], NoProgress())
        assert sorted(begun) == sorted(ended)
        timer.join()


def test_surfaces_are_the_same_as_those_measured_one_after_the_other(tmp_path: Path) -> None:
    scenes = {"baseline": Scene(HOUSES, seed=1), "flight": Scene((*HOUSES, SHED), seed=2)}

    def works(folder: Path) -> list[Callable[[Progress], Surfaced | None]]:
        folder.mkdir()
        return [partial(surfaced, Pictured(flown(scene), PLANE), folder, name) for name, scene in scenes.items()]

    alone = [work(NoProgress()) for work in works(tmp_path / "alone")]
    both = abreast(works(tmp_path / "both"), NoProgress())
    for one, other in zip(alone, both, strict=True):
        assert one is not None and other is not None
        assert (one.agreement_px, one.pairs, one.refused) == (other.agreement_px, other.pairs, other.refused)
        for eye, same in zip(one.pictured.eyes, other.pictured.eyes, strict=True):
            assert np.array_equal(eye.centre, same.centre) and np.array_equal(eye.turn, same.turn)
        for found, again in zip(*(each.surface.read(each.surface.grid.whole) for each in (one, other)), strict=True):
            assert np.array_equal(found, again, equal_nan=True)
