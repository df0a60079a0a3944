//! A log of eleven events whose three test samples can be worked out on paper, for reports of ranks written down by hand.

/// The last session, of items 1 4 1 2, is the test set, and item 4 stands nowhere else. Its samples, the longest first: 2
/// after 1 4 1 is neither cold nor in the session; 1 after 1 4 stands in the session; 4 after 1 is cold.
pub(crate) const LOG: &str = "\
user,item,time
a,1,0
a,1,10
a,2,20
b,2,100
b,1,110
a,3,10000
a,2,10010
b,1,20000
b,4,20010
b,1,20020
b,2,20030
";

/// The pipeline from `log/log.csv` to ranks; `cold_items` as `split` takes it, and what a model's training has beside its
/// data and name.
pub(crate) fn pipeline(cold_items: &str, training: &str) -> String {
    format!(
        r#"
stages:
  raw: {{ files: {{ folder: log, files: [log.csv] }} }}
  events:
    ingest:
      from: raw
      format: table
      table: {{ log: log.csv, columns: {{ user: user, item: item, time: {{ seconds: time }} }} }}
  sessions: {{ sessionize: {{ from: events, by: gap, gap: 1h }} }}
  dataset:
    split: {{ from: sessions, by: sessions, test_share: 0.25, cold_items: {cold_items}, max_length_quantile: null }}
  model: {{ train: {{ dataset: dataset, model: "${{model}}"{training} }} }}
  ranks: {{ evaluate: {{ dataset: dataset, model: model }} }}
"#
    )
}
