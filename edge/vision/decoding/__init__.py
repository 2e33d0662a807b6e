"""What a detection network's raw output says, before suppression. Only promising boxes are decoded, all at once."""

from edge.vision.decoding.nanodet import NanodetDecoder
from edge.vision.decoding.raw import Decoder, Raw
from edge.vision.decoding.rtdetr import RtdetrDecoder
from edge.vision.decoding.yolo import Yolov5Decoder, Yolov8Decoder, Yolov10Decoder
from edge.vision.decoding.yolox import YOLOX_STRIDES, YoloxDecoder

__all__ = [
    "YOLOX_STRIDES",
    "Decoder",
    "NanodetDecoder",
    "Raw",
    "RtdetrDecoder",
    "Yolov5Decoder",
    "Yolov8Decoder",
    "Yolov10Decoder",
    "YoloxDecoder",
]
