-- The newest snapshot of each stream's folded state, so that a start has to read only what came after it.
CREATE TABLE snapshots (
    stream text PRIMARY KEY,
    -- What wrote it. A snapshot of another version of the software is not read.
    format text NOT NULL,
    -- Number and identifier of the last event folded in.
    revision bigint NOT NULL,
    event_id uuid NOT NULL,
    state bytea NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now()
);
