"""Pictures into a model's input, and boxes back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.letterbox import NANODET_LAYOUT, PADDING, YOLOV8_LAYOUT, YOLOX_LAYOUT, Letterbox, fit
from edge.vision.planes import Planes, PlaneScaler
from edge.vision.regions import Window


def picture(width: int, height: int, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    return cv2.resize(random.integers(0, 256, (9, 16, 3), dtype=np.uint8), (width, height))


def planes_of(bgr: np.ndarray, layout: str) -> Planes:
    """The planes that a decoder would give: of limited range, apart (`i420`) or paired (`nv12`); or of full range."""
    height, width = bgr.shape[:2]
    if layout == "full":
        luma, red, blue = cv2.split(cv2.cvtColor(bgr, cv2.COLOR_BGR2YCrCb))
        return Planes(luma, (blue, red), full_range=True)
    stacked = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420)
    colour = stacked[height:].reshape(-1)
    shape = (height // 2, width // 2)
    blue, red = colour[: colour.size // 2].reshape(shape), colour[colour.size // 2 :].reshape(shape)
    chroma = (np.dstack((blue, red)),) if layout == "nv12" else (blue, red)
    return Planes(stacked[:height], chroma)


@pytest.mark.parametrize("layout", ["i420", "nv12", "full"])
def test_planes_give_the_colours_of_the_picture(layout: str) -> None:
    bgr = picture(640, 360)
    window = Window(102, 50, 613, 331)
    out = np.zeros((180, 320, 3), np.uint8)
    PlaneScaler().scaled_bgr(planes_of(bgr, layout), window, out)
    whole = bgr[window.top : window.bottom, window.left : window.right]
    expected = cv2.resize(whole, (320, 180), interpolation=cv2.INTER_LINEAR)
    assert np.abs(out.astype(int) - expected).mean() < 3
    assert np.percentile(np.abs(out.astype(int) - expected), 99) < 12


def test_grey_planes_give_a_grey_picture() -> None:
    out = np.zeros((20, 20, 3), np.uint8)
    PlaneScaler().scaled_bgr(Planes(np.full((40, 40), 126, np.uint8)), Window(0, 0, 40, 40), out)
    assert np.ptp(out) == 0


@pytest.mark.parametrize(("layout", "channel"), [(YOLOX_LAYOUT, 0), (YOLOV8_LAYOUT, 2)], ids=["yolox", "yolov8"])
def test_layouts(layout: object, channel: int) -> None:
    """A blue 200 × 100 picture in a 64 × 64 input: where it lies, in which channel, on which scale."""
    box = Letterbox(64, 64, layout)  # type: ignore[arg-type]  # parametrize widens it
    place = box.put_bgr(0, np.full((100, 200, 3), (200, 0, 0), np.uint8))
    unit = 255 if layout is YOLOV8_LAYOUT else 1
    top = 16 if layout is YOLOV8_LAYOUT else 0
    assert (place.left, place.top, place.width, place.height) == (0, top, 64, 32)
    filled = box.input(1)[0]
    assert filled[channel, top : top + 32] == pytest.approx(200 / unit)
    assert filled[2 - channel, top : top + 32] == pytest.approx(0)
    padding = np.delete(filled, slice(top, top + 32), axis=1)
    assert padding == pytest.approx(PADDING / unit)


def test_padding_is_renewed_when_another_picture_lies_elsewhere() -> None:
    box = Letterbox(64, 64, YOLOX_LAYOUT, batch=2)
    box.put_bgr(1, picture(200, 200))
    box.put_bgr(1, picture(200, 100))
    assert (box.input(2)[1, :, 32:] == PADDING).all()
    fresh = Letterbox(64, 64, YOLOX_LAYOUT)
    fresh.put_bgr(0, picture(200, 100))
    assert (fresh.input(1)[0] == box.input(2)[1]).all()


def test_luma_fills_all_channels() -> None:
    box = Letterbox(32, 32, YOLOX_LAYOUT)
    box.put_luma(0, np.full((10, 10), 77, np.uint8))
    assert (box.input(1) == 77).all()


@given(
    size=st.tuples(st.integers(16, 4000), st.integers(16, 3000)),
    centred=st.booleans(),
    share=st.tuples(st.floats(0, 0.4), st.floats(0, 0.4), st.floats(0.6, 1), st.floats(0.6, 1)),
)
@settings(deadline=None)
def test_boxes_come_back_where_they_were(
    size: tuple[int, int], centred: bool, share: tuple[float, float, float, float]
) -> None:
    """A box placed into the input returns to the picture's pixels, wherever the window lies."""
    width, height = size
    window = Window(5, 9, 5 + width, 9 + height)
    place = fit(window, 416, 320, centred=centred)
    assert place.width % 2 == place.height % 2 == 0
    assert 0 <= place.left <= 416 - place.width
    assert 0 <= place.top <= 320 - place.height
    original = np.array([[share[0] * width, share[1] * height, share[2] * width, share[3] * height]])
    scale = np.array([place.width / width, place.height / height] * 2)
    placed = (original * scale + np.array([place.left, place.top] * 2)).astype(np.float32)
    back = place.to_picture(placed)
    assert back == pytest.approx(original + np.array([5, 9, 5, 9]), abs=max(size) * 1e-5)


def test_boxes_are_cut_at_the_window() -> None:
    place = fit(Window(100, 50, 200, 150), 100, 100, centred=False)
    assert place.to_picture(np.array([[-20, 10, 300, 90]], np.float32)).tolist() == [[100, 60, 200, 140]]


@pytest.mark.parametrize("window", [Window(-2, 0, 10, 10), Window(0, 0, 41, 10), Window(5, 5, 5, 10)])
def test_a_window_outside_the_picture_is_refused(window: Window) -> None:
    with pytest.raises(ValueError, match="expected a window inside 40 × 30"):
        PlaneScaler().scaled_bgr(Planes(np.zeros((30, 40), np.uint8)), window, np.zeros((10, 10, 3), np.uint8))


def test_a_layout_that_stretches_and_takes_the_mean_off() -> None:
    """A 200 × 100 picture fills a 64 × 64 input, and boxes come back in its own shape."""
    box = Letterbox(64, 64, NANODET_LAYOUT)
    place = box.put_bgr(0, np.full((100, 200, 3), (200, 100, 0), np.uint8))
    mean, deviation = NANODET_LAYOUT.mean, NANODET_LAYOUT.deviation
    expected = [(value - mean[index]) / deviation[index] for index, value in enumerate((200, 100, 0))]
    for channel, value in enumerate(expected):
        assert box.input(1)[0, channel] == pytest.approx(np.full((64, 64), value), abs=1e-4)
    boxes = place.to_picture(np.array([[16, 16, 32, 48]], np.float32))
    assert boxes.tolist() == [[50, 25, 100, 75]]
