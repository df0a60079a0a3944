//! The fault matrix: whatever happens to a run, the same command afterwards ends right, with no step by hand.
//!
//! Every case works on one small project: made-up sessions, `shell` stages, and a trainer in `sh` that speaks the
//! contract, writes slowly and keeps checkpoints. After each case the tables equal those of an undisturbed run.

mod clock;
mod damage;
mod disk;
mod orphan;
mod power;
mod read_only;
mod sealing;
mod storm;
mod together;

use std::os::unix::fs::PermissionsExt;
use std::process::Child;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use rustix::process::{Pid, Signal, kill_process};

use crate::scratch::{Said, Scratch};

/// Raw files that pass through a `shell` stage in two halves, a dataset, a model and a note a cell.
const PIPELINE: &str = r#"stages:
  made:     { synth: { format: jdata, seed: 7, items: 40, users: 60, sessions: 150, days: 14, noise: 0.1, repeat: 0.1, late: 0.3 } }
  raw:
    shell:
      command: |
        echo raw >> LEDGER
        for file in $IN_MADE/*; do
          half=$(($(wc -c < $file) / 2))
          head -c $half $file > $OUT/${file##*/}; sleep 0.02; tail -c +$(($half + 1)) $file >> $OUT/${file##*/}
        done
      inputs: { made: made }
  events:   { ingest: { from: raw, format: jdata } }
  sessions: { sessionize: { from: events, by: gap, gap: 1h } }
  dataset:  { split: { from: sessions, name: small, by: events, test_share: 0.2, cold_items: keep } }
  model:    { train: { dataset: dataset, model: "${model}" } }
  ranks:    { evaluate: { dataset: dataset, model: model } }
  note:     { shell: { command: "echo note ${seed} >> LEDGER; echo ${seed} > $OUT/a && sleep 0.03 && echo ${seed} >> $OUT/a" } }
  weighed:  { shell: { command: "echo weighed ${seed} >> LEDGER; cat $IN_NOTE/a $IN_MODEL/best.safetensors > $OUT/w", inputs: { note: note, model: model } } }
"#;

/// Writes its ranks piece by piece into the weights, an epoch a piece; `evaluate` copies them out again. So a torn or
/// mixed model would show in the table. It heeds no lifeline: when `sr-pipe` dies, it is an orphan that writes on.
const TRAINER: &str = r#"#!/bin/sh
here=$(dirname "$0")
text() { sed -n "s/.*\"$1\": \"\(\/.*\)\".*/\1/p" "$2"; }
[ "$1" = describe ] && exec cat "$here/describe.json"
out=$(text output "$2")
if [ "$1" = train ]; then
  seed=$(sed -n 's/.*"seed": \([0-9]*\).*/\1/p' "$2")
  echo "train $seed" >> "$here/ledger"
  kept=$(text checkpoint "$2")/checkpoint.safetensors
  if [ -f "$kept" ]; then cp "$kept" "$out/best.safetensors"; else : > "$out/best.safetensors"; fi
  have=$(wc -c < "$out/best.safetensors")
  end=0
  for epoch in 1 2 3; do
    piece=$here/pieces/$seed.$epoch
    end=$((end + $(wc -c < "$piece")))
    [ "$have" -ge "$end" ] && continue
    sleep 0.02
    cat "$piece" >> "$out/best.safetensors" || exit 1
    cp "$out/best.safetensors" "$kept.new" && mv "$kept.new" "$kept" || exit 1
    [ -e "$here/broken" ] && exit 1
    echo "{\"event\":\"epoch\",\"epoch\":$epoch,\"epochs\":3,\"loss\":1.5,\"metrics\":{}}"
  done
  echo '{"version":1,"model":"even","config":{},"selected":[{"name":"best","epoch":3,"file":"best.safetensors","metrics":{}}]}' > "$out/model.json"
else
  echo "evaluate" >> "$here/ledger"
  cp "$(text model "$2")/best.safetensors" "$out/ranks.safetensors"
fi
"#;

const DESCRIPTION: &str = r#"{
  "contract": 1, "trainer": "sh 1", "libtorch": "none", "devices": ["cpu"],
  "models": [{
    "name": "even", "title": "Even", "family": "made up", "paper": "none",
    "needs": { "operations": false, "knowledge": false },
    "defaults": {}, "schema": { "type": "object" }, "code": "1"
  }]
}"#;

/// Items of the made-up catalog.
const ITEMS: u32 = 40;

