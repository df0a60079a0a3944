-- A run whose cells ended exactly as those of an earlier one says so instead of writing them again.
ALTER TABLE runs ADD COLUMN same_as INTEGER REFERENCES runs (id);
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

-- Every stage that a cell is made of, so that a number can be followed down to the raw files.
CREATE TABLE cell_stages (
    run         INTEGER NOT NULL REFERENCES runs (id),
    cell        TEXT NOT NULL,
    stage       TEXT NOT NULL,          -- its name in the pipeline
    label       TEXT NOT NULL,
    state       TEXT NOT NULL,
    key         TEXT,
    object      TEXT,
    PRIMARY KEY (run, cell, stage)
) WITHOUT ROWID;

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
