"""Every fault of a configuration is named at once: line, field, what was found and what was expected."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edge.config.document import EdgeConfig, load_config
from edge.config.problems import ConfigError, found_text
from edge.config.schema import config_schema, main
from edge.config.sources import CameraSource, SensorSource, config_sha256

GOOD = """\
device: {id: box-1, state_dir: var/edge}
server: {url: "https://centre.example:8443/", token_file: edge.token}
mqtt: {host: 127.0.0.1, client_id: box-1}
sources:
  gate-3:
    kind: camera
    name: 南门三号 · South gate 3
    location: {lon: 113.62, lat: 34.75, accuracy_m: 25}
    input: {type: file, path: clips/gate-3.mp4}
    detectors:
      thrown_object:
        facade:
          polygon: [[10, 10], [600, 10], [600, 400], [10, 400]]
          camera: {height_m: 2, tilt_degrees: 35, focal_px: 900, distance_m: 25}
  12:
    kind: sensor
    location: {lon: 113.62, lat: 34.75, accuracy_m: 25}
    input:
      type: mqtt
      topic: sensors/12/+
      time_path: ts
      channels: {level: {path: data.level_m, unit: m, valid_range: [-1, 20]}}
    detectors:
      threshold:
        rules:
          - {hazard: water_level, channel: level, above: 1.2, clear: 1.08, dwell_seconds: 3, severity: red, tier: alarm}
