//! What a number comes from: each seed with its numbers, its run and its commit, the curve of its training, its config and
//! the digests of what its stages made.

use std::fmt::Write;

use super::written;
use crate::report::canvas::escape;
use crate::report::page::{Made, Seed, Source, State};
use crate::report::words::percent;
use crate::report::{Epoch, Svg, small_curve};

/// The heading of the section.
pub(super) const HEADING: &str = "Cells and their runs";

/// All of them, each to be opened by itself.
pub(super) fn write_all(html: &mut String, sources: &[Source]) {
    let _ = writeln!(
        html,
        "<section id=\"cells\" aria-labelledby=\"cells-heading\">\n<h2 id=\"cells-heading\">{HEADING}</h2>"
    );
    for (at, source) in sources.iter().enumerate() {
        let _ = writeln!(html, "<details class=\"cell\" id=\"cell-{at}\"><summary>{}</summary>", written(&source.name));
        write_one(html, source);
        html.push_str("</details>\n");
    }
    html.push_str("</section>\n");
}

fn write_one(html: &mut String, source: &Source) {
    let axes =
        source.coordinates.iter().map(|(axis, value)| format!("<code>{} = {}</code>", escape(axis), escape(value)));
    let _ = writeln!(html, "<p>{}</p>", axes.collect::<Vec<_>>().join(", "));
    write_seeds(html, source);
    for seed in source.seeds.iter().filter(|seed| seed.state != State::Done) {
        let log = seed.log.as_ref().map(|log| format!(" Its log: <code>{}</code>.", escape(log))).unwrap_or_default();
        let reason = seed.reason.as_deref().unwrap_or("no reason is on record");
        let _ = writeln!(html, "<p>{}: {}.{log}</p>\n<pre>{}</pre>", named(seed), seed.state.name(), lines(reason));
    }
    write_curves(html, source);
    write_configs(html, source);
    write_artifacts(html, source);
}

/// `seed 3`.
fn named(seed: &Seed) -> String {
    seed.seed.map_or_else(|| "this data set".to_owned(), |number| format!("seed {number}"))
}

fn write_seeds(html: &mut String, source: &Source) {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in source.seeds.iter().flat_map(|seed| &seed.values) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    html.push_str("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Seeds\">\n<table>\n<thead><tr><th scope=\"col\">seed</th>");
    names.iter().for_each(|name| {
        let _ = write!(html, "<th scope=\"col\" class=\"number\">{}</th>", escape(name));
    });
    html.push_str("<th scope=\"col\">run</th><th scope=\"col\">ended</th><th scope=\"col\">git commit</th></tr></thead>\n<tbody>\n");
    for seed in &source.seeds {
        let number = seed.seed.map_or_else(|| "–".to_owned(), |number| number.to_string());
        let _ = write!(html, "<tr><th scope=\"row\">{number}</th>");
        for name in &names {
            let value = seed.values.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
            let value = value.map_or_else(|| seed.state.name().to_owned(), |value| full(seed, value));
            let _ = write!(html, "<td class=\"number\">{value}</td>");
        }
        let run = if seed.run.is_empty() { "–" } else { &seed.run };
        let made = seed.made.as_ref();
        let ended = made.map_or("–", |made| &made.finished);
        let commit = made.map_or_else(|| "–".to_owned(), commit);
        let _ = writeln!(html, "<td>{}</td><td>{}</td><td>{commit}</td></tr>", escape(run), escape(ended));
    }
    html.push_str("</tbody>\n</table>\n</div>\n");
}

/// A metric of a seed in per cent; a statistic as it is.
fn full(seed: &Seed, value: f64) -> String {
    if seed.seed.is_some() { percent(value) } else { value.to_string() }
}

fn commit(made: &Made) -> String {
    let dirty = if made.git_dirty { ", with changes that are not committed" } else { "" };
    made.git_commit.as_ref().map_or_else(
        || "–".to_owned(),
        |commit| {
            let short: String = commit.chars().take(12).collect();
            format!("<code title=\"{}\">{}</code>{dirty}", escape(commit), escape(&short))
        },
    )
}

/// Text of several lines.
fn lines(text: &str) -> String {
    text.lines().map(escape).collect::<Vec<_>>().join("\n")
}

/// The curve of each seed, of the first metric that an epoch has.
fn write_curves(html: &mut String, source: &Source) {
    let epochs = source.seeds.iter().flat_map(|seed| &seed.curve);
    let Some((metric, _)) = epochs.flat_map(|epoch| &epoch.metrics).find(|(_, value)| value.is_some()) else { return };
    html.push_str("<div class=\"curves\">\n");
    for seed in &source.seeds {
        let point = |epoch: &Epoch| Some((epoch.epoch, 100.0 * (*epoch.metrics.get(metric)?)?));
        let points: Vec<(u32, f64)> = seed.curve.iter().filter_map(point).collect();
        let Some((last, value)) = points.last() else { continue };
        let name = format!("{metric} in per cent of {}", named(seed));
        let (Svg(svg), metric) = (small_curve(&name, &points), escape(metric));
        let _ = writeln!(
            html,
            "<figure>\n{svg}\n<figcaption>{}: {metric} in per cent by epoch, {value:.2} after {last}.</figcaption>\n</figure>",
            named(seed)
        );
    }
    html.push_str("</div>\n");
}

/// Each config once, with the seeds that have it.
fn write_configs(html: &mut String, source: &Source) {
    let mut configs: Vec<(String, Vec<String>)> = Vec::new();
    for seed in &source.seeds {
        let Some(made) = seed.made.as_ref().filter(|made| !made.config.is_null()) else { continue };
        let config = format!("{:#}", made.config);
        match configs.iter_mut().find(|(known, _)| *known == config) {
            Some((_, seeds)) => seeds.push(named(seed)),
            None => configs.push((config, vec![named(seed)])),
        }
    }
    for (config, seeds) in configs {
        let (seeds, config) = (seeds.join(", "), lines(&config));
        let _ = writeln!(html, "<details><summary>Config of {seeds}</summary>\n<pre>{config}</pre></details>");
    }
}

fn write_artifacts(html: &mut String, source: &Source) {
    let made: Vec<(&Seed, &Made)> = source.seeds.iter().filter_map(|seed| Some((seed, seed.made.as_ref()?))).collect();
    let Some((_, first)) = made.first() else { return };
    html.push_str("<details><summary>Artifacts</summary>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Artifacts\">\n<table>\n<thead><tr><th scope=\"col\">stage</th>");
    for (seed, _) in &made {
        let _ = write!(html, "<th scope=\"col\">{}</th>", named(seed));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for (stage, _) in &first.artifacts {
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", escape(stage));
        for (_, made) in &made {
            let digest = made.artifacts.iter().find(|(known, _)| known == stage).map_or("–", |(_, digest)| digest);
            let _ = write!(html, "<td><code>{}</code></td>", escape(digest));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n</div></details>\n");
}
