//! `sr-pipe trainer`: asks a trainer what it knows.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

use super::workspace::beside_this_program;
use super::{CommandError, Ending, columns, print};
use crate::stage::trainer::Trainer;

/// Ask the trainer what it knows.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Its models with their defaults, its devices, the version of libtorch.
    Describe {
        /// The trainer [default: the one beside `sr-pipe`].
        #[arg(long, value_name = "PROGRAM")]
        trainer: Option<Utf8PathBuf>,
        /// The whole answer, as JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    let Command::Describe { trainer, json } = &arguments.command;
    let program = trainer.clone().map_or_else(beside_this_program, Ok)?;
    let description = Trainer::ask(&program)?;
    if *json {
        print(&format!("{}\n", serde_json::to_string_pretty(&description).map_err(std::io::Error::other)?))?;
        return Ok(Ending::Done);
    }
    print(&format!(
        "{}, libtorch {}, devices: {}\n\n",
        description.trainer,
        description.libtorch,
        description.devices.join(", ")
    ))?;
    let rows: Vec<Vec<String>> = description
        .models
        .iter()
        .map(|model| {
            let mut needs = Vec::new();
            if model.needs.operations {
                needs.push("operations");
            }
            if model.needs.knowledge {
                needs.push("knowledge");
            }
            if model.needs.vectors {
                needs.push("vectors");
            }
            let needs = if needs.is_empty() { "items".to_owned() } else { format!("items, {}", needs.join(", ")) };
            vec![model.name.clone(), model.title.clone(), needs, model.paper.clone()]
        })
        .collect();
    print(&columns(&["model", "title", "sees", "paper"], &rows))?;
    for model in &description.models {
        print(&format!("\n{} {}\n", model.name, model.defaults))?;
    }
    for method in &description.embeddings {
        print(&format!(
            "\n{} ({}, {}; learns vectors) {}\n",
            method.name, method.title, method.paper, method.defaults
        ))?;
    }
    Ok(Ending::Done)
}
