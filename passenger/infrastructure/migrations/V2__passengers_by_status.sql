-- For lists of passengers by status alone, of whatever flight: without it they would read the whole table.
CREATE INDEX passengers_by_status ON passengers (status, id);
