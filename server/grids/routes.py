"""HTTP: the grids of an account's scope, and the grid of a position."""

from __future__ import annotations

import json
from typing import Annotated

import shapely
from fastapi import APIRouter, Query, Request, Response

from contract.geometry import LocationMethod, at_point
from server.dependencies import AccountDep, DatabaseDep
from server.grids.model import EVERYWHERE, Grid, GridTree
from server.grids.schemas import GridCollection, GridPlace, GridShare, GridView
from server.grids.service import scope_code
from server.problems import problem_responses
from server.routing.context import RoutingContext
from server.routing.dependencies import RoutingDep

router = APIRouter(prefix="/api/v1/grids", tags=["grids"], responses=problem_responses(401, 422, 503))

_GEOJSON = "application/geo+json"


@router.get(
    "",
    operation_id="listGrids",
    response_class=Response,
    responses={200: {"model": GridCollection, "content": {_GEOJSON: {}}}, 304: {"description": "Not modified"}},
)
def list_grids(account: AccountDep, database: DatabaseDep, routing: RoutingDep, request: Request) -> Response:
    """The grids in scope with their areas, as GeoJSON. Changes with the grid version only: ask with If-None-Match."""
    with database.read() as connection:
        context, scope = routing.current(connection), scope_code(connection, account.grid_scope)
    tag = f'"grids-{context.tree.version}-{scope}"'.encode("ascii", "xmlcharrefreplace").decode()
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(_collection(context, scope), media_type=_GEOJSON, headers=headers)


@router.get("/locate", operation_id="locateGrid")
def locate_grid(
    account: AccountDep,
    database: DatabaseDep,
    routing: RoutingDep,
    lon: Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False)],
    lat: Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False)],
    accuracy_m: Annotated[float, Query(gt=0, le=100_000, allow_inf_nan=False)] = 1.0,
) -> GridPlace:
    """The grids of a position (WGS-84), and how its uncertainty disc is divided between neighbours."""
    with database.read() as connection:
        context, scope = routing.current(connection), scope_code(connection, account.grid_scope)
    tree = context.tree
    place = context.index.place(at_point(lon, lat, accuracy_m, LocationMethod.MANUAL))
    return GridPlace(
        grid_version=tree.version,
        chain=_views(tree, scope, tree.codes_upwards(place.grid) if place.grid is not None else ()),
        specials=_views(tree, scope, place.specials),
        shares=[
            GridShare(grid=view, special=fragment.special, share=fragment.share)
            for fragment in place.fragments or ()
            for view in _views(tree, scope, (fragment.grid,))
        ],
        nearest=next(iter(_views(tree, scope, (place.nearest,) if place.nearest else ())), None),
        nearest_distance_m=place.nearest_distance_m,
    )


def _views(tree: GridTree, scope: str, codes: tuple[str, ...]) -> list[GridView]:
    grids = (tree.get(code) for code in codes if tree.covers(scope, code))
    return [GridView.of(grid) for grid in grids if grid is not None]


def _collection(context: RoutingContext, scope: str) -> bytes:
    tree = context.tree
    shown = [grid for grid in tree if scope == EVERYWHERE or tree.covers(scope, grid.code)]
    shapes = shapely.to_geojson([context.index.geometries[grid.code] for grid in shown]) if shown else []
    features = ",\n".join(_feature(grid, shape) for grid, shape in zip(shown, shapes, strict=True))
    levels = [{"level": level.level, "name_zh": level.name_zh, "name_en": level.name_en} for level in tree.levels]
    head = json.dumps({"grid_version": tree.version, "levels": levels}, ensure_ascii=False)[1:-1]
    return f'{{"type":"FeatureCollection",{head},"features":[\n{features}\n]}}'.encode()


def _feature(grid: Grid, shape: str) -> str:
    return f'{{"type":"Feature","properties":{GridView.of(grid).model_dump_json()},"geometry":{shape}}}'
