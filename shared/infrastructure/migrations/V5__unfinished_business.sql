-- What events should have led to in other domains and have not, as the last comparison with those has found.
CREATE TABLE unfinished_business (
    reader text NOT NULL,
    -- What is missing.
    kind text NOT NULL,
    -- What it is missing of.
    key uuid NOT NULL,
    -- Since when, as far as that is known; else since when it is known.
    since timestamptz NOT NULL,
    PRIMARY KEY (reader, kind, key)
);

CREATE INDEX unfinished_business_by_key ON unfinished_business (reader, key);
