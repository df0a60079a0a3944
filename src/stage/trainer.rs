//! The near side of the contract with a trainer (`docs/contract.md`): ask what it knows, check a config, run a job.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Complaint;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::engine::stage::{Progress, StageError, Task};

/// The version of the contract that this side speaks.
pub const CONTRACT: u32 = 1;

/// How long a trainer may take to end after it was asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// What a trainer says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The contract that it speaks.
    pub contract: u32,
    /// Its name and version.
    pub trainer: String,
    /// The numeric library's version.
    pub libtorch: String,
    /// Devices it can use now.
    pub devices: Vec<String>,
    /// The models it knows.
    pub models: Vec<ModelDescription>,
}

/// What a trainer says of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelDescription {
    /// The name in YAML.
    pub name: String,
    /// The name in tables.
    pub title: String,
    /// What sort of model it is.
    pub family: String,
    /// Where it was published.
    pub paper: String,
    /// What it needs beside items.
    pub needs: Needs,
    /// The whole config, as it is when nothing is said.
    pub defaults: Value,
    /// JSON Schema of the config.
    pub schema: Value,
    /// Digest of the sources that define the model.
    pub code: String,
}

/// What a model needs beside items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// The operation of each event.
    pub operations: bool,
    /// Triples.
    pub knowledge: bool,
}

/// A trainer that has been asked what it knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Trainer {
    /// The program.
    pub program: Utf8PathBuf,
    /// What it says of itself.
    pub description: Description,
}

impl Trainer {
    /// Asks a program what it knows.
    ///
    /// # Errors
    /// When it cannot be started, or does not speak this version of the contract.
    pub fn ask(program: &Utf8Path) -> Result<Description, Diagnostic> {
        let failed = |what: String| {
            Diagnostic::new(format!("the trainer `{program}` {what}"))
                .help("build it with `just setup` and `cargo build --workspace`, or name another with `trainer:`")
        };
        let output = Command::new(program)
            .arg("describe")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(format!("cannot be started: {error}")))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            return Err(failed(format!("failed at `describe` ({}): {}", output.status, words.trim())));
        }
        let description: Description = serde_json::from_slice(&output.stdout)
            .map_err(|error| failed(format!("answered `describe` with something else than the contract says: {error}")))?;
        if description.contract != CONTRACT {
            return Err(failed(format!("speaks contract {}, not {CONTRACT}", description.contract)));
        }
        Ok(description)
    }

    /// A model by name.
    ///
    /// # Errors
    /// When there is none; with the nearest name.
    pub fn model(&self, name: &str) -> Result<&ModelDescription, Complaint> {
        self.description.models.iter().find(|model| model.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.description.models.iter().map(|model| model.name.as_str()).collect();
            Complaint {
                field: vec!["model".into()],
                message: format!("unknown model `{name}`"),
                help: Some(suggestion(name, &known)),
            }
        })
    }

    /// Runs `train` or `evaluate` on a job; its events go to `task`, its words to the log.
    ///
    /// # Errors
    /// When it fails, or the run is to stop.
    pub fn run(&self, verb: &str, job: &Value, task: &Task<'_>) -> Result<(), StageError> {
        let job_file = task.scratch.join(format!("{verb}.json"));
        fs_err::write(&job_file, serde_json::to_string_pretty(job).map_err(std::io::Error::other)?)?;
        let log = fs_err::OpenOptions::new().create(true).append(true).open(&task.log)?;
        let mut child = Command::new(&self.program)
            .args([verb, job_file.as_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(log.into_file()))
            .spawn()?;
        let lifeline = child.stdin.take();
        let events = child.stdout.take();
        let ended = AtomicBool::new(false);
        let status = std::thread::scope(|scope| {
            let ended = &ended;
            let id = child.id();
            scope.spawn(move || {
                let mut lifeline = lifeline;
                let mut waited = Duration::ZERO;
                let pause = Duration::from_millis(50);
                while !ended.load(Ordering::SeqCst) {
                    if (task.stop)() {
                        // The end of its standard input tells the trainer to stop; it gets some time to do so.
                        drop(lifeline.take());
                        waited += pause;
                        if waited > GRACE {
                            kill(id);
                        }
                    }
                    std::thread::sleep(pause);
                }
                drop(lifeline);
            });
            let read = events.map_or(Ok(()), |events| relay(events, task));
            let status = child.wait();
            ended.store(true, Ordering::SeqCst);
            read?;
            status
        })?;
        if status.success() {
            return Ok(());
        }
        if (task.stop)() {
            return Err(StageError::Interrupted);
        }
        Err(StageError::Program {
            program: format!("`{} {verb}`", self.program.file_name().unwrap_or("trainer")),
            outcome: outcome(status),
            tail: last_lines(&task.log),
        })
    }
}

/// Ends a process that does not end by itself.
fn kill(process: u32) {
    // Failing is fine: it has ended then.
    let _ = Command::new("kill").args(["-9", &process.to_string()]).status();
}

