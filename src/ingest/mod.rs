//! Raw formats: one file each reads what a publisher gives out, row by row, into `events.parquet` and `items.parquet`.

pub mod jdata;
pub mod mkm_demo;
mod rows;
mod time;

use camino::Utf8Path;

use crate::data::events::{self, EventWriter};
use crate::data::items::{self, Items};
use crate::engine::stage::{StageError, Task};

/// What a format fills, beside the task that it works for.
pub struct Sink<'a> {
    task: &'a Task<'a>,
    events: EventWriter,
}

impl<'a> Sink<'a> {
    /// Begins the output of a task.
    ///
    /// # Errors
    /// When the files cannot be made.
    pub fn create(task: &'a Task<'a>) -> Result<Self, StageError> {
        Ok(Self { task, events: EventWriter::create(&task.output.join(events::FILE))? })
    }

    /// The folder of the raw files.
    fn raw(&self) -> &'a Utf8Path {
        self.task.input("from")
    }

    fn push(&mut self, event: events::Event<'_>) -> Result<(), StageError> {
        Ok(self.events.push(event)?)
    }

    /// Says how far the reading of a file is; fails when the run is to stop.
    fn report(&self, rows: &rows::Rows) -> Result<(), StageError> {
        if (self.task.stop)() {
            return Err(StageError::Interrupted);
        }
        let (done, total) = rows.bytes();
        self.task.step(done, total, format!("bytes of `{}`", rows.name()));
        Ok(())
    }

    /// Ends the output.
    fn finish(self, items: &Items) -> Result<(), StageError> {
        self.task.note("events", self.events.finish()?);
        self.task.note("items", items.item.len());
        items.write(&self.task.output.join(items::FILE))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use camino::Utf8PathBuf;

    use super::*;
    use crate::data::events::Events;
    use crate::engine::stage::Share;

    /// Runs a format over files that are given as text.
    pub(super) fn ingested(
        files: &[(&str, &str)],
        format: impl Fn(Sink<'_>) -> Result<(), StageError>,
    ) -> Result<(Events, Items), StageError> {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let (raw, output) = (root.join("raw"), root.join("output"));
        for (name, text) in files {
            let path = raw.join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        fs_err::create_dir_all(&output).unwrap();
        let task = Task {
            inputs: BTreeMap::from([("from".to_owned(), raw)]),
            output: output.clone(),
            scratch: root.clone(),
            log: root.join("log"),
            threads: 1,
            share: Share::default(),
            progress: &|_| {},
            stop: &|| false,
            notes: Mutex::default(),
            taken: Mutex::default(),
        };
        format(Sink::create(&task)?)?;
        Ok((Events::read(&output.join(events::FILE))?, Items::read(&output.join(items::FILE))?))
    }
}
