"""What supports an event: snapshot, overlay, clip, track and telemetry, each a file named by its hash."""
