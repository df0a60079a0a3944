//! `sr-pipe data check`: whether the raw files of a data set are there and as their publisher gives them out.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::num::NonZeroUsize;

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::cli::watch::cut_middle;
use crate::cli::{CommandError, Ending, columns, print};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::engine::stage::StageError;
use crate::ingest::published::{DATA_SETS, DataSet, File, FileLook, Look, Looking, Need, Problem, look};
use crate::unit::{Size, thousands};

/// How wide the report is.
const WIDTH: usize = 80;

/// Check raw files against what was published: which are there, their first rows, how many rows they have.
///
/// Files are found and unpacked as `ingest` does it. Where one is missing, it says where a person gets it and under which
/// terms. Ends with code 1 if a file that is needed is missing, or one that a stage reads is not as published.
#[derive(Debug, Args)]
#[command(after_help = examples())]
pub(super) struct Arguments {
    /// The data set.
    dataset: String,
    /// The folder that holds its files.
    folder: Utf8PathBuf,
    /// Look at the first rows only, and count none.
    #[arg(long)]
    quick: bool,
    /// Everything, as JSON (see docs/checking-data.md).
    #[arg(long)]
    json: bool,
}

/// What stands below the help.
fn examples() -> String {
    let sets: Vec<Vec<String>> = DATA_SETS
        .iter()
        .map(|set| vec![format!("  {}", set.name), set.aliases.join(", "), set.title.to_owned()])
        .collect();
    let list = columns(&["Data sets:", "also", ""], &sets);
    format!(
        "{list}\n\
        Examples:\n  \
        sr-pipe data check kkbox data/kkbox\n  \
        sr-pipe data check ml-20m data/ml-20m --quick     first rows only, in no time"
    )
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    let Some(set) = DataSet::named(&arguments.dataset) else {
        let known: Vec<&str> =
            DATA_SETS.iter().flat_map(|set| std::iter::once(set.name).chain(set.aliases.iter().copied())).collect();
        let message = format!("unknown data set `{}`", arguments.dataset);
        return Err(Diagnostic::new(message).help(suggestion(&arguments.dataset, &known)).into());
    };
    if !arguments.folder.is_dir() {
        return Err(Diagnostic::new(format!("there is no folder `{}`", arguments.folder))
            .help(format!("name the folder that holds the files of {}: {}", set.name, list(set)))
            .into());
    }
    let found = seen(set, arguments)?;
    let text = if arguments.json {
        format!("{:#}\n", as_json(set, arguments, &found))
    } else {
        report(set, arguments, &found)
    };
    print(&text)?;
    Ok(if found.is_right() { Ending::Done } else { Ending::Failed })
}

fn list(set: &DataSet) -> String {
    set.files.iter().filter(|file| file.need != Need::Unread).map(|file| file.name).collect::<Vec<_>>().join(", ")
}

/// Looks, with a bar for a person who waits.
fn seen(set: &'static DataSet, arguments: &Arguments) -> Result<Look, CommandError> {
    let bar = if std::io::stderr().is_terminal() {
        let bar = ProgressBar::new(0);
        if let Ok(style) =
            ProgressStyle::with_template("  {bar:24.green/dim} {bytes} of {total_bytes}  {msg}  {eta} left")
        {
            bar.set_style(style);
        }
        bar
    } else {
        ProgressBar::hidden()
    };
    let progress = |file: &File, bytes: u64, size: u64| {
        bar.set_length(size);
        bar.set_position(bytes);
        bar.set_message(file.name);
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let looked = look(set, &arguments.folder, &Looking { quick: arguments.quick, threads, progress: &progress });
    bar.finish_and_clear();
    looked.map_err(|error| match error {
        StageError::Io(error) => CommandError::Io(error),
        StageError::Data(diagnostic) => CommandError::Input(vec![*diagnostic]),
        other => CommandError::Io(std::io::Error::other(other.to_string())),
    })
}

/// How a file stands, in a word.
fn state(look: &FileLook) -> &'static str {
    match (&look.lies, look.problems.is_empty()) {
        (_, false) => "differs",
        (Some(_), true) => "right",
        (None, true) if look.missing => "missing",
        (None, true) => "absent",
    }
}

/// Everything for a person.
fn report(set: &DataSet, arguments: &Arguments, found: &Look) -> String {
    let mut text = format!("{}: {}\n", set.name, set.title);
    text.push_str(&wrapped("in", &place(arguments, found), 2));
    text.push_str(&format!("\n{}", table(found, arguments.quick)));
    for look in &found.files {
        text.push_str(&findings(look));
    }
    if found.files.iter().any(|look| state(look) != "right" && look.file.need != Need::Unread) {
        text.push_str("\nwhere it comes from\n");
        for (name, words) in [("owner", set.owner), ("page", set.page), ("how", set.how), ("terms", set.terms)] {
            text.push_str(&wrapped(&format!("  {name:<7}"), words, 9));
        }
    }
    text.push_str(&format!("\n{}\n", verdict(arguments, found)));
    text
}

/// The folder, and the archives in it from which files are taken.
fn place(arguments: &Arguments, found: &Look) -> String {
    let archives: BTreeSet<&str> = found.files.iter().filter_map(archive).collect();
    let archives: Vec<String> = archives.into_iter().map(|name| format!("`{name}`")).collect();
    let out_of = if archives.is_empty() { String::new() } else { format!(", out of {}", archives.join(", ")) };
    format!("{}{out_of}", arguments.folder)
}

/// The name of the archive in which a file lies, unless that has its own name: `train.csv.7z` is no news.
fn archive(look: &FileLook) -> Option<&str> {
    let (archive, _) = look.lies.as_ref()?.shown.split_once('!')?;
    Utf8Path::new(archive).file_name().filter(|name| !name.starts_with(look.file.name))
}

