//! The schemas in `schemas/` are those of the code, and every YAML file of the project fits them.

use camino::Utf8Path;
use serde_json::Value;
use sr_pipe::cli::{schemas, tables};

fn root() -> &'static Utf8Path {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_schemas_on_disk_are_those_of_the_code() {
    let named = schemas().into_iter().map(|(name, schema)| (name.to_owned(), schema));
    for (name, schema) in named.chain(tables().into_iter().map(|(name, table)| (format!("tables/{name}"), table))) {
        let written = fs_err::read_to_string(root().join("schemas").join(&name)).unwrap_or_default();
        let expected = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        assert!(written == expected, "schemas/{name} is stale: run `./just schemas`");
    }
}

#[test]
fn no_table_lies_on_disk_that_the_code_does_not_declare() {
    let mut declared: Vec<String> = tables().into_iter().map(|(name, _)| name).collect();
    declared.sort();
    let mut written: Vec<String> = root()
        .join("schemas/tables")
        .read_dir_utf8()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_owned())
        .collect();
    written.sort();
    assert_eq!(written, declared);
}

/// The names of the tables that a source declares: what stands after `Schema {` under `name:`. Tests declare some of their
/// own, behind the code.
fn declared_in(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let after = code.split("Schema {").skip(1);
    after
        .filter_map(|text| text.trim_start().strip_prefix("name: \"")?.split_once('"'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn every_table_that_a_source_declares_is_in_the_list() {
    assert_eq!(declared_in("const A: Schema = Schema {\n    name: \"a b\",\n};\nSchema { sorted, ..A }"), ["a b"]);
    let (mut folders, mut declared) = (vec![root().join("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension() == Some("rs") {
                declared.append(&mut declared_in(&fs_err::read_to_string(&path).unwrap()));
            }
        }
    }
    declared.sort();
    let mut listed: Vec<String> =
        tables().into_iter().map(|(_, table)| table["name"].as_str().unwrap().to_owned()).collect();
    listed.sort();
    assert_eq!(listed, declared, "the list is in src/cli/schema/tables.rs");
}

#[test]
fn the_page_on_tables_shows_each_of_them() {
    let page = fs_err::read_to_string(root().join("docs/tables.md")).unwrap();
    for (_, table) in tables() {
        let section = section(&table);
        assert!(page.contains(&section), "docs/tables.md should have\n\n{section}");
    }
}

/// How the page shows a table.
fn section(table: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |value: &Value, mark: &str| {
        let words = value.as_array().unwrap().iter().map(|word| format!("{mark}{}{mark}", word.as_str().unwrap()));
        words.collect::<Vec<_>>().join(", ")
    };
    let mut lines = vec![
        format!(
            "### `{}` of {}: {} {}",
            text(&table["file"]),
            list(&table["artifacts"], ""),
            text(&table["name"]),
            table["version"]
        ),
        String::new(),
        text(&table["about"]).replace(". ", ".\n"),
    ];
    if table["sorted"] != serde_json::json!([]) {
        lines.push(format!("Sorted by {}.", list(&table["sorted"], "`")));
    }
    lines.extend(["", "| column | type | holds |", "|---|---|---|"].map(str::to_owned));
    for column in table["columns"].as_array().unwrap() {
        let optional = if column["optional"] == true { ", may be missing" } else { "" };
        let (name, of, holds) = (text(&column["name"]), text(&column["type"]), text(&column["holds"]));
        lines.push(format!("| `{name}` | {of}{optional} | {} |", holds.replace('|', "\\|")));
    }
    if table["open"] == true {
        lines.push("| … | large_utf8, may be missing | an attribute, under its name |".to_owned());
    }
    lines.join("\n") + "\n"
}

#[test]
fn every_experiment_and_every_pipeline_fits_its_schema_and_names_it() {
    for (folder, schema) in [("experiments", "experiment.json"), ("pipelines", "pipeline.json")] {
        let validator =
            jsonschema::validator_for(&schemas().into_iter().find(|(name, _)| *name == schema).unwrap().1).unwrap();
        let mut seen = 0;
        for file in root().join(folder).read_dir_utf8().unwrap() {
            let path = file.unwrap().into_path();
            let document = sr_pipe::document::Document::read(&path).unwrap();
            let errors: Vec<String> = validator.iter_errors(&document.value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{path}: {errors:#?}");
            let first = format!("# yaml-language-server: $schema=../schemas/{schema}");
            assert_eq!(document.text.lines().next(), Some(first.as_str()), "{path}");
            seen += 1;
        }
        assert!(seen > 0, "there are files in {folder}/");
    }
}

#[test]
fn the_schema_of_pipelines_refuses_a_mistyped_key() {
    let (_, schema) = schemas().into_iter().find(|(name, _)| *name == "pipeline.json").unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let stages = |command: &str| -> Value { serde_json::json!({ "stages": { "a": { "shell": { command: "x" } } } }) };
    assert!(validator.is_valid(&stages("command")));
    assert!(!validator.is_valid(&stages("comand")));
}

#[test]
fn the_schema_of_experiments_knows_grids_and_pieces_in_profiles() {
    let (_, schema) = schemas().into_iter().find(|(name, _)| *name == "experiment.json").unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let with = |more: Value| -> Value {
        let mut file = serde_json::json!({ "title": "t", "datasets": { "d": { "pipeline": "p" } } });
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        file
    };
    let block =
        serde_json::json!({ "zip": { "dataset": ["d"] }, "include": [{ "dataset": "d", "n": 1, "seeds": [2] }] });
    let grid = serde_json::json!({ "product": { "dataset": ["d"] }, "groups": { "g": block } });
    let profiles = |piece: Value| with(serde_json::json!({ "grid": grid, "profiles": { "smoke": piece } }));
    let piece = serde_json::json!({
        "grid": { "seeds": [1], "groups": { "g": { "seeds": null } } },
        "datasets": { "d": { "with": { "n": 1 } } },
        "models": { "m": { "training": { "epochs": 1 } } },
        "report": null,
    });
    let errors: Vec<String> = validator.iter_errors(&profiles(piece)).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for wrong in [serde_json::json!({ "gird": {} }), serde_json::json!({ "grid": { "seed": [1] } })] {
        assert!(!validator.is_valid(&profiles(wrong.clone())), "{wrong}");
    }
    assert!(!validator.is_valid(&with(serde_json::json!({ "grid": { "include": [{ "n": [1] }] } }))));
}
