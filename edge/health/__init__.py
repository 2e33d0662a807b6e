"""What a source and the box can see and do: conditions with dwell, said as health events and as hazards."""

from edge.health.source import BLIND, OFFLINE, ONLINE, SourceHealth, health_name

__all__ = ["BLIND", "OFFLINE", "ONLINE", "SourceHealth", "health_name"]
