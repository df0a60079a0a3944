-- The content that raw files had when they were last seen, by the folder that held them and the names that a pipeline
-- gives them.
CREATE TABLE seen_sources (
    seen        INTEGER PRIMARY KEY,    -- a later row has a higher number
    data        TEXT NOT NULL DEFAULT '',   -- from the project's root where it lies inside; '' when it is not known
    folder      TEXT NOT NULL,
    files       TEXT NOT NULL,          -- JSON list
    object      TEXT NOT NULL,
    UNIQUE (data, folder, files)
);
INSERT INTO seen_sources (folder, files, object) SELECT folder, files, object FROM sources;
DROP TABLE sources;
ALTER TABLE seen_sources RENAME TO sources;
