"""Sensor logs with ground truth, and a publisher that plays them to a broker as if they happened now."""
