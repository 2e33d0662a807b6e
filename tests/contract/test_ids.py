"""UUIDv7: layout, time, order, determinism."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from contract.ids import DeterministicIds, uuid7, uuid7_time
from tests.contract.strategies import TIMES


@given(TIMES)
def test_it_is_a_version_7_that_holds_its_millisecond(at: datetime) -> None:
    value = uuid.UUID(uuid7(at))
    assert value.version == 7
    assert value.variant == uuid.RFC_4122
    assert uuid7_time(str(value)) == at.replace(microsecond=at.microsecond // 1000 * 1000)


def test_the_layout_is_that_of_the_rfc() -> None:
    # RFC 9562, appendix A.6: 2022-02-22T19:22:22Z is 0x017F22E279B0 milliseconds.
    at = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    assert uuid7(at).startswith("017f22e2-79b0-7")


@given(TIMES)
def test_later_sorts_after(at: datetime) -> None:
    assert uuid7(at) < uuid7(at + timedelta(milliseconds=1))


def test_random_ids_do_not_repeat_within_a_millisecond() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert len({uuid7(at) for _ in range(10_000)}) == 10_000


def test_deterministic_ids_repeat_by_seed_only() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    a, b, c = DeterministicIds("gate-3"), DeterministicIds("gate-3"), DeterministicIds("gate-4")
    first = [a(at) for _ in range(100)]
    assert first == [b(at) for _ in range(100)]
    assert len({*first, *(c(at) for _ in range(100))}) == 200


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        uuid7(datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_time_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 7"):
        uuid7_time(str(uuid.uuid4()))
