"""What single real heads show: every fourth picture of cinTA v2 by name, upright heads only.

Many of its pictures are mirrored upside down, in which a head has its red lamp below; those and heads that lie or are
turned are left out as `tests.evaluate.signals_real` does, which gives the figures of the whole set.
"""

from __future__ import annotations

import pytest

from tests.evaluate.signals_real import SHARED, cinta, rotated, upside_down

pytestmark = pytest.mark.skipif(not (SHARED / "cinta").is_dir(), reason="real data is not here: no signals/cinta")

EVERY = 4
RIGHT, ANSWERED = 0.95, 0.8
"""Of the answers, and of the heads: who never answers is never wrong."""


def test_what_stands_out_is_what_is_lit() -> None:
    upright = [still for still in cinta(EVERY) if not upside_down(still) and not rotated(still)]
    assert len(upright) > 100
    answered = [still for still in upright if still.guess.sure]
    assert len(answered) >= ANSWERED * len(upright)
    wrong = [(still.name, still.label, still.guess.colour) for still in answered if not still.right]
    assert len(wrong) <= (1 - RIGHT) * len(answered), wrong
