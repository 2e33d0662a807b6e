"""The local page's routes."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import anyio
import msgspec
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from edge.config.local import LocalSettings
from edge.config.problems import ConfigError
from edge.config.text import MAX_CONFIG_BYTES
from edge.local.access import SESSION_SECONDS, Owner, WrongTokens
from edge.local.answers import body, json_answer
from edge.local.document import SAMPLE_SECONDS, History, box_document, plan_document, to_json
from edge.local.guard import CALIBRATION_PATH, COOKIE_NAME, SIGN_IN_PATH, Guard, cookie_of, must_wait
from edge.local.metrics import metrics_page
from edge.local.problem import problem
from edge.local.readiness import is_alive, unready_reasons
from edge.local.sign_in import sign_in_page
from edge.local.signals import SignalRoutes
from edge.sources.errors import redact_url
from edge.view import Box, CallError, Plan

MAX_FORM_BYTES = 4096
CALLS_AT_ONCE = 4
"""Threads that wait for workers: two people who look at a camera, and one who starts a canary."""
MEASUREMENT_NAME = "inference.json"
"""Where `edge.inference.choice` stores it. Named here: importing that would bring the libraries of models along."""

log = structlog.get_logger("local")

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}


def local_app(settings: LocalSettings, owner: Owner, box: Box, state_dir: Path) -> Starlette:
    """The application behind the guard."""
    page = _Page(settings, owner, box, state_dir)
    names = frozenset({settings.host, *settings.names})
    return Starlette(
        routes=[
            Route("/healthz", page.health),
            Route("/readyz", page.readiness),
            Route("/", page.static("index.html")),
            Route(SIGN_IN_PATH, page.sign_in, methods=["POST"]),
            Route("/sign-out", page.sign_out, methods=["POST"]),
            Route("/metrics", page.metrics),
            *(Route(f"/static/{name}", page.static(name)) for name in STATIC_FILES),
            Route("/api/session", page.session),
            Route("/api/box", page.box),
            Route("/api/sources/{source_id}/still", page.still),
            Route("/api/sources/{source_id}/canary", page.canary, methods=["POST"]),
            Route("/api/sources/{source_id}/canary/{canary_id}", page.canary_state),
            Route("/api/sources/{source_id}/accept-view", page.accept_view, methods=["POST"]),
            Route(CALIBRATION_PATH + "{source_id}", page.static("calibrate.html")),
            *page.signals.routes(),
            Route("/api/inference", page.inference),
            Route("/api/config/plan", page.plan, methods=["POST"]),
            Route("/api/config", page.apply, methods=["POST"]),
        ],
        middleware=[Middleware(Guard, owner=owner, wrong=page.wrong, names=names)],
        exception_handlers={HTTPException: _http_problem},
        lifespan=page.lifespan,
    )


def _names_below(folder: Traversable, prefix: str = "") -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _names_below(entry, f"{prefix}{entry.name}/")
        elif not entry.name.endswith(".html"):
            yield prefix + entry.name


STATIC_FILES = tuple(sorted(_names_below(files("edge.local").joinpath("static"))))
"""Everything but the pages, which have addresses of their own."""


class _Page:
    """The handlers, and what they share."""

    def __init__(self, settings: LocalSettings, owner: Owner, box: Box, state_dir: Path) -> None:
        self._settings = settings
        self._owner = owner
        self.wrong = WrongTokens()
        self._box = box
        self._state_dir = state_dir
        self._history = History()
        self._callers = anyio.CapacityLimiter(CALLS_AT_ONCE)
        self._changing = asyncio.Lock()
        self.signals = SignalRoutes(box, self._call, self._changing, pictures=settings.pictures)

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Samples the sources' history for as long as the server runs."""
        sampling = asyncio.create_task(self._sample())
        try:
            yield
        finally:
            sampling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sampling

    async def _sample(self) -> None:
        while True:
            try:
                self._history.sample(self._box.view().sources)
            except Exception:
                # A page without its sparkline is still a page.
                log.exception("the history was not sampled")
            await asyncio.sleep(SAMPLE_SECONDS)

    # ---- for everybody

    async def health(self, _request: Request) -> Response:
        alive = is_alive(self._box.view())
        return json_answer({"alive": alive}, 200 if alive else 503)

    async def readiness(self, _request: Request) -> Response:
        reasons = unready_reasons(self._box.view())
        return json_answer({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    async def sign_in(self, request: Request) -> Response:
        address = request.client.host if request.client else ""
        if self.wrong.must_wait(address):
            return must_wait()
        form = parse_qs((await body(request, MAX_FORM_BYTES)).decode("utf-8", "replace"))
        if not self._owner.knows_token("".join(form.get("token", [])).strip()):
            self.wrong.add(address)
            return sign_in_page(request.headers.get("accept-language", ""), wrong=True, status=401)
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(
            COOKIE_NAME,
            self._owner.new_session(),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    # ---- for the owner

    async def sign_out(self, _request: Request) -> Response:
        answer = Response(status_code=204)
        answer.delete_cookie(COOKIE_NAME, httponly=True, samesite="strict")
        return answer

    async def session(self, request: Request) -> Response:
        cookie = cookie_of(request.headers)
        return json_answer({"request_key": "" if cookie is None else self._owner.request_key(cookie)})

    def static(self, name: str) -> Callable[[Request], Any]:
        """A handler that serves one of our files, read once."""
        content = files("edge.local").joinpath("static", *name.split("/")).read_bytes()
        media_type = _TYPES["." + name.rpartition(".")[2]]

        async def serve(request: Request) -> Response:
            # `no-cache`: kept, but asked for again, so that a new program never meets an old script.
            return _unless_known(request, content, media_type, "no-cache")

        return serve

    async def metrics(self, request: Request) -> Response:
        content, media_type = metrics_page(self._box.view(), request.headers.get("accept", ""))
        return Response(content, headers={"Content-Type": media_type})

    async def box(self, request: Request) -> Response:
        known = {name: request.query_params[name] for name in ("log", "events") if name in request.query_params}
        told = box_document(self._box.view(), self._history, pictures=self._settings.pictures, known=known)
        return _unless_known(request, to_json(told), "application/json", "no-cache")

    async def still(self, request: Request) -> Response:
        if not self._settings.pictures:
            return problem(404, "no pictures", "live pictures are turned off: local.pictures")
        told = await self._call(request.path_params["source_id"], "still", {"max_width": self._settings.still_width_px})
        if isinstance(told, Response):
            return told
        try:
            picture = base64.b64decode(told["jpeg"], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error):
            return problem(502, "no picture", "the worker's answer holds no picture")
        return Response(picture, media_type="image/jpeg")

    async def canary(self, request: Request) -> Response:
        wanted = request.query_params.get("detector")
        return await self._called(request, "canary", {} if wanted is None else {"detector": wanted})

    async def canary_state(self, request: Request) -> Response:
        return await self._called(request, "canary", {"id": request.path_params["canary_id"]})

    async def accept_view(self, request: Request) -> Response:
        return await self._called(request, "accept_view", {})

    async def inference(self, _request: Request) -> Response:
        """What the first-boot measurement found, as it is stored."""
        try:
            content = await anyio.to_thread.run_sync((self._state_dir / MEASUREMENT_NAME).read_bytes)
            return json_answer(msgspec.json.decode(content))
        except FileNotFoundError:
            return problem(404, "not measured", "no model has been measured on this box")
        except (OSError, msgspec.DecodeError) as error:
            return problem(500, "unreadable", f"the stored measurement cannot be read: {error}")

    async def plan(self, request: Request) -> Response:
        return await self._change(request, self._box.propose)

    async def apply(self, request: Request) -> Response:
        return await self._change(request, self._box.apply)

    async def _called(self, request: Request, name: str, arguments: Mapping[str, Any]) -> Response:
        told = await self._call(request.path_params["source_id"], name, arguments)
        return told if isinstance(told, Response) else json_answer(told)

    async def _call(self, source_id: str, name: str, arguments: Mapping[str, Any]) -> Any:
        try:
            return await anyio.to_thread.run_sync(
                partial(self._box.call, source_id, name, arguments), limiter=self._callers
            )
        except CallError as error:
            return problem(503, f"{name} failed", redact_url(str(error)))

    async def _change(self, request: Request, do: Callable[[str], Plan]) -> Response:
        content = await body(request, MAX_CONFIG_BYTES)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return problem(422, "configuration refused", "found bytes that are not UTF-8, expected text")
        async with self._changing:
            try:
                plan = await anyio.to_thread.run_sync(do, text)
            except ConfigError as error:
                said = [str(found) for found in error.problems]
                return problem(422, "configuration refused", "nothing has changed", said)
            except TimeoutError:
                return problem(503, "not taken up yet", "the file is written; the box is busy and will take it up soon")
            except OSError as error:
                return problem(500, "configuration not written", f"nothing has changed: {error.strerror or error}")
        return json_answer(plan_document(plan))


def _unless_known(request: Request, content: bytes, media_type: str, cache: str) -> Response:
    tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": cache}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


async def _http_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = problem(error.status_code, str(error.detail), str(error.detail))
    answer.headers.update(error.headers or {})
    return answer
