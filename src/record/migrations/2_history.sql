-- A run whose cells ended exactly as those of an earlier one says so instead of writing them again.
ALTER TABLE runs ADD COLUMN same_as INTEGER REFERENCES runs (id);
ALTER TABLE runs ADD COLUMN ending TEXT;                          -- digest of its cells and stages as they ended
CREATE INDEX runs_by_experiment ON runs (experiment, id);
ALTER TABLE runs ADD COLUMN protocol_digest TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN choices TEXT NOT NULL DEFAULT '{}';   -- JSON: --profile, --only, --seeds, --set

-- What an attempt was given and what it took.
ALTER TABLE attempts ADD COLUMN threads INTEGER;
ALTER TABLE attempts ADD COLUMN gpus TEXT;                -- the device ids it was given, `0,1`
ALTER TABLE attempts ADD COLUMN peak_memory INTEGER;      -- bytes, its processes together
ALTER TABLE attempts ADD COLUMN peak_gpu_memory INTEGER;  -- bytes
ALTER TABLE attempts ADD COLUMN phases TEXT;              -- JSON: seconds by phase (wait, run, seal)
ALTER TABLE attempts ADD COLUMN retries INTEGER REFERENCES attempts (id);  -- the attempt of the same run that it tries again

-- A result that was not computed under its key but taken over by `accept`; JSON: from, reason, at.
ALTER TABLE results ADD COLUMN accepted TEXT;

-- What the key was made from, and what came of it: here while `results` does not say so (the attempt failed, or its
-- result was forgotten later), so that a record outlives the cache.
ALTER TABLE attempts ADD COLUMN fingerprint TEXT;         -- JSON
ALTER TABLE attempts ADD COLUMN notes TEXT;               -- JSON
ALTER TABLE attempts ADD COLUMN seconds REAL;
CREATE INDEX attempts_by_run ON attempts (run, id);
CREATE TRIGGER a_forgotten_result_stays_on_record BEFORE DELETE ON results BEGIN
    UPDATE attempts SET fingerprint = OLD.fingerprint, notes = OLD.notes, seconds = OLD.seconds
        WHERE id = OLD.attempt AND key = OLD.key;
END;

-- Every stage of a run, wired as it was, so that a number can be followed down to the raw files. Cells share stages;
-- a cell names those that it ends in, and the rest are found through `inputs`.
CREATE TABLE run_stages (
    run         INTEGER NOT NULL REFERENCES runs (id),
    node        INTEGER NOT NULL,
    label       TEXT NOT NULL,
    state       TEXT NOT NULL,          -- done, failed, blocked, interrupted
    key         TEXT,
    object      TEXT,
    inputs      TEXT NOT NULL,          -- JSON list of nodes
    PRIMARY KEY (run, node)
) WITHOUT ROWID;
ALTER TABLE cells ADD COLUMN ends TEXT NOT NULL DEFAULT '[]';     -- JSON list of nodes

-- Of the runs before this version only the last stage of each cell is known.
INSERT INTO run_stages (run, node, label, state, key, object, inputs)
    SELECT c.run, c.rowid, coalesce(x.label, c.name), c.state, c.key, c.object, '[]'
    FROM cells c LEFT JOIN results x ON x.key = c.key;
UPDATE cells SET ends = json_array(rowid);

-- The content that raw files had when they were last seen, by the names that a pipeline gives them.
CREATE TABLE sources (
    folder      TEXT NOT NULL,
    files       TEXT NOT NULL,          -- JSON list
    object      TEXT NOT NULL,
    PRIMARY KEY (folder, files)
) WITHOUT ROWID;

-- Objects of `temp` stages that were dropped after use; their results stay on record.
CREATE TABLE dropped (
    object      TEXT PRIMARY KEY
) WITHOUT ROWID;
