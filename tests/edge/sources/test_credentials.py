"""Names and passwords: whatever is in them reaches the camera and nobody else."""

from __future__ import annotations

import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from edge.config.inputs import CameraInput, HlsInput, HttpInput, RtspInput
from edge.sources.address import password_in, with_credentials
from edge.sources.errors import SourceError, redact_url
from edge.sources.opening import open_video
from tests.edge.brokers import free_port

SECRETS = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), min_size=6, max_size=24).filter(
    lambda text: text.strip() == text and "***" not in text
)


@given(SECRETS, SECRETS)
def test_any_name_and_password_arrive_as_they_are(name: str, password: str) -> None:
    url = with_credentials("rtsp://old:gone@10.0.0.7:554/live?x=1", name, password)
    parts = urlsplit(url)
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (name, password)
    assert (parts.hostname, parts.port, parts.path, parts.query) == ("10.0.0.7", 554, "/live", "x=1")
    assert with_credentials("rtsp://10.0.0.7/live", None, password) == "rtsp://10.0.0.7/live"


def refused(document: dict[str, Any]) -> str:
    """All that is printed when an address cannot be opened."""
    opened: CameraInput = TypeAdapter(RtspInput | HttpInput | HlsInput).validate_python(document)
    with pytest.raises(SourceError) as raised:
        open_video(opened)
    return "".join(traceback.format_exception(raised.value)) + repr(opened)


def document_with(password: str, kind: str, way: str, host: str, secret: Path) -> dict[str, Any]:
    """A camera nobody answers for, its password given in one of the three ways there are."""
    plain = f"{'rtsp' if kind == 'rtsp' else 'http'}://{host}/live"
    document: dict[str, Any] = {"type": kind, "open_timeout_seconds": 2, "url": plain}
    encoded = with_credentials(plain, "admin", password)
    if way == "url":
        document["url"] = encoded
    elif way == "query":
        document["url"] = f"{plain}?user=admin&password={urlsplit(encoded).password}"
    else:
        secret.write_text(password + "\n", encoding="utf-8")
        document |= {"username": "admin", "password_file": secret}
    return document


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(password=SECRETS, kind=st.sampled_from(["rtsp", "http", "hls"]), way=st.sampled_from(["url", "query", "file"]))
def test_no_failure_to_open_shows_a_password(tmp_path: Path, password: str, kind: str, way: str) -> None:
    """What is printed is the same whatever the password: words of the message may be passwords too ("username")."""
    host = f"127.0.0.1:{free_port()}"
    said, said_of_another = (
        refused(document_with(each, kind, way, host, tmp_path / "secret")) for each in (password, f"~{password[::-1]}~")
    )
    assert said == said_of_another
    assert host in said


@pytest.mark.parametrize("way", ["url", "query", "file"])
@pytest.mark.parametrize("kind", ["rtsp", "http", "hls"])
def test_a_password_no_message_contains_is_not_shown(tmp_path: Path, kind: str, way: str) -> None:
    password = "s3cret/pa55 w@rd"
    said = refused(document_with(password, kind, way, f"127.0.0.1:{free_port()}", tmp_path / "secret"))
    for shown in (password, "s3cret", "pa55", "w%40rd"):
        assert shown not in said


@given(st.text(max_size=60), SECRETS)
def test_redaction_holds_whatever_stands_around(around: str, password: str) -> None:
    shown = redact_url(f"rtsp://admin:{password}\x00@camera/{around.replace('@', '')}")
    assert f"{password}\x00" not in shown


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines\n", b"\xff\xfe"])
def test_a_password_file_holds_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="camera's password") as raised:
        password_in(path)
    assert "two" not in str(raised.value)


def test_a_missing_password_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="secret: the camera's password cannot be read: No such file"):
        password_in(tmp_path / "secret")
    path = tmp_path / "secret"
    path.write_text(" p@ss w/rd: \r\n", encoding="utf-8")
    assert password_in(path) == " p@ss w/rd: ", "blanks belong to it, the line's end does not"


def test_what_libav_logs_of_an_address_is_not_printed() -> None:
    """A process of its own: libav writes to the standard error of the process, not through Python."""
    program = (
        "from edge.sources.http import HlsSource\n"
        "from edge.sources.errors import SourceError\n"
        f"address = 'http://admin:s3cret-pa55@127.0.0.1:{free_port()}/live.m3u8'\n"
        "try:\n    HlsSource(address, open_timeout_seconds=2)\n"
        "except SourceError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "cannot be opened" in done.stdout
    assert "s3cret-pa55" not in done.stdout + done.stderr
