//! `sr-pipe data profile`: a page about a data set, from its sealed stages.

use std::collections::BTreeMap;

use clap::Args;

use super::sealed::{Sealed, absent, unreadable};
use super::subject::{Of, Subject};
use crate::cli::{CommandError, Ending, block_on, say};
use crate::data::statistics::Source;
use crate::diagnostic::Diagnostic;
use crate::project::{Project, write_atomically};
use crate::report::profile::{Measures, Profile};

/// Write a page about a data set: session length, item frequency, operations, gaps, repeats, users, cold targets.
///
/// It reads what a run has made, and runs nothing. The page is written as `results/profile-NAME.md`, and with plots as
/// `results/profile-NAME.html`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    of: Of,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    let subject = arguments.of.subject()?;
    block_on(arguments.write(&subject))
}

impl Arguments {
    async fn write(&self, subject: &Subject) -> Result<Ending, CommandError> {
        let project = Project::of(&self.of.file.canonicalize_utf8()?);
        let instance = subject.instance(self.of.stage.as_deref(), &project)?;
        let chosen = subject.choose(self.of.stage.as_deref(), &instance)?;
        let sealed = Sealed::find(&self.of, subject, &instance, &project).await?;
        let mut folders = BTreeMap::new();
        let mut stages = BTreeMap::new();
        for (source, stage) in &chosen {
            match sealed.result(stage) {
                Some((folder, digest)) => {
                    folders.insert(*source, folder);
                    stages.insert(stage.clone(), digest);
                }
                // The log is only counted, where it is there.
                None if *source == Source::Events => {}
                None => return Err(absent(stage, subject, "profile")),
            }
        }
        let Some(sessions) = folders.get(&Source::Sessions) else {
            return Err(Diagnostic::new("there are no sessions to profile").into());
        };
        let given = folders.iter().map(|(source, folder)| (*source, folder.as_path())).collect();
        let measures = Measures::of(&given, sessions, &mut |_, _, _| Ok(())).map_err(unreadable)?;
        let page = Profile {
            name: &subject.name,
            synthetic: instance.stages.values().any(|member| member.identity.kind == "synth"),
            measures: &measures,
            stages: &stages,
            tool_version: concat!("sr-pipe ", env!("CARGO_PKG_VERSION")),
        };
        let file = format!("profile-{}", file_name(&subject.name, self.of.stage.as_deref()));
        for (ending, text) in [("md", page.markdown()), ("html", page.html())] {
            let path = project.results().join(format!("{file}.{ending}"));
            write_atomically(&path, text.as_bytes())?;
            say(&format!("wrote {}", project.relative(&path)));
        }
        Ok(Ending::Done)
    }
}

/// The name of a page's files: that of the data set, and of the stage where one was named.
fn file_name(name: &str, stage: Option<&str>) -> String {
    let whole = stage.map_or_else(|| name.to_owned(), |stage| format!("{name}-{stage}"));
    let plain = |letter: char| letter.is_alphanumeric() || "-_.@+".contains(letter);
    whole.chars().map(|letter| if plain(letter) { letter } else { '-' }).collect()
}
