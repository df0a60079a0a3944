//! `filter`: takes events and sessions out, step after step in the order in which a paper applies them, and counts what
//! each step leaves. What each paper does is in `docs/samples.md`.

mod moment;
mod pass;
mod step;
mod transform;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Complaint;
use super::identity::plain;
use crate::artifact::ArtifactKind;
use crate::data::events::{Clock, Meta};
use crate::data::marks::Marks;
use crate::data::names::carry;
use crate::data::sessions::{Session, SessionWriter};
use crate::diagnostic::Diagnostic;
use crate::engine::stage::{Identity, Input, Stage, StageError, Task};

pub use moment::Moment;
pub use step::{Between, Core, Of, Same, Step};
pub(super) use transform::Transform;

/// Takes events and sessions out, step after step.
///
/// Each step sees what the steps before it left; what it counts is counted then, and once (`core` apart). Sessions keep
/// their numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stage that has the sessions.
    pub from: String,
    /// What is done, in this order.
    pub steps: Vec<Step>,
    /// With the step `linked`, the stage that says which item is which entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<String>,
}

/// Checks what only the fields together can tell.
///
/// # Errors
/// No step, a step that could do nothing, links without the step that reads them or the step without links.
pub fn resolve(config: Config) -> Result<Arc<dyn Stage>, Vec<Complaint>> {
    let complaint = |field: &[&str], message: &str, help: &str| Complaint {
        field: field.iter().map(|part| (*part).to_owned()).collect(),
        message: message.to_owned(),
        help: Some(help.to_owned()),
    };
    let mut complaints = Vec::new();
    for (index, step) in config.steps.iter().enumerate() {
        if let Some((message, help)) = step.complaint() {
            complaints.push(complaint(&["steps", &index.to_string()], message, help));
        }
    }
    if config.steps.is_empty() {
        complaints.push(complaint(&["steps"], "the filter has no step", "give it one, or take the stage out"));
    }
    match (config.steps.contains(&Step::Linked), &config.links) {
        (true, None) => {
            let help = "name the stage that links items to entities: `links: …`";
            complaints.push(complaint(&["steps"], "the step `linked` needs links", help));
        }
        (false, Some(_)) => {
            let help = "add the step, or take `links` out";
            complaints.push(complaint(&["links"], "no step reads the links: there is no `linked`", help));
        }
        _ => {}
    }
    if complaints.is_empty() { Ok(Arc::new(config)) } else { Err(complaints) }
}

impl Stage for Config {
    fn identity(&self) -> Identity {
        plain("filter", "2", self, &self.inputs())
    }

    fn inputs(&self) -> Vec<Input> {
        let input = |name: &str, stage: &String, accepts| Input { name: name.into(), stage: stage.clone(), accepts };
        let from = input("from", &self.from, &[ArtifactKind::Sessions]);
        let links = self.links.as_ref().map(|links| input("links", links, &[ArtifactKind::Links]));
        [from].into_iter().chain(links).collect()
    }

    fn output(&self) -> ArtifactKind {
        ArtifactKind::Sessions
    }

    fn run(&self, task: &Task<'_>) -> Result<(), StageError> {
        let from = task.input("from");
        self.check(&Meta::read(from)?)?;
        let mut passes = pass::Passes::new(task)?;
        let chain = passes.resolve(&self.steps)?;
        let mut left: Vec<Tally> = vec![Tally::default(); chain.len() + 1];
        let mut writer = SessionWriter::create(&task.output)?;
        passes.read("the last", &mut |session| {
            left[0].add(session);
            for (transform, left) in chain.iter().zip(&mut left[1..]) {
                transform.apply(session);
                if session.steps.is_empty() {
                    return Ok(());
                }
                left.add(session);
            }
            Ok(writer.push(session)?)
        })?;
        writer.finish()?;
        self.tell(task, &left);
        task.note("passes", passes.count());
        if let Some(empty) = left.iter().position(|left| left.events == 0) {
            return Err(self.nothing_left(&left, empty).into());
        }
        carry(from, &task.output)?;
        Ok(())
    }
}

impl Config {
    /// Refuses what the log cannot give.
    fn check(&self, meta: &Meta) -> Result<(), Diagnostic> {
        if let Some(step) = self.steps.iter().find(|step| step.needs_users() && !meta.users) {
            return Err(Diagnostic::new(format!(
                "`{}` looks at users, and the log does not say who acts",
                step.label()
            ))
            .help("take the step out, or use `min_item_count`"));
        }
        match self.steps.iter().find(|step| step.needs_clock()) {
            Some(step) if meta.clock == Clock::Rows => Err(step.lacks_clock()),
            _ => Ok(()),
        }
    }

    /// Notes what there was before and after each step.
    fn tell(&self, task: &Task<'_>, left: &[Tally]) {
        let digits = self.steps.len().to_string().len();
        for (index, step) in self.steps.iter().enumerate() {
            let note = format!("{:0digits$} {}", index + 1, step.label());
            task.note(&note, Tally::change(&left[index], &left[index + 1]));
        }
        if let [first, .., last] = left {
            for (when, tally) in [("before", first), ("after", last)] {
                for (what, count) in tally.counts() {
                    task.note(&format!("{what} {when}"), count);
                }
            }
        }
    }

    /// The message about the first step after which nothing is left.
    fn nothing_left(&self, left: &[Tally], empty: usize) -> Diagnostic {
        let Some(before) = empty.checked_sub(1) else {
            return Diagnostic::new("there are no sessions to filter").help("look at the stages before this one");
        };
        Diagnostic::new(format!(
            "the filters leave nothing: step {empty}, `{}`, drops the last {} events in {} sessions",
            self.steps[before].label(),
            left[before].events,
            left[before].sessions
        ))
        .help("ask for less in that step, or take more of the log")
    }
}

/// What is left after a step.
#[derive(Debug, Clone, Default)]
struct Tally {
    sessions: u64,
    events: u64,
    items: Marks,
    users: Marks,
}

impl Tally {
    fn add(&mut self, session: &Session) {
        self.sessions += 1;
        self.events += session.steps.len() as u64;
        self.users.add(session.user);
        session.steps.iter().for_each(|event| self.items.add(event.item));
    }

    fn counts(&self) -> [(&'static str, u64); 4] {
        [("sessions", self.sessions), ("events", self.events), ("items", self.items.count()), ("users", self.users.count())]
    }

    /// `{"sessions": [before, after], …}`.
    fn change(before: &Self, after: &Self) -> Value {
        let pairs = before.counts().into_iter().zip(after.counts());
        Value::Object(pairs.map(|((what, before), (_, after))| (what.to_owned(), json!([before, after]))).collect())
    }
}
