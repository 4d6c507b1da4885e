-- Partitions of cell_executions by month: docs/deploy.md says when. Replace the two months by the next and the one after.

-- part 1: while everything runs; each statement on its own
CREATE UNIQUE INDEX CONCURRENTLY old_id ON cell_executions (id, executed_at);
CREATE UNIQUE INDEX CONCURRENTLY old_event ON cell_executions (event_id, executed_at);
CREATE UNIQUE INDEX CONCURRENTLY old_execution ON cell_executions (execution_id, executed_at);
ALTER TABLE cell_executions ADD CONSTRAINT old_range CHECK (executed_at < '2027-01-01Z') NOT VALID;
ALTER TABLE cell_executions VALIDATE CONSTRAINT old_range;

-- part 2: with workers stopped; one transaction
BEGIN;
ALTER TABLE cell_executions RENAME TO cell_executions_old;
CREATE TABLE cell_executions
  (LIKE cell_executions_old INCLUDING DEFAULTS INCLUDING IDENTITY) PARTITION BY RANGE (executed_at);
SELECT setval(pg_get_serial_sequence('cell_executions', 'id'), (SELECT coalesce(max(id), 1) FROM cell_executions_old));
ALTER TABLE cell_executions_old
  ALTER COLUMN id DROP IDENTITY,
  DROP CONSTRAINT cell_executions_pkey,
  ADD CONSTRAINT old_pkey PRIMARY KEY USING INDEX old_id,
  ADD CONSTRAINT old_event_once UNIQUE USING INDEX old_event,
  ADD CONSTRAINT old_execution_once UNIQUE USING INDEX old_execution;
-- A unique constraint holds within a partition; the pipeline looks up ids before it writes.
ALTER TABLE cell_executions
  ADD PRIMARY KEY (id, executed_at),
  ADD UNIQUE (event_id, executed_at),
  ADD UNIQUE (execution_id, executed_at),
  ADD FOREIGN KEY (student_id) REFERENCES students DEFERRABLE INITIALLY DEFERRED,
  ADD FOREIGN KEY (notebook_id) REFERENCES notebooks DEFERRABLE INITIALLY DEFERRED,
  ADD FOREIGN KEY (cell_id) REFERENCES cells DEFERRABLE INITIALLY DEFERRED,
  ADD FOREIGN KEY (session_id) REFERENCES sessions DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX runs_student_cell ON cell_executions (student_id, cell_id, executed_at DESC);
CREATE INDEX runs_student_cell_errors ON cell_executions (student_id, cell_id, executed_at DESC) WHERE status = 'error';
CREATE INDEX runs_student_latest ON cell_executions (student_id, executed_at DESC);
CREATE INDEX runs_time ON cell_executions (executed_at);
ALTER TABLE cell_executions ATTACH PARTITION cell_executions_old FOR VALUES FROM (MINVALUE) TO ('2027-01-01Z');
CREATE TABLE cell_executions_2027_01 PARTITION OF cell_executions FOR VALUES FROM ('2027-01-01Z') TO ('2027-02-01Z');
CREATE TABLE cell_executions_rest PARTITION OF cell_executions DEFAULT;
COMMIT;
