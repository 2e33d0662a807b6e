"""What an area's memory keeps between flights, and what of a damaged one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.detectors.illegal_structure.sightings import Memory
from edge.detectors.illegal_structure.survey import survey
from edge.detectors.registry import Resumable
from tests.edge.detectors.illegal_structure.ground import (
    SETTINGS,
    SHED,
    box,
    detector,
    flight,
    found,
)


def test_what_is_remembered_survives_a_restart() -> None:
    eye = detector()
    eye.survey([found(SHED), found(box(50, 0, 8, 8), frames=1)], flight("f1"))
    content = json.loads(json.dumps(eye.save()))
    other = detector()
    other.load(content)
    assert other.memory == eye.memory
    follow = flight("f2", 30)
    again = [found(SHED), found(box(50, 0, 8, 8))]
    assert other.survey(again, follow) == eye.survey(again, follow)
    assert isinstance(other, Resumable)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_memory_costs_what_is_damaged(data) -> None:
    eye = detector()
    eye.survey([found(SHED), found(box(50, 0, 8, 8))], flight("f1"))
    content = json.loads(json.dumps(eye.save()))
    field = data.draw(st.sampled_from(sorted(content["structures"][0])))
    content["structures"][0][field] = data.draw(JSON)
    if data.draw(st.booleans()):
        content["structures"].insert(0, data.draw(JSON))
    other = detector()
    other.load(content)
    assert content["structures"][-1]["key"] in {one.key for one in other.memory.structures}
    for observation in other.survey([found(SHED)], flight("f2", 30)):
        assert observation.location.area is not None


def test_what_was_remembered_before_firm_sightings_were_counted_had_nothing_else() -> None:
    eye = detector()
    for number in range(2):
        eye.survey([found(SHED)], flight(f"f{number}", 30 * number))
    content = json.loads(json.dumps(eye.save()))
    del content["structures"][0]["firm_flights"]
    other = detector()
    other.load(content)
    assert other.memory == eye.memory
    content["structures"][0]["firm_flights"] = 3
    other.load(content)
    assert other.memory == Memory(), "of two flights no three can have seen it"
    content["structures"][0] |= {"firm_flights": 2, "height_m": 1000.0}
    other.load(content)
    assert other.memory == Memory(), "no building is a kilometre high"


@pytest.mark.parametrize("word", ["", "Blue steel", "x" * 65, "蓝色"])
def test_a_cue_that_no_event_can_say_costs_itself(word) -> None:
    eye = detector()
    eye.survey([found(SHED)], flight("f1"))
    content = json.loads(json.dumps(eye.save()))
    content["structures"][0]["cues"] = [word, "colour_steel"]
    other = detector()
    other.load(content)
    assert [one.cues for one in other.memory.structures] == [("colour_steel",)]
    assert [each.key for each in other.survey([found(SHED)], flight("f2", 30))] == [content["structures"][0]["key"]]


@pytest.mark.parametrize("content", [None, [], {}, {"structures": 5}, {"structures": [None, {}]}, "x"])
def test_nothing_is_remembered_of_what_is_no_memory(content) -> None:
    eye = detector()
    eye.load(content)
    assert eye.memory == Memory()


def test_memory_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr("edge.detectors.illegal_structure.sightings.MOST_STRUCTURES", 3)
    memory = Memory()
    outlines = [box(20 * number, 0, 5, 5) for number in range(5)]
    outcome = survey([found(outline) for outline in outlines], flight("f1"), memory, SETTINGS)
    assert len(outcome.memory.structures) == 3
