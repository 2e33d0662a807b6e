"""Devices register their keys; admins look at the fleet."""

from __future__ import annotations

from fastapi import APIRouter, Response

from server.dependencies import AdminDep, DatabaseDep, DeviceDep, RequestIdDep
from server.fleet import service
from server.fleet.schemas import DeviceList, PublicKey, SourceList, SourceView
from server.problems import problem_responses

router = APIRouter(prefix="/api/v1", tags=["fleet"], responses=problem_responses(503))


@router.put(
    "/device/key",
    operation_id="registerDeviceKey",
    summary="Register the device's public key",
    status_code=204,
    responses=problem_responses(401, 409, 422),
)
def register_device_key(
    body: PublicKey, device: DeviceDep, database: DatabaseDep, request_id: RequestIdDep
) -> Response:
    """Trust on first use: the first key is the device's for good."""
    with database.write() as connection:
        service.register_key(connection, device, body.public_key, request_id=request_id)
    return Response(status_code=204)


@router.get(
    "/devices",
    operation_id="listDevices",
    summary="Devices and the state of their chains",
    responses=problem_responses(401, 403),
)
def list_devices(database: DatabaseDep, _admin: AdminDep) -> DeviceList:
    """When each was last heard, and how far its chain of events is proven."""
    with database.read() as connection:
        return DeviceList(devices=service.view_devices(connection))


@router.get(
    "/sources",
    operation_id="listSources",
    summary="Sources and their health",
    responses=problem_responses(401, 403),
)
def list_sources(database: DatabaseDep, _admin: AdminDep) -> SourceList:
    """Cameras and sensors, as their events tell."""
    with database.read() as connection:
        return SourceList(sources=[SourceView.model_validate(row) for row in service.list_sources(connection)])
