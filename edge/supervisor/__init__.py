"""The parent process: it starts, watches and replaces the others, takes up changes, and shows the box."""
