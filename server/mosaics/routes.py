"""HTTP: mosaics that lie in an account's scope, and their tiles by range."""

from __future__ import annotations

from typing import Annotated, Any

import shapely
from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.responses import FileResponse

from server.accounts.service import Account
from server.db import Database
from server.dependencies import AccountDep, DatabaseDep
from server.grids.model import EVERYWHERE
from server.grids.service import scope_code
from server.mosaics.schemas import MosaicList
from server.mosaics.shelf import Mosaic, MosaicShelf
from server.problems import ProblemError, problem_responses
from server.routing.context import RoutingContextProvider
from server.routing.dependencies import RoutingDep

router = APIRouter(prefix="/api/v1/mosaics", tags=["mosaics"], responses=problem_responses(401, 503))

MEDIA_TYPE = "application/vnd.pmtiles"
Sha256Path = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the PMTiles")]
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, or with 206 the range asked for",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}


def get_shelf(request: Request) -> MosaicShelf:
    """Where mosaics are found."""
    shelf: MosaicShelf = request.app.state.mosaic_shelf
    return shelf


ShelfDep = Annotated[MosaicShelf, Depends(get_shelf)]


@router.get("", operation_id="listMosaics")
def list_mosaics(account: AccountDep, database: DatabaseDep, routing: RoutingDep, shelf: ShelfDep) -> MosaicList:
    """Pictures of the ground that survey flights have seen, where the account's scope lies: the newest first."""
    return MosaicList(mosaics=[each.view for each in _in_scope(shelf.all(), account, database, routing)])


@router.get(
    "/{sha256}.pmtiles",
    operation_id="getMosaicTiles",
    summary="A mosaic's tiles as PMTiles",
    response_class=FileResponse,
    responses={**_FILE, **problem_responses(404, 422)},
)
def get_mosaic_tiles(
    sha256: Sha256Path,
    account: AccountDep,
    database: DatabaseDep,
    routing: RoutingDep,
    shelf: ShelfDep,
    if_none_match: Annotated[str | None, Header(max_length=1024)] = None,
) -> Response:
    """By range: a map takes the tiles that it shows."""
    found = shelf.one(sha256)
    if found is None or not _in_scope([found], account, database, routing):
        raise ProblemError(404, "there is no such mosaic in your scope")
    headers = {
        "ETag": f'"{sha256}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if if_none_match is not None and sha256 in if_none_match:
        return Response(status_code=304, headers=headers)
    return FileResponse(found.path, media_type=MEDIA_TYPE, headers=headers)


def _in_scope(
    mosaics: list[Mosaic], account: Account, database: Database, routing: RoutingContextProvider
) -> list[Mosaic]:
    """Those that show ground of the account's grid."""
    if not mosaics:
        return []
    with database.read() as connection:
        scope, context = scope_code(connection, account.grid_scope), routing.current(connection)
    if scope == EVERYWHERE:
        return mosaics
    area = context.index.geometries.get(scope)
    return [] if area is None else [each for each in mosaics if shapely.intersects(area, each.outline)]
