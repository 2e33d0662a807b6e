"""Alerts: one hazard at one place, made of episodes, waiting in a queue for a verdict."""
