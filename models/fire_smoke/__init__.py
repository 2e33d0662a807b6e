"""fire_smoke: proposals of flames and smoke. What its weights are made of, how they are made, and how good they are."""
