"""Learned change models on the real runtime: what fits, what is refused, and what their answers mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from contract.canonical import sha256_hex
from edge.config.change_model import Answer, ChangeModelSettings
from edge.inference.changing import ChangeNetwork
from edge.inference.errors import ModelError
from edge.vision.surface.shots import Picture
from tests.edge.inference.change_net import change_net

PLAIN: dict[str, Any] = {
    "name": "differ", "version": "1", "path": "differ.onnx", "licence": "Apache-2.0", "gsd_m": 0.2, "side_px": 96,
}  # fmt: skip


def settings(**more: Any) -> ChangeModelSettings:
    return ChangeModelSettings.model_validate({**PLAIN, **more})


def pair(side: int) -> tuple[Picture, Picture]:
    """Grey, and the same with a red square in the middle."""
    older = np.full((side, side, 3), 100, np.uint8)
    newer = older.copy()
    newer[side // 4 : -side // 4, side // 4 : -side // 4] = (30, 30, 220)
    return older, newer


@pytest.mark.parametrize("shape", [{}, {"joined": True}, {"planes": 2}, {"side": 64}, {"batch": "n"}])
def test_what_differs_is_said_to_have_changed(tmp_path: Path, shape: dict[str, Any]) -> None:
    change_net(tmp_path / "differ.onnx", **shape)
    model = ChangeNetwork(settings(), tmp_path)
    assert model.side_px == shape.get("side", 96)
    assert model.gsd_m == 0.2
    answer = model(*pair(model.side_px))
    middle = model.side_px // 2
    assert answer.shape == (model.side_px, model.side_px)
    assert answer[middle, middle] > 0.9
    assert answer[2, 2] == pytest.approx(1 / (1 + np.exp(1.0)), abs=1e-5)


def test_a_probability_is_taken_as_it_is(tmp_path: Path) -> None:
    change_net(tmp_path / "differ.onnx", threshold=0.0, factor=1.0)
    answer = ChangeNetwork(settings(answer=Answer.PROBABILITY), tmp_path)(*pair(96))
    assert answer[48, 48] == pytest.approx((120 + 70 + 70) / 3 / 255, abs=1e-5)
    assert answer[2, 2] == 0


def test_pictures_are_given_as_red_green_blue_on_the_models_scale(tmp_path: Path) -> None:
    """Only red differs: a deviation of red of 0.1 makes it ten times as much, one of blue nothing."""
    change_net(tmp_path / "differ.onnx", threshold=0.0, factor=1.0)
    older = np.full((96, 96, 3), 100, np.uint8)
    newer = older.copy()
    newer[..., 2] = 110
    plain, red, blue = (
        float(
            ChangeNetwork(settings(answer="probability", deviation=deviation, mean=(0.4, 0.4, 0.4)), tmp_path)(
                older, newer
            )[0, 0]
        )
        for deviation in ((1, 1, 1), (0.1, 1, 1), (1, 1, 0.1))
    )
    assert red == pytest.approx(10 * plain, rel=1e-4)
    assert blue == pytest.approx(plain, rel=1e-4)


def test_events_name_what_was_read(tmp_path: Path) -> None:
    path = change_net(tmp_path / "differ.onnx")
    digest = sha256_hex(path.read_bytes())
    identity = ChangeNetwork(settings(sha256=digest), tmp_path).identity
    assert (identity.name, identity.version, identity.sha256) == ("differ", "1", digest)
    with pytest.raises(ModelError, match="expected 0000"):
        ChangeNetwork(settings(sha256="0" * 64), tmp_path)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ({"channels": 1}, "expected two float inputs"),
        ({"joined": True, "channels": 8}, "expected two float inputs"),
        ({"batch": 4}, "expected two float inputs"),
        ({"side": 16}, "a square of 32 to 1024"),
        ({"side": 4096}, "a square of 32 to 1024"),
        ({"planes": 3}, "two planes of which the second"),
        ({"factor": float("nan")}, "values that are no numbers"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, shape: dict[str, Any], said: str) -> None:
    change_net(tmp_path / "differ.onnx", **shape)
    with pytest.raises(ModelError, match=said) as refused:
        ChangeNetwork(settings(), tmp_path)(*pair(96))
    assert "differ.onnx" in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", bytes(range(256)) * 40])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "differ.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="onnxruntime cannot load it"):
        ChangeNetwork(settings(), tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"differ\.onnx"):
        ChangeNetwork(settings(), tmp_path)


@pytest.mark.parametrize(
    "licence", ["CC-BY-NC-4.0", "CC BY-NC-SA", "non-commercial research only", "Noncommercial", "NC"]
)
def test_licences_that_keep_a_city_out_are_refused(licence: str) -> None:
    with pytest.raises(ValidationError, match="forbids commercial use"):
        settings(licence=licence)


@pytest.mark.parametrize("licence", ["Apache-2.0", "CC-BY-4.0", "NCSA", "commercial, bought 2026"])
def test_others_are_not(licence: str) -> None:
    assert settings(licence=licence).licence == licence
