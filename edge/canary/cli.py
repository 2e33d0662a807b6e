"""`gridsentry-edge canary SOURCE`: asks the running box for a drill."""

from __future__ import annotations

import time
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console

from edge.canary.desk import CanaryState
from edge.config.document import EdgeConfig, load_config
from edge.local.access import TOKEN_NAME

if TYPE_CHECKING:
    import httpx

ASK_SECONDS = 0.5
"""Between two questions: a drill takes seconds, that of a signal head a minute or two."""
REQUEST_SECONDS = 15.0

_out = Console(highlight=False, soft_wrap=True)


class CanaryError(Exception):
    """The box could not be asked, with the reason and the remedy."""


def canary_command(
    source: Annotated[str, typer.Argument(help="The camera or sensor, as the configuration calls it.")],
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration of the running box.")],
    detector: Annotated[str | None, typer.Option(help="The detector to try; the next in turn if left out.")] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until it was found or lost; exit 1 if it was not.")
    ] = False,
    wait_seconds: Annotated[float, typer.Option(help="How long to wait at the most.", min=1)] = 300.0,
) -> None:
    """Makes up a hazard before one source, marked as a drill to the end, and says what became of it."""
    settings = load_config(config)
    with _client(settings, config) as client:
        path = f"/api/sources/{quote(source, safe='')}/canary"
        drill = _answer(client, "POST", path, params={} if detector is None else {"detector": detector})
        _out.print(f"drill {drill['id']} of {source}: {drill['state']}", markup=False)
        if not wait:
            return
        drill = _ended(client, f"{path}/{drill['id']}", wait_seconds)
    if drill["state"] != CanaryState.FOUND:
        raise CanaryError(f"the drill of {source} is {drill['state']}: {drill['reason'] or 'it has not ended'}")
    _out.print(f"found by {drill['detector']}, committed {drill['latency_seconds']:.2f} s after it began", markup=False)


def _ended(client: httpx.Client, path: str, wait_seconds: float) -> dict[str, Any]:
    until = time.monotonic() + wait_seconds
    while True:
        drill = _answer(client, "GET", path)
        if drill["state"] not in {CanaryState.WAITING, CanaryState.RUNNING} or time.monotonic() >= until:
            return drill
        time.sleep(ASK_SECONDS)


def _client(settings: EdgeConfig, config: Path) -> httpx.Client:
    import httpx  # late: no other command needs it

    local = settings.local
    if local is None:
        raise CanaryError(
            f"{config}: has no local section; drills are asked for through the box's own page: add local: {{}}"
        )
    token_path = settings.device.state_dir / TOKEN_NAME
    try:
        token = token_path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise CanaryError(f"{token_path}: cannot be read: {error.strerror or error}; is the box running?") from error
    host = _reachable(local.host)
    return httpx.Client(
        base_url=f"http://{host}:{local.port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=REQUEST_SECONDS,
        trust_env=False,
    )


def _reachable(host: str) -> str:
    """Who listens everywhere is reached here."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return host if address.version == 4 else f"[{host}]"


def _answer(client: httpx.Client, method: str, path: str, **arguments: Any) -> dict[str, Any]:
    import httpx

    try:
        response = client.request(method, path, **arguments)
        told = response.json()
    except httpx.HTTPError as error:
        raise CanaryError(f"{client.base_url}: the box does not answer ({error}); is it running?") from error
    except ValueError as error:
        raise CanaryError(f"{client.base_url}: what answers is not the box's page") from error
    if response.is_error:
        detail = told.get("detail") if isinstance(told, dict) else None
        raise CanaryError(detail or f"{client.base_url}{path}: answered {response.status_code}")
    return dict(told)
