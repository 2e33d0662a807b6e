"""RFC 8785: the RFC's own vectors, and what has no canonical form."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from contract.canonical import CanonicalError, canonical_bytes
from tests.contract.strategies import JSON


def test_the_example_of_the_rfc() -> None:
    # RFC 8785 §3.2.2 and §3.2.3: numbers, escapes, and keys sorted by UTF-16 code units.
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    assert (
        canonical_bytes(value)
        == (
            '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        ).encode()
    )


def test_keys_sort_by_utf16() -> None:
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    assert list(json.loads(canonical_bytes(dict.fromkeys(keys, 0)))) == [
        "\r",
        "1",
        "\u0080",
        "\u00f6",
        "\u20ac",
        "\U0001f600",
        "\ufb33",
    ]


@given(JSON)
def test_it_is_json_and_a_fixed_point(value: object) -> None:
    content = canonical_bytes(value)
    assert canonical_bytes(json.loads(content)) == content


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, {"a": {1, 2}}, "\ud800"])
def test_what_has_no_form_is_an_error(value: object) -> None:
    with pytest.raises(CanonicalError):
        canonical_bytes(value)
