-- How far each reader of the event stream has come. Written in the same transaction as what it has done.
CREATE TABLE checkpoints (
    name text PRIMARY KEY,
    -- Number of the newest event that is processed; -1 before the first.
    revision bigint NOT NULL
);

-- Events that a reader could not process, and those about the same thing that came after them. They wait here, in order,
-- to be replayed.
CREATE TABLE parked_events (
    reader text NOT NULL,
    revision bigint NOT NULL,
    -- What the event is about: events about the same thing stay in order.
    key uuid NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    reason text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (reader, revision)
);

CREATE INDEX parked_events_by_key ON parked_events (reader, key, revision);
