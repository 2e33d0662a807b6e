"""For load balancers and service managers, open to all: nothing here tells anything about anybody."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import text

from server.db import Database
from server.ingest.writer import Writer
from server.problems import ProblemError, problem_responses

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The server's state."""

    status: Literal["ok"]


@router.get("/healthz", operation_id="getHealth", summary="Is the process alive?")
async def get_health() -> Health:
    """Touches nothing else."""
    return Health(status="ok")


@router.get("/readyz", operation_id="getReadiness", summary="Can it do its work?", responses=problem_responses(503))
def get_readiness(request: Request) -> Health:
    """The database answers and the writer takes batches in."""
    database: Database = request.app.state.database
    writer: Writer = request.app.state.writer
    with database.read() as connection:
        connection.execute(text("SELECT 1"))
    if not writer.is_alive:
        raise ProblemError(503, "the writer does not take batches in")
    return Health(status="ok")
