"""Surveys of an area as a source of events: which flights are compared, what is remembered, what is told.

A flight's files → recognised by content (`contents`) → compared with earlier flights of the area (`records`) → episodes
and evidence in one commit with what the area remembers (`telling`, `area`) → the outbox. `watching` does so for a
folder in which flights appear, `sending` sends where no `run` does.
"""
