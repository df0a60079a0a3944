//! What an experiment file can say of its grid, and what the command line can choose of it.

use crate::scratch::{Said, Scratch, grid};

/// A pipeline whose cells write their values; the places of a grid's axes stand in `places`.
fn pipeline(places: &str) -> String {
    format!("stages:\n  a: {{ shell: {{ command: \"echo {places} > $OUT/a\" }} }}\n")
}

fn experiment(grid: &str) -> String {
    format!(
        "title: Grid\ndatasets: {{ d: {{ pipeline: ../pipelines/p.yaml }}, e: {{ pipeline: ../pipelines/p.yaml }} }}\n{grid}"
    )
}

fn project(places: &str, grid: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("experiments/e.yaml", &experiment(grid)).write("pipelines/p.yaml", &pipeline(places));
    scratch
}

fn sr_pipe(scratch: &Scratch, command: &str, more: &[&str]) -> Said {
    scratch.sr_pipe(&[&[command, "experiments/e.yaml"], more].concat())
}

/// The cells that a run with these arguments has, in their order.
#[track_caller]
fn cells(scratch: &Scratch, more: &[&str]) -> Vec<String> {
    sr_pipe(scratch, "run", more).expect(0);
    names(scratch)
}

/// The cells of the newest run, in the order of the grid, without their seeds when all are 1.
fn names(scratch: &Scratch) -> Vec<String> {
    let csv = scratch.sr_pipe(&["runs", "show"]).expect(0).stdout;
    let cells = csv.lines().skip_while(|line| !line.starts_with("cell ")).skip(1).take_while(|line| !line.is_empty());
    cells.map(|line| line.split(' ').next().unwrap().replace("/seed=1", "")).collect()
}

/// What is told of a wrong experiment.
#[track_caller]
fn mistake(places: &str, grid: &str, told: &[&str]) {
    let scratch = project(places, grid);
    let said = sr_pipe(&scratch, "plan", &[]).expect(2).told(told);
    assert!(said.stdout.is_empty(), "{}", said.stdout);
}

#[test]
fn axes_of_a_zip_turn_together_and_are_combined_with_the_product() {
    let scratch = project(
        "${model} ${n} ${m}",
        "grid: { product: { dataset: [d], model: [x, y] }, zip: { n: [1, 2], m: [b, a] } }",
    );
    assert_eq!(cells(&scratch, &[]), ["d/x/m=b/n=1", "d/x/m=a/n=2", "d/y/m=b/n=1", "d/y/m=a/n=2"]);
}

#[test]
fn single_cells_stand_beside_the_product_with_seeds_of_their_own() {
    let scratch = project(
        "${n} ${seed}",
        "grid: { product: { dataset: [d], n: [1, 2] }, exclude: [{ n: 2 }], include: [{ dataset: e, n: 7, seeds: [8, 9] }, { dataset: d, n: 2 }] }",
    );
    assert_eq!(cells(&scratch, &[]), ["d/n=1", "e/n=7/seed=8", "e/n=7/seed=9", "d/n=2"]);
}

#[test]
fn a_grid_with_groups_is_the_union_of_its_blocks_and_a_shared_cell_is_one_cell() {
    let scratch = project(
        "${n} ${seed}",
        "grid:\n  product: { dataset: [d], n: [1] }\n  seeds: [3]\n  groups:\n    few: { product: { dataset: [d], n: [1, 2] } }\n    \
         many: { product: { dataset: [e], n: [2] }, include: [{ dataset: d, n: 2 }], seeds: [3, 4] }\n",
    );
    let all = ["d/n=1/seed=3", "d/n=2/seed=3", "e/n=2/seed=3", "e/n=2/seed=4", "d/n=2/seed=4"];
    assert_eq!(cells(&scratch, &[]), all);
    assert_eq!(cells(&scratch, &["--only", "group=few"]), all[..2]);
    assert_eq!(cells(&scratch, &["--only", "group=many,seed=3"]), all[1..3]);
    // A file without cells outside of groups is a grid as well.
    let grid = "grid: { groups: { one: { product: { dataset: [d], n: [1] } } } }";
    assert_eq!(cells(&project("${n}", grid), &[]), ["d/n=1"]);
}

