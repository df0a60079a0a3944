-- One row for each call of `sr-pipe run`.
CREATE TABLE runs (
    id          INTEGER PRIMARY KEY,
    experiment  TEXT NOT NULL,          -- path from the project's root
    digest      TEXT NOT NULL,          -- of the experiment file and its pipelines
    protocol    TEXT NOT NULL,          -- JSON
    command     TEXT NOT NULL,
    started     TEXT NOT NULL,          -- RFC 3339
    finished    TEXT,
    state       TEXT NOT NULL,          -- running, done, failed, interrupted
    process     INTEGER NOT NULL,
    environment TEXT NOT NULL           -- JSON: tool and libtorch versions, git commit, dirty flag, host, cores
);

-- One row for each cell of a run.
CREATE TABLE cells (
    run         INTEGER NOT NULL REFERENCES runs (id),
    name        TEXT NOT NULL,
    coordinates TEXT NOT NULL,          -- JSON
    seed        INTEGER NOT NULL,
    state       TEXT NOT NULL,          -- done, failed, blocked, interrupted
    key         TEXT,                   -- of the stage that the cell ends in
    object      TEXT,
    PRIMARY KEY (run, name)
);

-- One row for each time that a stage was really executed.
CREATE TABLE attempts (
    id          INTEGER PRIMARY KEY,
    run         INTEGER NOT NULL REFERENCES runs (id),
    key         TEXT NOT NULL,
    label       TEXT NOT NULL,          -- the stage as it is shown
    kind        TEXT NOT NULL,
    state       TEXT NOT NULL,          -- running, done, failed, interrupted
    started     TEXT NOT NULL,
    finished    TEXT,
    log         TEXT NOT NULL,          -- path inside the state folder
    error       TEXT
);
CREATE INDEX attempts_by_key ON attempts (key, id);

-- What a key gave: the heart of the cache. A row is written only after its object was sealed.
CREATE TABLE results (
    key         TEXT PRIMARY KEY,
    label       TEXT NOT NULL,
    fingerprint TEXT NOT NULL,          -- JSON: everything that the key was made from
    object      TEXT NOT NULL,
    notes       TEXT NOT NULL,          -- JSON: counts and remarks of the stage
    seconds     REAL NOT NULL,
    attempt     INTEGER NOT NULL REFERENCES attempts (id)
);
CREATE INDEX results_by_label ON results (label);

-- Files of sealed objects with the stamp under which their bytes were last seen to be right.
CREATE TABLE files (
    object      TEXT NOT NULL,
    path        TEXT NOT NULL,
    size        INTEGER NOT NULL,
    hash        TEXT NOT NULL,
    device      INTEGER NOT NULL,
    inode       INTEGER NOT NULL,
    modified    INTEGER NOT NULL,
    changed     INTEGER NOT NULL,
    PRIMARY KEY (object, path)
) WITHOUT ROWID;

-- Digests of files outside the project, with the stamp under which they were read.
CREATE TABLE memo (
    path        TEXT PRIMARY KEY,
    size        INTEGER NOT NULL,
    hash        TEXT NOT NULL,
    device      INTEGER NOT NULL,
    inode       INTEGER NOT NULL,
    modified    INTEGER NOT NULL,
    changed     INTEGER NOT NULL
) WITHOUT ROWID;

-- Events of trainers, one row an epoch.
CREATE TABLE epochs (
    attempt     INTEGER NOT NULL REFERENCES attempts (id),
    epoch       INTEGER NOT NULL,
    event       TEXT NOT NULL           -- JSON
);
CREATE INDEX epochs_by_attempt ON epochs (attempt, epoch);
