-- What Orleans' ADO.NET grain storage expects of PostgreSQL: statements in OrleansQuery that read, write and clear the
-- state of a grain. They work on a table of our own, whose primary key lets one of two writers create a record, never
-- both; replicas of the grid keep their data in it, and rely on that.

CREATE TABLE IF NOT EXISTS coord_record (
    service_id varchar(150) NOT NULL,
    state_name varchar(150) NOT NULL,
    n0 bigint NOT NULL,
    n1 bigint NOT NULL,
    key varchar(512) NOT NULL,
    payload bytea,
    version integer NOT NULL,
    modified timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (service_id, state_name, n0, n1, key)
);

-- Records are too large for a row, and what is in them is not worth compressing each time.
ALTER TABLE coord_record ALTER COLUMN payload SET STORAGE EXTERNAL;

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES
('ReadFromStorageKey', '
SELECT payload AS PayloadBinary, now() AS Now, version AS Version
FROM coord_record
WHERE service_id = @ServiceId AND state_name = @GrainTypeString AND n0 = @GrainIdN0 AND n1 = @GrainIdN1
    AND key = coalesce(@GrainIdExtensionString::text, '''')'),

-- No row comes back where the record is not as the caller knows it. The version starts anew before it overflows.
('WriteToStorageKey', '
WITH made AS (
    INSERT INTO coord_record (service_id, state_name, n0, n1, key, payload, version)
    SELECT @ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString::text, ''''),
        @PayloadBinary::bytea, 1
    WHERE @GrainStateVersion::integer IS NULL
    ON CONFLICT DO NOTHING
    RETURNING version),
changed AS (
    UPDATE coord_record
    SET payload = @PayloadBinary::bytea, modified = now(),
        version = CASE WHEN version = 2147483647 THEN 1 ELSE version + 1 END
    WHERE service_id = @ServiceId AND state_name = @GrainTypeString AND n0 = @GrainIdN0 AND n1 = @GrainIdN1
        AND key = coalesce(@GrainIdExtensionString::text, '''') AND version = @GrainStateVersion::integer
    RETURNING version)
SELECT version AS NewGrainStateVersion FROM made UNION ALL SELECT version FROM changed'),

('ClearStorageKey', '
UPDATE coord_record
SET payload = NULL, modified = now(), version = CASE WHEN version = 2147483647 THEN 1 ELSE version + 1 END
WHERE service_id = @ServiceId AND state_name = @GrainTypeString AND n0 = @GrainIdN0 AND n1 = @GrainIdN1
    AND key = coalesce(@GrainIdExtensionString::text, '''') AND version = @GrainStateVersion::integer
RETURNING version AS NewGrainStateVersion'),

('DeleteStorageKey', '
DELETE FROM coord_record
WHERE service_id = @ServiceId AND state_name = @GrainTypeString AND n0 = @GrainIdN0 AND n1 = @GrainIdN1
    AND key = coalesce(@GrainIdExtensionString::text, '''') AND version = @GrainStateVersion::integer
RETURNING version + 1 AS NewGrainStateVersion')

ON CONFLICT (QueryKey) DO UPDATE SET QueryText = EXCLUDED.QueryText;
