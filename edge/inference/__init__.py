"""Models for detectors: sessions behind one interface, chosen by measurement, shared fairly between streams."""
