//! Records of earlier and later versions.

use camino::Utf8Path;
use serde_json::json;
use sqlx::{Connection, Row};

use super::{connect, database, execute, found, json_of, number, pipeline, project, wait};
use crate::scratch::{Scratch, grid};

/// Records as an earlier version made them, by these of its migrations; empty.
fn earlier_version(scratch: &Scratch, migrations: &[&str]) {
    let source = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("src/record/migrations");
    let only = scratch.root.join("earlier-version");
    fs_err::create_dir_all(&only).unwrap();
    fs_err::create_dir_all(scratch.root.join(".sr-pipe")).unwrap();
    for migration in migrations {
        fs_err::copy(source.join(migration), only.join(migration)).unwrap();
    }
    wait(async {
        let mut connection = connect(&database(scratch)).await;
        let migrations = sqlx::migrate::Migrator::new(only.as_std_path()).await.unwrap();
        migrations.run(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// Records as the first version left them, with a row in every table.
fn first_version(scratch: &Scratch) {
    earlier_version(scratch, &["1_first.sql"]);
    let key = "ab".repeat(32);
    let object = "cd".repeat(32);
    execute(
        &database(scratch),
        &format!(
            "INSERT INTO runs VALUES (1, 'experiments/old.yaml', '{key}', '{{\"ties\":\"mean\"}}', 'sr-pipe run x', \
             '2026-01-02T03:04:05Z', '2026-01-02T03:05:05Z', 'failed', 1, '{{\"host\":\"old\",\"git_commit\":\"abc\"}}');
             INSERT INTO cells VALUES (1, 'd/n=1', '{{\"dataset\":\"d\",\"n\":\"1\"}}', 1, 'done', '{key}', '{object}');
             INSERT INTO cells VALUES (1, 'd/n=2', '{{\"dataset\":\"d\",\"n\":\"2\"}}', 1, 'failed', NULL, NULL);
             INSERT INTO attempts VALUES (1, 1, '{key}', 'd/n=1 · out', 'shell', 'done', '2026-01-02T03:04:05Z', \
             '2026-01-02T03:04:06Z', 'logs/1.log', NULL);
             INSERT INTO results VALUES ('{key}', 'd/n=1 · out', '{{\"config\":{{\"command\":\"true\"}},\"kind\":\"shell\"}}', \
             '{object}', '{{\"lines\":4}}', 1.5, 1);
             INSERT INTO files VALUES ('{object}', 'out', 3, '{key}', 1, 2, 3, 4);
             INSERT INTO memo VALUES ('/raw', 3, '{key}', 1, 2, 3, 4);
             INSERT INTO epochs VALUES (1, 1, '{{\"epoch\":1,\"loss\":0.5,\"metrics\":{{\"mrr@20\":0.25}}}}');"
        ),
    );
}

#[test]
fn records_of_the_first_version_are_all_there_after_an_update() {
    let scratch = Scratch::new();
    first_version(&scratch);
    let run = json_of(&scratch, &["runs", "show", "1", "--json"]);
    assert_eq!((&run["state"], &run["experiment"]), (&json!("failed"), &json!("experiments/old.yaml")));
    assert_eq!(run["cells"].as_array().unwrap().len(), 2);
    assert_eq!(run["cells"][1]["state"], "failed");
    assert_eq!(run["protocol_digest"].as_str().unwrap().len(), 64);
    assert_eq!((&run["attempts"][0]["notes"]["lines"], &run["attempts"][0]["seconds"]), (&json!(4), &json!(1.5)));
    let cell = json_of(&scratch, &["runs", "show", "1", "d/n=1", "--json"]);
    assert_eq!(cell["stages"][0]["fingerprint"]["config"]["command"], "true");
    assert_eq!(cell["stages"][0]["curve"][0]["loss"], 0.5);
    assert_eq!(cell["stages"][0]["made_with"]["git_commit"], "abc");
    assert_eq!(found(&scratch, &["epoch.mrr@20=0.25", "host=old"]), ["1 d/n=1"]);
    assert!(scratch.sr_pipe(&["runs", "list"]).expect(0).stdout.contains("experiments/old.yaml"));
    json_of(&scratch, &["runs", "diff", "1:d/n=1", "1:d/n=2", "--json"]);
    json_of(&scratch, &["runs", "export", "--format", "json"]);
    wait(async {
        let records = sr_pipe::record::Records::open(&scratch.root.join(".sr-pipe")).await.unwrap();
        let index = records.cache_index().await.unwrap();
        let (key, object) = ("ab".repeat(32).parse().unwrap(), "cd".repeat(32).parse().unwrap());
        assert_eq!(index.results[&key], sr_pipe::record::StoredResult { object, seconds: 1.5 });
        let (entry, stamp) = &index.files[&object][0];
        assert_eq!((entry.path.as_str(), entry.size, entry.hash), ("out", 3, key));
        assert_eq!((stamp.device, stamp.inode, stamp.modified, stamp.changed), (1, 2, 3, 4));
        assert_eq!(records.memo("/raw".into(), stamp).await.unwrap(), Some(key));
    });
    // And work goes on in them.
    scratch.write("pipelines/p.yaml", &pipeline("one", 0)).write("experiments/e.yaml", &grid(&[1]));
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert_eq!(found(&scratch, &["run=2"]), ["2 d/n=1/seed=1"]);
}

#[test]
fn raw_files_that_the_second_version_saw_are_known_wherever_they_lay() {
    let scratch = Scratch::new();
    earlier_version(&scratch, &["1_first.sql", "2_history.sql"]);
    let object = "cd".repeat(32);
    execute(
        &database(&scratch),
        &format!("INSERT INTO sources VALUES ('kkbox', '[\"songs.csv\",\"train.csv\"]', '{object}')"),
    );
    let sources = wait(async {
        let records = sr_pipe::record::Records::open(&scratch.root.join(".sr-pipe")).await.unwrap();
        records.sources().await.unwrap()
    });
    let (files, object) = (vec!["songs.csv".into(), "train.csv".into()], object.parse().unwrap());
    assert_eq!(sources, [sr_pipe::record::SeenSource { data: None, folder: "kkbox".into(), files, object }]);
}

#[test]
fn records_of_a_newer_version_are_refused_and_left_alone() {
    let scratch = project(&[1]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let known = number(&scratch, "SELECT max(version) FROM _sqlx_migrations");
    execute(
        &database(&scratch),
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', 1, x'00', 0)",
    );
    for command in [&["run", "experiments/e.yaml"][..], &["runs", "list"]] {
        let said = scratch.sr_pipe(command);
        assert_ne!(said.code, Some(0));
        said.told(&["are of version 99", &format!("knows versions up to {known}"), "help:"]);
    }
    assert_eq!(number(&scratch, "SELECT count(*) FROM runs"), 1);
}

#[test]
fn eight_processes_at_once_open_a_fresh_and_an_old_file() {
    let fresh = project(&[1, 2]);
    let old = project(&[1, 2]);
    first_version(&old);
    for (scratch, earlier) in [(&fresh, 0), (&old, 1)] {
        let children: Vec<_> = (0..8).map(|_| scratch.start(&["run", "experiments/e.yaml"])).collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        assert_eq!(number(scratch, "SELECT count(*) FROM runs WHERE state = 'done'"), 8);
        assert_eq!(number(scratch, "SELECT count(*) FROM attempts WHERE state = 'done'"), 3 + earlier);
    }
    let versions = wait(async {
        let mut connection = connect(&database(&old)).await;
        let rows = sqlx::query("SELECT version FROM _sqlx_migrations ORDER BY version");
        rows.fetch_all(&mut connection).await.unwrap().iter().map(|row| row.get::<i64, _>(0)).collect::<Vec<_>>()
    });
    assert_eq!(&versions[..2], [1, 2]);
}
