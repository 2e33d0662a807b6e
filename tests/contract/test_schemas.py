"""The committed JSON Schemas are those of the code, and agree with it about an event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contract.schemas import main, schemas

FOLDER = Path(__file__).parents[2] / "configs" / "schema"


def test_the_committed_schemas_are_up_to_date() -> None:
    assert main([str(FOLDER), "--check"]) == 0


def test_a_stale_schema_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    (tmp_path / "event.schema.json").write_text("{}", encoding="utf-8")
    assert main([str(tmp_path), "--check"]) == 1
    assert "event.schema.json" in capsys.readouterr().err


def test_the_schema_takes_a_valid_event_and_refuses_a_bad_one(hazard_message: dict[str, Any]) -> None:
    validator = Draft202012Validator(schemas()["event.schema.json"])
    assert validator.is_valid(hazard_message)
    hazard_message["data"]["confidence"] = 2
    assert not validator.is_valid(hazard_message)
