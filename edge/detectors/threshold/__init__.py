"""Limits on a sensor's readings, with hysteresis and dwell."""

from edge.detectors.registry import SensorDetectorKind
from edge.detectors.threshold.canary import synthetic_readings
from edge.detectors.threshold.detector import NAME, VERSION, ThresholdDetector
from edge.detectors.threshold.settings import ThresholdRule, ThresholdSettings

__all__ = ["KIND", "ThresholdDetector", "ThresholdRule", "ThresholdSettings"]

KIND = SensorDetectorKind(
    name=NAME, version=VERSION, settings=ThresholdSettings, build=ThresholdDetector, canary=synthetic_readings
)
