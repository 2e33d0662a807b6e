"""The story of an alert: what happened to it, kept as data and told in both languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, insert, select

from server.alerts.schemas import HistoryView
from server.alerts.tables import alert_history


class Action(StrEnum):
    """What can happen to an alert."""

    OPENED = "opened"
    JOINED = "joined"
    RAISED = "raised"
    CLEARED = "cleared"
    REPAIRED = "repaired"
    """Cleared, and seen to work again."""
    REMOVED = "removed"
    """Cleared, and seen to be gone."""
    REROUTED = "rerouted"
    CLAIMED = "claimed"
    RENEWED = "renewed"
    RELEASED = "released"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNSURE = "unsure"
    CANARY_CLOSED = "canary_closed"


_REASONS_ZH = {
    "false_detection": "误检",
    "not_a_hazard": "不构成隐患",
    "test": "测试",
    "weather": "天气",
    "duplicate": "重复",
    "other": "其他",
}
_UNITS_ZH = ("{}小时{:02d}分", "{}分", "{}秒")
_UNITS_EN = ("{} h {:02d} min", "{} min", "{} s")
_SEVERITIES_ZH = {"red": "红", "yellow": "黄", "blue": "蓝"}

_Teller = Callable[[Mapping[str, Any]], tuple[str, str]]


def _with_reason(params: Mapping[str, Any]) -> tuple[str, str]:
    reason = params.get("reason") or "other"
    return _comment(f"驳回:{_REASONS_ZH.get(reason, reason)}", f"Rejected: {reason.replace('_', ' ')}", params)


def _duration(seconds: int, units: tuple[str, str, str]) -> str:
    """As people say it: hours and minutes, or minutes, or seconds."""
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return units[0].format(hours, minutes)
    return units[1].format(minutes) if minutes else units[2].format(seconds)


def _days(seconds: int, unit: str, units: tuple[str, str, str]) -> str:
    """Whole days, as flights lie apart; what is less than two as `_duration` has it."""
    days = seconds // 86_400
    return f"{days}{unit}" if days >= 2 else _duration(seconds, units)


def _comment(text_zh: str, text_en: str, params: Mapping[str, Any]) -> tuple[str, str]:
    comment = params.get("comment")
    return (f"{text_zh}({comment})", f"{text_en} ({comment})") if comment else (text_zh, text_en)


_TELLERS: Mapping[Action, _Teller] = MappingProxyType(
    {
        Action.OPENED: lambda p: (f"进入队列 {p['queue_zh']}", f"Opened in the queue {p['queue_en']}"),
        Action.JOINED: lambda p: (f"并入新的事件过程,共 {p['episodes']} 个", f"Joined by episode {p['episodes']}"),
        Action.RAISED: lambda p: (
            f"级别由{_SEVERITIES_ZH[p['before']]}变为{_SEVERITIES_ZH[p['after']]}",
            f"Severity changed from {p['before']} to {p['after']}",
        ),
        Action.CLEARED: lambda _: ("现场已无异常,等待研判", "No longer observed; still awaits a verdict"),
        Action.REPAIRED: lambda p: (
            f"已修复,历时{_duration(p['seconds'], _UNITS_ZH)}",
            f"Repaired {_duration(p['seconds'], _UNITS_EN)} after it began",
        ),
        Action.REMOVED: lambda p: (
            f"巡飞所见已拆除,距首次发现{_days(p['seconds'], '天', _UNITS_ZH)}",
            f"Seen to be gone {_days(p['seconds'], ' d', _UNITS_EN)} after it was first seen",
        ),
        Action.REROUTED: lambda p: (f"位置更新,转入队列 {p['queue_zh']}", f"Moved to the queue {p['queue_en']}"),
        Action.CLAIMED: lambda _: ("已领取", "Claimed"),
        Action.RENEWED: lambda _: ("延长领取时间", "Claim renewed"),
        Action.RELEASED: lambda _: ("已释放", "Released"),
        Action.CONFIRMED: lambda p: _comment("确认属实", "Confirmed", p),
        Action.REJECTED: _with_reason,
        Action.CANARY_CLOSED: lambda _: ("演练结束,系统自动关闭", "The drill is over: closed by the server"),
        Action.UNSURE: lambda p: _comment("无法判断,留待他人研判", "Unsure: left for others to judge", p),
    }
)


def note(connection: Connection, alert_id: str, at: datetime, who: str, action: Action, **params: Any) -> None:
    """Adds to the story in the caller's write transaction. `who` is a name as text: people, or `device ID`."""
    connection.execute(
        insert(alert_history),
        {"alert_id": alert_id, "at": at, "who": who, "action": action.value, "params": params},
    )


def story(connection: Connection, alert_id: str) -> list[HistoryView]:
    """What happened, oldest first."""
    query = select(alert_history).where(alert_history.c.alert_id == alert_id).order_by(alert_history.c.id)
    entries = []
    for row in connection.execute(query):
        text_zh, text_en = _TELLERS[Action(row.action)](row.params)
        entries.append(HistoryView(at=row.at, who=row.who, action=row.action, text_zh=text_zh, text_en=text_en))
    return entries