/// Turns the trainer's lines into progress.
fn relay(events: impl Read, task: &Task<'_>) -> std::io::Result<()> {
    for line in BufReader::new(events).lines() {
        let Ok(event) = serde_json::from_str::<Value>(&line?) else { continue };
        let number = |name: &str| event[name].as_f64();
        match event["event"].as_str() {
            Some("progress") => {
                let (done, total) = (number("done").unwrap_or(0.0), number("total").unwrap_or(0.0));
                let mut message = String::new();
                let (epoch, epochs) = (number("epoch").unwrap_or(1.0), number("epochs").unwrap_or(1.0));
                if let Some(loss) = number("loss") {
                    message = format!("epoch {epoch}/{epochs}, loss {loss:.3}");
                }
                if let Some(speed) = number("samples_per_second") {
                    message.push_str(&format!("{}{speed:.0} samples/s", if message.is_empty() { "" } else { ", " }));
                }
                let (done, total) = ((epoch - 1.0) * total + done, epochs * total);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of samples")]
                task.step(done as u64, total as u64, message);
            }
            Some("epoch") => (task.progress)(Progress::Event(event)),
            _ => {}
        }
    }
    Ok(())
}

fn outcome(status: ExitStatus) -> String {
    let meaning = match status.code() {
        Some(2) => "it could not use the job",
        Some(3) => "the model cannot use these data",
        Some(4) => "out of memory",
        Some(5) => "it was interrupted",
        Some(_) => "it failed",
        None => return format!("was ended from outside ({status}); was there enough memory?"),
    };
    format!("exited with code {}: {meaning}", status.code().unwrap_or_default())
}

/// The last lines of a log, for the message.
pub(super) fn last_lines(log: &Utf8Path) -> Option<String> {
    let text = fs_err::read(log).ok()?;
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines[lines.len().saturating_sub(8)..].join("\n");
    (!last.is_empty()).then_some(last)
}

/// A model's whole config: the person's values over the defaults, checked against the model's schema.
///
/// # Errors
/// Every key that the model does not know and every value of a wrong type; `field` is the path of keys.
pub fn configure(model: &ModelDescription, overrides: &Map<String, Value>) -> Result<Value, Vec<Complaint>> {
    let mut config = model.defaults.clone();
    let mut complaints = Vec::new();
    merge(&mut config, overrides, &mut Vec::new(), &mut complaints);
    check(&config, &model.schema, &model.schema, &mut Vec::new(), &mut complaints);
    if complaints.is_empty() { Ok(config) } else { Err(complaints) }
}

fn merge(config: &mut Value, overrides: &Map<String, Value>, path: &mut Vec<String>, complaints: &mut Vec<Complaint>) {
    let Value::Object(known) = config else { return };
    for (key, value) in overrides {
        path.push(key.clone());
        match (known.get_mut(key), value) {
            // A nested group is merged; a map that names a variant (one key that the default lacks) replaces it.
            (Some(inner @ Value::Object(_)), Value::Object(deeper))
                if deeper.keys().all(|name| inner.get(name).is_some()) =>
            {
                merge(inner, deeper, path, complaints);
            }
            (Some(Value::Object(inner)), Value::Object(deeper)) if inner.len() > 1 => {
                let names: Vec<&str> = inner.keys().map(String::as_str).collect();
                for name in deeper.keys().filter(|name| !inner.contains_key(*name)) {
                    let mut field = path.clone();
                    field.push(name.clone());
                    let (message, help) = (format!("unknown field `{name}`"), Some(suggestion(name, &names)));
                    complaints.push(Complaint { field, message, help });
                }
            }
            (Some(place), _) => *place = value.clone(),
            (None, _) => {
                let names: Vec<&str> = known.keys().map(String::as_str).collect();
                complaints.push(Complaint {
                    field: path.clone(),
                    message: format!("unknown hyper-parameter `{key}`"),
                    help: Some(suggestion(key, &names)),
                });
            }
        }
        path.pop();
    }
}

