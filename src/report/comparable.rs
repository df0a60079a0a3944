//! Whether cells may be compared: same protocol, same test samples, same number of candidates.

use std::collections::{BTreeMap, BTreeSet};

use super::CellRanks;
use super::words::{code, short, thousands};

/// Something about a cell, as text.
type Fact = fn(&CellRanks) -> String;

/// What must agree: its name, what is compared, and how that is shown.
const FACTS: [(&str, Fact, Fact); 3] = [
    ("protocol", |cell| cell.protocol_digest.clone(), |cell| code(short(&cell.protocol_digest))),
    ("test samples", |cell| cell.test_samples.clone(), |cell| code(short(&cell.test_samples))),
    ("number of candidates", candidates, candidates),
];

/// What differs between cells that should agree, one sentence part each; empty when they may be compared.
///
/// Each cell comes with the name by which the reader knows it.
pub(super) fn differences(cells: &[(&str, &CellRanks)]) -> Vec<String> {
    let mut differing = Vec::new();
    for (what, identity, shown) in FACTS {
        let mut holders: BTreeMap<String, (String, BTreeSet<&str>)> = BTreeMap::new();
        for (name, cell) in cells {
            holders.entry(identity(cell)).or_insert_with(|| (shown(cell), BTreeSet::new())).1.insert(name);
        }
        if holders.len() > 1 {
            let sides: Vec<String> = holders
                .values()
                .map(|(value, names)| format!("{value} for {}", names.iter().copied().collect::<Vec<_>>().join(", ")))
                .collect();
            differing.push(format!("{what} ({})", sides.join("; ")));
        }
    }
    differing
}

/// The number of candidates of each sample: `12,195`, or `100 to 101` where samples differ.
pub(super) fn candidates(cell: &CellRanks) -> String {
    let mut least_and_most = None;
    for rank in cell.ranks.selections.values().flatten() {
        let (least, most) = least_and_most.unwrap_or((rank.candidates, rank.candidates));
        least_and_most = Some((rank.candidates.min(least), rank.candidates.max(most)));
    }
    match least_and_most {
        Some((least, most)) if least == most => thousands(least),
        Some((least, most)) => format!("{} to {}", thousands(least), thousands(most)),
        None => "none".to_owned(),
    }
}
