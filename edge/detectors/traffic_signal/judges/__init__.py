"""What is a fault: one module each. They see heads as time has made them, never pictures."""
