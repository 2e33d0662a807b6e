"""Cameras asked by ONVIF: a real SOAP server, a real multicast."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from edge.config.sources import CameraSource
from edge.probe.discovery import FoundCamera, discover, found_among
from edge.probe.onvif import look_up
from edge.probe.report import configuration_for
from edge.sources.errors import SourceError
from tests.edge.brokers import free_port
from tests.edge.onvif_camera import NAME, PASSWORD, OnvifCamera


def test_profiles_sizes_and_addresses() -> None:
    with OnvifCamera() as camera:
        device = look_up("127.0.0.1", camera.port, NAME, PASSWORD)
    assert (device.maker, device.model, device.firmware) == ("Example", "Dome 5", "1.2.3")
    assert [(each.name, each.width, each.height, each.fps) for each in device.profiles] == [
        ("main", 2560, 1440, 25),
        ("sub", 640, 360, 25),
        ("phone", 176, 144, 25),
    ]
    assert device.main is not None
    assert device.sub is not None
    assert (device.main.uri, device.sub.uri) == ("rtsp://127.0.0.1:554/p1", "rtsp://127.0.0.1:554/p2")
    assert (device.main.group_frames, device.main.bits_per_second) == (50, 4_096_000)


def test_the_piece_of_configuration_is_valid() -> None:
    with OnvifCamera() as camera:
        text = configuration_for(look_up("127.0.0.1", camera.port, NAME, PASSWORD), NAME)
    assert PASSWORD not in text
    assert "leaked" not in text
    source = TypeAdapter(CameraSource).validate_python(yaml.safe_load(text)["sources"]["camera-1"])
    assert source.input is not None
    assert source.input.type == "rtsp"
    assert source.input.urls == ("rtsp://127.0.0.1:554/p1", "rtsp://127.0.0.1:554/p2")


def test_failures_are_named_and_hold_no_password() -> None:
    with OnvifCamera() as camera:
        for name, password in ((NAME, "wrong-pa55"), (None, "")):
            with pytest.raises(SourceError, match="refuses the login") as raised:
                look_up("127.0.0.1", camera.port, name, password)
            assert "wrong-pa55" not in str(raised.value)
    with OnvifCamera(garbage=True) as camera, pytest.raises(SourceError, match=r"cannot be asked|not as ONVIF"):
        look_up("127.0.0.1", camera.port, NAME, PASSWORD)
    with pytest.raises(SourceError, match="check host and port"):
        look_up("127.0.0.1", free_port(), NAME, PASSWORD)


def test_by_the_program(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    with OnvifCamera() as camera:
        command = [sys.executable, "-m", "edge.cli", "probe", f"onvif://127.0.0.1:{camera.port}"]
        command += ["--user", NAME, "--password-file", str(secret)]
        shown = subprocess.run(command, capture_output=True, text=True, check=False)
        plain = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert "Dome 5" in shown.stdout
    assert "password_file: camera.password" in shown.stdout
    assert [profile["token"] for profile in json.loads(plain.stdout)["profiles"]] == ["p1", "p2", "p3"]
    assert PASSWORD not in shown.stdout + shown.stderr + plain.stdout


def test_what_answers_in_the_network() -> None:
    scopes = ["onvif://www.onvif.org/name/Gate%203", "onvif://www.onvif.org/hardware/Dome%205", "x"]
    answers = [
        (["http://10.0.0.9/onvif/device_service", "http://[fd00::9]/onvif/device_service"], scopes),
        (["http://10.0.0.9/onvif/device_service"], scopes),
        (["https://10.0.0.8:8443/onvif"], []),
        (["http://[fe80::1%25eth0]/onvif", "http://10.0.0.7:8080/onvif"], []),
        (["garbage", "http://", "ftp://10.0.0.1/", "http://10.0.0.1:notaport/"], []),
        (None, []),
    ]
    assert found_among(answers) == [
        FoundCamera("10.0.0.7", 8080, "", ""),
        FoundCamera("10.0.0.8", 8443, "", ""),
        FoundCamera("10.0.0.9", 80, "Gate 3", "Dome 5"),
    ]
    assert found_among(answers)[2].address == "onvif://10.0.0.9:80"


@given(
    st.lists(
        st.tuples(st.lists(st.text(max_size=40), max_size=3), st.lists(st.text(max_size=40), max_size=3)), max_size=4
    )
)
def test_garbage_from_the_network_is_left_out(answers: list[tuple[list[str], list[str]]]) -> None:
    for camera in found_among(answers):
        assert camera.host


def multicast_works() -> bool:
    """Whether a datagram to the group of WS-Discovery comes back to this machine."""
    group = "239.255.255.250"
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        try:
            listener.bind(("", 0))
            listener.settimeout(1)
            listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + bytes(4))
            sender.sendto(b"x", (group, listener.getsockname()[1]))
            return listener.recv(10) == b"x"
        except OSError:
            return False


# The library's publisher (we only search) answers by IPv6 too, and its thread ends with an error where there is none.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_camera_that_announces_itself_is_found() -> None:
    if not multicast_works():
        pytest.skip("this machine's network carries no multicast")
    from wsdiscovery import QName, Scope
    from wsdiscovery.publishing import ThreadedWSPublishing

    publishing = ThreadedWSPublishing()
    publishing.start()
    try:
        publishing.publishService(
            types=[QName("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter")],
            scopes=[Scope("onvif://www.onvif.org/name/Gate%203")],
            xAddrs=["http://127.0.0.1:8899/onvif/device_service"],
        )
        assert FoundCamera("127.0.0.1", 8899, "Gate 3", "") in discover(3)
    finally:
        publishing.stop()
