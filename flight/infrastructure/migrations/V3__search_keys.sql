-- The column search has, after U+0001, a line for each key by which the row is found; in rows from before, the text in
-- lower case. Those are made anew by the processor once it leads, and are found here until then.
CREATE INDEX flights_to_make_anew ON flights (id) WHERE left(search, 1) <> E'\x01';
