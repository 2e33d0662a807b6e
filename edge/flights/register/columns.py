"""Which column of a file means what: as configured, else by the names in general use, in either language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from edge.flights.register.errors import RegisterError
from edge.flights.register.features import Layer
from edge.flights.register.settings import RegisterFile

USUAL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "id": ("id", "uid", "code", "bsm", "编号", "标识码", "证号", "许可证号", "审批编号", "permit_no", "permit_id",
               "building_id", "order_no", "order_id", "文号", "objectid"),
        "name": ("name", "名称", "项目名称", "建筑名称", "mc"),
        "valid_from": ("valid_from", "validfrom", "start_date", "issued_on", "有效期起", "起始日期", "开始日期",
                       "发证日期", "批准日期", "yxqq"),
        "valid_until": ("valid_until", "valid_to", "validuntil", "end_date", "expires", "expires_on", "有效期至",
                        "有效期止", "截止日期", "到期日期", "yxqz"),
        "height_m": ("height_m", "height", "高度", "建筑高度", "批准高度"),
        "area_m2": ("area_m2", "allowed_area", "批准面积", "占地面积", "基底面积"),
        "width_m": ("width_m", "width", "宽度", "路宽", "道路宽度", "红线宽度"),
    }
)  # fmt: skip
"""Without regard to case. A Shapefile cuts names at ten bytes: `valid_unti` is found, too."""
_DBF_BYTES = 10


def columns_of(layer: Layer, file: RegisterFile, found: Sequence[str]) -> Mapping[str, str]:
    """Field to the name of its column, for the fields that the file has.

    Raises:
        RegisterError: a configured column is missing, or permits have no column that says until when.
    """
    names: dict[str, str] = {}
    for field, usual in USUAL.items():
        wanted = getattr(file.attributes, field)
        if wanted is not None:
            names[field] = _configured(file, field, wanted, found)
            continue
        by_key = {name.casefold(): name for name in reversed(found)}
        first = next((by_key[key] for key in _as_written(usual) if key in by_key), None)
        if first is not None:
            names[field] = first
    if layer is Layer.PERMIT and "valid_until" not in names and not file.without_dates:
        raise RegisterError(
            f"{file.path}: found no column of permits' last days among {_listed(found)}, expected one such as "
            f"{', '.join(USUAL['valid_until'][:2])} or 有效期至. Name it in `attributes.valid_until`, or set "
            "`without_dates: true` if these permits have no end"
        )
    return names


def _configured(file: RegisterFile, field: str, wanted: str, found: Sequence[str]) -> str:
    match = next((name for name in found if name.casefold() in (wanted.casefold(), _cut(wanted).casefold())), None)
    if match is None:
        raise RegisterError(
            f"{file.path}: found the columns {_listed(found)}, expected {wanted!r}, as `attributes.{field}` says. "
            "Correct that name"
        )
    return match


def _as_written(usual: tuple[str, ...]) -> tuple[str, ...]:
    return (*usual, *(_cut(name) for name in usual))


def _cut(name: str) -> str:
    """As a Shapefile has it. Chinese is not cut: the two ends of a permit's time would become the same three signs."""
    return name[:_DBF_BYTES] if name.isascii() else name


def _listed(found: Sequence[str]) -> str:
    return ", ".join(name[:40] for name in found[:20]) + (" …" if len(found) > 20 else "") if found else "none"
