"""The box as one JSON document for the page, and the recent past of its sources."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from edge.local.readiness import unready_reasons
from edge.sources.errors import redact_url
from edge.status import SourceMeter
from edge.view import BoxView, Plan

SAMPLE_SECONDS = 2.0
SAMPLES = 120
"""Four minutes: what somebody on a ladder wants to know, "is it steady now?"."""
SHOWN_RECORDS = 300
SHOWN_EVENTS = 100


class History:
    """The last minutes' frames a second of every source, sampled whether or not somebody looks."""

    def __init__(self, limit: int = SAMPLES) -> None:
        self._limit = limit
        self._rates: dict[str, deque[float]] = {}

    def sample(self, sources: Mapping[str, SourceMeter]) -> None:
        """Takes one sample; forgets sources that are gone."""
        for source_id in self._rates.keys() - sources.keys():
            del self._rates[source_id]
        for source_id, meter in sources.items():
            rates = self._rates.setdefault(source_id, deque(maxlen=self._limit))
            rates.append(round(meter.fps, 1) if meter.state == "online" else 0.0)

    def rates(self, source_id: str) -> Sequence[float]:
        """Oldest first, `SAMPLE_SECONDS` apart."""
        return tuple(self._rates.get(source_id, ()))


def box_document(view: BoxView, history: History, *, pictures: bool, known: Mapping[str, str]) -> Mapping[str, Any]:
    """What the page shows. Long lists that it has already (`known`: name to tag) are left out.

    Sources are a list in the order of their ids, so that the page stays calm.
    """
    now = time.monotonic()
    return {
        "device_id": view.device_id,
        "software": view.software,
        "started_at": view.started_at,
        "stopping": view.stopping,
        "pictures": pictures,
        "sample_seconds": SAMPLE_SECONDS,
        "unready": unready_reasons(view),
        "config": view.config,
        "children": view.children,
        "sources": [_source(view.sources[name], history, now) for name in sorted(view.sources)],
        "uplink": view.uplink,
        "inference": list(view.inference),
        "log": _tagged(view.log[-SHOWN_RECORDS:], known.get("log")),
        "events": _tagged(view.events[-SHOWN_EVENTS:], known.get("events")),
    }


def _source(meter: SourceMeter, history: History, now: float) -> Mapping[str, Any]:
    # Monotonic time has one zero for all processes of a machine (Linux), so a worker's stamp can be compared here.
    age = None if not meter.last_frame_at else round(max(0.0, now - meter.last_frame_at), 1)
    told = dict(meter.snapshot())
    told["last_frame_age_seconds"] = age
    # Redacted where they are made; here once more, because this is where they leave the box.
    told["reason"], told["address"] = redact_url(meter.reason), redact_url(meter.address)
    told["history"] = history.rates(meter.source_id)
    return told


def _tagged(rows: Sequence[Mapping[str, Any]], known: str | None) -> Mapping[str, Any]:
    content = to_json(rows)
    tag = hashlib.sha256(content).hexdigest()[:16]
    return {"tag": tag, "rows": None if tag == known else msgspec.Raw(content)}


def plan_document(plan: Plan) -> Mapping[str, Any]:
    """A plan as JSON."""
    return {
        "starts": plan.starts,
        "stops": plan.stops,
        "restarts": plan.restarts,
        "stays": plan.stays,
        "children": plan.children,
        "models": plan.models,
        "empty": plan.empty,
    }


def to_json(value: Any) -> bytes:
    """JSON of dataclasses, times and mappings; what is none of these becomes its text, so that one strange field of
    a record never hides the whole box."""
    return msgspec.json.encode(value, enc_hook=_text)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