#[test]
fn the_cells_are_listed_in_the_order_of_the_file() {
    let scratch =
        project("${dataset} ${n} ${seed}", "grid: { product: { n: [10, 9], dataset: [e, d] }, seeds: [2, 1] }");
    let plan = sr_pipe(&scratch, "plan", &[]).expect(0).stdout;
    let at = |label: &str| plan.find(label).unwrap_or_else(|| panic!("no `{label}` in\n{plan}"));
    let order = ["e/n=10/seed=2", "e/n=10/seed=1", "e/n=9/seed=2", "d/n=10/seed=2"].map(at);
    assert!(order.is_sorted(), "{plan}");
}

#[test]
fn every_mistake_of_a_grid_is_told_with_its_place() {
    let told = ["`m` has 1 and `a` 2", "experiments/e.yaml:3:57", "unknown data set `f`", "experiments/e.yaml:3:33"];
    mistake("${n}", "grid: { product: { dataset: [d, f] }, zip: { a: [1, 2], m: [1] } }", &told);
    let told = ["axis `n` stands in `product` and in `zip`", "experiments/e.yaml:3:51", "^"];
    mistake("${n}", "grid: { product: { dataset: [d], n: [1] }, zip: { n: [1] } }", &told);
    let told = ["unknown axis `nn`", "did you mean `n`?", "axis `n` has no value `3`", "experiments/e.yaml:3:76"];
    mistake("${n}", "grid: { product: { dataset: [d, e], n: [1, 2] }, exclude: [{ nn: 1 }, { n: 3 }] }", &told);
    mistake(
        "${n}",
        "grid: { product: { dataset: [d], n: [] } }",
        &["axis `n` has no value", "experiments/e.yaml:3:34"],
    );
    mistake(
        "${n}",
        "grid: { product: { dataset: [d], seed: [1] } }",
        &["seeds are no axis", "experiments/e.yaml:3:34"],
    );
    mistake(
        "${n}",
        "grid: { product: { n: [1] }, include: [{ n: 2 }] }",
        &[
            "the grid has no `dataset` axis",
            "experiments/e.yaml:3:9",
            "this cell has no `dataset` axis",
            "experiments/e.yaml:3:40",
        ],
    );
    mistake("${n}", "grid: { groups: { g: { seeds: [2] } } }", &["group `g` has no cell", "experiments/e.yaml:3:19"]);
    mistake("${n}", "grid: { seeds: [] }", &["there is no seed", "the grid has no cell", "experiments/e.yaml:3:1"]);
    mistake(
        "${n}",
        "grid: { product: { dataset: [d], n: [[1]] } }",
        &["the value of an axis is", "experiments/e.yaml:3:38"],
    );
}

#[test]
fn an_exclusion_that_excludes_nothing_is_told() {
    let grid = "grid: { zip: { dataset: [d, e], n: [1, 2] }, exclude: [{ dataset: d, n: 2 }] }";
    mistake("${n}", grid, &["this excludes nothing", "experiments/e.yaml:3:56"]);
    let grid = "grid: { product: { dataset: [d], n: [1] }, exclude: [{ n: 1 }] }";
    mistake("${n}", grid, &["its exclusions leave the grid no cell", "experiments/e.yaml:3:1"]);
}

#[test]
fn a_cell_that_is_named_twice_and_two_cells_of_one_name_are_told() {
    let grid =
        "grid: { product: { dataset: [d], n: [1, 2, 1] }, include: [{ dataset: e, n: 1 }, { dataset: e, n: 1 }] }";
    mistake("${n}", grid, &["axis `n` names `1` twice", "experiments/e.yaml:3:44"]);
    let grid = "grid: { product: { dataset: [d], n: [1] }, include: [{ dataset: d, n: 1, seeds: [2, 1] }] }";
    mistake("${n}", grid, &["cell `d/n=1/seed=1` is named twice", "experiments/e.yaml:3:54"]);
    mistake("${n}", "grid: { product: { dataset: [d], n: [1, '1'] } }", &["two different values that read `1`"]);
    let grid = "grid: { product: { dataset: [d], n: [1] }, include: [{ dataset: d, n: '1' }] }";
    mistake("${n}", grid, &["two different cells have the name `d/n=1/seed=1`", "experiments/e.yaml:3:54"]);
    mistake("${n}", "grid: { product: { dataset: [d], n: [1] }, seeds: [1, 2, 1] }", &["seed 1 is written twice"]);
}