/// Checks a value against the parts of JSON Schema that config types produce: `$ref`, `type`, `enum`, `const`,
/// `properties`, `additionalProperties: false`, `minimum`, `maximum`, `oneOf`, `anyOf`, `allOf`.
fn check(value: &Value, schema: &Value, root: &Value, path: &mut Vec<String>, complaints: &mut Vec<Complaint>) {
    let mut complain =
        |path: &[String], message: String| complaints.push(Complaint { field: path.to_vec(), message, help: None });
    if let Some(target) = schema["$ref"].as_str().and_then(|name| root.pointer(name.trim_start_matches('#'))) {
        check(value, target, root, path, complaints);
        return;
    }
    if let Some(wanted) = schema.get("const")
        && value != wanted
    {
        complain(path, format!("must be {wanted}, is {value}"));
        return;
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        let known: Vec<String> = words.iter().map(ToString::to_string).collect();
        complain(path, format!("must be one of {}, is {value}", known.join(", ")));
        return;
    }
    if let Some(kind) = schema.get("type") {
        let kinds: Vec<&str> =
            kind.as_str().map_or_else(|| kind.as_array().into_iter().flatten().filter_map(Value::as_str).collect(), |one| vec![one]);
        let fits = kinds.iter().any(|kind| match *kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            _ => value.is_number(),
        });
        if !fits {
            complain(path, format!("must be {}, is {value}", kinds.join(" or ")));
            return;
        }
    }
    if let (Some(number), Some(least)) = (value.as_f64(), schema["minimum"].as_f64())
        && number < least
    {
        complain(path, format!("must be at least {least}, is {value}"));
    }
    if let (Some(number), Some(most)) = (value.as_f64(), schema["maximum"].as_f64())
        && number > most
    {
        complain(path, format!("must be at most {most}, is {value}"));
    }
    for (name, choices) in [("oneOf", &schema["oneOf"]), ("anyOf", &schema["anyOf"])] {
        let Some(choices) = choices.as_array() else { continue };
        let mut tried = Vec::new();
        for choice in choices {
            let mut found = Vec::new();
            check(value, choice, root, path, &mut found);
            tried.push(found);
        }
        if tried.iter().all(|found| !found.is_empty()) {
            let _ = name;
            // The choice that went deepest is the one that was meant.
            let meant = tried.into_iter().max_by_key(|found| found.iter().map(|c| c.field.len()).max()).unwrap_or_default();
            let same_depth = meant.iter().all(|complaint| complaint.field.len() == path.len());
            if same_depth {
                let words: Vec<String> = choices
                    .iter()
                    .flat_map(|choice| {
                        choice.get("const").into_iter().chain(choice["enum"].as_array().into_iter().flatten())
                    })
                    .map(ToString::to_string)
                    .collect();
                let wanted = if words.is_empty() { "another form".into() } else { format!("one of {}", words.join(", ")) };
                complaints.push(Complaint {
                    field: path.clone(),
                    message: format!("must be {wanted}, is {value}"),
                    help: None,
                });
            } else {
                complaints.extend(meant);
            }
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(value, part, root, path, complaints);
    }
    if let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
        for (name, inner) in fields {
            path.push(name.clone());
            match known.get(name) {
                Some(inner_schema) => check(inner, inner_schema, root, path, complaints),
                None if schema["additionalProperties"] == Value::Bool(false) => {
                    let names: Vec<&str> = known.keys().map(String::as_str).collect();
                    complaints.push(Complaint {
                        field: path.clone(),
                        message: format!("unknown field `{name}`"),
                        help: Some(suggestion(name, &names)),
                    });
                }
                None => {}
            }
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn model() -> ModelDescription {
        ModelDescription {
            name: "toy".into(),
            title: "Toy".into(),
            family: "none".into(),
            paper: "none".into(),
            needs: Needs { operations: false, knowledge: false },
            defaults: json!({"dimension": 100, "kind": "dot", "training": {"epochs": 20, "learning_rate": 0.001}}),
            schema: json!({
                "type": "object", "additionalProperties": false,
                "properties": {
                    "dimension": {"type": "integer", "minimum": 1},
                    "kind": {"oneOf": [{"const": "dot", "type": "string"}, {"const": "mlp", "type": "string"}]},
                    "training": {"$ref": "#/$defs/Training"}
                },
                "$defs": {"Training": {"type": "object", "additionalProperties": false, "properties": {
                    "epochs": {"type": "integer", "minimum": 0}, "learning_rate": {"type": "number"}}}}
            }),
            code: "c".into(),
        }
    }

    fn complaints(overrides: Value) -> Vec<String> {
        let Value::Object(overrides) = overrides else { panic!("a map") };
        configure(&model(), &overrides)
            .unwrap_err()
            .into_iter()
            .map(|c| format!("{}: {} ({})", c.field.join("."), c.message, c.help.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn values_are_merged_over_the_defaults() {
        let Value::Object(overrides) = json!({"kind": "mlp", "training": {"epochs": 3}}) else { panic!("a map") };
        assert_eq!(
            configure(&model(), &overrides).unwrap(),
            json!({"dimension": 100, "kind": "mlp", "training": {"epochs": 3, "learning_rate": 0.001}})
        );
    }

    #[test]
    fn mistyped_names_wrong_types_and_wrong_words_are_all_told_at_once() {
        let told = complaints(json!({"dimensoin": 1, "kind": "mpl", "training": {"epochs": "ten"}}));
        assert_eq!(
            told,
            [
                "dimensoin: unknown hyper-parameter `dimensoin` (did you mean `dimension`?)",
                "kind: must be one of \"dot\", \"mlp\", is \"mpl\" ()",
                "training.epochs: must be integer, is \"ten\" ()",
            ]
        );
        assert_eq!(
            complaints(json!({"training": {"epoch": 1}})),
            ["training.epoch: unknown field `epoch` (did you mean `epochs`?)"]
        );
    }
}
