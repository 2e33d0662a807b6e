"""The outbox's tables."""

from __future__ import annotations

SCHEMA_VERSION = 1

STATEMENTS = (
    """CREATE TABLE meta (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID, STRICT""",
    # An event's bytes are written once, with its chain link; the row goes when the server has answered for it.
    """CREATE TABLE events (
        seq INTEGER PRIMARY KEY,
        event_id TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL,
        subject TEXT NOT NULL,
        observed_at TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'refused')) DEFAULT 'waiting',
        problem TEXT NOT NULL DEFAULT '',
        content BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX events_waiting ON events (seq) WHERE state = 'waiting'",
    # waiting: not yet announced by an event that the server accepted; announced: may be uploaded; whole: the server
    # has it; gone: and the file here was removed (the row stays a while: a later event may list the file again).
    """CREATE TABLE evidence (
        sha256 TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        added INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'announced', 'whole', 'failed', 'gone')) DEFAULT 'waiting',
        problem TEXT NOT NULL DEFAULT '',
        attempts INTEGER NOT NULL DEFAULT 0,
        whole_at TEXT
    ) WITHOUT ROWID, STRICT""",
    "CREATE INDEX evidence_by_state ON evidence (state, added)",
    """CREATE TABLE mentions (
        seq INTEGER NOT NULL REFERENCES events (seq) ON DELETE CASCADE,
        sha256 TEXT NOT NULL REFERENCES evidence (sha256) ON DELETE CASCADE,
        PRIMARY KEY (seq, sha256)
    ) WITHOUT ROWID, STRICT""",
    "CREATE INDEX mentions_by_file ON mentions (sha256)",
    """CREATE TABLE episodes (
        episode_id TEXT PRIMARY KEY,
        source_id TEXT NOT NULL,
        content TEXT NOT NULL
    ) WITHOUT ROWID, STRICT""",
    """CREATE TABLE state (
        name TEXT PRIMARY KEY,
        content TEXT NOT NULL
    ) WITHOUT ROWID, STRICT""",
)
