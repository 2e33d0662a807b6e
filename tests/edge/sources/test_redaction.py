"""A password leaves no trace in a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sources.errors import redact_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://admin:s3cret@10.0.0.7:554/live", "rtsp://***@10.0.0.7:554/live"),
        ("rtsp://10.0.0.7/live", "rtsp://10.0.0.7/live"),
        ("rtsp://admin:p@ss:w/rd@10.0.0.7/live", "rtsp://***@10.0.0.7/live"),
        ("rtsp://10.0.0.7/user=admin&password=s3cret&channel=1", "rtsp://10.0.0.7/user=admin&password=***&channel=1"),
        ("rtsp://10.0.0.7/s?token=s3cret", "rtsp://10.0.0.7/s?token=***"),
        ("not a url", "not a url"),
        ("", ""),
    ],
)
def test_known_shapes(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@given(st.text(min_size=3).filter(lambda s: "***" not in s and "\n" not in s), st.text(max_size=20))
def test_what_stands_before_the_host_is_never_shown(password: str, path: str) -> None:
    shown = redact_url(f"rtsp://admin:{password}\x01@camera/{path.replace(chr(64), '')}")
    assert f"{password}\x01" not in shown


@given(st.text())
def test_garbage_never_raises(text: str) -> None:
    assert isinstance(redact_url(text), str)