const EXPERIMENT: &str = "experiments/e.yaml";

/// The small project in a folder of its own.
struct Trial {
    scratch: Scratch,
}

/// What a reader sees of a run: the tables, and the numbers behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tables {
    /// All of the page but its section on provenance, which names runs and their time.
    page: String,
    /// The CSV without its column `run`, for the same reason.
    numbers: String,
}

impl Trial {
    /// The project with so many seeds, which is to say cells.
    fn new(seeds: u32) -> Self {
        let scratch = Scratch::new();
        let ledger = scratch.root.join("ledger");
        scratch.write("pipelines/p.yaml", &PIPELINE.replace("LEDGER", ledger.as_str()));
        scratch.write("describe.json", DESCRIPTION).write("trainer.sh", TRAINER);
        let program = scratch.root.join("trainer.sh");
        fs_err::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let trial = Self { scratch };
        trial.seeds("e", 1, seeds);
        static SAMPLES: OnceLock<usize> = OnceLock::new();
        let samples = *SAMPLES.get_or_init(|| trial.samples());
        for seed in 1..=seeds {
            trial.prepare_weights(seed, samples);
        }
        trial
    }

    /// Writes the experiment `name` over these seeds.
    fn seeds(&self, name: &str, first: u32, last: u32) {
        let seeds: Vec<u32> = (first..=last).collect();
        self.scratch.write(
            &format!("experiments/{name}.yaml"),
            &format!(
                "title: Small\ndatasets: {{ d: {{ pipeline: ../pipelines/p.yaml }} }}\n\
                 grid: {{ product: {{ dataset: [d], model: [even] }}, seeds: {seeds:?} }}\n\
                 trainer: ../trainer.sh\nreport: {{ metrics: [hit@20, mrr@20] }}\n"
            ),
        );
    }

    /// How many test samples the dataset has, seen in a project of its own.
    fn samples(&self) -> usize {
        let aside = Scratch::new();
        let stages = self.scratch.read("pipelines/p.yaml");
        aside.write("pipelines/p.yaml", stages.split("  model:").next().unwrap());
        aside.write(
            EXPERIMENT,
            "title: Data\ndatasets: { d: { pipeline: ../pipelines/p.yaml } }\ngrid: { product: { dataset: [d] } }\n",
        );
        aside.sr_pipe(&["run", EXPERIMENT]).expect(0);
        self.ran();
        let arrays = aside.sealed().into_iter().find(|path| path.ends_with("samples.safetensors")).unwrap();
        let bytes = fs_err::read(arrays).unwrap();
        let length = usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap();
        let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        usize::try_from(header["test.sample_target"]["shape"][0].as_u64().unwrap()).unwrap()
    }

