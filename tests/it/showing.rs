//! `sr-pipe data show`: events with their names, as a person asks for them.

use crate::scratch::Scratch;

/// Three users in a log of five rows; `v` pauses for longer than an hour.
fn shop() -> Scratch {
    let scratch = Scratch::new();
    scratch
        .write("data/shop/log.csv", "user,item,did,time\nv,pen,see,100\nu,ink,buy,50\nv,ink,see,9000\nw,pen,see,60\nv,nib,buy,9001\n")
        .write(
            "pipelines/shop.yaml",
            "stages:\n  raw: { files: { folder: shop, files: [log.csv] } }\n  events:\n    ingest:\n      from: raw\n      format: table\n      table:\n        log: log.csv\n        columns: { user: user, item: item, operation: did, time: { seconds: time } }\n  sessions: { sessionize: { from: events, by: gap, gap: 1h } }\n",
        )
        .write(
            "experiments/e.yaml",
            "title: Shop\ndatasets: { shop: { pipeline: ../pipelines/shop.yaml } }\ngrid: { product: { dataset: [shop] } }\n",
        );
    scratch
}

/// The words of each printed line.
fn printed(scratch: &Scratch, more: &[&str]) -> Vec<Vec<String>> {
    let output = scratch.command(&[&["data", "show", "experiments/e.yaml"], more].concat()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

#[test]
fn events_are_shown_with_names_and_can_be_asked_for_by_user_item_and_session() {
    let scratch = shop();
    scratch.sr_pipe(&["data", "show", "experiments/e.yaml"]).expect(2).told(&["has no result to show", "sr-pipe run"]);
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);

    let all = printed(&scratch, &[]);
    assert_eq!(all[0], ["session", "user", "item", "operation", "time", "row"]);
    assert_eq!(all.len(), 6);
    assert_eq!(all[1], ["0", "v", "pen", "see", "1970-01-01", "00:01:40", "0"]);
    assert_eq!(printed(&scratch, &["--rows", "2"])[1..], all[1..3]);

    let second = printed(&scratch, &["--session", "1"]);
    assert_eq!(second[1..].iter().map(|line| line[2].as_str()).collect::<Vec<_>>(), ["ink", "nib"]);
    let pens = printed(&scratch, &["--item", "pen"]);
    assert_eq!(pens[1..].iter().map(|line| line[1].as_str()).collect::<Vec<_>>(), ["v", "w"]);
    assert_eq!(printed(&scratch, &["--item", "pen", "--user", "w"]).len(), 2);

    let log = printed(&scratch, &["--stage", "events", "--user", "u"]);
    assert_eq!(
        log,
        [vec!["user", "item", "operation", "time", "row"], vec!["u", "ink", "buy", "1970-01-01", "00:00:50", "1"]]
    );
}

#[test]
fn what_cannot_be_shown_is_told() {
    let scratch = shop();
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    let show = |more: &[&str]| scratch.sr_pipe(&[&["data", "show", "experiments/e.yaml"], more].concat());
    show(&["--item", "pem"]).expect(2).told(&["no item is called `pem`", "did you mean `pen`?"]);
    show(&["--stage", "raw"]).expect(2).told(&["makes neither events nor sessions"]);
    show(&["--stage", "events", "--session", "0"]).expect(2).told(&["name a stage that makes sessions"]);
}
