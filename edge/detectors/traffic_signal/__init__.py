"""Traffic signals: dark, stuck, flashing, failed, conflicting. A hazard of absence, told only by who can see."""
