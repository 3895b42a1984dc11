-- These have a history of their own, which earlier versions of the software do not look at: they refuse to start where
-- a migration was carried out that they do not know.

-- The version of the projection that has written the rows up to the checkpoint; NULL means 1, and 0 that several have.
ALTER TABLE checkpoints ADD COLUMN projection_version integer;

-- The checkpoint that the version belongs to: software that knows no versions moves the checkpoint without it.
ALTER TABLE checkpoints ADD COLUMN versioned_revision bigint;

-- The last rebuild of each read model: its rows are written anew, into tables beside those that are shown.
CREATE TABLE rebuilds (
    -- The projection whose tables they are.
    reader text PRIMARY KEY,
    -- The version of the projection that writes the rows.
    version integer NOT NULL,
    -- running, done or failed
    status text NOT NULL,
    -- What the tables that are shown looked like when those beside them were made; NULL before that.
    shape text,
    -- When those were made. What was discarded since may be in them.
    made_at timestamptz,
    -- How many events are in them, and how many there are.
    events bigint NOT NULL DEFAULT 0,
    of_events bigint NOT NULL DEFAULT 0,
    -- How fast it goes; NULL before that is known.
    events_per_second double precision,
    -- Why it has failed.
    reason text,
    -- Who has asked for it.
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    -- When it was done, or failed.
    ended_at timestamptz
);
