"""The page's routes for traffic signals: calibrating a camera's heads, and what its detectors say of themselves."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge.calibrate.writing import WritingError, with_detector
from edge.config.problems import ConfigError, ConfigProblem, field_name
from edge.config.text import MAX_CONFIG_BYTES, parse
from edge.local.answers import body, json_answer
from edge.local.document import plan_document
from edge.local.problem import FieldProblem, problem
from edge.supervisor.reload import text_sha256
from edge.view import Box, Plan

DETECTOR = "traffic_signal"
MAX_SETTINGS_BYTES = 512 * 1024
"""48 heads with six lamps and polygons of 60 points are 150 KB."""
CALLS = ("propose", "check", "learn", "status", "stop")
MAX_LEARN_SECONDS = 3600.0
"""An hour shows every cycle there is; more only keeps a detector's place warm."""

Call = Callable[[str, str, Mapping[str, Any]], Awaitable[Any]]


class SignalRoutes:
    """The handlers. `call` asks a source's worker and answers a refusal as a response; `changing` is held by whoever
    changes the configuration."""

    def __init__(self, box: Box, call: Call, changing: asyncio.Lock, *, pictures: bool) -> None:
        self._box = box
        self._call = call
        self._changing = changing
        self._pictures = pictures

    def routes(self) -> list[Route]:
        """All of them."""
        source = "/api/sources/{source_id}"
        return [
            Route(f"{source}/reports", self.reports),
            Route(f"{source}/signals", self.configured),
            Route(f"{source}/signals", self.ask, methods=["POST"]),
            Route(f"{source}/signals/still", self.still),
            Route(f"{source}/signals/plan", self.plan, methods=["POST"]),
            Route(f"{source}/signals/save", self.save, methods=["POST"]),
        ]

    async def reports(self, request: Request) -> Response:
        """What each detector says of itself now."""
        return await self._answered(request, "reports", {})

    async def configured(self, request: Request) -> Response:
        """The detector's settings as they stand in the file, with the hash of the file that they were read from."""
        source_id = request.path_params["source_id"]
        meter = self._box.view().sources.get(source_id)
        if meter is None or meter.kind != "camera":
            return problem(404, "no such camera", f"found {source_id!r}, expected a camera with an input")
        try:
            text = await anyio.to_thread.run_sync(_read, Path(self._box.view().config.path))
        except (OSError, UnicodeDecodeError) as error:
            return problem(500, "unreadable", f"the configuration's file cannot be read: {error}")
        told = {"settings": _settings_in(text, source_id), "name": meter.name, "sha256": text_sha256(text)}
        return json_answer({**told, "pictures": self._pictures})

    async def ask(self, request: Request) -> Response:
        """Asks the camera's calibration: `{"do": …}`, see CALLS."""
        asked = await _mapping(request)
        if isinstance(asked, Response):
            return asked
        found = _wrong_question(asked)
        if found is not None:
            return problem(422, "not understood", found.message, fields=[found])
        return await self._answered(request, "signals", asked)

    async def still(self, request: Request) -> Response:
        """The latest picture as it was decoded: in full size, with nothing drawn on it."""
        if not self._pictures:
            return problem(404, "no pictures", "live pictures are turned off: local.pictures")
        told = await self._call(request.path_params["source_id"], "signals", {"do": "still"})
        if isinstance(told, Response):
            return told
        try:
            picture = base64.b64decode(told["jpeg"], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error):
            return problem(502, "no picture", "the worker's answer holds no picture")
        return Response(picture, media_type="image/jpeg")

    async def plan(self, request: Request) -> Response:
        """What saving would do."""
        return await self._change(request, self._box.propose)

    async def save(self, request: Request) -> Response:
        """Writes the settings into the configuration, which is taken up as any change of it."""
        return await self._change(request, self._box.apply)

    async def _answered(self, request: Request, name: str, arguments: Mapping[str, Any]) -> Response:
        told = await self._call(request.path_params["source_id"], name, arguments)
        return told if isinstance(told, Response) else json_answer(told)

    async def _change(self, request: Request, do: Callable[[str], Plan]) -> Response:
        asked = await _mapping(request)
        if isinstance(asked, Response):
            return asked
        for name, kind, expected in (("settings", dict, "the settings"), ("sha256", str, "the hash of the file read")):
            if not isinstance(asked.get(name), kind):
                found = FieldProblem((name,), f"expected {expected}")
                return problem(422, "not understood", found.message, fields=[found])
        async with self._changing:
            return await anyio.to_thread.run_sync(self._changed, request.path_params["source_id"], asked, do)

    def _changed(self, source_id: str, asked: Mapping[str, Any], do: Callable[[str], Plan]) -> Response:
        path = Path(self._box.view().config.path)
        try:
            text = _read(path)
            if text_sha256(text) != asked["sha256"]:
                return problem(409, "the file has changed", "the configuration was changed meanwhile; load it again")
            changed = with_detector(text, source_id, DETECTOR, asked["settings"], path=path)
            plan = do(changed)
        except ConfigError as error:
            said = [str(found) for found in error.problems]
            fields = [_below(found, source_id, asked["settings"]) for found in error.problems]
            return problem(422, "configuration refused", "nothing has changed", said, fields)
        except TimeoutError:
            return problem(503, "not taken up yet", "the file is written; the box is busy and will take it up soon")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            return problem(500, "configuration not written", f"nothing has changed: {reason or error}")
        except WritingError as error:
            return problem(422, "configuration refused", f"nothing has changed: {error}")
        return json_answer({**plan_document(plan), "sha256": text_sha256(changed)})


