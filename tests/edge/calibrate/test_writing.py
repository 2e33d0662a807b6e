"""Settings written into configurations: nothing else may change, in text or in meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.calibrate.writing import WritingError, with_detector, write_detector
from edge.config.document import config_from_text
from edge.config.problems import ConfigError
from edge.config.text import parse

HEAD = "device: {id: box, state_dir: state}  # the box\nsources:\n"
PLACE = "location: {lon: 113.65, lat: 34.73, accuracy_m: 10}"
POLYGON = [[10.04, 20.06], [90.0, 20], [90, 70], [10, 70]]
CAMERA = {"height_m": 3.0, "tilt_degrees": 34.0, "focal_px": 750.0, "distance_m": 20.0}
THROWN: dict[str, Any] = {"facade": {"polygon": POLYGON, "camera": CAMERA}}
FLOW = (
    "{facade: {polygon: [[1, 2], [9, 2], [9, 7]], "
    "camera: {height_m: 3, tilt_degrees: 34, focal_px: 750, distance_m: 20}}}"
)

GATE = f"{HEAD}  gate:\n    kind: camera\n"
THEN = f"    {PLACE}\n"
NEXT = "  b:\n    kind: camera\n"
OLD_FACADE = (
    "        facade:\n          polygon:\n            - [1, 2]\n            - [9, 2]\n            - [9, 7]\n"
    "          camera: {height_m: 3, tilt_degrees: 34, focal_px: 750, distance_m: 20}\n"
)

TEXTS = {
    "no_detectors": f"{HEAD}  gate: # the gate\n    kind: camera # yes\n    {PLACE}  # there\n\n  # next\n{NEXT}",
    "last_without_newline": f"{GATE}    {PLACE}",
    "empty_braces": f"{GATE}    detectors: {{}} # none yet\n{THEN}",
    "nothing_behind": f"{GATE}    detectors: # later\n    # not yet\n{THEN}",
    "name_with_nothing": f"{GATE}    detectors:\n      thrown_object: # to calibrate\n  # end\n",
    "name_with_braces": f"{GATE}    detectors:\n      thrown_object: {FLOW} # to calibrate\n  # end\n",
    "block": f"{GATE}    detectors:\n      thrown_object: # old\n{OLD_FACADE}\n    # of the place\n{THEN}",
    "source_in_braces": f"{HEAD}  gate: {{kind: camera, {PLACE}}} # short\n{NEXT}",
    "source_in_braces_with_detectors": f"{HEAD}  gate: {{kind: camera, detectors: {{}}, name: a}}\n{NEXT}",
    "in_braces_present": f"{HEAD}  gate: {{kind: camera, detectors: {{thrown_object: {FLOW}}}, name: a}}\n",
    "braces_over_lines": f"{GATE}    detectors: {{\n      thrown_object: {FLOW}, # old\n    }}\n{THEN}",
    "windows": f"{GATE}{THEN}{NEXT}".replace("\n", "\r\n"),
    "other_width": f"{HEAD}      gate:\n            kind: camera\n            name: '门'\n      b: {{kind: camera}}\n",
    "quoted_key": f'{HEAD}  "gate":\n    kind: "camera"\n    name: >-\n      a long\n      name\n\n\n# end of file\n',
    "all_in_json": '{"device": {"id": "box", "state_dir": "s"}, "sources": {"gate": {"kind": "camera"}}}\n',
}


@pytest.mark.parametrize("name", TEXTS)
def test_only_the_detector_changes(name: str) -> None:
    text = TEXTS[name]
    changed = with_detector(text, "gate", "thrown_object", THROWN)
    before, after = parse(text).value, parse(changed).value
    written = after["sources"]["gate"].pop("detectors")["thrown_object"]
    before["sources"]["gate"].pop("detectors", None)
    assert before == after
    assert written["facade"]["polygon"][0] == [10, 20.1]
    assert config_from_text(changed, Path("edge.yaml")).sources["gate"].detectors["thrown_object"]
    old, new = text.splitlines(), changed.splitlines()
    lost = [line for line in old if "#" in line and "old" not in line and line.split("#")[1] not in changed]
    assert not lost
    assert ("\r\n" in text) == ("\r\n" in changed)
    assert max(map(len, new)) <= max(120, 40 + max(map(len, old)))
    again = with_detector(changed, "gate", "thrown_object", THROWN)
    assert parse(again).value == parse(changed).value
    assert again == changed or "braces" in name or "json" in name


def test_lines_outside_stay_as_they_are() -> None:
    text = TEXTS["block"]
    changed = with_detector(text, "gate", "thrown_object", THROWN)
    first = text.index("        facade:")
    last = text.index("\n\n    # of the place")
    assert changed.startswith(text[:first])
    assert changed.endswith(text[last:])
    assert (
        "thrown_object: # old\n        facade:\n          polygon: [[10, 20.1], [90, 20], [90, 70], [10, 70]]\n"
        in changed
    )


def test_a_second_detector_beside_one_in_braces_is_written_in_lines() -> None:
    text = f"{HEAD}  gate:\n    kind: camera\n    detectors: {{thrown_object: {FLOW}}} # two\n    {PLACE}\n"
    settings = {
        "heads": {
            "head-1": {
                "polygon": [[1, 1], [9, 1], [9, 30], [1, 30]],
                "lamps": [{"colour": "red", "centre": [5, 5], "diameter_px": 8}],
                "group": "a",
            }
        },
        "night_flash": [{"start": "23:00", "end": "05:00"}],
    }
    changed = with_detector(text, "gate", "thrown_object", THROWN)
    assert f"    detectors: {{thrown_object: {FLOW}}}" not in changed
    opened = with_detector(TEXTS["empty_braces"], "gate", "thrown_object", THROWN)
    assert "    detectors: # none yet\n      thrown_object:\n        facade:\n" in opened
    pytest.importorskip("edge.detectors.traffic_signal.detector")
    both = with_detector(text, "gate", "traffic_signal", settings)
    assert f"    detectors: # two\n      thrown_object: {FLOW}\n      traffic_signal:\n        heads:\n" in both
    assert "            - {colour: red, centre: [5, 5], diameter_px: 8}\n" in both
    assert "        - {start: '23:00', end: '05:00'}" in both


def test_an_anchor_that_is_shared_is_refused() -> None:
    text = (
        f"{HEAD}  gate:\n    kind: camera\n    detectors: &same\n      thrown_object: {FLOW}\n"
        "  b:\n    kind: camera\n    detectors: *same\n"
    )
    with pytest.raises(WritingError, match=r"sources\.gate is written with anchors"):
        with_detector(text, "gate", "thrown_object", THROWN)
    with pytest.raises(WritingError, match=r"sources\.b is written with anchors"):
        with_detector(text, "b", "thrown_object", THROWN)


def test_an_unknown_source_names_the_known() -> None:
    with pytest.raises(WritingError, match="found no source 'gat', expected one of gate, b"):
        with_detector(TEXTS["no_detectors"], "gat", "thrown_object", THROWN)


def test_what_would_not_be_valid_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"detectors\.thrown_object"):
        with_detector(TEXTS["no_detectors"], "gate", "thrown_object", {"facade": {"polygon": [[1, 2]]}})


def test_the_file_is_replaced_and_the_old_one_kept(tmp_path: Path) -> None:
    path = tmp_path / "real.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXTS["windows"].encode())
    path.chmod(0o640)
    link = tmp_path / "edge.yaml"
    link.symlink_to(path)
    before = path.read_bytes()
    kept = write_detector(link, "gate", "thrown_object", THROWN)
    assert kept.read_bytes() == before
    assert link.is_symlink()
    assert path.read_bytes().startswith(b"\xef\xbb\xbfdevice")
    assert b"thrown_object:\r\n" in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(["real.yaml", "edge.yaml", kept.name])


def test_a_file_that_would_not_be_valid_stays(tmp_path: Path) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text(TEXTS["block"], encoding="utf-8")
    with pytest.raises(ConfigError):
        write_detector(path, "gate", "thrown_object", {"facade": {}})
    assert path.read_text(encoding="utf-8") == TEXTS["block"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["edge.yaml"]
