"""Which source is served by which worker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.sources import CameraSource
from edge.status import SourceMeter
from edge.supervisor.placement import place, shared_workers, weight_of, worker_apart, worker_index

IDS = st.text("abcdef-0123", min_size=1, max_size=6)
WEIGHTS = st.dictionaries(IDS, st.floats(1, 1e9), max_size=20)


def test_the_heaviest_go_first_and_the_least_loaded_gets_them() -> None:
    weights = {"4k": 8.0, "hd-1": 2.0, "hd-2": 2.0, "hd-3": 2.0, "sub": 1.0}
    placed = place(weights, ["w1", "w2"])
    assert placed["4k"] == "w1"
    assert {placed[name] for name in ("hd-1", "hd-2", "hd-3", "sub")} == {"w2"}


@given(weights=WEIGHTS, count=st.integers(1, 6), added=WEIGHTS, gone=st.sets(IDS), apart=st.sets(IDS))
def test_placements_are_complete_and_stay(
    weights: dict[str, float], count: int, added: dict[str, float], gone: set[str], apart: set[str]
) -> None:
    workers = shared_workers(count)
    before = place(weights, workers)
    assert before.keys() == weights.keys()
    assert set(before.values()) <= set(workers)
    now = {name: weight for name, weight in {**added, **weights}.items() if name not in gone}
    after = place(now, workers, before, apart)
    assert after.keys() == now.keys()
    for name, worker in after.items():
        if name in apart:
            assert worker == worker_apart(name)
        elif name in before:
            assert worker == before[name], "nobody is moved because somebody else comes or goes"


@given(weights=WEIGHTS, count=st.integers(1, 6))
def test_no_worker_is_burdened_by_more_than_one_source_above_the_others(weights: dict[str, float], count: int) -> None:
    workers = shared_workers(count)
    placed = place(weights, workers)
    load = {name: sum(weight for key, weight in weights.items() if placed[key] == name) for name in workers}
    heaviest = max(weights.values(), default=0.0)
    assert max(load.values()) - min(load.values()) <= heaviest * (1 + 1e-9)


def test_the_same_sources_are_placed_in_the_same_way_in_any_order() -> None:
    weights = dict.fromkeys("fedcba", 1.0)
    assert place(weights, ["w1", "w2"]) == place(dict(sorted(weights.items())), ["w1", "w2"])


def test_fewer_workers_move_nobody() -> None:
    before = {"a": "cameras-1", "b": "cameras-2"}
    after = place({"a": 1.0, "b": 1.0, "c": 1.0}, shared_workers(1), before)
    assert after == {**before, "c": "cameras-1"}


def test_sources_without_workers_are_a_mistake_of_the_caller() -> None:
    assert place({}, []) == {}
    with pytest.raises(ValueError, match="no worker"):
        place({"a": 1.0}, [])


def test_names_of_workers_never_collide() -> None:
    assert worker_apart("s-1") not in shared_workers(64)
    assert [worker_index(name) for name in shared_workers(3)] == [0, 1, 2]
    assert worker_index(worker_apart("gate-3")) == 0


def test_a_stream_that_was_open_once_weighs_what_it_was() -> None:
    camera = CameraSource.model_validate(
        {"kind": "camera", "input": {"type": "file", "path": "a.mp4"}, "location": None}
    )
    unknown = weight_of(camera, None)
    sub = SourceMeter("a", "camera", width=640, height=360, fps=10.0)
    assert weight_of(camera, sub) == 640 * 360 * 10
    assert weight_of(camera, SourceMeter("a", "camera")) == unknown
    fast = CameraSource.model_validate(
        {"kind": "camera", "input": {"type": "file", "path": "a.mp4", "pace": "fastest"}, "location": None}
    )
    assert weight_of(fast, None) > unknown
