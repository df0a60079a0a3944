//! What a run has made of the stages of a data set.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use super::subject::{Of, Subject};
use crate::artifact::{Gate, Store};
use crate::cli::CommandError;
use crate::cli::workspace::data_folder;
use crate::diagnostic::Diagnostic;
use crate::engine::stage::StageError;
use crate::engine::{GraphBuilder, Plan, Planner, Status};
use crate::pipeline::Instance;
use crate::project::Project;
use crate::record::Records;

/// The results of stages, kept from being collected while they are read.
pub(super) struct Sealed {
    plan: Plan,
    nodes: BTreeMap<String, usize>,
    store: Store,
    _gate: Option<Gate>,
}

impl Sealed {
    /// Looks the stages of a data set up; runs nothing.
    pub(super) async fn find(
        of: &Of,
        subject: &Subject,
        instance: &Instance,
        project: &Project,
    ) -> Result<Self, CommandError> {
        let data = data_folder(project, of.data.as_deref())?;
        let (records, store) = (Records::open(&project.state()).await?, Store::new(&project.state()));
        let mut builder = GraphBuilder::default();
        let nodes = builder
            .add(&instance.stages, |stage| format!("{} · {stage}", subject.name))
            .map_err(|errors| errors.iter().map(|error| subject.pipeline.wiring(error)).collect::<Vec<_>>())?;
        let gate = records.writable().then(|| Gate::share(&project.state())).transpose()?;
        let plan = Planner::new(&records, &store, &data).await?.plan(&builder.finish()).await?;
        Ok(Self { plan, nodes, store, _gate: gate })
    }

    /// The folder of a stage's result and its digest, where it is there.
    pub(super) fn result(&self, stage: &str) -> Option<(Utf8PathBuf, String)> {
        match &self.plan.statuses[*self.nodes.get(stage)?] {
            Status::Hit { object, .. } => Some((self.store.files(object), object.short())),
            _ => None,
        }
    }
}

/// What to say when a stage that is looked at has no result.
pub(super) fn absent(stage: &str, subject: &Subject, wanted: &str) -> CommandError {
    let message = format!("stage `{stage}` of `{}` has no result to {wanted}", subject.name);
    Diagnostic::new(message).help(format!("run it first: `{}", subject.command)).into()
}

/// What to say when a result cannot be read.
pub(super) fn unreadable(error: StageError) -> CommandError {
    match error {
        StageError::Data(diagnostic) => CommandError::from(*diagnostic),
        StageError::Io(error) => CommandError::Io(error),
        other => Diagnostic::new(other.to_string()).into(),
    }
}
