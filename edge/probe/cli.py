"""`gridsentry-edge probe`: looks at a camera before it is configured."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from urllib.parse import urlsplit

import typer
from pydantic import Field, TypeAdapter, ValidationError
from rich.console import Console

from edge.config.inputs import CameraInput
from edge.sources.address import password_in, with_credentials
from edge.sources.errors import SourceError, redact_url

if TYPE_CHECKING:
    from edge.probe.sample import Sample

WRONG_USAGE = 2
ONVIF_PORT = 80

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def probe_command(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    url: Annotated[
        str | None, typer.Argument(help="rtsp://…, http://…, /dev/video0, a file or folder, or onvif://host[:port].")
    ] = None,
    discover: Annotated[bool, typer.Option("--discover", help="List the cameras of the local network.")] = False,
    user: Annotated[str | None, typer.Option(help="The camera's user; the password is asked for.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="A file with the password in its only line.")] = None,
    onvif: Annotated[bool, typer.Option("--onvif", help="Ask the address's host by ONVIF for its streams.")] = False,
    seconds: Annotated[float, typer.Option(min=1, max=120, help="How long the stream is watched.")] = 8,
    transport: Annotated[str, typer.Option(help="Of RTSP: tcp or udp.")] = "tcp",
    still: Annotated[
        Path | None, typer.Option(help="Where a picture is written, as JPEG; else among the temporary files.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Looks at a camera: what it sends, what decoding it costs, what should be set otherwise."""
    if discover:
        if url is not None:
            _usage("--discover takes no address")
        _discover(as_json=as_json)
        return
    if url is None:
        _usage("give an address, or --discover")
    if password_file is not None and user is None:
        _usage("--password-file needs --user")
    if transport not in {"tcp", "udp"}:
        _usage(f"found --transport {transport}, expected tcp or udp")
    password = _password(user, password_file)
    if onvif or _parts_of(url).scheme == "onvif":
        _onvif(url, user, password, as_json=as_json)
        return
    _sample(url, input_for(url, user, password, transport), seconds, still, as_json=as_json)


def _parts_of(url: str) -> Any:
    """The parts of an address, or the end of the program."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        _usage(f"found {redact_url(url)}, expected an address such as rtsp://192.168.1.20/stream1")
    return parts


def _usage(message: str) -> NoReturn:
    _err.print(message, markup=False)
    raise typer.Exit(WRONG_USAGE)


def _password(user: str | None, password_file: Path | None) -> str:
    """The password: from the file, or typed in without an echo."""
    if user is None or password_file is not None:
        return password_in(password_file)
    if not sys.stdin.isatty():
        _usage("--user needs --password-file where nobody can be asked")
    return str(typer.prompt(f"password of {user}", hide_input=True, err=True))


def input_for(url: str, user: str | None, password: str, transport: str) -> CameraInput:
    """What a configuration would say of an address."""
    scheme = urlsplit(url).scheme.lower()
    document: dict[str, Any]
    if scheme in {"rtsp", "rtsps"}:
        document = {"type": "rtsp", "url": with_credentials(url, user, password), "transport": transport}
    elif scheme in {"http", "https"}:
        kind = "hls" if urlsplit(url).path.lower().endswith((".m3u8", ".m3u")) else "http"
        document = {"type": kind, "url": with_credentials(url, user, password)}
    elif scheme in {"rtmp", "rtmps"}:
        document = {"type": "rtmp", "url": with_credentials(url, user, password)}
    elif scheme and "://" in url:
        _usage(f"found {redact_url(url)}, expected rtsp://, rtsps://, http://, https://, rtmp://, onvif:// or a path")
    elif url.startswith("/dev/"):
        document = {"type": "v4l2", "device": url}
    else:
        path = Path(url)
        still_pictures = path.is_dir() or any(letter in path.name for letter in "*?[")
        document = {"type": "images" if still_pictures else "file", "path": url, "pace": "fastest"}
    kinds: Any = Annotated[CameraInput, Field(discriminator="type")]
    try:
        found: CameraInput = TypeAdapter(kinds).validate_python(document)
    except ValidationError:
        # Never pydantic's own words: they quote the address with the password in it.
        _usage(f"found {redact_url(url)}, expected an address such as rtsp://192.168.1.20/stream1")
    return found


def _sample(url: str, settings: CameraInput, seconds: float, still: Path | None, *, as_json: bool) -> None:
    from edge.probe.advice import advice_on
    from edge.probe.report import print_sample, sample_document
    from edge.probe.sample import take_sample

    sample = take_sample(settings, seconds)
    written = _write_still(sample, still)
    shown = "://" in url and urlsplit(url).password is not None
    advice = advice_on(sample, has_sub_stream=False, password_was_shown=shown)
    if as_json:
        print(json.dumps(sample_document(sample, advice, written), indent=2, ensure_ascii=False))  # noqa: T201 - data
    else:
        print_sample(_out, sample, advice, written)


def _write_still(sample: Sample, path: Path | None) -> str:
    from edge.probe.sample import jpeg_of

    if path is None:
        handle, name = tempfile.mkstemp(prefix="gridsentry-still-", suffix=".jpg")
        os.close(handle)
        path = Path(name)
    path.write_bytes(jpeg_of(sample.still))
    return str(path)


def _discover(*, as_json: bool) -> None:
    from edge.probe.discovery import discover

    found = discover()
    if as_json:
        print(json.dumps([{**asdict(camera), "address": camera.address} for camera in found], ensure_ascii=False))  # noqa: T201
        return
    for camera in found:
        _out.print(f"{camera.address}  {camera.name}  {camera.model}".rstrip(), markup=False, soft_wrap=True)
    if not found:
        raise SourceError(
            "no camera answered; they must be in this network (multicast passes no router), with ONVIF turned on"
        )


def _onvif(url: str, user: str | None, password: str, *, as_json: bool) -> None:
    from edge.probe.onvif import look_up
    from edge.probe.report import configuration_for, device_document, print_device

    parts = _parts_of(url if "://" in url else f"onvif://{url}")
    if parts.hostname is None:
        _usage("found an address without a host, expected onvif://192.168.1.20")
    # The port of another protocol says nothing of ONVIF's.
    port = parts.port if parts.scheme in {"onvif", "http"} else None
    device = look_up(parts.hostname, port or ONVIF_PORT, user, password)
    snippet = configuration_for(device, user)
    if as_json:
        print(json.dumps(device_document(device, snippet), indent=2, ensure_ascii=False))  # noqa: T201 - data
    else:
        print_device(_out, device, snippet)
