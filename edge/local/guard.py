"""What stands before every route: who asks, in whose name, and what a browser may do with the answer.

Nothing is served to strangers but health: a route that does not exist looks like one that is not theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.local.access import Owner, WrongTokens, host_is_ours
from edge.local.problem import problem
from edge.local.sign_in import sign_in_page

COOKIE_NAME = "gridsentry_local"
REQUEST_KEY_HEADER = "X-Request-Key"
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
SIGN_IN_PATH = "/sign-in"
CALIBRATION_PATH = "/calibrate/"
RETRY_SECONDS = 60

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with `no-referrer` a form's Origin is `null`, and its own box refuses it
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    headers: Headers
    address: str

    @property
    def changes(self) -> bool:
        return self.method not in {"GET", "HEAD"}


class Guard:
    """An ASGI layer: refuses strangers, and adds the headers that bind a browser."""

    def __init__(self, app: ASGIApp, owner: Owner, wrong: WrongTokens, names: frozenset[str]) -> None:
        self._app = app
        self._owner = owner
        self._wrong = wrong
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        request = _Request(scope["method"], scope["path"], Headers(scope=scope), client[0] if client else "")
        refusal = self._refusal(request)
        await (refusal or self._app)(scope, receive, _bound(send))

    def _refusal(self, request: _Request) -> Response | None:
        """Why the request goes no further; None: it may."""
        if not host_is_ours(request.headers.get("host", ""), self._names):
            return problem(403, "host", "the request is for a host name that this box does not have; see local.names")
        if request.changes and _is_foreign(request.headers):
            return problem(403, "origin", "the request comes from another site's page")
        if request.path in OPEN_PATHS or (request.path == SIGN_IN_PATH and request.method == "POST"):
            return None  # the form's route checks the token itself
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._token_refusal(request, token.strip())
        return self._cookie_refusal(request)

    def _cookie_refusal(self, request: _Request) -> Response | None:
        cookie = cookie_of(request.headers)
        if cookie is None or not self._owner.knows_session(cookie):
            return self._stranger(request)
        if request.changes and not self._owner.knows_request_key(cookie, request.headers.get(REQUEST_KEY_HEADER, "")):
            return problem(403, "request key", f"a change from a browser needs the header {REQUEST_KEY_HEADER}")
        return None

    def _token_refusal(self, request: _Request, token: str) -> Response | None:
        if self._wrong.must_wait(request.address):
            return must_wait()
        if self._owner.knows_token(token):
            return None
        self._wrong.add(request.address)
        return unknown()

    def _stranger(self, request: _Request) -> Response:
        if not request.changes and (request.path == "/" or request.path.startswith(CALIBRATION_PATH)):
            return sign_in_page(request.headers.get("accept-language", ""), wrong=False, status=401)
        return unknown()


def unknown() -> Response:
    """The answer to a stranger."""
    answer = problem(401, "not signed in", "this needs the token in the state folder's local.token")
    answer.headers["WWW-Authenticate"] = 'Bearer realm="gridsentry"'
    return answer


def must_wait() -> Response:
    """The answer to too many wrong tokens."""
    answer = problem(429, "too many wrong tokens", f"wrong tokens came from this address; wait {RETRY_SECONDS} s")
    answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def cookie_of(headers: Headers) -> str | None:
    """The session cookie's value, if the request has one."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE_NAME)
    except CookieError:
        return None
    return None if found is None else found.value


def _is_foreign(headers: Headers) -> bool:
    """Whether a browser says that another site's page sends this."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


def _bound(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
