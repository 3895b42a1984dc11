-- The identifier of the event at the checkpoint, so that a checkpoint of another history is noticed. NULL before the
-- first event, and in rows from before, until they are used again.
ALTER TABLE checkpoints ADD COLUMN event_id uuid;

-- The checkpoint that the identifier belongs to: an older version of the software moves the checkpoint without it.
ALTER TABLE checkpoints ADD COLUMN identified_revision bigint;

-- While a read model is made anew because it was of another history: the event up to which queries are not answered.
ALTER TABLE checkpoints ADD COLUMN rebuilt_until bigint;
