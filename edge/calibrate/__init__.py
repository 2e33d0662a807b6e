"""Calibration: what a camera's detectors must be told once, found with the installer in minutes, and written down."""
