"""Lamps of heads about which nothing is known, drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision.lamp_guesses import find_lamps, read_state

COLOURS = {"red": (40, 40, 250), "amber": (30, 190, 250), "green": (170, 240, 40)}
LENSES = {"red": (20, 20, 60), "amber": (20, 50, 65), "green": (45, 55, 20)}


def drawn(px: int, lit: str | None, colours: tuple[str, ...] = ("red", "amber", "green")) -> NDArray[np.uint8]:
    """An upright head of lenses `px` wide, one of them lit."""
    step = round(1.25 * px)
    head = np.full((step * len(colours) + px // 3, round(1.6 * px), 3), 25, np.uint8)
    for number, colour in enumerate(colours):
        centre = (head.shape[1] // 2, px // 6 + step // 2 + number * step)
        cv2.circle(head, centre, px // 2, COLOURS[colour] if colour == lit else LENSES[colour], -1, cv2.LINE_AA)
    noise = np.random.default_rng(1).normal(0, 2, head.shape)
    return np.clip(cv2.GaussianBlur(head, (0, 0), 0.7) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("px", [10, 24, 60])
@pytest.mark.parametrize("lit", ["red", "amber", "green", None])
@pytest.mark.parametrize("lying", [False, True])
def test_three_lamps_and_which_is_lit(px: int, lit: str | None, lying: bool) -> None:
    head = drawn(px, lit)
    found = find_lamps(head.transpose(1, 0, 2) if lying else head)
    assert len(found) == 3
    assert [guess.colour for guess in found if guess.colour] == ([lit] if lit else [])
    along = [guess.centre[0 if lying else 1] for guess in found]
    assert along == sorted(along)
    for number, guess in enumerate(found):
        assert along[number] == pytest.approx(px // 6 + (number + 0.5) * 1.25 * px, abs=0.25 * px)
        assert guess.diameter_px == pytest.approx(px, rel=0.35)


@pytest.mark.parametrize("lit", ["red", "amber", "green"])
@pytest.mark.parametrize("lying", [False, True])
def test_the_state_of_one_picture(lit: str, lying: bool) -> None:
    head = drawn(20, lit)
    guess = read_state(head.transpose(1, 0, 2) if lying else head)
    assert guess is not None
    assert guess.sure
    assert guess.colour == lit
    assert guess.third == list(COLOURS).index(lit)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_plain_pictures_show_nothing(level: int) -> None:
    plain = np.full((60, 24, 3), level, np.uint8)
    guess = read_state(plain)
    assert guess is not None
    assert not guess.sure
    assert all(lamp.colour is None for lamp in find_lamps(plain))


def test_tiny_pictures_have_no_lamps() -> None:
    assert find_lamps(np.zeros((30, 7, 3), np.uint8)) == ()
    assert find_lamps(np.zeros((0, 0, 3), np.uint8)) == ()
    assert read_state(np.zeros((2, 9, 3), np.uint8)) is None
    assert read_state(np.zeros((3, 3, 3), np.uint8)) is not None
