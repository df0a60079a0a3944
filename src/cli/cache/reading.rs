//! Reads every byte of many objects, on all cores, with a bar for a person who waits.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::artifact::{Damage, Manifest, Store};
use crate::hash::ContentHash;
use crate::record::SoundObject;

/// An object after it was read.
pub(super) struct ReadObject {
    pub(super) object: ContentHash,
    pub(super) outcome: Result<(Manifest, SoundObject), Damage>,
}

/// Compares every byte of these objects with its digest; in the given order.
pub(super) fn read_all(store: &Store, objects: &[ContentHash]) -> Vec<ReadObject> {
    let bar = if std::io::stderr().is_terminal() {
        let bar = ProgressBar::new(objects.len() as u64);
        if let Ok(style) = ProgressStyle::with_template("  {bar:24.green/dim} {pos}/{len} objects  {elapsed}") {
            bar.set_style(style);
        }
        bar
    } else {
        ProgressBar::hidden()
    };
    let next = AtomicUsize::new(0);
    let readers = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get).min(objects.len());
    let mut read: Vec<(usize, ReadObject)> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..readers)
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    while let Some(object) = {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        objects.get(at).map(|object| (at, *object))
                    } {
                        mine.push((object.0, read(store, object.1)));
                        bar.inc(1);
                    }
                    mine
                })
            })
            .collect();
        readers
            .into_iter()
            .flat_map(|reader| reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    bar.finish_and_clear();
    read.sort_unstable_by_key(|(at, _)| *at);
    read.into_iter().map(|(_, read)| read).collect()
}

fn read(store: &Store, object: ContentHash) -> ReadObject {
    let outcome = store.check(&object, |_, _| None).map(|(manifest, stamps)| {
        let sound = SoundObject { object, entries: manifest.files.clone(), stamps };
        (manifest, sound)
    });
    ReadObject { object, outcome }
}
