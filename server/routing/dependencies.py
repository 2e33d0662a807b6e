"""What routes ask for to know grids and lists: the context in force."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from server.routing.context import RoutingContextProvider


def get_routing(request: Request) -> RoutingContextProvider:
    """The server's routing context provider."""
    provider: RoutingContextProvider = request.app.state.routing
    return provider


RoutingDep = Annotated[RoutingContextProvider, Depends(get_routing)]
