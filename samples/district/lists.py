"""The catalogue flattened to the rows of the three lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from samples.district.catalogue import Catalogue

Row = dict[str, str]

MATTER_COLUMNS: Final = (
    "edition", "kind", "code", "name_zh", "name_en", "big_class_zh", "big_class_en", "hazards", "severity", "condition",
    "condition_zh", "condition_en", "limit", "limit_unit", "closing_zh", "closing_en", "auto_dispatch", "special_grid",
    "valid_from", "valid_to",
)  # fmt: skip
RESPONSIBILITY_COLUMNS: Final = (
    "edition", "kind", "code", "grid_scope", "level", "unit_code", "unit_zh", "unit_en", "co_units",
)  # fmt: skip
PROHIBITION_COLUMNS: Final = ("edition", "kind", "code", "level", "reason_zh", "reason_en")


def matter_rows(catalogue: Catalogue) -> Iterator[Row]:
    """One row for each filing condition of each matter."""
    for matter in catalogue.matters:
        big_class = catalogue.big_classes[matter.kind][matter.code[:2]]
        for number, condition in enumerate(matter.conditions, start=1):
            yield {
                "edition": catalogue.edition,
                "kind": matter.kind,
                "code": matter.code,
                "name_zh": matter.name.zh,
                "name_en": matter.name.en,
                "big_class_zh": big_class.zh,
                "big_class_en": big_class.en,
                "hazards": " ".join(matter.hazards),
                "severity": matter.severity,
                "condition": str(number),
                "condition_zh": condition.when.zh,
                "condition_en": condition.when.en,
                "limit": str(condition.limit.amount),
                "limit_unit": condition.limit.unit,
                "closing_zh": condition.closing.zh,
                "closing_en": condition.closing.en,
                "auto_dispatch": "yes" if matter.auto else "no",
                "special_grid": matter.special_grid,
                "valid_from": catalogue.valid_from.isoformat(),
                "valid_to": "",
            }


def responsibility_rows(catalogue: Catalogue) -> Iterator[Row]:
    """Who handles a matter at a level: for the whole district first, then the narrower scopes."""
    for matter in catalogue.matters:
        for level, (unit, *co_units) in matter.duty.items():
            yield _responsibility(catalogue, (matter.kind, matter.code), "*", str(level), (unit, *co_units))
    for own in catalogue.own_units:
        units = (own.unit, *own.co_units)
        yield _responsibility(catalogue, (own.kind, own.code), own.scope, str(own.level), units)


def prohibition_rows(catalogue: Catalogue) -> Iterator[Row]:
    """The levels that must never receive a matter, with the reason."""
    for matter in catalogue.matters:
        for level, reason_key in matter.never.items():
            reason = catalogue.reasons[reason_key]
            yield {
                "edition": catalogue.edition,
                "kind": matter.kind,
                "code": matter.code,
                "level": str(level),
                "reason_zh": reason.zh,
                "reason_en": reason.en,
            }


def _responsibility(
    catalogue: Catalogue, matter: tuple[str, str], scope: str, level: str, units: tuple[str, ...]
) -> Row:
    unit, *co_units = units
    unknown = [code for code in units if code not in catalogue.units]
    if unknown:
        raise KeyError(
            f"{matter[0]} {matter[1]} names the unit {unknown[0]!r}, which the catalogue's units do not list"
        )
    return {
        "edition": catalogue.edition,
        "kind": matter[0],
        "code": matter[1],
        "grid_scope": scope,
        "level": level,
        "unit_code": unit,
        "unit_zh": catalogue.units[unit].zh,
        "unit_en": catalogue.units[unit].en,
        "co_units": " ".join(co_units),
    }
