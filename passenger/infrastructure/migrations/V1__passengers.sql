CREATE TABLE passengers (
    -- UUIDv7: in the order of creation, which is the order of lists.
    id uuid PRIMARY KEY,
    flight_id uuid NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    -- Number of the last event about the passenger.
    version bigint NOT NULL,
    -- The name in lower case.
    search text NOT NULL
);

CREATE INDEX passengers_by_flight ON passengers (flight_id, status, id);
CREATE INDEX passengers_by_flight_in_order ON passengers (flight_id, id);

CREATE TABLE manifests (
    flight_id uuid PRIMARY KEY,
    -- open, sealed or closed
    state text NOT NULL,
    -- landed or deleted, once it is closed
    ending text,
    -- Number of the last event about the manifest or one of its passengers.
    version bigint NOT NULL
);

CREATE INDEX manifests_by_state ON manifests (state, flight_id);

-- Substring search wants trigrams. They are a standard extension, but not every installation has it, and without it
-- searching is slower, not wrong.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX passengers_by_search ON passengers USING gin (search gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'pg_trgm is not available: searching passengers by text reads them all';
END
$$;
