CREATE TABLE flights (
    -- UUIDv7: in the order of creation, which is the order of lists.
    id uuid PRIMARY KEY,
    flight_number text NOT NULL,
    origin text NOT NULL,
    destination text NOT NULL,
    scheduled_departure timestamptz,
    status text NOT NULL,
    -- Number of the last event about the flight.
    version bigint NOT NULL,
    -- Flight number, origin and destination in lower case, a line each.
    search text NOT NULL
);

CREATE INDEX flights_by_status ON flights (status, id);

-- Substring search wants trigrams. They are a standard extension, but not every installation has it, and without it
-- searching is slower, not wrong.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX flights_by_search ON flights USING gin (search gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'pg_trgm is not available: searching flights by text reads them all';
END
$$;
