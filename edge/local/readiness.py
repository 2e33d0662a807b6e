"""Whether the box lives, and whether it is fit to watch. Open to anybody: no address, path or message is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.view import BoxView, ChildState, ChildView

HUNG_AFTER_SECONDS = 15.0
"""Of the supervisor's loop, which comes round several times a second: longer than the slowest disk stalls it."""
SILENT_AFTER_SECONDS = 10.0
"""Of a child, which reports each second: a loaded box is seconds late, ten missed reports are no delay."""


def is_alive(view: BoxView) -> bool:
    """Whether the supervisor's loop goes round."""
    return view.loop_age_seconds < HUNG_AFTER_SECONDS


def unready_reasons(view: BoxView) -> list[Mapping[str, Any]]:
    """Why the box is not fit to watch; empty: it is. A camera or a server that is away is no reason."""
    reasons: list[Mapping[str, Any]] = []
    if view.stopping:
        reasons.append({"part": "supervisor", "reason": "stopping"})
    if not is_alive(view):
        reasons.append({"part": "supervisor", "reason": "hangs"})
    if not view.config.sha256:
        reasons.append({"part": "config", "reason": "none in force"})
    for child in view.children:
        reason = _child_reason(child)
        if reason:
            reasons.append({"part": "child", "name": child.name, "reason": reason})
    if view.uplink.get("outbox_trouble"):
        reasons.append({"part": "outbox", "reason": "cannot be used"})
    elif "waiting_events" not in view.uplink:
        reasons.append({"part": "outbox", "reason": "no report yet"})
    return reasons


def _child_reason(child: ChildView) -> str:
    if child.state is not ChildState.RUNNING:
        return child.state.value
    age = child.last_report_age_seconds
    if age is None:
        return "no report yet"
    return "silent" if age > SILENT_AFTER_SECONDS else ""
