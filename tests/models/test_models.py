"""The data package: weights that are there, are what their card says, and need nothing that makes them."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import models

CARD = Path(models.__file__).parent / "signal_heads" / "card.md"
MAX_BYTES = 3_000_000


def test_weights_are_small_and_are_those_that_the_card_speaks_of() -> None:
    content = models.weights("signal_heads").read_bytes()
    assert len(content) <= MAX_BYTES
    stated = re.findall(r"sha256[^0-9a-f]*([0-9a-f]{64})", CARD.read_text(encoding="utf-8"))
    assert stated == [hashlib.sha256(content).hexdigest()]


def test_a_name_that_is_not_there_says_which_are() -> None:
    with pytest.raises(KeyError, match=r"expected one of .*signal_heads"):
        models.weights("signal_hats")


def test_missing_weights_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(models, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(FileNotFoundError, match="install gridsentry again"):
        models.weights("signal_heads")


def test_card_gives_credit_and_limits() -> None:
    text = CARD.read_text(encoding="utf-8")
    for needed in ("CC BY 4.0", "jkworldchampion/traffic_light_detector", "MIT", "Apache-2.0", "## Limits"):
        assert needed in text


def test_proposing_needs_no_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None; sys.modules['onnx'] = None\n"
        "from edge.calibrate.signals.heads_model import HeadProposer\n"
        "HeadProposer()\n"
        "assert not any(name.startswith('models.signal_heads') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
