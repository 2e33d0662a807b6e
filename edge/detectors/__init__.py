"""Detectors: one module or folder per hazard, behind the small interface of `edge.detectors.interface`."""
