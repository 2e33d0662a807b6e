"""The server's device interface over HTTP. Every way in which it can fail is one of four exceptions."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from contract.batch import BatchResult
from contract.events import BATCH_MEDIA_TYPE
from edge.config.device import ServerSettings

OFFSET_MEDIA_TYPE = "application/offset+octet-stream"
MAX_ANSWER_CHARACTERS = 300
MAX_RETRY_AFTER_SECONDS = 60.0


class UplinkError(Exception):
    """Nothing is lost, try again later. `retry_after_seconds`: how long the server asked to be left alone."""

    def __init__(self, message: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NotWelcomeError(UplinkError):
    """The server knows this token not, or not for this device. Nothing is lost until somebody mends it."""


class RefusedError(Exception):
    """The server will not take this request, however often it is sent. `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class UploadState:
    """How much of a file the server has."""

    offset: int
    complete: bool


class ServerApi:
    """One keep-alive connection to the server, for one thread.

    Every method raises UplinkError or NotWelcomeError (try again) or RefusedError (do not).
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._url = settings.url
        self._token_file = settings.token_file
        self._client = httpx.Client(
            base_url=settings.url,
            timeout=httpx.Timeout(
                settings.read_timeout_seconds,
                connect=settings.connect_timeout_seconds,
                write=settings.read_timeout_seconds,
            ),
            # A proxy from the environment is right for a server far away and wrong for one on this machine.
            trust_env=not _is_loopback(settings.url),
            follow_redirects=False,
        )

    def close(self) -> None:
        self._client.close()

    def register_key(self, public_key: str) -> bool:
        """Makes the device's public key known. False: the server knows another one for this device."""
        response = self._request("PUT", "/api/v1/device/key", json={"public_key": public_key})
        if response.status_code == httpx.codes.CONFLICT:
            return False
        self._expect_success(response)
        return True

    def post_batch(self, body: bytes) -> BatchResult:
        """Sends a batch; what the server answered for its items."""
        response = self._request("POST", "/api/v1/events", content=body, content_type=BATCH_MEDIA_TYPE)
        self._expect_success(response)
        try:
            return BatchResult.model_validate_json(response.content)
        except ValidationError as error:
            raise UplinkError(f"{self._url} answered a batch with {_excerpt(response)}: not a batch result") from error

    def upload_state(self, sha256: str) -> UploadState | None:
        """How much of a file the server has. None: it does not expect this file."""
        response = self._request("HEAD", f"/api/v1/evidence-uploads/{sha256}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        self._expect_success(response)
        return self._upload_state_in(response)

    def upload_chunk(self, sha256: str, offset: int, chunk: bytes) -> UploadState | None:
        """Sends part of a file. None: the server does not expect this file."""
        response = self._request(
            "PATCH",
            f"/api/v1/evidence-uploads/{sha256}",
            content=chunk,
            content_type=OFFSET_MEDIA_TYPE,
            upload_offset=offset,
        )
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        # A conflict is an answer too: the chunk was not taken, and the offset says from where on it would be.
        if response.status_code != httpx.codes.CONFLICT:
            self._expect_success(response)
        return self._upload_state_in(response)

    def _request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        json: object = None,
        content_type: str | None = None,
        upload_offset: int | None = None,
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token()}"}
        if content_type is not None:
            headers["Content-Type"] = content_type
        if upload_offset is not None:
            headers["Upload-Offset"] = str(upload_offset)
        try:
            return self._client.request(method, path, content=content, json=json, headers=headers)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise UplinkError(f"{self._url} cannot be reached: {reason}") from error
        except httpx.HTTPError as error:
            raise UplinkError(f"{self._url} gave an answer that is not HTTP: {error}") from error

    def _token(self) -> str:
        """Read each time: a rotated token takes effect without a restart."""
        try:
            token = self._token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NotWelcomeError(f"{self._token_file}: the device token cannot be read: {error}") from error
        if not token or not token.isprintable() or " " in token:
            raise NotWelcomeError(f"{self._token_file}: found no token, expected one line of it")
        return token

    def _expect_success(self, response: httpx.Response) -> None:
        status = response.status_code
        if response.is_success:
            return
        said = f"{self._url} answered {status}: {_excerpt(response)}"
        if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            remedy = "events are kept; put this device's token into"
            raise NotWelcomeError(f"{said}; {remedy} {self._token_file}", _retry_after(response))
        if status in {
            httpx.codes.BAD_REQUEST,
            httpx.codes.REQUEST_ENTITY_TOO_LARGE,
            httpx.codes.UNPROCESSABLE_ENTITY,
        }:
            raise RefusedError(status, said)
        raise UplinkError(said, _retry_after(response))

    def _upload_state_in(self, response: httpx.Response) -> UploadState:
        text = response.headers.get("Upload-Offset", "")
        if not text.isascii() or not text.isdigit():
            raise UplinkError(f"{self._url} answered an upload without an Upload-Offset (found {text[:40]!r})")
        complete = response.headers.get("Upload-Complete", "?0").strip() == "?1"
        return UploadState(int(text), complete)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return min(float(text), MAX_RETRY_AFTER_SECONDS) if text.isascii() and text.isdigit() else 0.0


def _excerpt(response: httpx.Response) -> str:
    """What the server said, fit for a log line."""
    try:
        body = response.json()
        text = f"{body['title']} {body.get('detail', '')}"
    except (ValueError, KeyError, TypeError, AttributeError):
        text = response.content[:MAX_ANSWER_CHARACTERS].decode("utf-8", "replace")
    printable = "".join(letter if letter.isprintable() else " " for letter in text).strip()
    return printable[:MAX_ANSWER_CHARACTERS] or "nothing"


def token_problem(path: Path) -> str | None:
    """What is wrong with a token file, or None."""
    try:
        token = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return f"{path}: no such file, expected the device token; the server's `device add` prints one"
    except (OSError, UnicodeDecodeError) as error:
        return f"{path}: cannot be read: {error}"
    return None if token and token.isprintable() and " " not in token else f"{path}: found no token, expected one line"
