//! The `score` verb: sessions in, items and scores out, JSON lines on standard input and output.

mod answer;
mod job;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Write};
use std::path::Path;

use tch::{Device, Kind, Tensor};

pub use job::{Answer, Given, ScoreJob, Sizes, Source, Trained};
use session::{Reader, Session};

use crate::batch::Batch;
use crate::dataset::read_tensors;
use crate::error::TrainerError;
use crate::evaluate::ModelFile;
use crate::model::{Catalog, Entry, Model, named};

/// How many scores are held at a time, as far as `FEWEST` sessions allow.
const SCORES: usize = 1 << 21;

/// How many sessions are scored together at least, where there are so many.
const FEWEST: usize = 32;

/// How many sessions are scored together at most.
const MOST: usize = 512;

/// How many events sessions that are scored together may have; a longer session is scored alone.
const EVENTS: usize = 1 << 14;

/// Answers each session of `input` in a line of `output`, in order, a batch at a time. What stands before a wrong line
/// is answered.
///
/// # Errors
/// When the weights do not fit the model, a line is no session, or a score is not a number.
pub fn score(job: &ScoreJob, device: Device, input: impl BufRead, output: impl Write) -> Result<(), TrainerError> {
    let (entry, catalog, model) = open(&job.model, device)?;
    let mut reader = Reader::new(input, catalog, entry.needs.operations);
    let mut answers = Answers { model, catalog, device, answer: job.answer, output };
    let most = (SCORES / usize::try_from(catalog.items).unwrap_or(usize::MAX).max(1)).clamp(FEWEST, MOST);
    let mut waiting: Vec<Session> = Vec::new();
    loop {
        let next = reader.next();
        let events: usize = waiting.iter().map(Session::events).sum();
        let has_room = |session: &Session| waiting.len() < most && events + session.events() <= EVENTS;
        match next {
            Ok(Some(session)) if waiting.is_empty() || has_room(&session) => waiting.push(session),
            Ok(Some(session)) => {
                if answers.give(&waiting)? == Listener::Gone {
                    return Ok(());
                }
                waiting = vec![session];
            }
            Ok(None) => return answers.give(&waiting).map(|_| ()),
            Err(error) => return answers.give(&waiting).and(Err(error)),
        }
    }
}

/// The model that answers, and where to.
struct Answers<W> {
    model: Model,
    catalog: Catalog,
    device: Device,
    answer: Answer,
    output: W,
}

/// Whether someone reads the answers.
#[derive(PartialEq, Eq)]
enum Listener {
    There,
    /// It has closed its end, as `head` does when it has enough.
    Gone,
}

impl<W: Write> Answers<W> {
    fn give(&mut self, sessions: &[Session]) -> Result<Listener, TrainerError> {
        if sessions.is_empty() {
            return Ok(Listener::There);
        }
        let part = session::part(sessions, self.catalog, self.device)?;
        let rows: Vec<i64> = (0i64..).take(sessions.len()).collect();
        let scores = self.model.scores(&Batch::gather(&part, &rows)); // [B, V]
        let wrong = Vec::<bool>::try_from(scores.isnan().any_dim(1, false).to_device(Device::Cpu))?;
        if let Some((session, _)) = sessions.iter().zip(wrong).find(|(_, wrong)| *wrong) {
            let message = format!("line {} of the sessions: a score is not a number", session.line);
            return Err(TrainerError::data(message, "look for numbers in the weights that are none"));
        }
        let flat = scores.reshape([-1]).to_device(Device::Cpu);
        let width = usize::try_from(self.catalog.items).expect("a size");
        let written = if flat.kind() == Kind::Double {
            self.write_rows(&Vec::<f64>::try_from(flat)?, width)
        } else {
            self.write_rows(&Vec::<f32>::try_from(flat)?, width)
        };
        match written {
            Ok(()) => Ok(Listener::There),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Listener::Gone),
            Err(error) => Err(TrainerError::file(Path::new("standard output"))(error)),
        }
    }

    fn write_rows<T: Copy + serde::Serialize + Into<f64>>(&mut self, scores: &[T], width: usize) -> io::Result<()> {
        scores.chunks(width).try_for_each(|row| answer::write(self.answer, row, &mut self.output))?;
        self.output.flush()
    }
}

/// Builds the model of `source` and gives it its weights.
fn open(source: &Source, device: Device) -> Result<(&'static Entry, Catalog, Model), TrainerError> {
    let (entry, config, catalog, weights) = match source {
        Source::Given(given) => {
            let entry = named(&given.name)?;
            (entry, entry.config_with(&given.config), given.catalog.catalog()?, given.weights.clone())
        }
        Source::Trained(Trained { folder, kept }) => {
            let file = ModelFile::read(folder)?;
            let mut names = file.selected.iter().map(|selected| selected.name.as_str());
            let place = match kept {
                Some(kept) => names.position(|name| name == kept),
                None => (names.len() == 1).then_some(0),
            };
            let Some(place) = place else {
                let said =
                    kept.as_ref().map_or("`kept` is missing".to_owned(), |kept| format!("no kept epoch `{kept}`"));
                let names: Vec<&str> = file.selected.iter().map(|selected| selected.name.as_str()).collect();
                let help = format!("name one of those in `{}`: {}", folder.display(), names.join(", "));
                return Err(TrainerError::job(said, help));
            };
            (named(&file.model)?, file.config, file.catalog, folder.join(&file.selected[place].file))
        }
    };
    let mut model = entry.build(&config, catalog, None, device)?;
    let tensors = read_tensors(&weights)?;
    if let Model::Gradient(network) = &model {
        let expected = network.parameters.iter().map(|(name, weight)| (name, weight.size())).collect();
        let unfit = misfits(&expected, &tensors);
        if !unfit.is_empty() {
            let message = format!("`{}` does not fit `{}`: {}", weights.display(), entry.name, unfit.join("; "));
            let help = "`sr-pipe-trainer describe` says the names and shapes of the weights of each model";
            return Err(TrainerError::data(message, help));
        }
    }
    model.restore(&tensors)?;
    Ok((entry, catalog, model))
}

/// What is missing, of another shape, of another type or too many among `tensors`.
fn misfits(expected: &BTreeMap<&str, Vec<i64>>, tensors: &BTreeMap<String, Tensor>) -> Vec<String> {
    let mut unfit = Vec::new();
    for (name, shape) in expected {
        match tensors.get(*name) {
            None => unfit.push(format!("there is no tensor `{name}` of shape {shape:?}")),
            Some(tensor) if tensor.size() != *shape => {
                unfit.push(format!("`{name}` has the shape {:?}, not {shape:?}", tensor.size()));
            }
            Some(tensor) if !tensor.is_floating_point() => {
                unfit.push(format!("`{name}` is of type {:?}, not of real numbers", tensor.kind()));
            }
            Some(_) => {}
        }
    }
    let known: BTreeSet<&str> = expected.keys().copied().collect();
    let unknown = tensors.keys().filter(|name| !known.contains(name.as_str()));
    unfit.extend(unknown.map(|name| format!("the model has no `{name}`")));
    unfit
}
