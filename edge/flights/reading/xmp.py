"""XMP packets in pictures: found, and read without trusting them."""

from __future__ import annotations

from typing import BinaryIO
from xml.parsers import expat

MAX_XMP_BYTES = 1024 * 1024
"""A JPEG segment holds 64 KB; TIFF's may hold edits of years."""
_MAX_VALUES = 2_000
_MAX_DEPTH = 32
_PIECE_BYTES = 1024 * 1024
_BEGIN, _END = b"<x:xmpmeta", b"</x:xmpmeta>"

DJI = "http://www.dji.com/drone-dji/1.0/"
PARROT = "http://www.parrot.com/drone-parrot/1.0/"
PIX4D = "http://pix4d.com/camera/1.0"
SENSEFLY = "http://ns.sensefly.com/Camera/1.0"
SKYDIO = "skydio"
"""Any namespace with this word: no list of them is published."""
XMP = "http://ns.adobe.com/xap/1.0/"


class BadXmpError(ValueError):
    """A packet that cannot be read; says why."""


def values_of(packet: bytes) -> dict[tuple[str, str], str]:
    """Attributes and elements without children, by (namespace without its last slash, name).

    Those of a structure also by `Structure/name`: several may hold a `Yaw`.

    Raises:
        BadXmpError: it is no XML, too large or deep, or declares a document type (whose entities could fill memory).
    """
    if len(packet) > MAX_XMP_BYTES:
        raise BadXmpError(f"XMP has {len(packet)} bytes, expected at most {MAX_XMP_BYTES}")
    collector = _Collector()
    parser = expat.ParserCreate(namespace_separator="\n")
    parser.buffer_text = True
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(packet.strip(b"\x00 \r\n\t"), True)
    except BadXmpError:
        raise
    except expat.ExpatError as error:
        raise BadXmpError(f"XMP is no XML: {error}") from error
    except (ValueError, LookupError) as error:  # an encoding that is not known
        raise BadXmpError(f"XMP cannot be read: {error}") from error
    return collector.values


def _refuse(*_: object) -> None:
    raise BadXmpError("XMP declares a document type, which no camera does")


class _Collector:
    def __init__(self) -> None:
        self.values: dict[tuple[str, str], str] = {}
        self._open: list[tuple[str, list[str]]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= _MAX_DEPTH:
            raise BadXmpError(f"XMP is nested more than {_MAX_DEPTH} deep")
        self._open.append((name, []))
        for key, value in attributes.items():
            self._keep(key, value, name)

    def text(self, text: str) -> None:
        if self._open:
            self._open[-1][1].append(text)

    def end(self, name: str) -> None:
        text = "".join(self._open.pop()[1]).strip()
        if text:
            self._keep(name, text, self._open[-1][0] if self._open else "")

    def _keep(self, key: str, value: str, within: str) -> None:
        space, _, name = key.rpartition("\n")
        space = SKYDIO if SKYDIO in space else space.rstrip("/")
        if len(self.values) < _MAX_VALUES:
            self.values.setdefault((space, name), value)
            self.values.setdefault((space, f"{within.rpartition(chr(10))[2]}/{name}"), value)


def find_packet(file: BinaryIO) -> bytes | None:
    """The first XMP packet of a TIFF or DNG, wherever it stands: piece by piece through the whole file."""
    file.seek(0)
    held = b""
    while piece := file.read(_PIECE_BYTES):
        held += piece
        begin = held.find(_BEGIN)
        if begin < 0:
            held = held[-len(_BEGIN) :]
            continue
        end = held.find(_END, begin)
        if end >= 0:
            return held[begin : end + len(_END)]
        if len(held) - begin > MAX_XMP_BYTES:
            return None
        held = held[begin:]
    return None
