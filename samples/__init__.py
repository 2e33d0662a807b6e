"""What the product ships to try itself on: generators, small clips, logs, a fictional district, the demo."""
