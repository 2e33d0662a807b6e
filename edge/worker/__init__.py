"""The child processes: cameras, sensors and uplink, each hosted behind a socket to the supervisor."""
