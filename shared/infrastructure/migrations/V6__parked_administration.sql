-- Everything that the data of a parked event names, so that a query about any of it is known to be behind the event.
-- Empty in rows from before, which are found by their key alone.
ALTER TABLE parked_events ADD COLUMN names uuid[] NOT NULL DEFAULT '{}';

CREATE INDEX parked_events_by_name ON parked_events USING gin (names);

CREATE INDEX parked_events_by_id ON parked_events (event_id);

-- Parked events that somebody has taken out for good.
CREATE TABLE discarded_events (
    reader text NOT NULL,
    revision bigint NOT NULL,
    event_id uuid NOT NULL,
    key uuid NOT NULL,
    event_type text NOT NULL,
    -- Why it was parked, and since when.
    parked_because text NOT NULL,
    parked_at timestamptz NOT NULL,
    -- Why it was discarded, by whom, and when.
    reason text NOT NULL,
    discarded_by text NOT NULL,
    discarded_at timestamptz NOT NULL DEFAULT now(),
    -- In another history the number may be that of another event.
    PRIMARY KEY (reader, revision, event_id)
);

-- What an instance that does not lead has been asked for, until the one that leads has answered it.
CREATE TABLE reader_requests (
    id uuid PRIMARY KEY,
    reader text NOT NULL,
    -- JSON, which may hold what the type `jsonb` does not take.
    request text NOT NULL,
    answer text,
    asked_at timestamptz NOT NULL DEFAULT now(),
    -- Until when somebody waits for the answer.
    expires_at timestamptz NOT NULL,
    -- When an instance that leads has begun it.
    taken_at timestamptz
);
