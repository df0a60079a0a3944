//! `sr-pipe data show`: events of a stage, with names where its files have numbers.

use std::collections::BTreeMap;

use clap::Args;

use super::sealed::{Sealed, absent, unreadable};
use super::subject::{Of, Subject};
use crate::artifact::ArtifactKind;
use crate::cli::{CommandError, Ending, block_on, columns, print};
use crate::data::events::Meta;
use crate::data::frame::{Wanted, events, shown};
use crate::data::statistics::Source;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::project::Project;

/// Show events of a stage that makes events or sessions, with the names of users, items and operations.
///
/// It reads what a run has made, and runs nothing.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    of: Of,
    /// At most so many events.
    #[arg(long, value_name = "N", default_value_t = 20)]
    rows: usize,
    /// Only those of this user.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only those on this item.
    #[arg(long, value_name = "NAME")]
    item: Option<String>,
    /// Only those of the session of this number, of a stage that makes sessions.
    #[arg(long, value_name = "NUMBER")]
    session: Option<i32>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    let subject = arguments.of.subject()?;
    block_on(arguments.show(&subject))
}

impl Arguments {
    async fn show(&self, subject: &Subject) -> Result<Ending, CommandError> {
        let project = Project::of(&self.of.file.canonicalize_utf8()?);
        let instance = subject.instance(self.of.stage.as_deref(), &project)?;
        let stage = match &self.of.stage {
            Some(stage) => {
                let events = [ArtifactKind::Events, ArtifactKind::Sessions];
                let makes = instance.stages.iter().filter(|(_, member)| events.contains(&member.stage.output()));
                let known: BTreeMap<&str, _> = makes.map(|(name, member)| (name.as_str(), member)).collect();
                if !known.contains_key(stage.as_str()) {
                    let message = format!("stage `{stage}` of the pipeline makes neither events nor sessions");
                    let error = Diagnostic::new(message).argument("--stage", stage, 0, stage.chars().count());
                    return Err(error.help(suggestion(stage, &known.into_keys().collect::<Vec<_>>())).into());
                }
                stage.clone()
            }
            None => subject.choose(None, &instance)?[&Source::Sessions].clone(),
        };
        let sealed = Sealed::find(&self.of, subject, &instance, &project).await?;
        let (folder, _) = sealed.result(&stage).ok_or_else(|| absent(&stage, subject, "show"))?;
        let wanted =
            Wanted { rows: self.rows, user: self.user.clone(), item: self.item.clone(), session: self.session };
        let clock = Meta::read(&folder)?.clock;
        let (header, rows) = events(&folder, &wanted).and_then(|frame| shown(&frame, clock)).map_err(unreadable)?;
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        print(&columns(&header, &rows))?;
        Ok(Ending::Done)
    }
}