    /// What the trainer will write for a seed, in three pieces: ranks that differ from seed to seed.
    fn prepare_weights(&self, seed: u32, samples: usize) {
        let above = (0..samples).map(|sample| (u32::try_from(sample).unwrap() * 13 + seed * 7) % ITEMS);
        let arrays =
            [("best.above", above.collect()), ("best.ties", vec![0; samples]), ("candidates", vec![ITEMS; samples])];
        let (mut header, mut body) = (serde_json::Map::new(), Vec::new());
        for (name, values) in arrays {
            let begin = body.len();
            body.extend(values.iter().flat_map(|value: &u32| value.to_le_bytes()));
            let about = serde_json::json!({ "dtype": "I32", "shape": [samples], "data_offsets": [begin, body.len()] });
            header.insert(name.to_owned(), about);
        }
        let header = serde_json::to_vec(&header).unwrap();
        let whole = [(header.len() as u64).to_le_bytes().as_slice(), header.as_slice(), body.as_slice()].concat();
        for (epoch, piece) in (1..).zip(whole.chunks(whole.len().div_ceil(3))) {
            let path = self.scratch.root.join(format!("pieces/{seed}.{epoch}"));
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, piece).unwrap();
        }
    }

    fn run(&self) -> Said {
        self.scratch.sr_pipe(&["run", EXPERIMENT])
    }

    fn tables(&self) -> Tables {
        self.tables_of("e")
    }

    fn tables_of(&self, name: &str) -> Tables {
        let page = self.scratch.read(&format!("results/{name}.md"));
        let (page, provenance) = page.split_once("## Provenance").expect("a page ends with its provenance");
        assert!(!provenance.is_empty());
        let numbers = self.scratch.csv(&format!("results/{name}.csv"));
        let run = numbers.lines().next().unwrap().split(',').position(|column| column == "run").unwrap();
        let without_run = |line: &str| -> String {
            let fields: Vec<&str> = line.split(',').collect();
            [&fields[..run], &fields[run + 1..]].concat().join(",") + "\n"
        };
        Tables { page: page.to_owned(), numbers: numbers.lines().map(without_run).collect() }
    }

    /// The names of all objects; a name is the digest of what the object holds.
    fn objects(&self) -> Vec<String> {
        let objects = self.state().join("objects");
        let mut names: Vec<String> =
            self.scratch.sealed().iter().map(|path| path.strip_prefix(&objects).unwrap().to_string()).collect();
        names.sort();
        names
    }

    fn state(&self) -> Utf8PathBuf {
        self.scratch.root.join(".sr-pipe")
    }

    /// The lines that stages left when they really ran, sorted; they are taken away.
    fn ran(&self) -> Vec<String> {
        let ledger = self.scratch.root.join("ledger");
        let mut lines: Vec<String> =
            fs_err::read_to_string(&ledger).map_or(vec![], |text| text.lines().map(str::to_owned).collect());
        lines.sort();
        let _ = fs_err::remove_file(ledger);
        lines
    }

    /// Everything is right: the tables, the objects, every stored byte, and there is nothing left to do.
    #[track_caller]
    fn expect_right(&self, calm: &Calm) {
        assert_eq!(self.tables(), calm.tables, "the tables of an undisturbed run");
        assert_eq!(self.objects(), calm.objects, "objects are named by what they hold");
        self.scratch.sr_pipe(&["cache", "verify"]).expect(0);
        self.ran();
        self.run().expect(0).told(&["nothing had to run"]);
        assert_eq!(self.ran(), Vec::<String>::new());
        assert_eq!(self.tables(), calm.tables, "the tables of an undisturbed run, rendered again");
    }

    /// True while a stage's output is being written or sealed.
    fn is_under_way(&self) -> bool {
        let open = |folder: Utf8PathBuf| folder.read_dir_utf8().into_iter().flatten().flatten();
        open(self.state().join("attempts")).any(|attempt| attempt.path().join("output").is_dir())
            || open(self.state().join("objects")).any(|entry| entry.file_name().starts_with(".sealing-"))
    }
}

/// What an undisturbed run gives.
struct Calm {
    tables: Tables,
    objects: Vec<String>,
    ran: Vec<String>,
    length: Duration,
}

impl Calm {
    fn of(seeds: u32) -> Self {
        let trial = Trial::new(seeds);
        let begin = Instant::now();
        trial.run().expect(0);
        let length = begin.elapsed();
        Self { tables: trial.tables(), objects: trial.objects(), ran: trial.ran(), length }
    }
}

/// Waits until `ready`, as long as a very slow machine may need.
#[track_caller]
fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !ready() {
        assert!(begin.elapsed() < Duration::from_secs(120), "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// The children of a process and theirs, as they stand now.
fn below(process: u32) -> Vec<u32> {
    let (mut found, mut open) = (Vec::new(), vec![process]);
    while let Some(one) = open.pop() {
        let Ok(tasks) = fs_err::read_dir(format!("/proc/{one}/task")) else { continue };
        for task in tasks.flatten() {
            let text = fs_err::read_to_string(task.path().join("children")).unwrap_or_default();
            let children = text.split_whitespace().filter_map(|id| id.parse::<u32>().ok());
            open.extend(children.clone());
            found.extend(children);
        }
    }
    found
}

/// `kill -9`; false when the process had ended already.
fn kill_9(process: u32) -> bool {
    signal(process, Signal::KILL)
}

fn signal(process: u32, signal: Signal) -> bool {
    let process = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    kill_process(process, signal).is_ok()
}

fn is_alive(child: &mut Child) -> bool {
    child.try_wait().unwrap().is_none()
}

/// Pseudo-random numbers (SplitMix64), so that a storm can be repeated.
struct Dice(u64);

impl Dice {
    /// Seeded by `SR_PIPE_FAULT_SEED` if that is set; the seed is printed.
    fn new(usual: u64) -> Self {
        let seed = std::env::var("SR_PIPE_FAULT_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
        eprintln!("seed {seed}; SR_PIPE_FAULT_SEED sets another");
        Self(seed)
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    /// A moment within `length`.
    fn moment(&mut self, length: Duration) -> Duration {
        Duration::from_micros(self.roll(u64::try_from(length.as_micros()).unwrap().max(1)))
    }
}
