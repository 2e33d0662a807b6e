"""How good the detectors are, judged by events: `gridsentry-edge eval TRUTH EVENTS`."""
