"""The memory of an area as JSON and back. What was saved may be older than this program, or damaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contract.base import Slug
from edge.detectors.illegal_structure.sightings import MOST_CORNERS, MOST_STRUCTURES, Memory, Structure

VERSION = 1
MOST = 1_000_000
"""Of anything that is counted. Damaged numbers may be larger than JSON can hold exactly."""
_STRUCTURE = TypeAdapter(Structure)
_CUE = TypeAdapter(Slug)
_NAMES = frozenset(field.name for field in fields(Structure))


def saved(memory: Memory) -> dict[str, Any]:
    """JSON types."""
    return {
        "version": VERSION,
        "structures": [_STRUCTURE.dump_python(one, mode="json") for one in memory.structures],
    }


def loaded(content: Any) -> Memory:
    """The memory that was saved; structures that cannot be are left out."""
    listed = content.get("structures") if isinstance(content, Mapping) else None
    found: dict[str, Structure] = {}
    for item in listed[:MOST_STRUCTURES] if isinstance(listed, list) else ():
        structure = _structure(item)
        if structure is not None:
            found[structure.key] = structure
    return Memory(tuple(found.values()))


def _structure(item: Any) -> Structure | None:
    if not isinstance(item, Mapping):
        return None
    try:
        known = {name: value for name, value in item.items() if name in _NAMES}
        # Before they were counted, every flight's sighting was taken for one.
        known.setdefault("firm_flights", known.get("flights_total"))
        one = _STRUCTURE.validate_python(known)
    except (ValidationError, ValueError, OverflowError):
        return None
    is_ring = 4 <= len(one.ring) <= 4 * MOST_CORNERS and one.ring[0] == one.ring[-1]
    on_earth = all(-180 <= x <= 180 and -90 <= y <= 90 for x, y in one.ring)
    moments = [one.first_seen, one.last_seen, *(each for each in (one.ended, one.last_found) if each is not None)]
    aware = all(moment.tzinfo is not None and 1970 <= moment.year < 2200 for moment in moments)
    sane = 0 <= one.sigma_m < 1000 and 0 <= one.confidence <= 1 and 0 < len(one.key) <= 128
    counted = 0 <= one.frames <= MOST and 1 <= one.flights_total <= MOST and 0 <= one.missed <= MOST
    counted = counted and 0 <= one.firm_flights <= one.flights_total
    counted = counted and (one.height_m is None or abs(one.height_m) < 1000)
    if not (is_ring and on_earth and aware and sane and counted):
        return None
    # A word that no event can say costs itself: without the structure it would be told as new.
    return replace(one, cues=tuple(cue for cue in one.cues if _is_cue(cue)))


def _is_cue(word: str) -> bool:
    try:
        _CUE.validate_python(word)
    except ValidationError:
        return False
    return True