#[test]
fn claims_and_the_report_know_the_axes_of_every_block() {
    let more =
        "\nreport: { rows: n, columns: mm }\nclaims: [{ text: t, metric: mrr@20, better: { n: 5 }, than: { n: 8 } }]\n";
    let grid = "grid: { include: [{ dataset: d, n: 5 }], groups: { g: { zip: { dataset: [d], n: [6], m: [1] } } } }";
    let told = ["unknown axis `mm`", "did you mean `m`?", "axis `n` has no value `8`", "experiments/e.yaml:5:66"];
    mistake("${n}", &format!("{grid}{more}"), &told);
}

#[test]
fn a_list_in_a_claim_is_checked_value_by_value() {
    let claim = |better: &str, than: &str| {
        let claims = format!("claims:\n  - {{ text: t, metric: mrr@20, better: {better},\n      than: {than} }}\n");
        format!("grid: {{ product: {{ dataset: [d], n: [5, 6, 7] }} }}\n{claims}")
    };
    mistake("${n}", &claim("{ n: 5 }", "{ n: [6, 8] }"), &["axis `n` has no value `8`", "experiments/e.yaml:6:22"]);
    mistake("${n}", &claim("{ n: [] }", "{ n: 6 }"), &["axis `n` has no value here", "leave the axis out"]);
    mistake("${n}", &claim("{ n: { a: 5 } }", "{ n: 6 }"), &["has a value, or a list of values"]);
    // 6 would be compared with itself, and so would everything where `than` names nothing else.
    for (better, than) in [("{ n: [5, 6] }", "{ n: [6, 7] }"), ("{ n: 5 }", "{}")] {
        mistake("${n}", &claim(better, than), &["compared with themselves", "experiments/e.yaml:6:13"]);
    }
}

#[test]
fn two_claims_of_the_same_words_are_told_since_a_check_could_not_tell_them_apart() {
    let claim = "  - { text: t, metric: mrr@20, better: { n: 5 }, than: { n: 6 } }\n";
    let other = claim.replace("n: 5", "n: 7");
    let grid = format!("grid: {{ product: {{ dataset: [d], n: [5, 6, 7] }} }}\nclaims:\n{claim}{other}");
    mistake("${n}", &grid, &["another claim on this metric has the same words", "experiments/e.yaml:6:13"]);
}

#[test]
fn an_axis_that_nothing_asks_for_is_told() {
    let grid = "grid: { product: { dataset: [d], n: [5], k: [5, 100] } }";
    mistake("${n}", grid, &["no pipeline has a place `${k}` for this axis, and no model", "experiments/e.yaml:3:42"]);
}

#[test]
fn a_key_that_is_written_twice_is_told_in_experiments_and_pipelines() {
    let scratch = project("${n}", "grid: { product: { dataset: [d], n: [1] } }\ntitle: Again\ngrid:\n  seeds: [1]\n");
    let pipeline =
        "stages:\n  a: { shell: { command: x } }\n  b: { shell: { command: x } }\n  a: { shell: { command: y } }\n";
    scratch.write("pipelines/p.yaml", pipeline);
    let told = [
        "`title` is written twice",
        "experiments/e.yaml:4:1",
        "line 1 already",
        "`grid` is written twice",
        "experiments/e.yaml:5:1",
    ];
    sr_pipe(&scratch, "run", &[]).expect(2).told(&told);
    scratch.write("experiments/e.yaml", &grid(&[1]));
    sr_pipe(&scratch, "run", &[]).expect(2).told(&["`a` is written twice", "pipelines/p.yaml:4:3", "line 2 already"]);
}

