"""Devices: made here, known by a token, proven by a key of their own."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, insert, select, update

from contract.base import Identifier
from contract.keys import parse_public_key
from server import audit
from server.fleet.schemas import ChainStatus, DeviceView
from server.fleet.tables import devices, sources
from server.ingest.tables import chain_status
from server.problems import ProblemError

TOKEN_PREFIX = "gsd_"  # noqa: S105 - so that a leaked token is recognised as ours, by people and scanners
_identifier: TypeAdapter[str] = TypeAdapter(Identifier)


class DeviceError(ValueError):
    """The device cannot be made, found or changed; the message says why."""


@dataclass(frozen=True, slots=True)
class Device:
    """An edge box as its token names it."""

    id: str
    name: str


def add_device(connection: Connection, device_id: str, name: str, *, actor: str) -> str:
    """Makes a device and returns its token, which is shown once and kept only as a hash.

    Raises:
        DeviceError: the id is taken or unusable.
    """
    try:
        _identifier.validate_python(device_id)
    except ValidationError as error:
        raise DeviceError(
            f"{device_id!r} is no device id: expected 1-128 characters without slash or control characters"
        ) from error
    if _row(connection, device_id) is not None:
        raise DeviceError(
            f"there is a device {device_id!r} already; for a new token: gridsentry-server device rotate {device_id}"
        )
    token = _new_token()
    values = {"id": device_id, "name": name, "token_sha256": _token_sha256(token), "created_at": datetime.now(UTC)}
    connection.execute(insert(devices).values(values))
    _audit(connection, "device.add", device_id, actor, after={"name": name})
    return token


def rotate_token(connection: Connection, device_id: str, *, actor: str) -> str:
    """A new token; the old one ends at once. Brings a revoked device back.

    Raises:
        DeviceError: no such device.
    """
    _require(connection, device_id)
    token = _new_token()
    connection.execute(
        update(devices).where(devices.c.id == device_id).values(token_sha256=_token_sha256(token), revoked_at=None)
    )
    _audit(connection, "device.rotate", device_id, actor)
    return token


def revoke_device(connection: Connection, device_id: str, *, actor: str) -> None:
    """The device can no longer speak; what it said stays.

    Raises:
        DeviceError: no such device.
    """
    _require(connection, device_id)
    now = datetime.now(UTC)
    connection.execute(update(devices).where(devices.c.id == device_id).values(token_sha256=None, revoked_at=now))
    _audit(connection, "device.revoke", device_id, actor)


def device_of_token(connection: Connection, token: str) -> Device | None:
    """Who a token belongs to. Looked up by its hash: there is nothing to compare byte by byte."""
    if not token.startswith(TOKEN_PREFIX):
        return None
    query = select(devices.c.id, devices.c.name).where(devices.c.token_sha256 == _token_sha256(token))
    row = connection.execute(query).one_or_none()
    return None if row is None else Device(row.id, row.name)


def register_key(connection: Connection, device: Device, public_key: str, *, request_id: str | None) -> None:
    """Trust on first use: the first key that a device shows is its key for good.

    Raises:
        ProblemError: 422 for a text that is no key, 409 for another key than the first.
    """
    try:
        parse_public_key(public_key)
    except ValueError as error:
        detail = "public_key: expected the 32 bytes of an Ed25519 public key in base64 (44 characters)"
        raise ProblemError(422, detail, field="public_key") from error
    known = connection.execute(select(devices.c.public_key).where(devices.c.id == device.id)).scalar_one()
    if known == public_key:
        return
    if known is not None:
        raise ProblemError(
            409,
            "this device has registered another key; a box that has lost its key is a new device",
            field="public_key",
        )
    connection.execute(update(devices).where(devices.c.id == device.id).values(public_key=public_key))
    _audit(
        connection,
        "device.key",
        device.id,
        f"device:{device.id}",
        after={"public_key": public_key},
        request_id=request_id,
    )


def list_devices(connection: Connection) -> list[Device]:
    """All devices by id."""
    query = select(devices.c.id, devices.c.name).order_by(devices.c.id)
    return [Device(row.id, row.name) for row in connection.execute(query)]


def view_devices(connection: Connection) -> list[DeviceView]:
    """All devices by id, with the state of their chains and without their secrets."""
    query = (
        select(*devices.c, *(column.label(f"chain_{column.name}") for column in chain_status.c))
        .outerjoin_from(devices, chain_status, devices.c.id == chain_status.c.device_id)
        .order_by(devices.c.id)
    )
    views = []
    for row in connection.execute(query):
        values = row._asdict()
        chain = {name: values[f"chain_{name}"] for name in ChainStatus.model_fields}
        values["chain"] = None if values["chain_device_id"] is None else chain
        values["has_key"] = values["public_key"] is not None
        views.append(DeviceView.model_validate({name: values[name] for name in DeviceView.model_fields}))
    return views


def list_sources(connection: Connection) -> list[dict[str, Any]]:
    """All sources by device and id."""
    return [row._asdict() for row in connection.execute(select(sources).order_by(sources.c.device_id, sources.c.id))]


def _row(connection: Connection, device_id: str) -> Any:
    return connection.execute(select(devices.c.id).where(devices.c.id == device_id)).one_or_none()


def _require(connection: Connection, device_id: str) -> None:
    if _row(connection, device_id) is None:
        raise DeviceError(f"there is no device {device_id!r}; see: gridsentry-server device list")


def _audit(
    connection: Connection,
    action: str,
    device_id: str,
    actor: str,
    after: Any = None,
    request_id: str | None = None,
) -> None:
    audit.append(
        connection,
        actor=actor,
        action=action,
        subject_kind="device",
        subject_id=device_id,
        after=after,
        request_id=request_id,
    )


def _new_token() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def _token_sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
