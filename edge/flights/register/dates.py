"""Days as registers write them. What can be read in two ways is not read."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo

_PLAIN = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|\.(\d{1,2})\.(\d{1,2})|(\d{2})(\d{2}))")
_CHINESE = re.compile(r"(\d{4})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]?")
_MOMENT = re.compile(
    r"(\d{4}[-/]\d{2}[-/]\d{2})[T ](\d{2}:\d{2}(?::\d{2})?(?:\.\d{1,9})?)\s*(Z|[+-]\d{2}(?::?\d{2})?)?"
)
_NOTHING = frozenset({"", "-", "--", "/", "null", "none", "nan", "nat", "无"})
_FOR_EVER = frozenset({"长期", "长期有效", "永久", "永久有效", "permanent", "unlimited", "indefinite"})
_MOST_CHARACTERS = 64


def day_of(moment: datetime, zone: tzinfo) -> date:
    """The day of an aware moment, as the calendar in a zone shows it."""
    return moment.astimezone(zone).date()


def read_day(written: object, zone: tzinfo) -> date | None:
    """The day that was written down; None where nothing was, or for ever.

    A moment with its own zone is the day that it is in `zone`: databases write a day of Shanghai as 16:00 of the day
    before in UTC.

    Raises:
        ValueError: what was found, and how days are written.
    """
    if written is None:
        return None
    text = str(written).strip()
    if text.casefold() in _NOTHING or text.casefold() in _FOR_EVER:
        return None
    found = None if len(text) > _MOST_CHARACTERS else _plain(text) or _moment(text, zone)
    if found is None or not 1900 <= found.year <= 2199:
        raise ValueError(
            f"found {text[:_MOST_CHARACTERS]!r}, expected a day such as 2026-11-22, 2026/11/22, 20261122 or "
            "2026年11月22日"
        )
    return found


def _plain(text: str) -> date | None:
    match = _PLAIN.fullmatch(text) or _CHINESE.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups() if part is not None)
    return _date(year, month, day)


def _moment(text: str, zone: tzinfo) -> date | None:
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    day, clock, offset = match.groups()
    clock = re.sub(r"\.\d+$", "", clock)
    offset = None if offset is None else "+00:00" if offset == "Z" else offset if len(offset) > 3 else f"{offset}:00"
    try:
        moment = datetime.fromisoformat(f"{day.replace('/', '-')}T{clock}{offset or ''}")
        # Without a zone of its own it is of the register's.
        return moment.date() if moment.tzinfo is None else moment.astimezone(UTC).astimezone(zone).date()
    except (ValueError, OverflowError):
        return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