#[test]
fn only_chooses_cells_by_patterns_and_several_are_alternatives() {
    let scratch = project(
        "${model} ${n} ${seed}",
        "grid: { product: { dataset: [d, e], model: [m-sr, mkm-sr, sknn], n: [1] }, seeds: [1, 2, 3] }",
    );
    let only = |patterns: &[&str]| {
        let arguments: Vec<&str> = patterns.iter().flat_map(|pattern| ["--only", pattern]).collect();
        cells(&scratch, &arguments)
    };
    assert_eq!(only(&["model=m*-sr,dataset=d,seed=1"]), ["d/m-sr/n=1", "d/mkm-sr/n=1"]);
    assert_eq!(only(&["model=m-sr|sknn,seed=2..3,dataset=?", "dataset=e,model=mkm-sr,seed=1"]).len(), 9);
    let plan = sr_pipe(&scratch, "plan", &["--only", "model=sknn,dataset=e"]).expect(0).stdout;
    assert!(plan.contains("e/sknn/n=1/seed=3") && !plan.contains("d/") && plan.contains("3 cells"), "{plan}");
}

#[test]
fn a_pattern_that_no_cell_matches_names_what_was_meant() {
    let scratch = project(
        "${model}",
        "grid: { product: { dataset: [d, e], model: [m-sr, mkm-sr] }, exclude: [{ dataset: e, model: m-sr }] }",
    );
    let told = |only: &str, told: &[&str]| drop(sr_pipe(&scratch, "run", &["--only", only]).expect(2).told(told));
    told("modle=m-sr", &["unknown axis `modle`", "the command line:1:8", "^^^^^", "did you mean `model`?"]);
    told("dataset=d,model=m-sr|mkmsr", &["like `mkmsr`", "the command line:1:29", "did you mean `mkm-sr`?"]);
    told("seed=4..5", &["like `4..5`", "known: `1`"]);
    told("dataset=e,model=m-sr", &["no cell matches all of this"]);
    told("model", &["`model` is no `axis=pattern`"]);
    told("group=x", &["unknown axis `group`"]);
    assert!(scratch.sealed().is_empty(), "nothing ran");
}

#[test]
fn seeds_replace_those_of_every_block() {
    let scratch = project(
        "${n} ${seed}",
        "grid: { product: { dataset: [d], n: [1] }, include: [{ dataset: d, n: 1, seeds: [9] }], groups: { g: { include: [{ dataset: e, n: 1 }], seeds: [7] } } }",
    );
    assert_eq!(cells(&scratch, &["--seeds", "2..3"]), ["d/n=1/seed=2", "d/n=1/seed=3", "e/n=1/seed=2", "e/n=1/seed=3"]);
    assert_eq!(cells(&scratch, &["--seeds", "5,1"]).len(), 4);
    for bad in ["3..1", "a", "1,1", "1..", "0..99999999999"] {
        sr_pipe(&scratch, "run", &["--seeds", bad]).expect(2).told(&["--seeds"]);
    }
}

