//! The schemas in `schemas/` are those of the code, and every YAML file of the project fits them.

use camino::Utf8Path;
use serde_json::Value;
use sr_pipe::cli::schemas;

fn root() -> &'static Utf8Path {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_schemas_on_disk_are_those_of_the_code() {
    for (name, schema) in schemas() {
        let written = fs_err::read_to_string(root().join("schemas").join(name)).unwrap();
        let expected = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        assert!(written == expected, "schemas/{name} is stale: run `./just schemas`");
    }
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
