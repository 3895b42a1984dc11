-- For looking at the manifests of flights that have not ended, which are few beside those that have.
CREATE INDEX manifests_not_closed ON manifests (flight_id) WHERE state <> 'closed';