#[test]
fn set_changes_one_value_and_points_into_the_argument_when_it_is_wrong() {
    let scratch = project("${n} ${word}", "grid: { product: { dataset: [d], n: [1] } }");
    let pipeline = scratch.read("pipelines/p.yaml") + "defaults: { word: plain }\n";
    scratch.write("pipelines/p.yaml", &pipeline);
    let set = |settings: &[&str]| {
        let arguments: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        sr_pipe(&scratch, "run", &arguments)
    };
    set(&["grid.product.n=[4, 5]", "grid.product.n.1=6", "datasets.d.with.word=set"]).expect(0);
    assert_eq!(names(&scratch), ["d/n=4", "d/n=6"]);
    let mut written: Vec<String> = scratch.sealed().iter().map(|path| fs_err::read_to_string(path).unwrap()).collect();
    written.sort();
    assert_eq!(written, ["4 set\n", "6 set\n"]);
    let told = [
        "unknown field `prodct`",
        "the command line:1:12",
        "--set grid.prodct.n=[1]",
        "^^^^^^",
        "did you mean `product`?",
    ];
    set(&["grid.prodct.n=[1]"]).expect(2).told(&told);
    let told = ["unknown data set `f`", "the command line:1:34", "^"];
    set(&["grid.product={dataset: [d, f]}"]).expect(2).told(&told);
    set(&["grid.product.modle=[x]"]).expect(2).told(&["no pipeline has a place `${modle}`", "the command line:1:20"]);
    set(&["datasets.d.with.wrod=x"]).expect(2).told(&[
        "no place `${wrod}`",
        "the command line:1:23",
        "did you mean `word`?",
    ]);
    set(&["grid.seeds=[x]"]).expect(2).told(&["must be a whole number from 0", "the command line:1:19"]);
    set(&["grid.product.n.4=1"]).expect(2).told(&["`4` is no item of a list of 1", "the command line:1:22"]);
    set(&["title.x=1"]).expect(2).told(&["`title` is a value and holds no `x`"]);
    set(&["title=null"]).expect(2).told(&["missing field `title`"]);
    for bad in ["title", "title=", ".x=1", "title=[1", "grid={seeds: [1], seeds: [2]}"] {
        set(&[bad]).expect(2).told(&["--set"]);
    }
}

#[test]
fn a_profile_is_laid_over_the_file_and_holds_only_what_it_changes() {
    let scratch = project(
        "${n} ${seed} ${word}",
        "grid: { product: { dataset: [d, e], n: [1] }, seeds: [1, 2] }\n\
         profiles:\n  smoke: { grid: { product: { dataset: [d] }, seeds: [5] }, datasets: { d: { with: { word: short } } } }\n  \
         bare: { about: null, grid: { product: null, include: [{ dataset: e, n: 3 }] } }\n",
    );
    scratch.write("pipelines/p.yaml", &(pipeline("${n} ${seed} ${word}") + "defaults: { word: plain }\n"));
    assert_eq!(cells(&scratch, &["--profile", "smoke"]), ["d/n=1/seed=5"]);
    assert_eq!(fs_err::read_to_string(&scratch.sealed()[0]).unwrap(), "1 5 short\n");
    assert_eq!(cells(&scratch, &["--profile", "bare"]), ["e/n=3", "e/n=3/seed=2"]);
    assert_eq!(cells(&scratch, &["--profile", "smoke", "--set", "grid.seeds=[6]", "--seeds", "7"]), ["d/n=1/seed=7"]);
    assert_eq!(cells(&scratch, &[]).len(), 4);
    let told = ["unknown profile `smok`", "the command line:1:11", "did you mean `smoke`?"];
    sr_pipe(&scratch, "run", &["--profile", "smok"]).expect(2).told(&told);
}

#[test]
fn a_choice_may_leave_less_of_the_grid_than_claims_and_exclusions_speak_of() {
    let scratch = project(
        "${dataset} ${n}",
        "grid: { product: { dataset: [d, e], n: [1, 2] }, exclude: [{ dataset: e, n: 2 }] }\n\
         claims: [{ text: t, metric: mrr@20, better: { n: 1 }, than: { n: 2 } }]\n\
         report: { rows: n, metrics: [mrr@20] }\n\
         profiles:\n  small: { grid: { product: { dataset: [d] } } }\n  \
         wrong: { grid: { exclude: [{ n: 7 }], product: { mm: [1] } }, claims: [{ text: t, metric: mrr@20, better: { n: 9 }, than: {} }] }\n",
    );
    assert_eq!(cells(&scratch, &["--profile", "small"]), ["d/n=1", "d/n=2"]);
    assert_eq!(cells(&scratch, &["--set", "grid.product.n=[1]"]), ["d/n=1", "e/n=1"]);
    let told = ["axis `n` has no value `7`", "no pipeline has a place `${mm}`", "axis `n` has no value `9`"];
    sr_pipe(&scratch, "plan", &["--profile", "wrong"]).expect(2).told(&told);
}