fn table(found: &Look, quick: bool) -> String {
    let dash = || "-".to_owned();
    let row = |look: &FileLook| {
        vec![
            look.file.name.to_owned(),
            state(look).to_owned(),
            look.file.need.words().to_owned(),
            look.lies.as_ref().map_or_else(dash, |lies| match archive(look) {
                Some(_) => format!("in {}", lies.packing),
                None => Size::of_bytes(lies.bytes).to_string(),
            }),
            look.counted.map_or_else(dash, thousands),
            look.file.published.map_or_else(dash, |(count, _)| thousands(count)),
        ]
    };
    let mut rows: Vec<Vec<String>> = found.files.iter().map(row).collect();
    let counted = match found.files.first().map(|look| look.file.unit) {
        _ if quick => "counted",
        Some(unit) => unit.words(),
        None => "rows",
    };
    let header = ["file", "state", "need", "size", counted, "published"];
    // Names are cut in their middle where the table would be wider than the report.
    let widest = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).chain([header[column].len()]).max().unwrap_or(0)
    };
    let room = WIDTH.saturating_sub((1..header.len()).map(|column| widest(column) + 2).sum());
    for row in &mut rows {
        row[0] = cut_middle(&row[0], room.max(12));
    }
    columns(&header, &rows)
}

/// What there is to say of a file.
fn findings(look: &FileLook) -> String {
    let mut parts = Vec::new();
    for problem in &look.problems {
        parts.push(wrapped("  ", &problem.words(), 4));
        parts.extend(problem.place().map(|place| excerpt(&place.text, place.at, place.width)));
    }
    if look.missing {
        parts.push(wrapped("  ", &format!("not there; it is for {}", look.file.gives), 4));
    } else if look.lies.is_none() && look.problems.is_empty() && look.file.need != Need::Unread {
        parts.push(wrapped("  ", &format!("not there, and can be done without; it is for {}", look.file.gives), 4));
    }
    parts.extend(look.remarks.iter().map(|remark| wrapped("  ", remark, 4)));
    if parts.is_empty() { String::new() } else { format!("\n{}\n{}", look.file.name, parts.concat()) }
}

/// A row with a caret below a place in it, cut to the width of the report round the place.
fn excerpt(row: &str, at: usize, width: usize) -> String {
    let room = WIDTH - 6;
    let shown: Vec<char> = row.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let end = (at + width).min(shown.len().max(at + 1));
    // From far enough before the place that it and what is round it can be seen.
    let from = if shown.len() <= room { 0 } else { at.saturating_sub(room / 2).min(shown.len().saturating_sub(room)) };
    let mut line: String = shown.iter().skip(from).take(room).collect();
    if from > 0 {
        line = format!("…{}", line.chars().skip(1).collect::<String>());
    }
    if from + room < shown.len() {
        line = format!("{}…", line.chars().take(room - 1).collect::<String>());
    }
    let carets = end.min(from + room).saturating_sub(at).max(1);
    format!("      {line}\n      {}{}\n", " ".repeat(at.saturating_sub(from)), "^".repeat(carets))
}

/// Words in lines no wider than the report; those after the first begin further in.
fn wrapped(first: &str, words: &str, indent: usize) -> String {
    let mut text = String::new();
    let mut line = first.to_owned();
    let mut empty = first.ends_with(' ');
    for word in words.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = " ".repeat(indent);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    text + &line + "\n"
}

fn verdict(arguments: &Arguments, found: &Look) -> String {
    let count = |is: &dyn Fn(&FileLook) -> bool| found.files.iter().filter(|look| is(look)).count();
    let missing = count(&|look| look.missing);
    let differing = count(&|look| !look.problems.is_empty() && look.file.need != Need::Unread);
    if found.is_right() {
        let counted = if arguments.quick { " (rows were not counted)" } else { "" };
        return format!("right: what stages need is there and as published{counted}");
    }
    let parts = [(missing, "missing"), (differing, "not as published")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    format!("not right: of {}, {}", crate::cli::count(found.files.len(), "file"), parts.join(", "))
}

/// Everything for a program.
fn as_json(set: &DataSet, arguments: &Arguments, found: &Look) -> Value {
    let problem = |problem: &Problem| {
        json!({
            "message": problem.words(),
            "column": problem.place().map(|place| place.at + 1),
            "row": problem.place().map(|place| place.text.as_str()),
        })
    };
    let file = |look: &FileLook| {
        let lies = look.lies.as_ref();
        json!({
            "name": look.file.name,
            "state": state(look),
            "right": look.is_right(),
            "need": look.file.need.words(),
            "beside": if let Need::Beside(other) = look.file.need { Some(other) } else { None },
            "gives": look.file.gives,
            "lies": lies.map(|lies| lies.shown.as_str()),
            "packing": lies.map(|lies| lies.packing),
            "bytes": lies.map(|lies| lies.bytes),
            "columns": look.file.layout.columns(),
            "header": look.file.layout.is_headed(),
            "layout_known": look.file.seen.words(),
            "unit": look.file.unit.words(),
            "counted": look.counted,
            "published": look.file.published.map(|(count, _)| count),
            "published_known": look.file.published.map(|(_, evidence)| evidence.words()),
            "problems": look.problems.iter().map(problem).collect::<Vec<_>>(),
            "remarks": look.remarks,
        })
    };
    json!({
        "version": 1,
        "dataset": set.name,
        "title": set.title,
        "folder": arguments.folder,
        "right": found.is_right(),
        "counted": !arguments.quick,
        "owner": set.owner,
        "page": set.page,
        "how": set.how,
        "terms": set.terms,
        "files": found.files.iter().map(file).collect::<Vec<_>>(),
    })
}
