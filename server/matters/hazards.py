"""Names of the hazards we know, for people. The set is open: another slug shows as itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

HAZARD_NAMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "thrown_object": ("高空抛物", "Thrown or fallen object"),
        "fire": ("明火", "Fire"),
        "smoke": ("烟雾", "Smoke"),
        "signal_dark": ("信号灯熄灭", "Traffic signal dark"),
        "signal_lamp": ("信号灯单灯失效", "Traffic signal lamp failed"),
        "signal_stuck": ("信号灯卡死", "Traffic signal stuck"),
        "signal_flashing": ("信号灯异常闪烁", "Traffic signal flashing"),
        "signal_conflict": ("信号灯冲突", "Traffic signals in conflict"),
        "signal_sequence": ("信号灯灯色次序错误", "Traffic signal in a wrong order"),
        "signal_countdown": ("信号灯倒计时失效", "Traffic signal countdown failed"),
        "illegal_structure": ("违法建设", "Illegal structure"),
        "water_level": ("水位超限", "Water level beyond its limit"),
        "gas": ("燃气浓度超限", "Gas beyond its limit"),
        "smoke_density": ("烟感报警", "Smoke density beyond its limit"),
        "temperature": ("温度超限", "Temperature beyond its limit"),
        "tilt": ("倾斜超限", "Tilt beyond its limit"),
        "power": ("供电异常", "Power failure"),
        "sensor": ("传感器读数超限", "Sensor reading beyond its limit"),
        "road_damage": ("道路破损", "Road damage"),
        "ponding": ("道路积水", "Ponding"),
        "collapse": ("路面塌陷", "Road collapse"),
        "blocked_fire_lane": ("占用消防通道", "Blocked fire lane"),
        "parked_vehicle": ("车辆违停", "Illegally parked vehicle"),
        "intrusion": ("人员闯入", "Intrusion"),
        "crowd": ("人员聚集", "Crowd"),
        "wrong_way": ("逆行", "Wrong way"),
        "objects_in_zone": ("区域内目标", "Objects in a zone"),
        "rubbish": ("暴露垃圾", "Exposed rubbish"),
        "camera_covered": ("摄像机被遮挡", "Camera covered"),
        "camera_moved": ("摄像机移位", "Camera moved"),
        "camera_frozen": ("画面冻结", "Camera picture frozen"),
        "camera_blurred": ("画面模糊", "Camera picture blurred"),
        "camera_offline": ("摄像机离线", "Camera offline"),
        "camera_overexposed": ("画面过曝", "Camera picture overexposed"),
        "camera_underexposed": ("画面过暗", "Camera picture too dark"),
        "cameras_offline": ("多路摄像机同时离线", "All cameras of a device offline"),
        "clock_wrong": ("设备时钟异常", "Device clock wrong"),
        "disk_short": ("设备存储空间不足", "Device disk short"),
        "device_hot": ("设备温度过高", "Device too hot"),
        "uplink_down": ("设备上报中断", "Device uplink down"),
        "model_failed": ("设备模型异常", "Model of a device failed"),
        "canary_lost": ("演练未被识别", "Drill not found"),
    }
)
"""Slug to (Chinese, English)."""


def hazard_names(slug: str) -> tuple[str, str]:
    """The hazard's Chinese and English name; the slug itself where we know none."""
    return HAZARD_NAMES.get(slug, (slug, slug))
