"""The revisions, in their order. 0001 core, 0002 routing."""
