//! The papers' own tables of data sets: from the project's experiments, on published files where they lie, else made up.

use camino::Utf8Path;

use super::row;
use crate::scratch::Scratch;

/// A copy of the project's own experiment and of all pipelines.
fn own(experiment: &str) -> Scratch {
    let scratch = Scratch::new();
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = format!("experiments/{experiment}.yaml");
    scratch.write(&file, &fs_err::read_to_string(root.join(&file)).unwrap());
    for pipeline in root.join("pipelines").read_dir_utf8().unwrap() {
        let path = pipeline.unwrap().into_path();
        let name = format!("pipelines/{}", path.file_name().unwrap());
        scratch.write(&name, &fs_err::read_to_string(path).unwrap());
    }
    scratch
}

#[test]
fn table_1_of_mkm_sr_has_the_numbers_of_the_published_demo_files() {
    let data = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if !data.join("mkm_demo").is_dir() {
        eprintln!("skipped: the Demo set is not at {data}");
        return;
    }
    let scratch = own("table1");
    scratch.sr_pipe(&["run", "experiments/table1.yaml", "--data", data.as_str(), "--only", "dataset=demo*"]).expect(0);
    let csv = scratch.csv("results/table1.csv");
    let value = |dataset: &str, statistic: &str| -> f64 {
        let line = csv.lines().find(|line| line.starts_with(&format!("{dataset},{statistic},"))).unwrap();
        line.split(',').nth(4).unwrap().parse().unwrap()
    };
    // Counted from the published files: 29,445 rows in 5,633 sessions, 30,360 in 5,696; 915 of 3,177 test rows are cold.
    let demo = ["sessions", "mean session length", "items", "item frequency", "operations"];
    let hand = [5633.0, 29_445.0 / 5633.0, 12_195.0, 29_445.0 / 12_195.0, 4.0];
    assert_eq!(demo.map(|statistic| value("demo", statistic)), hand);
    let hand = [5696.0, 30_360.0 / 5696.0, 12_971.0, 30_360.0 / 12_971.0, 4.0];
    assert_eq!(demo.map(|statistic| value("demo-n", statistic)), hand);
    assert_eq!(value("demo-n", "cold test events"), 915.0 / 3177.0);
    assert_eq!(value("demo", "cold test events"), 0.0);
}

#[test]
fn the_tables_of_the_papers_come_out_of_made_up_files_in_every_layout() {
    for (experiment, columns, filled) in [
        ("table1", ["kkbox", "kkbox-n", "jdata", "jdata-n"].as_slice(), "operations"),
        ("embsr-table2", &["jd-appliances", "jd-computers", "trivago"], "test sessions"),
        ("ksr-table1", &["music", "ml-20m", "ml-1m", "book"], "events"),
    ] {
        let scratch = own(experiment);
        let file = format!("experiments/{experiment}.yaml");
        scratch.sr_pipe(&["run", &file, "--profile", "synthetic", "--plain"]).expect(0);
        let page = scratch.read(&format!("results/{experiment}@synthetic.md"));
        let header = row(&page, "statistic");
        assert_eq!(header[1..], *columns);
        assert!(row(&page, filled)[1..].iter().all(|count| *count != "0"), "{page}");
        assert!(page.contains("> **Synthetic data.**") && !page.contains("paper"), "{page}");
        assert!(page.contains("## Audit of the data") && !page.contains("**leak**"), "{page}");
    }
}

#[test]
fn the_samples_of_jd_have_the_mean_lengths_of_the_rule_that_fits_embsrs_table() {
    let data = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if !data.join("jd_hup").is_dir() {
        eprintln!("skipped: the samples of JD are not at {data}");
        return;
    }
    let scratch = own("embsr-table2");
    let raw = |file: &str| format!("{{folder: jd_hup, files: [{file}]}}");
    // Samples of 1,000 sessions have no product 50 times.
    let set = [
        format!("datasets.jd-appliances.with.raw.files={}", raw("JD_Applicances_sample.1000b")),
        format!("datasets.jd-computers.with.raw.files={}", raw("JD_Computers_sample.1000b")),
        "datasets.jd-appliances.with.rare=1".to_owned(),
        "datasets.jd-computers.with.rare=1".to_owned(),
        "report.statistics=[mean session length]".to_owned(),
        "report.paper=null".to_owned(),
    ];
    let set = set.iter().flat_map(|setting| ["--set", setting]);
    let arguments = ["run", "experiments/embsr-table2.yaml", "--data", data.as_str(), "--only", "dataset=jd-*"];
    let arguments: Vec<&str> = arguments.into_iter().chain(set).collect();
    scratch.sr_pipe(&arguments).expect(0);
    let results = scratch.root.join("results").read_dir_utf8().unwrap().map(|file| file.unwrap().into_path());
    let page = results.into_iter().find(|path| path.extension() == Some("md")).unwrap();
    let page = fs_err::read_to_string(page).unwrap();
    // Counted by another program: 39,257 and 29,455 events are left of the first 40 and 30 of 1,000 sessions each; EMBSR
    // prints 39.29 and 29.41 over its whole sets.
    assert_eq!(row(&page, "mean session length")[1..3], ["39.257", "29.455"]);
}

#[test]
fn ml_1m_is_cut_to_its_core_and_to_linked_movies_as_another_program_cuts_it() {
    let data = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if !data.join("ml-1m").is_dir() {
        eprintln!("skipped: the ratings of MovieLens 1M are not at {data}");
        return;
    }
    let scratch = own("ksr-table1");
    for (from, to) in [
        ("ml-1m/ratings_users1-2999.dat.gz", "ml-1m/ratings.dat.gz"),
        ("ml-1m/movies.dat", "ml-1m/movies.dat"),
        ("ml-1m/users.dat", "ml-1m/users.dat"),
        ("kb4rec/ml2fb.txt", "kb4rec/ml2fb.txt"),
    ] {
        let to = scratch.root.join("data").join(to);
        fs_err::create_dir_all(to.parent().unwrap()).unwrap();
        fs_err::copy(data.join(from), to).unwrap();
    }
    scratch.sr_pipe(&["run", "experiments/ksr-table1.yaml", "--plain"]).expect(0).told(&["3 left out"]);
    let page = scratch.read("results/ksr-table1.md");
    let ours = |name: &str| row(&page, name)[7];
    // Users 1 to 2999, counted by another program: 485,289 pairs are in the core of ten, and so many of them have a link.
    let counts = ["log events", "events", "items", "users"].map(ours);
    assert_eq!(counts, ["487,650", "484,135", "3,015", "2,999"]);
}
