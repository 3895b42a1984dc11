CREATE TABLE bags (
    id        uuid PRIMARY KEY,
    flight_id uuid   NOT NULL,
    status    text   NOT NULL,
    version   bigint NOT NULL
);
