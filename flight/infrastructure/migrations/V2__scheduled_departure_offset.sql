-- In minutes, east of UTC if it is positive: what a departure was given with. Those without one were given in UTC.
ALTER TABLE flights ADD COLUMN scheduled_departure_offset smallint NOT NULL DEFAULT 0;