def _read(path: Path) -> str:
    return path.read_bytes()[:MAX_CONFIG_BYTES].decode("utf-8-sig")


async def _mapping(request: Request) -> Mapping[str, Any] | Response:
    content = await body(request, MAX_SETTINGS_BYTES)
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return problem(422, "not understood", f"found no JSON: {error}")
    if not isinstance(found, dict):
        return problem(422, "not understood", "found no object, expected one")
    return found


def _wrong_question(asked: Mapping[str, Any]) -> FieldProblem | None:
    do = asked.get("do")
    if do not in CALLS:
        return FieldProblem(("do",), f"found {do!r}, expected one of {', '.join(CALLS)}")
    if do in {"check", "learn"} and not isinstance(asked.get("settings"), dict):
        return FieldProblem(("settings",), "expected the settings")
    seconds = asked.get("seconds", 1)
    # `bool` is an `int`; a NaN is in no range.
    fits = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 1 <= seconds <= MAX_LEARN_SECONDS
    return None if fits else FieldProblem(("seconds",), f"expected a number of seconds, 1 to {MAX_LEARN_SECONDS:g}")


def _settings_in(text: str, source_id: str) -> Any:
    value: Any = parse(text).value
    for part in ("sources", source_id, "detectors", DETECTOR):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _below(found: ConfigProblem, source_id: str, settings: Any) -> FieldProblem:
    """A fault of the file as one of the settings, if it is; else with an empty path."""
    prefix = field_name(("sources", source_id, "detectors", DETECTOR))
    if not found.field.startswith(prefix):
        return FieldProblem((), str(found))
    return FieldProblem(tuple(_path(found.field[len(prefix) :], settings)), found.message)


def _path(field: str, value: Any) -> list[str | int]:
    """A field's name as its path: ids may hold dots and brackets, so what there is decides."""
    field = field.removeprefix(".")
    if not field:
        return []
    if isinstance(value, dict):
        fitting = [key for key in value if field == key or field.startswith((f"{key}.", f"{key}["))]
        key = max(fitting, key=len, default=re.split(r"[.\[]", field, maxsplit=1)[0])
        return [key, *_path(field[len(key) :], value.get(key))]
    index = re.match(r"\[(\d+)\]", field)
    if index is None:
        return [field]
    at = int(index[1])
    inner = value[at] if isinstance(value, list) and at < len(value) else None
    return [at, *_path(field[index.end() :], inner)]