"""


def load(folder: Path, text: str) -> EdgeConfig:
    path = folder / "edge.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    return [str(problem).removeprefix(f"{folder / 'edge.yaml'}:") for problem in caught.value.problems]


def only_problem(folder: Path, text: str) -> str:
    found = problems(folder, text)
    assert len(found) == 1, found
    return found[0]


def test_a_good_configuration(tmp_path: Path) -> None:
    config = load(tmp_path, GOOD)
    camera, sensor = config.sources["gate-3"], config.sources["12"]
    assert isinstance(camera, CameraSource)
    assert isinstance(sensor, SensorSource)
    assert camera.input is not None
    assert camera.input.path == tmp_path / "clips/gate-3.mp4", "relative paths start at the file's folder"
    assert config.device.state_dir == tmp_path / "var/edge"
    assert config.server is not None
    assert config.server.url == "https://centre.example:8443"
    assert type(sensor.detectors["threshold"]).__name__ == "ThresholdSettings"
    assert config.source_for_clip("gate-3") is camera
    assert config.source_for_clip("other") is None


def test_the_example_configurations_hold(root: Path) -> None:
    for path in [*(root / "configs").rglob("edge*.yaml"), root / "tests/data/office1.yaml"]:
        assert load_config(path).sources, path


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("host: 127", "hots: 127", 3, ["mqtt.hots", "unknown key", "did you mean 'host'?"]),
        (
            "    location: {lon: 113.62, lat: 34.75, accuracy_m: 25}\n    input: {",
            "    locaton: 1\n    input: {",
            8,
            ["'location'"],
        ),
        ("path: clips", "pth: clips", 9, ["sources.gate-3.input.pth", "did you mean 'path'?"]),
        ("dwell_seconds", "dwel_seconds", 26, ["rules[0].dwel_seconds", "did you mean 'dwell_seconds'?"]),
        ("tilt_degrees: 35", "tilt_degree: 35", 14, ["facade.camera.tilt_degree", "did you mean 'tilt_degrees'?"]),
        ("path: data", "pathh: data", 22, ["channels.level.pathh", "did you mean 'path'?"]),
        ("thrown_object:", "throw_object:", 11, ["detectors.throw_object", "did you mean 'thrown_object'?"]),
        ("severity: red", "severity: rde", 26, ["found 'rde'", "red, yellow, blue", "did you mean 'red'?"]),
        ("type: file", "type: fil", 9, ["found 'fil'", "file, rtsp", "did you mean 'file'?"]),
        ("kind: sensor", "kind: sensors", 15, ["found 'sensors'", "camera, sensor", "did you mean 'sensor'?"]),
        ("lon: 113.62", "lon: 213.62", 8, ["sources.gate-3.location.lon", "found 213.62", "180"]),
        ("channel: level", "channel: levle", 26, ["rules[0].channel", "found 'levle'", "did you mean 'level'?"]),
        ("clear: 1.08", "clear: 2", 26, ["found clear 2 over above 1.2"]),
        ("above: 1.2,", "", 26, ["found neither of above and below"]),
        ("sensors/12/+", "sensors/#/x", 20, ["topic", "at the end"]),
        ("id: box-1,", "", 1, ["device.id", "found nothing"]),
        ("mqtt: {host: 127.0.0.1, client_id: box-1}\n", "", 17, ["found an mqtt input", "top-level mqtt"]),
    ],
)
def test_a_fault_names_line_field_and_remedy(tmp_path: Path, old: str, new: str, line: int, words: list[str]) -> None:
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    first = next(problem for problem in found if all(word in problem for word in words))
    assert int(first.split(":", 1)[0]) == line, found


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    text = (
        GOOD.replace("host: 127", "hots: 127").replace("lat: 34.75", "lat: 94").replace("severity: red", "severity: x")
    )
    found = problems(tmp_path, text)
    assert len(found) == 5, found  # hots, host missing, two latitudes, the severity


def test_a_key_twice_is_refused(tmp_path: Path) -> None:
    found = only_problem(tmp_path, GOOD + "mqtt: {host: a, client_id: b}\n")
    assert found.startswith("27: mqtt: found a second time, first on line 3")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("- 1\n", "expected a mapping"),
        ("device: {id: [}\n", "not valid YAML"),
        ("a: " + "[" * 200 + "]" * 200, "nested deeper"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8)),
            "larger than",
        ),
        ("a: 2024-13-45\n", "not valid YAML"),
        ("? [a, b]\n: 1\n", "plain text"),
        ("x: !!python/object/apply:os.system [ls]\n", "not valid YAML"),
    ],
)
def test_text_that_is_no_configuration(tmp_path: Path, text: str, word: str) -> None:
    assert any(word in problem for problem in problems(tmp_path, text))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_config(tmp_path / "missing.yaml")
    bad = tmp_path / "latin.yaml"
    bad.write_bytes(b"device:\n  id: b\xfcro\n")
    with pytest.raises(ConfigError, match=r"latin\.yaml:2: found bytes that are not UTF-8"):
        load_config(bad)


def test_credentials_are_never_shown(tmp_path: Path) -> None:
    text = GOOD.replace(
        "{type: file, path: clips/gate-3.mp4}", '{type: rtsp, url: "rtsp://admin:s3cret@10.0.0.7/1", transport: tpc}'
    )
    assert "s3cret" not in "\n".join(problems(tmp_path, text))
    text = text.replace("tpc", "tcp").replace("rtsp://", "http://")
    found = only_problem(tmp_path, text)
    assert "s3cret" not in found
    assert "***@10.0.0.7" in found
    config = load(tmp_path, text.replace("http://admin", "rtsp://admin"))
    assert "s3cret" not in repr(config)
    assert found_text("whatever", "password") == "a text"


def test_the_settings_for_any_clip(tmp_path: Path) -> None:
    text = GOOD.replace("  gate-3:", "  '*':").replace("    input: {type: file, path: clips/gate-3.mp4}\n", "")
    config = load(tmp_path, text)
    assert config.source_for_clip("whatever") is config.sources["*"]
    found = only_problem(tmp_path, GOOD.replace("  gate-3:", "  '*':"))
    assert "stands for the clips given to replay" in found


def test_an_input_needs_a_position(tmp_path: Path) -> None:
    place = "    location: {lon: 113.62, lat: 34.75, accuracy_m: 25}\n"
    assert "found no location" in only_problem(tmp_path, GOOD.replace(place, "", 1))


def test_the_hash_follows_settings_not_addresses(tmp_path: Path) -> None:
    def digest(text: str, source: str) -> str:
        config = load(tmp_path, text)
        return config_sha256(config.sources[source], config.evidence)

    assert digest(GOOD, "gate-3") == digest(GOOD.replace("clips/gate-3", "elsewhere/x"), "gate-3")
    assert digest(GOOD, "gate-3") != digest(GOOD.replace("tilt_degrees: 35", "tilt_degrees: 36"), "gate-3")
    assert digest(GOOD, "12") != digest(GOOD.replace("above: 1.2", "above: 1.3"), "12")
    assert re.fullmatch("[0-9a-f]{64}", digest(GOOD, "12"))


def test_the_schema_says_what_the_code_says(tmp_path: Path, root: Path) -> None:
    import yaml

    schema = config_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    good = yaml.safe_load(GOOD.replace("  12:", "  well-12:"))
    assert list(validator.iter_errors(good)) == []
    good["sources"]["well-12"]["detectors"]["threshold"]["rules"][0]["dwel_seconds"] = 1
    assert list(validator.iter_errors(good))
    assert main([str(root / "configs/schema"), "--check"]) == 0, "run: python -m edge.config.schema configs/schema"
    assert main([str(tmp_path), "--check"]) == 1
    assert main([str(tmp_path)]) == 0
    assert main([str(tmp_path), "--check"]) == 0
    assert main(["--help"]) == 2


def test_a_deep_tree_of_keys_stays_quick(tmp_path: Path) -> None:
    text = "\n".join(f"{'  ' * depth}k{depth}:" for depth in range(100))
    assert any("nested deeper" in problem for problem in problems(tmp_path, text))


def test_areas_are_sources_of_their_own(tmp_path: Path) -> None:
    area = "areas:\n  west: {name: 西片区, settings: west.yaml, flights: flights/west}\n"
    config = load(tmp_path, GOOD + area)
    west = config.areas["west"]
    assert west.settings == tmp_path / "west.yaml"
    assert west.flights == tmp_path / "flights" / "west"
    assert "west" not in config.sources
    assert "expected another id" in only_problem(tmp_path, GOOD + area.replace("west:", "gate-3:"))
    assert "settle" in only_problem(tmp_path, GOOD + area.replace("name:", "settle:"))
