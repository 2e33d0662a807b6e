"""What the box shows of itself to the people beside it: page, health end points, metrics."""
