"""The built console: static files under a strict content security policy, index.html for its own paths."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_IMMUTABLE = "public, max-age=31536000, immutable"
_API = re.compile(r"api(/|$)")


class _Console(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            # A path of the console's own router; a missing file (with a suffix) stays missing, and so does the API.
            is_page = not Path(path).suffix and not _API.match(path)
            if error.status_code != 404 or not is_page or scope["method"] not in ("GET", "HEAD"):
                raise
            response = await super().get_response("index.html", scope)
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        # The build puts a hash into the names of what lies in assets/; index.html names the newest.
        response.headers["Cache-Control"] = _IMMUTABLE if path.startswith("assets/") else "no-cache"
        return response


def mount_console(app: FastAPI, folder: Path) -> None:
    """Serves the console at `/`, if it has been built."""
    if (folder / "index.html").is_file():
        app.mount("/", _Console(directory=folder, html=True), name="console")
