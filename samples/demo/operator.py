"""An operator without eyes: signs in, reads the queues and follows the live stream, as the console does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import httpx


class Operator:
    """A signed-in session at the server's API."""

    def __init__(self, url: str, username: str, password: str) -> None:
        # The keep-alive comments come every 15 s: silence for longer means that the stream is dead.
        self._http = httpx.Client(base_url=url, timeout=httpx.Timeout(10, read=40), trust_env=False)
        answer = self._http.post("/api/v1/session", json={"username": username, "password": password})
        answer.raise_for_status()
        self.account: dict[str, Any] = answer.json()
        self._http.headers["X-CSRF-Token"] = self.account["csrf_token"]

    def alerts(self, state: str = "open") -> tuple[list[dict[str, Any]], int]:
        """All alerts in scope, and the live position at which the list was true."""
        found: list[dict[str, Any]] = []
        parameters: dict[str, str] = {"state": state, "limit": "100"}
        cursor: int | None = None
        while True:
            page = self.get("/api/v1/alerts", **parameters)
            found += page["alerts"]
            cursor = page["cursor"] if cursor is None else cursor
            if page["next"] is None:
                return found, cursor
            parameters["before"] = page["next"]

    def alert(self, alert_id: str) -> dict[str, Any]:
        """One alert in detail."""
        return self.get(f"/api/v1/alerts/{alert_id}")

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """A JSON object of the API; raises httpx.HTTPStatusError."""
        answer = self._http.get(path, params=parameters)
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
        return content

    def post(self, path: str, content: dict[str, Any]) -> httpx.Response:
        """Sends a command; the caller looks at the status."""
        return self._http.post(path, json=content)

    def evidence(self, sha256: str) -> bytes:
        """The bytes of a piece of evidence."""
        answer = self._http.get(f"/api/v1/evidence/{sha256}")
        answer.raise_for_status()
        return answer.content

    def follow(self, after: int) -> Iterator[tuple[datetime, dict[str, Any]]]:
        """Changes behind a live position, each with the time of its arrival here. Ends when the stream does."""
        name, content = "", ""
        with self._http.stream("GET", "/api/v1/live", params={"after": after}) as stream:
            stream.raise_for_status()
            for line in stream.iter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    content += value
                elif line == "" and content:
                    if name == "alert":
                        yield datetime.now(UTC), json.loads(content)
                    name, content = "", ""

    def __enter__(self) -> Operator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
