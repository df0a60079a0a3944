//! `sr-pipe data check` from the outside, and what is published against what the ingesters ask for.

use camino::Utf8Path;
use serde_json::{Value, json};
use sr_pipe::ingest::published::{DATA_SETS, DataSet, Looking, Need, look};

use crate::chain::{Chain, shipped};
use crate::scratch::Scratch;

const ACTIONS: &str = "user_id,sku_id,action_time,module_id,type\n900001,40001,2018-03-05 09:15:02,6190001,1\n";
const PRODUCTS: &str = "sku_id,brand,shop_id,cat,market_time\n40001,511,77,12,2016-09-01 10:00:00.0\n";

#[test]
fn a_report_says_what_is_missing_what_differs_and_where_it_comes_from() {
    let scratch = Scratch::new();
    scratch.write("raw/jdata_action.csv", ACTIONS);
    let said = scratch.sr_pipe(&["data", "check", "jdata", "raw"]).expect(1);
    for part in [
        "jdata_action.csv   differs  needed    85 B  1     37,214,269",
        "jdata_product.csv  missing  needed    -     -     352,539",
        "\njdata_action.csv\n  1 row, published 37,214,269: a part of the file, or another version\n",
        "  not there; it is for `ingest`: brand, shop, category and launch of items\n",
        "  page   https://jdata.jd.com/html/detail.html?id=8\n",
        "\nnot right: of 5 files, 1 missing, 1 not as published\n",
    ] {
        assert!(said.stdout.contains(part), "no {part:?} in:\n{}", said.stdout);
    }
    assert_eq!(said.stderr, "");
    assert!(!said.stdout.contains('\x1b') && said.stdout.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn a_wrong_column_has_a_caret_and_a_right_head_passes_when_nothing_is_counted() {
    let scratch = Scratch::new();
    scratch.write("raw/jdata_action.csv", ACTIONS).write("raw/jdata_product.csv", PRODUCTS);
    let said = scratch.sr_pipe(&["data", "check", "jdata", "raw", "--quick"]).expect(1);
    let caret = "  column 4 of the header is `cat`, published `cate`\n      \
        sku_id,brand,shop_id,cat,market_time\n                           ^^^\n";
    assert!(said.stdout.contains(caret), "{}", said.stdout);
    scratch.write("raw/jdata_product.csv", &PRODUCTS.replace("cat,", "cate,"));
    let said = scratch.sr_pipe(&["data", "check", "jdata-n", "raw", "--quick"]).expect(0);
    assert!(said.stdout.ends_with("there and as published (rows were not counted)\n"), "{}", said.stdout);
}

#[test]
fn a_caret_stays_in_a_wide_header_and_names_in_the_width_of_the_report() {
    let scratch = Scratch::new();
    let wide = "user_id,session_id,timestamp,step,action_type,reference,platform,city,device,current_filters,\
        impressions,price\n";
    scratch.write("raw/train.csv", wide);
    let said = scratch.sr_pipe(&["data", "check", "trivago", "raw", "--quick"]).expect(1);
    let lines: Vec<&str> = said.stdout.lines().collect();
    let caret = lines.iter().position(|line| line.contains("^^^^^")).unwrap();
    let at = lines[caret].find('^').unwrap();
    let above: String = lines[caret - 1].chars().skip(at).take(5).collect();
    assert_eq!(above, "price");
    let said = scratch.sr_pipe(&["data", "check", "lastfm-1k", "raw"]).expect(1);
    for line in said.stdout.lines().chain(lines) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn scripts_read_everything_as_json() {
    let scratch = Scratch::new();
    scratch.write("raw/jdata_action.csv", ACTIONS).write("raw/jdata_product.csv", PRODUCTS);
    let said = scratch.sr_pipe(&["data", "check", "jdata", "raw", "--json"]).expect(1);
    let whole: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&whole["version"], &whole["right"], &whole["counted"]), (&json!(1), &json!(false), &json!(true)));
    let product = &whole["files"][1];
    assert_eq!((&product["counted"], &product["published"]), (&json!(1), &json!(352_539)));
    assert_eq!((&product["problems"][0]["column"], &product["packing"]), (&json!(22), &json!("plain")));
    assert_eq!((&whole["files"][3]["state"], &whole["files"][3]["need"]), (&json!("absent"), &json!("optional")));
}

#[test]
fn files_in_one_archive_are_told_by_its_name_once() {
    let scratch = Scratch::new();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in [("jdata_action.csv", ACTIONS), ("jdata_product.csv", PRODUCTS)] {
        zip.start_file(format!("jdata/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, text.as_bytes()).unwrap();
    }
    scratch.write("raw/README", "");
    fs_err::write(scratch.root.join("raw/jdata.zip"), zip.finish().unwrap().into_inner()).unwrap();
    let said = scratch.sr_pipe(&["data", "check", "jdata", "raw"]).expect(1);
    assert!(said.stdout.contains("\nin raw, out of `jdata.zip`\n"), "{}", said.stdout);
    assert!(said.stdout.contains("jdata_action.csv   differs  needed    in zip  1  "), "{}", said.stdout);
}

#[test]
fn an_unknown_data_set_and_an_unknown_folder_are_refused_with_what_to_do() {
    let scratch = Scratch::new();
    scratch.sr_pipe(&["data", "check", "kkbok", "."]).expect(2).told(&["did you mean `kkbox`?"]);
    scratch
        .sr_pipe(&["data", "check", "kb4rec", "nowhere"])
        .expect(2)
        .told(&["there is no folder `nowhere`", "ml2fb.txt"]);
}

#[test]
fn the_published_demo_set_is_right_to_the_row() {
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/mkm_demo");
    if !folder.is_dir() {
        eprintln!("skipped: the Demo set is not at {folder}");
        return;
    }
    let said = Scratch::new().sr_pipe(&["data", "check", "demo", folder.as_str()]).expect(0);
    let train = said.stdout.lines().find(|line| line.starts_with("train.csv ")).unwrap();
    let cells: Vec<&str> = train.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(cells, ["train.csv", "right", "needed", "1.5 MB", "27,183", "27,183"]);
}

#[test]
fn the_page_lists_every_data_set_with_its_page() {
    let page = fs_err::read_to_string(Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checking-data.md")).unwrap();
    for set in DATA_SETS {
        let aliases: Vec<String> = set.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let line = format!("| `{}` | {} | <{}> |\n", set.name, aliases.join(", "), set.page);
        assert!(page.contains(&line), "docs/checking-data.md lacks {line}");
    }
}

/// Made-up files of a layout, the data set whose layout it is, and how they are read.
fn made_up() -> [(&'static str, &'static str, Value); 8] {
    [
        ("diginetica", "diginetica", shipped("diginetica", "events", &[])["ingest"].clone()),
        ("jdata", "jdata", json!({ "format": "jdata" })),
        ("kkbox", "kkbox", json!({ "format": "kkbox" })),
        ("trivago", "trivago", json!({ "format": "trivago" })),
        ("movielens-1m", "movielens-1m", json!({ "format": "movielens" })),
        ("movielens", "movielens-20m", json!({ "format": "movielens" })),
        ("lastfm", "lastfm-1b", json!({ "format": "lastfm" })),
        ("lastfm-1k", "lastfm-1k", json!({ "format": "lastfm" })),
    ]
}

#[test]
fn a_file_is_called_needed_exactly_where_ingest_fails_without_it() {
    for (layout, set, ingest) in made_up() {
        let set = DataSet::named(set).unwrap();
        let chain = Chain::new(json!({ "select_on": "test" }));
        chain.run("raw", json!({ "synth": { "format": layout, "rows": 200, "seed": 3 } }));
        let all = chain.output("raw");
        for file in set.files.iter().filter(|file| all.join(file.name).is_file()) {
            let without = format!("without {}", file.name);
            let folder = chain.output(&without);
            std::fs::create_dir(&folder).unwrap();
            for other in set.files.iter().filter(|other| other.name != file.name && all.join(other.name).is_file()) {
                std::fs::copy(all.join(other.name), folder.join(other.name)).unwrap();
            }
            let mut stage = json!({ "ingest": ingest });
            stage["ingest"]["from"] = json!(without);
            let read = chain.attempt(&format!("events {without}"), stage);
            let needed = matches!(file.need, Need::Needed | Need::Beside(_));
            assert_eq!(read.is_err(), needed, "{}: {}", set.name, file.name);
        }
    }
}

#[test]
fn made_up_files_have_the_published_layout() {
    let more = [
        ("jd-micro", "jd-appliances", 1),
        ("jd-micro", "jd-computers", 1),
        ("amazon", "amazon-books", 1),
        ("amazon-2018", "amazon-books", 1),
        ("yoochoose", "yoochoose", 1),
        ("freebase", "kb4rec", 1),
    ];
    let all = made_up().map(|(layout, set, _)| (layout, set, DataSet::named(set).unwrap().files.len()));
    for (layout, set, files) in all.into_iter().chain(more) {
        let set = DataSet::named(set).unwrap();
        let chain = Chain::new(json!({ "select_on": "test" }));
        chain.run("raw", json!({ "synth": { "format": layout, "rows": 2000, "seed": 3 } }));
        let found =
            look(set, &chain.output("raw"), &Looking { quick: true, threads: 1, progress: &|_, _, _| {} }).unwrap();
        let wrong: Vec<String> = found
            .files
            .iter()
            .flat_map(|look| look.problems.iter().map(|problem| format!("{}: {}", look.file.name, problem.words())))
            .collect();
        assert!(wrong.is_empty(), "{layout}: {wrong:?}");
        let there = found.files.iter().filter(|look| look.lies.is_some()).count();
        assert_eq!(there, files, "{layout}: {}", set.name);
    }
}
