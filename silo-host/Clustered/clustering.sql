-- What Orleans' ADO.NET clustering expects of PostgreSQL: a table OrleansQuery with a statement for each thing it does.
-- The statements work on tables of our own. Each is one command, so it happens as a whole or not at all.

CREATE TABLE IF NOT EXISTS OrleansQuery (
    QueryKey varchar(64) PRIMARY KEY,
    QueryText varchar(8000) NOT NULL
);

CREATE TABLE IF NOT EXISTS coord_cluster (
    cluster_id varchar(150) PRIMARY KEY,
    version integer NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS coord_silo (
    cluster_id varchar(150) NOT NULL REFERENCES coord_cluster,
    address varchar(45) NOT NULL,
    port integer NOT NULL,
    generation integer NOT NULL,
    name varchar(150) NOT NULL,
    host varchar(150) NOT NULL,
    status integer NOT NULL,
    gateway_port integer NOT NULL,
    suspects text,
    started timestamptz NOT NULL,
    alive timestamptz NOT NULL,
    PRIMARY KEY (cluster_id, address, port, generation)
);

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES
('InsertMembershipVersionKey', '
WITH made AS (
    INSERT INTO coord_cluster (cluster_id) VALUES (@DeploymentId) ON CONFLICT DO NOTHING RETURNING 1)
SELECT count(*)::int FROM made'),

-- The version's row is locked by its update: of two writers who read the same version, the second finds it changed.
('InsertMembershipKey', '
WITH bumped AS (
    UPDATE coord_cluster SET version = version + 1
    WHERE cluster_id = @DeploymentId AND version = @Version AND NOT EXISTS (
        SELECT 1 FROM coord_silo
        WHERE cluster_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation)
    RETURNING 1),
made AS (
    INSERT INTO coord_silo (
        cluster_id, address, port, generation, name, host, status, gateway_port, started, alive)
    SELECT @DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime,
        @IAmAliveTime
    FROM bumped
    RETURNING 1)
SELECT count(*)::int FROM made'),

('UpdateMembershipKey', '
WITH bumped AS (
    UPDATE coord_cluster SET version = version + 1
    WHERE cluster_id = @DeploymentId AND version = @Version AND EXISTS (
        SELECT 1 FROM coord_silo
        WHERE cluster_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation)
    RETURNING 1),
changed AS (
    UPDATE coord_silo SET status = @Status, suspects = @SuspectTimes, alive = @IAmAliveTime
    FROM bumped
    WHERE cluster_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation
    RETURNING 1)
SELECT count(*)::int FROM changed'),

('UpdateIAmAlivetimeKey', '
UPDATE coord_silo SET alive = @IAmAliveTime
WHERE cluster_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation'),

-- A cluster without such a silo still yields its version.
('MembershipReadRowKey', '
SELECT c.cluster_id AS DeploymentId, s.address AS Address, s.port AS Port, s.generation AS Generation,
    s.name AS SiloName, s.host AS HostName, s.status AS Status, s.gateway_port AS ProxyPort,
    s.suspects AS SuspectTimes, s.started AS StartTime, s.alive AS IAmAliveTime, c.version AS Version
FROM coord_cluster c LEFT JOIN coord_silo s
    ON s.cluster_id = c.cluster_id AND s.address = @Address AND s.port = @Port AND s.generation = @Generation
WHERE c.cluster_id = @DeploymentId'),

('MembershipReadAllKey', '
SELECT c.cluster_id AS DeploymentId, s.address AS Address, s.port AS Port, s.generation AS Generation,
    s.name AS SiloName, s.host AS HostName, s.status AS Status, s.gateway_port AS ProxyPort,
    s.suspects AS SuspectTimes, s.started AS StartTime, s.alive AS IAmAliveTime, c.version AS Version
FROM coord_cluster c LEFT JOIN coord_silo s ON s.cluster_id = c.cluster_id
WHERE c.cluster_id = @DeploymentId'),

('GatewaysQueryKey', '
SELECT address AS Address, gateway_port AS ProxyPort, generation AS Generation
FROM coord_silo
WHERE cluster_id = @DeploymentId AND status = @Status AND gateway_port > 0'),

('DeleteMembershipTableEntriesKey', '
WITH silos AS (DELETE FROM coord_silo WHERE cluster_id = @DeploymentId)
DELETE FROM coord_cluster WHERE cluster_id = @DeploymentId'),

-- 3 is active.
('CleanupDefunctSiloEntriesKey', '
DELETE FROM coord_silo WHERE cluster_id = @DeploymentId AND alive < @IAmAliveTime AND status <> 3')

ON CONFLICT (QueryKey) DO UPDATE SET QueryText = EXCLUDED.QueryText;
