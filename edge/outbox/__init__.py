"""The durable queue between detection and the server, and its uplink."""
