"""Hypothesis strategies for contract values: valid ones, with unknown fields mixed in."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from contract.canonical import sha256_hex
from contract.details import FIRE_HAZARDS, OBJECT_HAZARDS, SIGNAL_HAZARDS
from contract.events import Event, HazardData, HealthData, HeartbeatData, event_of

TIMES = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds and adds the zone itself
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=24)
IDENTIFIERS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="/\\"), min_size=1, max_size=24
)
# Beyond 2**53 a float's canonical form has no point and reads back as an integer that JSON cannot hold exactly.
FINITE = st.floats(-1e15, 1e15)
SLUGS = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
KINDS = st.sampled_from(["camera", "sensor"])
HASHES = st.binary(max_size=8).map(sha256_hex)
UUID7S = st.integers(min_value=0, max_value=2**128 - 1).map(
    lambda n: str(uuid.UUID(int=(n & ~(0xF << 76) & ~(0x3 << 62)) | (7 << 76) | (2 << 62)))
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | FINITE | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
TYPED_HAZARDS = ("thrown_object", "fire", "smoke", "crowd", "signal_dark", "signal_conflict", "illegal_structure")
UNKNOWN_FIELDS = st.dictionaries(SLUGS.map(lambda slug: f"x_{slug}"), JSON.filter(lambda v: v is not None), max_size=3)


@st.composite
def locations(draw: st.DrawFn) -> dict:
    return {
        "point": {"type": "Point", "coordinates": [draw(st.floats(-180, 180)), draw(st.floats(-90, 90))]},
        "accuracy_m": draw(st.floats(0.01, 100_000)),
        "method": draw(st.sampled_from(["camera", "homography", "drone_ray", "sensor", "manual"])),
        **draw(UNKNOWN_FIELDS),
    }


@st.composite
def evidence(draw: st.DrawFn) -> dict:
    return {
        "sha256": draw(HASHES),
        "kind": draw(SLUGS),
        "media_type": "image/jpeg",
        "bytes": draw(st.integers(1, 2**40)),
        "captured_at": draw(TIMES).isoformat(),
        "redacted": draw(st.booleans()),
    }


def details(hazard: str) -> st.SearchStrategy[dict]:
    if hazard == "thrown_object":
        point = st.fixed_dictionaries({"t": FINITE, "x": FINITE, "y": FINITE})
        measures = ("acceleration_mps2", "acceleration_error_mps2", "end_speed_mps", "drop_m", "residual_m")
        fall = dict.fromkeys(measures, FINITE)
        return st.fixed_dictionaries(
            {
                "box": st.fixed_dictionaries(
                    {"x": FINITE, "y": FINITE, "width": st.floats(0, 4000), "height": st.floats(0, 4000)}
                ),
                "track": st.lists(point, max_size=16),
                "fall": st.fixed_dictionaries(
                    {**fall, "observations": st.integers(0, 999), "coverage": st.floats(0, 1)}
                ),
            }
        )
    if hazard in SIGNAL_HAZARDS:
        return signal_details()
    if hazard in FIRE_HAZARDS:
        return fire_details()
    if hazard in OBJECT_HAZARDS:
        return objects_details()
    if hazard == "illegal_structure":
        return structure_details()
    return st.dictionaries(SLUGS, JSON, max_size=4)


def boxes() -> st.SearchStrategy[dict]:
    side = st.floats(0, 4000)
    return st.fixed_dictionaries({"x": FINITE, "y": FINITE, "width": side, "height": side})


def fire_details() -> st.SearchStrategy[dict]:
    positive = st.floats(0, 1e6)
    witness = st.fixed_dictionaries(
        {"source": IDENTIFIERS, "hazard": SLUGS, "seconds_ago": positive}, optional={"distance_m": positive}
    )
    return st.fixed_dictionaries(
        {
            "box": boxes(),
            "stage": st.sampled_from(["warning", "critical"]),
            "proposers": st.lists(SLUGS, min_size=1, max_size=4),
            "light": st.sampled_from(["day", "night", "infrared"]),
            "seconds": positive,
            "area_share": st.floats(0, 1),
        },
        optional={
            "growth_per_minute": FINITE,
            "width_m": positive,
            "height_m": positive,
            "cues": st.dictionaries(SLUGS, FINITE, max_size=4),
            "witnesses": st.lists(witness, max_size=4),
        },
    )


def objects_details() -> st.SearchStrategy[dict]:
    positive = st.floats(0, 1e6)
    thing = st.fixed_dictionaries({"label": NAMES, "box": boxes(), "seconds": positive})
    return st.fixed_dictionaries(
        {
            "zone": NAMES,
            "rule": st.sampled_from(["dwell", "count", "direction"]),
            "count": st.integers(1, 99),
            "seconds": positive,
            "limit": positive,
            "objects": st.lists(thing, min_size=1, max_size=6),
        },
        optional={"heading_degrees": st.floats(0, 359)},
    )


def structure_details() -> st.SearchStrategy[dict]:
    area = st.floats(0, 1e6)
    moments, days = TIMES.map(datetime.isoformat), TIMES.map(lambda moment: moment.date().isoformat())
    survey = st.fixed_dictionaries(
        {"id": IDENTIFIERS, "kind": st.sampled_from(["flight", "orthophoto"])}, optional={"taken_at": moments}
    )
    cover = st.fixed_dictionaries(
        {},
        optional={
            "register_id": NAMES,
            "permit_id": NAMES,
            "permit_state": st.sampled_from(["valid", "expired", "not_yet", "unreadable"]),
            "valid_from": days,
            "valid_until": days,
        },
    )
    return st.fixed_dictionaries(
        {
            "structure": IDENTIFIERS,
            "change": st.sampled_from(["new", "extended", "higher_unknown", "removed"]),
            "area_m2": area,
            "exceeded_m2": area,
            "sightings": st.fixed_dictionaries(
                {"frames": st.integers(0, 999), "flights": st.integers(1, 99), "first_seen": moments}
            ),
            "flight": survey,
            "compared_with": survey,
        },
        optional={
            "cover": cover,
            "on": st.lists(st.sampled_from(["road", "green", "water"]), max_size=3, unique=True),
            "order_id": NAMES,
            "rebuilt": st.booleans(),
            "cues": st.lists(SLUGS, max_size=8),
            "removed_at": moments,
        },
    )


@st.composite
def signal_details(draw: st.DrawFn) -> dict:
    heads = draw(st.lists(IDENTIFIERS, min_size=1, max_size=4))
    positive = st.floats(0, 1e6)
    may_lack = {
        "approach": NAMES,
        "groups": st.lists(IDENTIFIERS, max_size=3),
        "lamp": st.fixed_dictionaries({"colour": SLUGS, "shape": SLUGS}),
        "expected_seconds": positive,
        "flash_hz": st.floats(0, 10),
        "cycles": st.integers(0, 99),
        "order": st.lists(NAMES, max_size=8),
        "repaired_at": TIMES.map(datetime.isoformat),
    }
    return {
        "scope": draw(st.sampled_from(["head", "approach", "junction", "groups"])),
        "heads": heads,
        "heads_total": draw(st.integers(len(heads), 48)),
        "seconds": draw(positive),
        "visible_share": draw(st.floats(0, 1)),
        "samples_per_second": draw(st.floats(0.01, 60)),
        **draw(st.fixed_dictionaries({}, optional=may_lack)),
        **draw(UNKNOWN_FIELDS),
    }


@st.composite
def hazard_data(draw: st.DrawFn) -> HazardData:
    hazard = draw(st.sampled_from(TYPED_HAZARDS) | SLUGS.map(lambda s: f"new_{s}"[:64]))
    started = draw(TIMES)
    observed = started + timedelta(seconds=draw(st.floats(0, 86_400)))
    return HazardData.model_validate(
        {
            "episode_id": draw(UUID7S),
            "revision": draw(st.integers(1, 2**31 - 1)),
            "phase": draw(st.sampled_from(["opened", "updated", "cleared"])),
            "hazard": hazard,
            "tier": draw(st.sampled_from(["alarm", "review"])),
            "severity": draw(st.sampled_from(["red", "yellow", "blue"])),
            "confidence": draw(st.floats(0, 1)),
            "started_at": started,
            "observed_at": observed,
            "ended_at": draw(st.none() | st.just(observed)),
            "clock": {"synced": draw(st.booleans()), "offset_seconds": draw(FINITE)},
            "location": draw(locations()),
            "source": {
                "id": draw(IDENTIFIERS),
                "kind": draw(st.sampled_from(["camera", "sensor"])),
                "name": draw(NAMES),
            },
            "detail": draw(details(hazard)),
            "evidence": draw(st.lists(evidence(), max_size=3)),
            "producer": {"software": "test", "detector": draw(NAMES), "config_sha256": draw(HASHES)},
            **draw(UNKNOWN_FIELDS),
        }
    )


@st.composite
def other_data(draw: st.DrawFn) -> HealthData | HeartbeatData:
    if draw(st.booleans()):
        counts = {
            name: draw(st.integers(0, 2**40))
            for name in ("sources_online", "sources_total", "outbox_events", "outbox_evidence_bytes")
        }
        return HeartbeatData.model_validate({"software": draw(NAMES), **counts})
    return HealthData.model_validate(
        {
            "source": {"id": draw(IDENTIFIERS), "kind": "camera"},
            "state": draw(SLUGS),
            "reason": draw(NAMES),
            "since": draw(TIMES),
            **draw(UNKNOWN_FIELDS),
        }
    )


@st.composite
def events(draw: st.DrawFn) -> Event:
    data = draw(hazard_data() | other_data())
    return event_of(data, event_id=draw(UUID7S), device_id=draw(IDENTIFIERS), time=draw(TIMES))
