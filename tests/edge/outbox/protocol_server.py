"""A small real HTTP server that speaks the device interface, keeps everything in memory, and misbehaves on request."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "test-token"


@dataclass
class Memory:
    """What the server knows, and what it will do wrong next."""

    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: list[bytes] = field(default_factory=list)
    heads: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytearray] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    public_key: str | None = None
    requests: list[tuple[str, str, int]] = field(default_factory=list)
    """Method, path, body length."""
    answers: deque[Response] = field(default_factory=deque)
    """Given instead of looking at the next requests."""
    refuse_ids: set[str] = field(default_factory=set)
    max_batch_bytes: int = 8 * 2**20
    lose_answers: int = 0
    """So many batches are taken in and then answered 502, as by a proxy."""
    damage_uploads: int = 0
    know_no_files: bool = False
    take_no_chunks: bool = False

    def take(self, item: dict[str, Any], raw: bytes) -> dict[str, Any]:
        if item["type"] == "gridsentry.chain.head.v1":
            self.heads.append(item["data"])
            return {"id": item["id"], "status": "accepted"}
        if item["id"] in self.refuse_ids:
            problem = {"title": "Unprocessable", "status": 422, "detail": "no such tier", "field": "data.tier"}
            return {"id": item["id"], "status": "dead_letter", "problem": problem}
        if item["id"] in self.events:
            return {"id": item["id"], "status": "duplicate"}
        self.events[item["id"]] = item
        self.contents.append(raw)
        for evidence in item["data"].get("evidence", []):
            self.files.setdefault(evidence["sha256"], bytearray())
            self.lengths[evidence["sha256"]] = evidence["bytes"]
        return {"id": item["id"], "status": "accepted"}

    def is_whole(self, sha256: str) -> bool:
        return len(self.files[sha256]) == self.lengths[sha256]


class ProtocolServer:
    """Starlette on uvicorn in a thread, on one port for its whole life; can go away and come back."""

    def __init__(self) -> None:
        self.memory = Memory()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        routes = [
            Route("/api/v1/events", self._events, methods=["POST"]),
            Route("/api/v1/device/key", self._key, methods=["PUT"]),
            Route("/api/v1/evidence-uploads/{sha256}", self._upload, methods=["HEAD", "PATCH"]),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), host="127.0.0.1", port=self.port, log_config=None, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._server.force_exit = True
            self._thread.join(10)
            self._server = None

    async def _begin(self, request: Request) -> tuple[bytes, Response | None]:
        body = await request.body()
        memory = self.memory
        memory.requests.append((request.method, request.url.path, len(body)))
        if memory.answers:
            return body, memory.answers.popleft()
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return body, JSONResponse({"title": "Unauthorized", "status": 401, "detail": "unknown token"}, 401)
        return body, None

    async def _events(self, request: Request) -> Response:
        body, answer = await self._begin(request)
        if answer is not None:
            return answer
        assert request.headers["Content-Type"] == "application/cloudevents-batch+json"
        if len(body) > self.memory.max_batch_bytes:
            return JSONResponse({"title": "Too large", "status": 413}, 413)
        results = []
        for index, item in enumerate(json.loads(body)):
            # The edge sends canonical bytes, so that writing them again gives the same.
            raw = json.dumps(item, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
            results.append({"index": index, **self.memory.take(item, raw)})
        if self.memory.lose_answers:
            self.memory.lose_answers -= 1
            return Response("bad gateway", 502)
        return JSONResponse({"results": results})

    async def _key(self, request: Request) -> Response:
        body, answer = await self._begin(request)
        if answer is not None:
            return answer
        key = json.loads(body)["public_key"]
        if self.memory.public_key not in {None, key}:
            return JSONResponse({"title": "Conflict", "status": 409}, 409)
        self.memory.public_key = key
        return Response(status_code=204)

    async def _upload(self, request: Request) -> Response:
        body, answer = await self._begin(request)
        if answer is not None:
            return answer
        memory, sha256 = self.memory, request.path_params["sha256"]
        if sha256 not in memory.files or memory.know_no_files:
            return Response(status_code=404)
        content = memory.files[sha256]
        if request.method == "HEAD":
            return Response(headers=self._state(sha256))
        if memory.take_no_chunks or int(request.headers["Upload-Offset"]) != len(content):
            return Response(status_code=409, headers=self._state(sha256))
        content += body
        if memory.is_whole(sha256):
            damaged = memory.damage_uploads > 0
            memory.damage_uploads -= damaged
            if damaged or hashlib.sha256(content).hexdigest() != sha256:
                content.clear()
                return JSONResponse({"title": "Hash mismatch", "status": 422}, 422, headers=self._state(sha256))
        return Response(status_code=204, headers=self._state(sha256))

    def _state(self, sha256: str) -> dict[str, str]:
        return {
            "Upload-Offset": str(len(self.memory.files[sha256])),
            "Upload-Length": str(self.memory.lengths[sha256]),
            "Upload-Complete": f"?{int(self.memory.is_whole(sha256))}",
        }


@contextmanager
def protocol_server() -> Iterator[ProtocolServer]:
    server = ProtocolServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
