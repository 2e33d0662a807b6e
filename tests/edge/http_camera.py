"""Cameras that speak HTTP, in threads of the test: MJPEG, a transport stream, a live playlist; to be cut or frozen."""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

import av
import cv2
import numpy as np

LOGIN = ("viewer", "p@ss w/rd:1")
SEGMENT_SECONDS = 1.0
FPS = 10


def jpeg_of(number: int, size: tuple[int, int] = (160, 120)) -> bytes:
    """A picture whose brightness counts."""
    ok, content = cv2.imencode(".jpg", np.full((size[1], size[0], 3), 60 + number % 100, np.uint8))
    assert ok
    return bytes(content)


def transport_stream(
    seconds: float, *, size: tuple[int, int] = (160, 120), first: int = 0, gop: int = FPS, audio: bool = False
) -> bytes:
    """MPEG-TS with H.264 at FPS, whose stamps begin at frame number `first`."""
    target = io.BytesIO()
    with av.open(target, "w", format="mpegts") as output:
        stream = output.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = *size, "yuv420p", gop
        stream.options = {"sc_threshold": "0", "bf": "0", "preset": "ultrafast"}
        stream.time_base = stream.codec_context.time_base = Fraction(1, FPS)
        sound = output.add_stream("mp2", rate=16000) if audio else None
        for number in range(first, first + int(seconds * FPS)):
            picture = np.full((size[1], size[0], 3), 60 + number % 100, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = number
            output.mux(stream.encode(frame))
            if sound is not None:
                samples = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), format="s16", layout="mono")
                samples.sample_rate, samples.pts = 16000, number * 1600
                output.mux(sound.encode(samples))
        output.mux(stream.encode(None))
        if sound is not None:
            output.mux(sound.encode(None))
    return target.getvalue()


class HttpCamera:
    """Serves `/video.mjpg`, `/video.ts`, `/live/index.m3u8` and `/recording.mp4` until it is closed.

    `frozen` stops sending without closing, `cut` closes what is open, `login` asks for LOGIN (Basic).
    """

    def __init__(self, *, login: bool = False, stream: bytes = b"", recording: bytes = b"") -> None:
        self.frozen = threading.Event()
        self.cut = threading.Event()
        self.finished_playlist = False
        self.login = login
        self.stream = stream
        self.recording = recording
        self.tail = b""
        """What follows the transport stream, again and again."""
        self.began = time.monotonic()
        self.asked: list[str] = []
        self._segments: dict[int, bytes] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def __enter__(self) -> HttpCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def parts(self) -> Iterator[bytes]:
        """The body of an endless answer, in its time."""
        number = 0
        while not self.cut.wait(1 / FPS):
            if not self.frozen.is_set():
                jpeg = jpeg_of(number)
                yield b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg)
                number += 1

    def pieces(self) -> Iterator[bytes]:
        """The transport stream, paced at ten pieces a second, then whatever the test waits for."""
        count = max(int(len(self.stream) / 188 / 40), 1)
        size = len(self.stream) // 188 // count * 188
        for start in range(0, len(self.stream), size):
            while self.frozen.is_set() and not self.cut.is_set():
                time.sleep(0.02)
            if self.cut.wait(0.05):
                return
            yield self.stream[start : start + size]
        while not self.cut.wait(0.05):
            if self.tail:
                yield self.tail

    def playlist(self) -> bytes:
        """Three segments, the newest of which has just been filmed."""
        newest = 2 + int((time.monotonic() - self.began) / SEGMENT_SECONDS)
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{SEGMENT_SECONDS:.0f}"]
        lines += [f"#EXT-X-MEDIA-SEQUENCE:{newest - 2}"]
        for number in range(newest - 2, newest + 1):
            lines += [f"#EXTINF:{SEGMENT_SECONDS:.3f},", f"segment-{number}.ts"]
        return ("\n".join([*lines, *(["#EXT-X-ENDLIST"] if self.finished_playlist else [])]) + "\n").encode()

    def segment(self, number: int) -> bytes:
        if number not in self._segments:
            self._segments[number] = transport_stream(SEGMENT_SECONDS, first=number * int(SEGMENT_SECONDS * FPS))
        return self._segments[number]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        camera = self
        expected = "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.asked.append(self.path)
                if camera.login and self.headers.get("Authorization") != expected:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                    self.end_headers()
                    return
                try:
                    self._answer()
                except (ConnectionError, TimeoutError):
                    return  # the client has gone: that is its right

            def _answer(self) -> None:
                if self.path == "/video.mjpg":
                    self._endless("multipart/x-mixed-replace; boundary=frame", camera.parts())
                elif self.path == "/video.ts":
                    self._endless("video/mp2t", camera.pieces())
                elif self.path == "/live/index.m3u8":
                    while camera.frozen.is_set() and not camera.cut.is_set():
                        time.sleep(0.02)
                    self._whole("application/vnd.apple.mpegurl", camera.playlist())
                elif self.path.startswith("/live/segment-"):
                    number = int(self.path.removeprefix("/live/segment-").removesuffix(".ts"))
                    self._whole("video/mp2t", camera.segment(number))
                elif self.path == "/recording.mp4" and camera.recording:
                    self._whole("video/mp4", camera.recording)
                else:
                    self.send_error(404)

            def _whole(self, kind: str, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _endless(self, kind: str, parts: Iterator[bytes]) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.end_headers()
                for part in parts:
                    self.wfile.write(part)
                    self.wfile.flush()

            def log_message(self, *_arguments: object) -> None:
                """Nothing: pytest shows what matters."""

        return Handler
