"""What the API shows of accounts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints


class Role(StrEnum):
    """An operator judges alerts; an admin sees the audit log, the fleet and the dead letters too."""

    OPERATOR = "operator"
    ADMIN = "admin"


class Credentials(BaseModel):
    """What somebody signs in with."""

    model_config = ConfigDict(extra="forbid")

    username: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
    password: Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class AccountView(BaseModel):
    """The account behind the session, and the token that its unsafe requests carry in `X-CSRF-Token`."""

    id: int
    username: str
    display_name: str
    role: Role
    grid_scope: str
    csrf_token: str
