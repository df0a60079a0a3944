//! How long stages took, and what that says of stages that are still to run.

use std::borrow::Cow;
use std::collections::HashMap;

use super::rows::stage_name;

/// What stages took, in seconds, by what they have in common with others.
#[derive(Debug, Default)]
pub struct Durations {
    kinds: HashMap<String, OfKind>,
    all: Mean,
}

#[derive(Debug, Default)]
struct OfKind {
    /// The newest of each label.
    newest: HashMap<String, f64>,
    /// By label without its seed.
    other_seeds: HashMap<String, Mean>,
    /// By the stage's name in its pipeline.
    other_cells: HashMap<String, Mean>,
    all: Mean,
}

#[derive(Debug, Default)]
struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1.0;
    }

    fn value(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }
}

impl Durations {
    /// A stage took this long; what is added later is newer.
    pub fn add(&mut self, kind: &str, label: &str, seconds: f64) {
        self.all.add(seconds);
        let kind = entry(&mut self.kinds, kind);
        kind.all.add(seconds);
        entry(&mut kind.other_seeds, &without_seed(label)).add(seconds);
        entry(&mut kind.other_cells, stage_name(label)).add(seconds);
        *entry(&mut kind.newest, label) = seconds;
    }

    /// What a stage took last, else what it takes with other seeds: no more is asked than its own cell.
    #[must_use]
    pub fn known(&self, kind: &str, label: &str) -> Option<f64> {
        let kind = self.kinds.get(kind)?;
        let newest = kind.newest.get(label).copied();
        newest.or_else(|| kind.other_seeds.get(without_seed(label).as_ref())?.value())
    }

    /// What is known, else what a stage of that name takes in other cells.
    #[must_use]
    pub fn expected(&self, kind: &str, label: &str) -> Option<f64> {
        self.known(kind, label).or_else(|| self.kinds.get(kind)?.other_cells.get(stage_name(label))?.value())
    }

    /// Whether a stage of this kind was ever added.
    #[must_use]
    pub fn has_kind(&self, kind: &str) -> bool {
        self.kinds.contains_key(kind)
    }

    /// What is expected, else the mean of the same kind, else of all.
    #[must_use]
    pub fn guessed(&self, kind: &str, label: &str) -> Option<f64> {
        self.expected(kind, label).or_else(|| self.kinds.get(kind)?.all.value()).or_else(|| self.all.value())
    }
}

/// What stands under a name; copies the name only when it is new.
fn entry<'a, V: Default>(map: &'a mut HashMap<String, V>, name: &str) -> &'a mut V {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), V::default());
    }
    map.get_mut(name).expect("it was put there")
}

/// `demo/m-sr · model` of `demo/m-sr/seed=3 · model`.
fn without_seed(label: &str) -> Cow<'_, str> {
    const MARK: &str = "/seed=";
    let Some(start) = label.find(MARK) else { return label.into() };
    let rest = label[start + MARK.len()..].trim_start_matches(|letter: char| letter.is_ascii_digit());
    format!("{}{rest}", &label[..start]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations(taken: &[(&str, &str, f64)]) -> Durations {
        let mut durations = Durations::default();
        taken.iter().for_each(|(kind, label, seconds)| durations.add(kind, label, *seconds));
        durations
    }

    #[test]
    fn a_stage_lasts_as_long_as_its_nearest_like() {
        let known = durations(&[
            ("train", "d/a/seed=1 · model", 5.0),
            ("train", "d/a/seed=1 · model", 9.0),
            ("train", "d/a/seed=2 · model", 4.0),
            ("train", "d/b/seed=1 · model", 2.0),
            ("split", "d · split", 10.0),
        ]);
        assert_eq!(known.known("train", "d/a/seed=1 · model"), Some(9.0), "the newest of the same label");
        assert_eq!(known.known("train", "d/a/seed=10 · model"), Some(6.0), "the mean of other seeds");
        assert_eq!(known.known("train", "d/c/seed=1 · model"), None, "of another cell");
        assert_eq!(known.expected("train", "d/c/seed=1 · model"), Some(5.0), "the mean of the same stage");
        assert_eq!(known.expected("split", "d · model"), None, "of another kind");
        assert_eq!(known.guessed("split", "d · other"), Some(10.0), "the mean of the kind");
        assert_eq!(known.guessed("shell", "d · x"), Some(6.0), "the mean of all");
        assert_eq!(Durations::default().guessed("shell", "d · x"), None);
    }
}
