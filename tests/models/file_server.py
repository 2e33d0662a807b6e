"""A web server with files, which can be told to misbehave."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """`files` by name. Faults are used up one a request: `busy` answers 503, `cut` breaks the line after so many bytes.
    `moved`: names that are answered with another place. `ranges`: whether it can begin in the middle. `refuse`: with
    which code. `asked`: (name, Range header) of every request."""

    files: dict[str, bytes]
    url: str = ""
    busy: int = 0
    cut: list[int] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    refuse: int | None = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def serving(files: dict[str, bytes], **faults: object) -> Iterator[FileServer]:
    """A server for as long as the block lasts."""
    state = FileServer(files, **faults)  # type: ignore[arg-type]  # of several types

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, wanted = self.path.lstrip("/").partition("?")[0], self.headers.get("Range")
            state.asked.append((name, wanted))
            if state.busy:
                state.busy -= 1
                self.send_error(503)
            elif state.refuse is not None:
                self.send_error(state.refuse)
            elif name in state.moved:
                self.send_response(302)
                self.send_header("Location", state.moved[name])
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif name not in state.files:
                self.send_error(404)
            else:
                self._send(state.files[name], wanted if state.ranges else None)

        def _send(self, content: bytes, wanted: str | None) -> None:
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            if start >= len(content) > 0 and wanted:
                self.send_error(416)
                return
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(content) - start))
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            sent = content[start:]
            self.wfile.write(sent[: state.cut.pop(0)] if state.cut else sent)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
