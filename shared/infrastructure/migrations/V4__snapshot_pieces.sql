-- The newest snapshot of each stream's folded state, so that a start has to read only what came after it. It takes the
-- place of the table snapshots, which held a state in one value: what is in there is not read any more, and goes away
-- with the first snapshot here.
CREATE TABLE ledger_snapshots (
    stream text PRIMARY KEY,
    -- The schema of the state, and of what is stored around it. A snapshot of any other is not read.
    format text NOT NULL,
    -- Number and identifier of the last event folded in.
    revision bigint NOT NULL,
    event_id uuid NOT NULL,
    -- How many pieces there are.
    pieces integer NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now()
);

-- One JSON document, cut into pieces, so that nobody has to hold all of it.
CREATE TABLE ledger_snapshot_pieces (
    stream text NOT NULL REFERENCES ledger_snapshots ON DELETE CASCADE,
    number integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (stream, number)
);
