"""Proposes traffic signal heads in a picture. `card.md` says how it was made and what it can do."""
