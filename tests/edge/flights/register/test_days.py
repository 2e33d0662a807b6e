"""Days of permits: both ends included, in the register's own time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.flights.register.dates import day_of, read_day
from edge.flights.register.features import Entry, Layer, Validity

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAYS = st.dates(date(1950, 1, 1), date(2150, 1, 1))


def permit(first: date | None, last: date | None) -> Entry:
    return Entry(Layer.PERMIT, "p", shapely.box(0, 0, 1, 1), 0.0, "p", valid_from=first, valid_until=last)


@given(first=DAYS, length=st.integers(0, 4000), day=DAYS)
def test_both_ends_are_included(first, length, day) -> None:
    last = first + timedelta(days=length)
    held = permit(first, last)
    assert held.validity(first) is held.validity(last) is Validity.VALID
    assert held.validity(last + timedelta(days=1)) is Validity.EXPIRED
    assert held.validity(first - timedelta(days=1)) is Validity.NOT_YET
    assert (held.validity(day) is Validity.VALID) == (first <= day <= last)
    assert permit(None, None).validity(day) is Validity.VALID


def test_the_day_is_the_registers() -> None:
    """A drone that lands at 15:59:59 UTC flew on the permit's last day in Shanghai; one second later it did not."""
    held = permit(None, date(2026, 11, 22))
    evening = datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC)
    assert held.validity(day_of(evening, SHANGHAI)) is Validity.VALID
    assert held.validity(day_of(evening + timedelta(seconds=1), SHANGHAI)) is Validity.EXPIRED
    assert held.validity(day_of(evening + timedelta(seconds=1), UTC)) is Validity.VALID


@given(DAYS)
def test_days_are_read_as_registers_write_them(day) -> None:
    year, month, number = day.year, day.month, day.day
    for text in (
        day.isoformat(),
        f"{year}/{month}/{number}",
        f"{year}.{month}.{number}",
        f"{year}{month:02d}{number:02d}",
        f"{year}年{month}月{number}日",
        f" {day.isoformat()}T00:00:00 ",
        f"{year}/{month:02d}/{number:02d} 00:00:00",
    ):
        assert read_day(text, SHANGHAI) == day, text


@given(DAYS, st.integers(-14, 14))
def test_a_moment_with_a_zone_is_the_day_that_it_is_here(day, hours) -> None:
    """Databases write midnight in Shanghai as 16:00 of the day before in UTC."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    written = midnight.astimezone(timezone(timedelta(hours=hours))).isoformat(timespec="seconds")
    assert read_day(written, SHANGHAI) == day
    assert read_day(midnight.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"), SHANGHAI) == day


@pytest.mark.parametrize("nothing", [None, "", " ", "长期", "permanent", "-", "无", "NaN"])
def test_nothing_is_without_end(nothing) -> None:
    assert read_day(nothing, SHANGHAI) is None


@pytest.mark.parametrize(
    "text",
    ["03/04/2026", "3-4-26", "2026-13-01", "2026-02-29", "22.11.2026", "soon", "46348", "0001-01-01", "2026",
     "9" * 10**6, "2026-11-22T25:00:00", "2026-11-22T00:00:00+99:99", "2026-11", "9999-12-31T23:59:59-14:00"],
)  # fmt: skip
def test_what_may_be_read_in_two_ways_is_not_read(text) -> None:
    with pytest.raises(ValueError, match="expected a day such as 2026-11-22"):
        read_day(text, SHANGHAI)


@settings(deadline=None)
@given(st.text(max_size=40) | st.integers() | st.floats() | st.binary(max_size=8))
def test_any_text_is_read_or_refused(text) -> None:
    try:
        assert read_day(text, SHANGHAI) is None or True
    except ValueError as error:
        assert "expected a day" in str(error)
