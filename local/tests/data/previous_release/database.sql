SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET client_min_messages = warning;
CREATE SCHEMA jetbridge_flight;
CREATE SCHEMA jetbridge_passenger;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
CREATE TABLE jetbridge_flight.checkpoints (
    name text NOT NULL,
    revision bigint NOT NULL
);
CREATE TABLE jetbridge_flight.flights (
    id uuid NOT NULL,
    flight_number text NOT NULL,
    origin text NOT NULL,
    destination text NOT NULL,
    scheduled_departure timestamp with time zone,
    status text NOT NULL,
    version bigint NOT NULL,
    search text NOT NULL,
    scheduled_departure_offset smallint DEFAULT 0 NOT NULL
);
CREATE TABLE jetbridge_flight.parked_events (
    reader text NOT NULL,
    revision bigint NOT NULL,
    key uuid NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    reason text NOT NULL,
    parked_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE jetbridge_flight.processing_migrations (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);
CREATE TABLE jetbridge_flight.refinery_schema_history (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);
CREATE TABLE jetbridge_flight.snapshots (
    stream text NOT NULL,
    format text NOT NULL,
    revision bigint NOT NULL,
    event_id uuid NOT NULL,
    state bytea NOT NULL,
    taken_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE jetbridge_passenger.checkpoints (
    name text NOT NULL,
    revision bigint NOT NULL
);
CREATE TABLE jetbridge_passenger.manifests (
    flight_id uuid NOT NULL,
    state text NOT NULL,
    ending text,
    version bigint NOT NULL
);
CREATE TABLE jetbridge_passenger.parked_events (
    reader text NOT NULL,
    revision bigint NOT NULL,
    key uuid NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    reason text NOT NULL,
    parked_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE jetbridge_passenger.passengers (
    id uuid NOT NULL,
    flight_id uuid NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    version bigint NOT NULL,
    search text NOT NULL
);
CREATE TABLE jetbridge_passenger.processing_migrations (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);
CREATE TABLE jetbridge_passenger.refinery_schema_history (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);
CREATE TABLE jetbridge_passenger.snapshots (
    stream text NOT NULL,
    format text NOT NULL,
    revision bigint NOT NULL,
    event_id uuid NOT NULL,
    state bytea NOT NULL,
    taken_at timestamp with time zone DEFAULT now() NOT NULL
);
INSERT INTO jetbridge_flight.checkpoints VALUES ('flight-projection', 9);
INSERT INTO jetbridge_flight.checkpoints VALUES ('flight-reactions', 9);
INSERT INTO jetbridge_flight.flights VALUES ('01a2192e-30cc-7097-a181-207e2942cdba', 'JB 1', 'HAM', 'OSL', '2026-12-23 18:30:00+00', 'waitingForBoarding', 0, 'jb 1
ham
osl', 840);
INSERT INTO jetbridge_flight.flights VALUES ('01a2192e-30d1-770e-bc8c-5d15c54e4185', 'JB 2', 'CDG', 'JFK', NULL, 'disembarked', 5, 'jb 2
cdg
jfk', 0);
INSERT INTO jetbridge_flight.flights VALUES ('01a2192e-30d7-723b-bc6b-f2b943cb003a', 'JB 3', 'LHR', 'SIN', '2026-12-24 08:30:00+00', 'arrived', 8, 'jb 3
lhr
sin', 0);
INSERT INTO jetbridge_flight.processing_migrations VALUES (1, 'processing', '2026-11-26T18:46:27.065152065Z', '14519545595747241016');
INSERT INTO jetbridge_flight.processing_migrations VALUES (2, 'snapshots', '2026-11-26T18:46:27.086977497Z', '14710066161290214415');
INSERT INTO jetbridge_flight.refinery_schema_history VALUES (1, 'flights', '2026-11-26T18:46:27.107455846Z', '5526355403801890788');
INSERT INTO jetbridge_flight.refinery_schema_history VALUES (2, 'scheduled_departure_offset', '2026-11-26T18:46:27.117627504Z', '7126715804727148772');
INSERT INTO jetbridge_passenger.checkpoints VALUES ('passenger-reactions', 13);
INSERT INTO jetbridge_passenger.checkpoints VALUES ('passenger-projection', 17);
INSERT INTO jetbridge_passenger.manifests VALUES ('01a2192e-30cc-7097-a181-207e2942cdba', 'open', NULL, 7);
INSERT INTO jetbridge_passenger.manifests VALUES ('01a2192e-30d1-770e-bc8c-5d15c54e4185', 'sealed', NULL, 10);
INSERT INTO jetbridge_passenger.manifests VALUES ('01a2192e-30d7-723b-bc6b-f2b943cb003a', 'closed', 'landed', 15);
INSERT INTO jetbridge_passenger.manifests VALUES ('01a2192e-30db-7484-94c0-321eb8dea664', 'closed', 'deleted', 17);
INSERT INTO jetbridge_passenger.passengers VALUES ('01a2192e-30ea-71ce-97af-80b77b60767f', '01a2192e-30cc-7097-a181-207e2942cdba', 'Bob de Wit', 'checkedIn', 1, 'bob de wit');
INSERT INTO jetbridge_passenger.passengers VALUES ('01a2192e-30e5-72e7-847e-487bd1e4a1f6', '01a2192e-30cc-7097-a181-207e2942cdba', 'Ada Lovelace', 'boarded', 6, 'ada lovelace');
INSERT INTO jetbridge_passenger.passengers VALUES ('01a2192e-30f2-70ea-9cb8-caed4791af4f', '01a2192e-30cc-7097-a181-207e2942cdba', 'Cleo Offloaded', 'offloaded', 7, 'cleo offloaded');
INSERT INTO jetbridge_passenger.passengers VALUES ('01a2192e-30f7-71fd-b665-d8ffabea5230', '01a2192e-30d1-770e-bc8c-5d15c54e4185', 'Zoë Ångström', 'boarded', 8, 'zoë ångström');
INSERT INTO jetbridge_passenger.passengers VALUES ('01a2192e-30fc-72cc-9cdb-28d2bea3fe3e', '01a2192e-30d7-723b-bc6b-f2b943cb003a', 'Lena', 'arrived', 15, 'lena');
INSERT INTO jetbridge_passenger.processing_migrations VALUES (1, 'processing', '2026-11-26T18:46:27.149399914Z', '14519545595747241016');
INSERT INTO jetbridge_passenger.processing_migrations VALUES (2, 'snapshots', '2026-11-26T18:46:27.157844045Z', '14710066161290214415');
INSERT INTO jetbridge_passenger.refinery_schema_history VALUES (1, 'passengers', '2026-11-26T18:46:27.1916696Z', '17144734766566925840');
INSERT INTO jetbridge_passenger.refinery_schema_history VALUES (2, 'passengers_by_status', '2026-11-26T18:46:27.213361225Z', '8130230172421956301');
ALTER TABLE ONLY jetbridge_flight.checkpoints
    ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (name);
ALTER TABLE ONLY jetbridge_flight.flights
    ADD CONSTRAINT flights_pkey PRIMARY KEY (id);
ALTER TABLE ONLY jetbridge_flight.parked_events
    ADD CONSTRAINT parked_events_pkey PRIMARY KEY (reader, revision);
ALTER TABLE ONLY jetbridge_flight.processing_migrations
    ADD CONSTRAINT processing_migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY jetbridge_flight.refinery_schema_history
    ADD CONSTRAINT refinery_schema_history_pkey PRIMARY KEY (version);
ALTER TABLE ONLY jetbridge_flight.snapshots
    ADD CONSTRAINT snapshots_pkey PRIMARY KEY (stream);
ALTER TABLE ONLY jetbridge_passenger.checkpoints
    ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (name);
ALTER TABLE ONLY jetbridge_passenger.manifests
    ADD CONSTRAINT manifests_pkey PRIMARY KEY (flight_id);
ALTER TABLE ONLY jetbridge_passenger.parked_events
    ADD CONSTRAINT parked_events_pkey PRIMARY KEY (reader, revision);
ALTER TABLE ONLY jetbridge_passenger.passengers
    ADD CONSTRAINT passengers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY jetbridge_passenger.processing_migrations
    ADD CONSTRAINT processing_migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY jetbridge_passenger.refinery_schema_history
    ADD CONSTRAINT refinery_schema_history_pkey PRIMARY KEY (version);
ALTER TABLE ONLY jetbridge_passenger.snapshots
    ADD CONSTRAINT snapshots_pkey PRIMARY KEY (stream);
CREATE INDEX flights_by_search ON jetbridge_flight.flights USING gin (search public.gin_trgm_ops);
CREATE INDEX flights_by_status ON jetbridge_flight.flights USING btree (status, id);
CREATE INDEX parked_events_by_key ON jetbridge_flight.parked_events USING btree (reader, key, revision);
CREATE INDEX manifests_by_state ON jetbridge_passenger.manifests USING btree (state, flight_id);
CREATE INDEX parked_events_by_key ON jetbridge_passenger.parked_events USING btree (reader, key, revision);
CREATE INDEX passengers_by_flight ON jetbridge_passenger.passengers USING btree (flight_id, status, id);
CREATE INDEX passengers_by_flight_in_order ON jetbridge_passenger.passengers USING btree (flight_id, id);
CREATE INDEX passengers_by_search ON jetbridge_passenger.passengers USING gin (search public.gin_trgm_ops);
CREATE INDEX passengers_by_status ON jetbridge_passenger.passengers USING btree (status, id);
