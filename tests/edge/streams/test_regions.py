"""Colour of a region is the region of the colour."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.detectors.interface import Region
from edge.streams.colour import bgr_reader

WIDTH, HEIGHT = 318, 182
FORMATS = ["yuv420p", "yuvj420p", "nv12", "yuv422p", "yuvj422p", "yuv440p", "yuv444p", "gray", "yuv420p10le"]


def picture_of(format_name: str) -> av.VideoFrame:
    """Colours that change from pixel to pixel as much as a camera's do."""
    coarse = np.random.default_rng(7).integers(0, 256, (HEIGHT // 8 + 1, WIDTH // 8 + 1, 3), dtype=np.uint8)
    bgr = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return av.VideoFrame.from_ndarray(bgr, format="bgr24").reformat(format=format_name)


@pytest.mark.parametrize("format_name", FORMATS)
@settings(max_examples=40, deadline=None)
@given(
    x=st.integers(-20, WIDTH + 20),
    y=st.integers(-20, HEIGHT + 20),
    width=st.integers(1, 340),
    height=st.integers(1, 200),
)
def test_any_region_of_any_format(format_name: str, x: int, y: int, width: int, height: int) -> None:
    read = bgr_reader(picture_of(format_name))
    left, top = min(max(x, 0), WIDTH), min(max(y, 0), HEIGHT)
    expected = read()[top : max(y + height, top), left : max(x + width, left)]
    found = read(Region(x, y, width, height))
    if not expected.size:
        assert found.size == 0
        return
    assert found.shape == expected.shape
    # libav smooths the colours of nv12 (what accelerators give) by a filter of its own, whose phase depends on the cut.
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= (6 if format_name == "nv12" else 2)


def test_a_region_is_a_picture_of_its_own() -> None:
    picture = picture_of("yuv420p")
    found = bgr_reader(picture)(Region(10, 10, 50, 50))
    before = picture.to_ndarray(format="bgr24")
    found[:] = 0
    assert np.array_equal(picture.to_ndarray(format="bgr24"), before)
