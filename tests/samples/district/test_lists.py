"""The three lists keep their format, their promises and their reasons."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from samples.district.catalogue import load_catalogue

Row = dict[str, str]

PROMISED_HAZARDS = {
    "thrown_object", "fire", "smoke", "smoke_density", "signal_dark", "signal_stuck", "signal_flashing",
    "signal_conflict", "signal_lamp", "signal_sequence", "signal_countdown",
    "illegal_structure", "water_level", "gas", "temperature", "tilt", "power", "sensor",
    "road_damage", "blocked_fire_lane", "ponding", "collapse", "rubbish", "parked_vehicle", "camera_offline",
    "intrusion", "crowd", "wrong_way", "objects_in_zone",
}  # fmt: skip
PROMISED_CODES = {
    ("event", "01-01"): "illegal_structure",
    ("event", "01-13"): "road_damage",
    ("event", "01-20"): "open_burning",
    ("event", "04-10"): "parked_bicycles",
    ("event", "05-05"): "collapse",
    ("event", "05-06"): "water_level",
    ("event", "05-96"): "thrown_object",
    ("event", "04-96"): "blocked_fire_lane",
}
HEADERS = {
    "matters.csv": "edition,kind,code,name_zh,name_en,big_class_zh,big_class_en,hazards,severity,condition,"
    "condition_zh,condition_en,limit,limit_unit,closing_zh,closing_en,auto_dispatch,special_grid,valid_from,valid_to",
    "responsibilities.csv": "edition,kind,code,grid_scope,level,unit_code,unit_zh,unit_en,co_units",
    "prohibitions.csv": "edition,kind,code,level,reason_zh,reason_en",
}


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


@pytest.fixture(scope="module")
def matters(committed: Path) -> list[Row]:
    return _read(committed / "matters.csv")


@pytest.fixture(scope="module")
def responsibilities(committed: Path) -> list[Row]:
    return _read(committed / "responsibilities.csv")


@pytest.fixture(scope="module")
def prohibitions(committed: Path) -> list[Row]:
    return _read(committed / "prohibitions.csv")


def _key(row: Row) -> tuple[str, str]:
    return row["kind"], row["code"]


def _by_matter(matters: list[Row]) -> dict[tuple[str, str], list[Row]]:
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in matters:
        grouped[_key(row)].append(row)
    return grouped


@pytest.mark.parametrize(("name", "header"), HEADERS.items())
def test_columns_are_those_that_the_server_reads(committed: Path, name: str, header: str) -> None:
    lines = (committed / name).read_text("utf-8").splitlines()
    assert lines[0] == header
    assert all(len(row) == header.count(",") + 1 for row in csv.reader(lines))


def test_there_are_sixty_matters_of_both_kinds(matters: list[Row]) -> None:
    kinds = Counter(kind for kind, _ in _by_matter(matters))
    assert kinds.total() >= 60
    assert min(kinds["component"], kinds["event"]) >= 20
    assert {row["edition"] for row in matters} == {"demo-2026"}


def test_every_promised_hazard_has_exactly_one_matter(matters: list[Row]) -> None:
    owners: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in matters:
        for hazard in row["hazards"].split():
            assert re.fullmatch(r"[a-z][a-z0-9_]{0,63}", hazard)
            owners[hazard].add(_key(row))
    assert set(owners) >= PROMISED_HAZARDS
    assert not {hazard: keys for hazard, keys in owners.items() if len(keys) > 1}
    for key, hazard in PROMISED_CODES.items():
        assert owners[hazard] == {key}
    assert {kind for hazard in owners if hazard.startswith("signal_") for kind, _ in owners[hazard]} == {"component"}


def test_local_codes_count_down_from_99_without_a_hole(matters: list[Row]) -> None:
    """Numbers above 90 are local; each class counts its own."""
    local: dict[tuple[str, str], set[int]] = defaultdict(set)
    for kind, code in _by_matter(matters):
        assert re.fullmatch(r"\d{2}-\d{2}", code)
        if int(code[3:]) > 90:
            local[kind, code[:2]].add(int(code[3:]))
    assert all(99 in numbers for numbers in local.values())
    for group, numbers in local.items():
        assert set(range(min(numbers), 100)) - numbers == set(), group


def test_a_matters_rows_differ_only_in_their_condition(matters: list[Row]) -> None:
    own = {"condition", "condition_zh", "condition_en", "limit", "limit_unit", "closing_zh", "closing_en"}
    for key, rows in _by_matter(matters).items():
        assert [row["condition"] for row in rows] == [str(number + 1) for number in range(len(rows))], key
        assert len({tuple(value for column, value in row.items() if column not in own) for row in rows}) == 1, key
        assert len({row["condition_en"] for row in rows}) == len(rows), key


def test_every_text_is_there_in_both_languages(
    matters: list[Row], responsibilities: list[Row], prohibitions: list[Row]
) -> None:
    for row in (*matters, *responsibilities, *prohibitions):
        for column, value in row.items():
            if column.endswith("_zh"):
                assert re.search(r"[\u4e00-\u9fff]", value), row
            if column.endswith("_en"):
                assert value.isascii(), row
                assert value[0].isupper(), row


def test_all_four_units_of_time_and_the_known_limits_are_used(matters: list[Row]) -> None:
    units = Counter(row["limit_unit"] for row in matters)
    assert set(units) == {"working_hour", "continuous_hour", "working_day", "continuous_day"}
    assert all(int(row["limit"]) >= 1 for row in matters)
    limits = {(*_key(row), row["condition"]): (row["limit"], row["limit_unit"]) for row in matters}
    assert limits["component", "02-10", "1"] == ("2", "continuous_hour"), "dark signal"
    assert limits["event", "05-06", "1"] == ("2", "continuous_hour"), "ponding"
    assert limits["event", "05-05", "1"] == ("2", "continuous_hour"), "collapse"
    assert limits["event", "05-96", "1"] == ("2", "continuous_hour"), "fallen object"
    assert limits["event", "05-01", "1"] == ("1", "continuous_hour"), "pipe burst"
    assert limits["event", "04-96", "1"] == ("2", "continuous_hour"), "blocked fire lane"
    assert limits["event", "01-04", "1"] == ("2", "working_hour"), "dirty road"
    assert limits["event", "01-02", "1"] == ("4", "working_hour"), "exposed rubbish"
    assert limits["event", "01-13", "1"] == ("5", "working_day"), "road damage"
    assert limits["event", "01-01", "1"] == ("2", "continuous_day"), "illegal structure being built"
    assert limits["event", "01-01", "2"] == ("15", "working_day"), "illegal structure, built"


def test_shares_are_like_a_citys(matters: list[Row]) -> None:
    rows = [rows[0] for rows in _by_matter(matters).values()]
    auto = sum(row["auto_dispatch"] == "yes" for row in rows) / len(rows)
    assert 0.2 <= auto <= 0.3, "a city dispatches 145 of 504 without an operator"
    assert {row["special_grid"] for row in rows} == {"wins", "ignored"}
    assert {row["severity"] for row in rows} == {"red", "yellow", "blue"}
    conditions = Counter(len(rows) for rows in _by_matter(matters).values())
    assert conditions[2] >= 10
    assert conditions[3] >= 2


def test_responsibilities_have_no_tie_and_name_what_exists(
    matters: list[Row], responsibilities: list[Row], prohibitions: list[Row], features: list[dict[str, dict[str, str]]]
) -> None:
    known, scopes = set(_by_matter(matters)), {"*", *(f["properties"]["code"] for f in features)}
    rows = Counter((*_key(row), row["grid_scope"], row["level"]) for row in responsibilities)
    assert max(rows.values()) == 1
    units = {row["unit_code"]: (row["unit_zh"], row["unit_en"]) for row in responsibilities}
    for row in responsibilities:
        assert _key(row) in known
        assert row["grid_scope"] in scopes
        assert row["level"] in {"0", "1", "2", "3", "special"}
        assert units[row["unit_code"]] == (row["unit_zh"], row["unit_en"])
        assert row["unit_code"] not in row["co_units"].split()
    denied = Counter((*_key(row), row["level"]) for row in prohibitions)
    assert max(denied.values()) == 1
    assert {_key(row) for row in prohibitions} <= known
    assert 15 <= len(units) <= 30


def test_life_at_risk_never_goes_to_a_micro_grid(matters: list[Row], prohibitions: list[Row]) -> None:
    denied = {(*_key(row), row["level"]) for row in prohibitions}
    for hazard in ("gas", "fire", "smoke", "smoke_density"):
        key = next(_key(row) for row in matters if hazard in row["hazards"].split())
        assert (*key, "3") in denied
        assert (*key, "2") in denied


def test_every_unit_of_the_catalogue_is_used(responsibilities: list[Row]) -> None:
    used = {unit for row in responsibilities for unit in (row["unit_code"], *row["co_units"].split())}
    assert used == set(load_catalogue().units)
