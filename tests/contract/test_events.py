"""Events: round trips, unknown fields and hazards, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contract.canonical import canonical_bytes
from contract.events import AnyEvent, Event, HazardEvent
from tests.contract.strategies import JSON, events, hazard_data

ADAPTER: TypeAdapter[Any] = TypeAdapter(AnyEvent)


@given(events())
def test_an_event_survives_the_wire(event: Event) -> None:
    content = canonical_bytes(event.as_json())
    read = ADAPTER.validate_json(content, strict=True)
    assert read == event
    assert canonical_bytes(read.as_json()) == content


@given(events(), st.lists(st.tuples(st.from_regex(r"x_[a-z]{1,8}", fullmatch=True), JSON), min_size=1, max_size=4))
def test_unknown_fields_are_kept_at_every_level(event: Event, extra: list[tuple[str, Any]]) -> None:
    message = event.as_json()
    fields = {name: value for name, value in extra if value is not None}
    for target in _levels(message):
        target.update(fields)
    again = ADAPTER.validate_json(canonical_bytes(message), strict=True).as_json()
    for target in _levels(again):
        assert {name: target[name] for name in fields} == fields


def _levels(message: dict[str, Any]) -> list[dict[str, Any]]:
    data = message["data"]
    return [message, data, *(data[name] for name in ("location", "source", "clock", "producer") if name in data)]


def test_an_unknown_hazard_is_accepted_with_its_detail(hazard_message: dict[str, Any]) -> None:
    hazard_message["data"] |= {"hazard": "sinkhole", "detail": {"depth_m": 3.5, "witnesses": ["a", {"b": None}]}}
    event = ADAPTER.validate_json(json.dumps(hazard_message), strict=True)
    assert event.data.typed_detail() is None
    assert event.as_json()["data"]["detail"] == hazard_message["data"]["detail"]


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (["data", "confidence"], 1.5, "data.confidence"),
        (["data", "confidence"], "0.5", "data.confidence"),
        (["data", "revision"], 0, "data.revision"),
        (["data", "hazard"], "Thrown Object", "data.hazard"),
        (["data", "started_at"], "2026-01-01T00:00:00", "data.started_at"),
        (["data", "started_at"], "9999-01-01T00:00:00Z", "data.started_at"),
        (["data", "location", "point", "coordinates"], [200.0, 0.0], "data.location.point.coordinates.0"),
        (["data", "location", "accuracy_m"], 0, "data.location.accuracy_m"),
        (["data", "source", "id"], "../../etc/passwd", "data.source.id"),
        (["data", "evidence"], [{"sha256": "../x"}], "data.evidence.0.sha256"),
        (["data", "detail"], {"box": 1}, "data"),
        (["id"], "6f1c2a34-0000-4000-8000-000000000000", "id"),
        (["source"], "/devices/a/b", "source"),
        (["subject"], "another", ""),
        (["type"], "gridsentry.hazard.cleared.v1", ""),
        (["specversion"], "0.3", "specversion"),
    ],
)
def test_bad_values_are_refused_by_name(
    hazard_message: dict[str, Any], path: list[str], value: Any, field: str
) -> None:
    target = hazard_message
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(ValidationError) as refusal:
        TypeAdapter(HazardEvent).validate_json(json.dumps(hazard_message), strict=True)
    fields = {".".join(str(step) for step in error["loc"]) for error in refusal.value.errors()}
    assert any(name.startswith(field) for name in fields), fields


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(hazard_message: dict[str, Any], number: str) -> None:
    text = json.dumps(hazard_message).replace('"confidence": 0.9', f'"confidence": {number}')
    assert number in text
    with pytest.raises(ValidationError):
        ADAPTER.validate_json(text, strict=True)


@settings(max_examples=30)
@given(hazard_data())
def test_values_are_frozen(data: Any) -> None:
    with pytest.raises(ValidationError):
        data.revision = 7
