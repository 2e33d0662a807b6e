"""The console in a real browser against a real server; a test stands in for the edge box."""