#[test]
fn a_mistake_of_a_profile_stands_at_its_own_lines_even_if_nothing_names_it() {
    let grid = "grid: { product: { dataset: [d], n: [1] } }\nprofiles:\n  one:\n    grid: { seeds: [x] }\n  two:\n    titel: x\n  \
                three:\n    title: null\n  four:\n    profiles: {}\n";
    let told = [
        "must be a whole number from 0, is \"x\"",
        "experiments/e.yaml:6:21",
        "unknown field `titel`",
        "experiments/e.yaml:8:5",
        "did you mean `title`?",
        "missing field `title`",
        "experiments/e.yaml:10:5",
        "a profile holds no profiles",
        "experiments/e.yaml:12:5",
    ];
    mistake("${n}", grid, &told);
    // What only shows when it is used is told of when it is used.
    let grid =
        "grid: { product: { dataset: [d], n: [1] } }\nprofiles:\n  p: { grid: { product: { dataset: [dd] } } }\n";
    let scratch = project("${n}", grid);
    sr_pipe(&scratch, "plan", &[]).expect(0);
    let told = ["unknown data set `dd`", "experiments/e.yaml:5:37"];
    sr_pipe(&scratch, "plan", &["--profile", "p"]).expect(2).told(&told);
}

#[test]
fn several_mistyped_keys_are_told_at_once() {
    let scratch = project(
        "${n}",
        "grid: { product: { dataset: [d], n: [1] }, sedes: [1] }\nreprot: {}\nreport: { metrcs: [] }\n",
    );
    let told = ["unknown field `sedes`", "unknown field `reprot`", "unknown field `metrcs`", "experiments/e.yaml:5:11"];
    sr_pipe(&scratch, "plan", &[]).expect(2).told(&told);
}

#[test]
fn what_was_chosen_names_the_report_and_only_does_not() {
    let scratch = project(
        "${model} ${seed}",
        "grid: { product: { dataset: [d, e], model: [x, y] } }\nreport: { metrics: [mrr@20] }\nprofiles: { smoke: { grid: { seeds: [2] } } }\n",
    );
    let results = || {
        let mut names: Vec<String> = scratch
            .root
            .join("results")
            .read_dir_utf8()
            .unwrap()
            .map(|file| file.unwrap().file_name().to_owned())
            .collect();
        names.retain(|name| name.ends_with(".md"));
        names.sort();
        names
    };
    sr_pipe(&scratch, "run", &["--only", "model=x"]).expect(0);
    assert_eq!(results(), ["e.md"]);
    let whole = scratch.read("results/e.md");
    assert!(whole.contains("| y ") && whole.contains("| x "), "the report is of the whole grid:\n{whole}");
    assert!(whole.contains("`sr-pipe run experiments/e.yaml`"), "{whole}");
    sr_pipe(&scratch, "run", &["--profile", "smoke"]).expect(0);
    assert_eq!(results(), ["e.md", "e@smoke.md"]);
    assert!(scratch.read("results/e@smoke.md").contains("`sr-pipe run experiments/e.yaml --profile smoke`"));
    sr_pipe(&scratch, "run", &["--seeds", "1"]).expect(0);
    sr_pipe(&scratch, "run", &["--profile", "smoke", "--set", "title=a b"]).expect(0);
    let found = results();
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found.iter().any(|name| name.starts_with("e+")), "{found:?}");
    let changed = found.iter().find(|name| name.starts_with("e@smoke+")).unwrap();
    let changed = scratch.read(&format!("results/{changed}"));
    assert!(changed.contains("--profile smoke --set 'title=a b'"), "{changed}");
    assert_eq!(scratch.read("results/e.md"), whole, "the results of the plain experiment stand");
    // No file can be named as the results of another one's profile are.
    scratch.write("experiments/e@smoke.yaml", &scratch.read("experiments/e.yaml"));
    scratch.sr_pipe(&["run", "experiments/e@smoke.yaml"]).expect(2).told(&["cannot be `e@smoke`"]);
}
