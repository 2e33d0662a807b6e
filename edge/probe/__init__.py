"""`probe`: what a camera sends, what it would cost, and how it is written into the configuration."""
