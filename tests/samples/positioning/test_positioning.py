"""What positioning is tried with: rendered pictures, and the chart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from samples.positioning import rendered
from samples.positioning.plots import plot
from samples.positioning.rendered import flat_town, rendered_errors


def test_a_rendered_picture_shows_what_lies_at_its_pixels_places() -> None:
    errors = rendered_errors(-60.0, flat_town())
    assert len(errors) > 50
    assert errors.max() < 0.05


def test_a_wrong_lens_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: without the lens's bending the picture's rim is off by more than is allowed."""
    town = flat_town()
    straight = rendered.Locator
    unbent = replace(rendered.LENS, distortion=(0.0, 0.0, 0.0, 0.0, 0.0))
    monkeypatch.setattr(
        rendered, "Locator", lambda taken, ground, plane: straight(replace(taken, lens=unbent), ground, plane)
    )
    assert rendered_errors(-90.0, town).max() > 0.2


def test_the_chart_is_drawn(tmp_path: Path) -> None:
    plot(tmp_path / "charts" / "positioning.png")
    picture = cv2.imread(str(tmp_path / "charts" / "positioning.png"))
    assert picture is not None
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
