"""What a changed configuration does: only what is touched starts anew."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.config.document import EdgeConfig, config_from_text
from edge.config.problems import ConfigError
from edge.config.text import parse
from edge.supervisor.plan import (
    EVERYTHING,
    USERS,
    Part,
    cameras,
    plan_of,
    refuse_what_needs_a_restart,
    sensors,
    touched_parts,
)
from edge.view import Plan
from tests.edge.supervisor.running import PLACE, clip

PATH = Path("/etc/gridsentry/edge.yaml")


def well(number: int) -> dict[str, Any]:
    channels = {"level": {"path": "level", "unit": "m"}}
    return {
        "kind": "sensor",
        "location": PLACE,
        "input": {"type": "mqtt", "topic": f"wells/{number}", "channels": channels},
    }


BASE: dict[str, Any] = {
    "device": {"id": "box-1", "state_dir": "state"},
    "server": {"url": "http://127.0.0.1:1", "token_file": "token"},
    "mqtt": {"host": "127.0.0.1", "client_id": "box-1"},
    "sources": {"gate": clip("gate.mp4"), "yard": clip("yard.mp4"), "well-1": well(1), "*": {"kind": "camera"}},
}


def changed(**sections: Any) -> str:
    return yaml.safe_dump({**copy.deepcopy(BASE), **sections})


def config(text: str) -> EdgeConfig:
    return config_from_text(text, PATH)


def with_sources(**sources: Any) -> str:
    merged = {**BASE["sources"], **sources}
    return changed(sources={key: value for key, value in merged.items() if value is not None})


def planned(text: str) -> Plan:
    return plan_of(config(changed()), config(text))


def test_nothing_changed_does_nothing() -> None:
    plan = planned("# a comment\n" + changed())
    assert plan == Plan(stays=("gate", "well-1", "yard"))
    assert plan.empty


def test_a_new_camera_disturbs_nobody() -> None:
    assert planned(with_sources(roof=clip("roof.mp4"))) == Plan(starts=("roof",), stays=("gate", "well-1", "yard"))


def test_a_camera_that_goes_or_loses_its_input_stops_alone() -> None:
    assert planned(with_sources(gate=None)) == Plan(stops=("gate",), stays=("well-1", "yard"))
    unplugged = {"kind": "camera", "location": PLACE}
    assert planned(with_sources(gate=unplugged)) == Plan(stops=("gate",), stays=("well-1", "yard"))


def test_a_changed_camera_restarts_alone() -> None:
    plan = planned(with_sources(gate=clip("gate.mp4", loop=True)))
    assert plan == Plan(restarts=("gate",), stays=("well-1", "yard"))


def test_sensors_share_a_session_and_restart_together() -> None:
    plan = planned(with_sources(**{"well-2": well(2)}))
    assert plan == Plan(starts=("well-2",), restarts=("well-1",), stays=("gate", "yard"), children=("sensors",))


def test_a_source_that_becomes_another_kind_restarts() -> None:
    plan = planned(with_sources(gate=well(3)))
    assert plan.restarts == ("gate", "well-1")
    assert plan.stays == ("yard",)


def test_settings_for_replay_concern_nobody_who_runs() -> None:
    assert planned(with_sources(**{"*": {"kind": "camera", "name": "any"}})).empty


@pytest.mark.parametrize(
    ("section", "value", "restarts", "children"),
    [
        ("server", {"url": "http://127.0.0.1:2", "token_file": "token"}, (), ("uplink",)),
        ("server", None, (), ("uplink",)),
        ("mqtt", {"host": "127.0.0.2", "client_id": "box-1"}, ("well-1",), ("sensors",)),
        ("evidence", {"clip_after_seconds": 7}, ("gate", "well-1", "yard"), ("sensors", "uplink")),
        ("health", {"device": {"hot_celsius": 80}}, ("gate", "yard"), ("uplink",)),
        ("local", {}, (), ("local",)),
        ("supervision", {"drain_seconds": 5}, (), ()),
        ("inference", {"threads": 2}, ("gate", "yard"), ()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_section_restarts_what_uses_it(
    section: str, value: Any, restarts: tuple[str, ...], children: tuple[str, ...]
) -> None:
    plan = planned(changed(**{section: value}))
    assert (plan.restarts, plan.children) == (restarts, children)
    assert plan.starts == plan.stops == ()
    assert sorted((*plan.restarts, *plan.stays)) == ["gate", "well-1", "yard"]


PEOPLE = {"path": "people.onnx", "format": "yolov8", "labels": ["person"]}
CARS = {"path": "cars.onnx", "format": "yolox"}


@pytest.mark.parametrize(
    ("after", "models"),
    [
        ({"models": {"people": {**PEOPLE, "path": "people-2.onnx", "version": "2"}}}, ("people",)),
        ({"models": {"people": {**PEOPLE, "min_score": 0.2}, "cars": CARS}}, ("cars", "people")),
        ({"models": {"cars": CARS}}, ("cars", "people")),
        ({"models": {"people": PEOPLE}, "store": "elsewhere"}, ()),
    ],
    ids=["replaced", "added", "given up", "store"],
)
def test_models_change_under_running_cameras(after: dict[str, Any], models: tuple[str, ...]) -> None:
    plan = plan_of(config(changed(inference={"models": {"people": PEOPLE}})), config(changed(inference=after)))
    assert plan == Plan(stays=("gate", "well-1", "yard"), models=models)
    assert plan.empty == (not models)


@pytest.mark.parametrize(
    "after",
    [
        {"models": {"people": {**PEOPLE, "labels": ["car"]}}},
        {"models": {}},
        {"models": {"people": {**PEOPLE, "version": "2"}}, "threads": 2},
    ],
    ids=["labels", "none left", "more than models"],
)
def test_what_detectors_were_built_for_does_not_change_under_them(after: dict[str, Any]) -> None:
    plan = plan_of(config(changed(inference={"models": {"people": PEOPLE}})), config(changed(inference=after)))
    assert plan == Plan(restarts=("gate", "yard"), stays=("well-1",))


def test_every_section_says_who_uses_it() -> None:
    """One that does not would restart everything at each change of it."""
    assert set(EdgeConfig.model_fields) == set(USERS)
    assert USERS.get("a section of tomorrow", EVERYTHING) == frozenset(Part)


@pytest.mark.parametrize(
    ("device", "field"),
    [({"id": "box-2", "state_dir": "state"}, "device.id"), ({"id": "box-1", "state_dir": "other"}, "device.state_dir")],
    ids=["id", "state_dir"],
)
def test_what_belongs_to_the_chain_needs_a_restart(device: dict[str, str], field: str) -> None:
    text = changed(device=device)
    with pytest.raises(ConfigError) as raised:
        refuse_what_needs_a_restart(config(changed()), config(text), PATH, parse(text))
    (problem,) = raised.value.problems
    assert field in str(problem)
    assert "needs a restart" in str(problem)
    assert f"{PATH}:{parse(text).line_of(('device', field.split('.')[1]))}" in str(problem)


def test_kinds_are_told_apart() -> None:
    loaded = config(changed())
    assert set(cameras(loaded)) == {"gate", "yard"}
    assert set(sensors(loaded)) == {"well-1"}
    assert touched_parts(loaded, loaded) == frozenset()


def test_a_drone_that_tells_its_place_over_the_broker_is_opened_anew_with_another() -> None:
    fields = {"latitude": "lat", "longitude": "lon", "above_takeoff_m": "height"}
    drone = {**clip("drone.mp4"), "telemetry": {"type": "mqtt", "topic": "drones/1", "fields": fields}}
    sources = {**BASE["sources"], "drone": drone}
    before, after = (
        config(changed(sources=sources, mqtt={"host": host, "client_id": "box-1"}))
        for host in ("127.0.0.1", "10.0.0.2")
    )
    assert plan_of(before, after).restarts == ("drone", "well-1")
