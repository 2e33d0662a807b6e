"""Invented names, Chinese and English, in the order in which they are given out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Name:
    """One name in both languages."""

    zh: str
    en: str


DISTRICT: Final = Name("槐岸区", "Huai'an Bank District")

STREETS: Final[tuple[tuple[Name, tuple[Name, ...]], ...]] = (
    (
        Name("青禾街道", "Qinghe Street"),
        (
            Name("云圃社区", "Yunpu Community"),
            Name("稻香社区", "Daoxiang Community"),
            Name("北坡社区", "Beipo Community"),
            Name("春渠社区", "Chunqu Community"),
            Name("豆棚社区", "Doupeng Community"),
            Name("麦浪社区", "Mailang Community"),
            Name("新堤社区", "Xindi Community"),
        ),
    ),
    (
        Name("望鹤街道", "Wanghe Street"),
        (
            Name("鹤鸣社区", "Heming Community"),
            Name("芦花社区", "Luhua Community"),
            Name("书院社区", "Shuyuan Community"),
            Name("观澜社区", "Guanlan Community"),
            Name("沙洲社区", "Shazhou Community"),
            Name("白鹭社区", "Bailu Community"),
            Name("渡口社区", "Dukou Community"),
        ),
    ),
    (
        Name("柳桥街道", "Liuqiao Street"),
        (
            Name("柳浪社区", "Liulang Community"),
            Name("桥西社区", "Qiaoxi Community"),
            Name("磨坊社区", "Mofang Community"),
            Name("丁香社区", "Dingxiang Community"),
            Name("铁匠社区", "Tiejiang Community"),
            Name("织坊社区", "Zhifang Community"),
            Name("长亭社区", "Changting Community"),
        ),
    ),
    (
        Name("槐市街道", "Huaishi Street"),
        (
            Name("老街社区", "Laojie Community"),
            Name("灯市社区", "Dengshi Community"),
            Name("钟楼社区", "Zhonglou Community"),
            Name("槐荫社区", "Huaiyin Community"),
            Name("茶亭社区", "Chating Community"),
            Name("银杏社区", "Yinxing Community"),
            Name("南关社区", "Nanguan Community"),
        ),
    ),
    (
        Name("石灯街道", "Shideng Street"),
        (
            Name("瓦窑社区", "Wayao Community"),
            Name("砖塔社区", "Zhuanta Community"),
            Name("枣林社区", "Zaolin Community"),
            Name("桃园社区", "Taoyuan Community"),
            Name("机修社区", "Jixiu Community"),
            Name("泉眼社区", "Quanyan Community"),
            Name("东站社区", "Dongzhan Community"),
        ),
    ),
)
"""Streets from the north-west to the south-east, each with names for its communities (more than it needs)."""

MALL: Final = Name("槐市天街购物中心", "Huaishi Skyway Mall")
CAMPUS: Final = Name("望鹤学院校区", "Wanghe College Campus")
MARKET: Final = Name("柳桥农贸市场", "Liuqiao Farmers' Market")


def micro_grid_name(community: Name, number: int) -> Name:
    """A micro-grid's name; it says the community too, because queues are shown without their parents."""
    return Name(
        f"{community.zh.removesuffix('社区')}第{number:02d}微网格",
        f"{community.en.removesuffix(' Community')} Micro-grid {number:02d}",
    )
