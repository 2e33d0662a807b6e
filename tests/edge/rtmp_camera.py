"""An RTMP server in threads of the test: hands a stream to whoever plays it (Adobe's RTMP 1.0, as much as that takes).

No package for it is on this machine. Messages to clients are one chunk each, after a chunk size that says so.
"""

from __future__ import annotations

import io
import socket
import struct
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType

import av
import numpy as np

FPS = 10
_CHUNK = 1 << 20
_CONTROL, _COMMAND, _VIDEO, _NOTE = 2, 20, 9, 18


def flv(seconds: float, size: tuple[int, int] = (160, 120)) -> bytes:
    """H.264 at FPS whose brightness counts."""
    target = io.BytesIO()
    with av.open(target, "w", format="flv") as output:
        options = {"preset": "ultrafast", "bf": "0", "sc_threshold": "0"}
        stream = output.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = *size, "yuv420p", FPS
        stream.codec_context.time_base = Fraction(1, FPS)
        for number in range(int(seconds * FPS)):
            picture = np.full((size[1], size[0], 3), 60 + number % 100, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target.getvalue()


def _tags(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Kind, milliseconds and body of each tag of an FLV file."""
    at = 13
    while at + 11 <= len(content):
        kind, size = content[at], int.from_bytes(content[at + 1 : at + 4], "big")
        stamp = int.from_bytes(content[at + 7 : at + 8] + content[at + 4 : at + 7], "big")
        yield kind, stamp, content[at + 11 : at + 11 + size]
        at += 15 + size


def _text(value: str) -> bytes:
    return b"\x02" + struct.pack(">H", len(value)) + value.encode()


def _number(value: float) -> bytes:
    return b"\x00" + struct.pack(">d", value)


def _object(**values: str) -> bytes:
    pairs = b"".join(struct.pack(">H", len(name)) + name.encode() + _text(value) for name, value in values.items())
    return b"\x03" + pairs + b"\x00\x00\x09"


class RtmpCamera:
    """Serves one stream as /live/KEY until it is closed; `cut` ends what is played."""

    def __init__(self, content: bytes, key: str = "k3y") -> None:
        self._content, self._key = content, key
        self.cut = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.url = f"rtmp://127.0.0.1:{self.port}/live/{key}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> RtmpCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while not self.cut.is_set():
            try:
                client, _ = self._server.accept()
            except OSError:
                return  # closed
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                reader = client.makefile("rb")
                asked = reader.read(1537)
                client.sendall(b"\x03" + bytes(1536) + asked[1:])
                reader.read(1536)
                self._answer(client, reader)
            except (OSError, EOFError, struct.error):
                return  # the client has gone: that is its right

    def _answer(self, client: socket.socket, reader: io.BufferedReader) -> None:
        self._send(client, 1, struct.pack(">I", _CHUNK))
        for kind, body in _messages(reader):
            if kind != _COMMAND:
                continue
            name = body[3 : 3 + int.from_bytes(body[1:3], "big")].decode()
            transaction = body[3 + len(name) : 12 + len(name)]
            if name == "connect":
                status = _object(level="status", code="NetConnection.Connect.Success")
                self._send(client, _COMMAND, _text("_result") + transaction + _object(fmsVer="FMS/3,0") + status)
            elif name == "createStream":
                self._send(client, _COMMAND, _text("_result") + transaction + b"\x05" + _number(1.0))
            elif name == "play":
                wanted = self._key.encode() in body
                code = "NetStream.Play.Start" if wanted else "NetStream.Play.StreamNotFound"
                status = _object(level="status" if wanted else "error", code=code)
                self._send(client, _COMMAND, _text("onStatus") + _number(0) + b"\x05" + status)
                if wanted:
                    self._play(client)
                return

    def _play(self, client: socket.socket) -> None:
        began = time.monotonic()
        for kind, stamp, body in _tags(self._content):
            while time.monotonic() - began < stamp / 1000:
                if self.cut.wait(0.01):
                    return
            self._send(client, kind, body, stamp)

    @staticmethod
    def _send(client: socket.socket, kind: int, body: bytes, stamp: int = 0) -> None:
        """One message in one chunk of the full header."""
        head = bytes([3 if kind in {_COMMAND, _VIDEO, _NOTE} else _CONTROL])
        size, stream = len(body).to_bytes(3, "big"), struct.pack("<I", int(kind in {_VIDEO, _NOTE}))
        client.sendall(head + stamp.to_bytes(3, "big") + size + bytes([kind]) + stream + body)


def _messages(reader: io.BufferedReader) -> Iterator[tuple[int, bytes]]:
    """Kind and body of what a client sends, put together from chunks."""
    chunk = 128
    heads: dict[int, tuple[int, int]] = {}
    parts: dict[int, bytes] = {}
    while first := reader.read(1):
        form, channel = first[0] >> 6, first[0] & 0x3F
        if form < 3:
            head = reader.read((11, 7, 3)[form])
            if form < 2:
                heads[channel] = int.from_bytes(head[3:6], "big"), head[6]
        size, kind = heads[channel]
        have = parts.pop(channel, b"")
        have += reader.read(min(chunk, size - len(have)))
        if len(have) < size:
            parts[channel] = have
            continue
        if kind == 1:
            chunk = int.from_bytes(have, "big")
        yield kind, have
