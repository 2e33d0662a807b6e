"""Where observations come from: files and cameras (through PyAV), sensors (through MQTT)."""
