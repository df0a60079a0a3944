//! Items that targets are compared with, drawn on the host from a generator of ours.

use tch::{Device, Tensor};

use crate::seed::SplitMix;

/// How often each item of `items` occurs, by its number, 0 to `catalog`.
pub(super) fn counts(items: &[i32], catalog: i64) -> Vec<u32> {
    let mut counts = vec![0; usize::try_from(catalog).expect("a size") + 1];
    for &item in items {
        counts[usize::try_from(item).expect("an item's number")] += 1;
    }
    counts
}

/// For each of `targets` `[B]` `each` items of 1 to `catalog` (two or more), all but the target alike, `[B, each]`.
pub(super) fn others(generator: &mut SplitMix, targets: &Tensor, each: usize, catalog: i64) -> Tensor {
    let rows = targets.size()[0];
    let bound = (catalog - 1).unsigned_abs();
    let count = usize::try_from(rows).expect("a size") * each;
    let drawn: Vec<i64> = (0..count).map(|_| generator.below(bound).cast_signed() + 1).collect();
    let device: Device = targets.device();
    let drawn = Tensor::from_slice(&drawn).to_device(device).view_([rows, -1]);
    // The target and all above it make room for the target.
    &drawn + drawn.ge_tensor(&targets.unsqueeze(1)).to_kind(tch::Kind::Int64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    fn generator() -> SplitMix {
        Stream::Negatives.generator(3, 1)
    }

    #[test]
    fn all_items_but_the_target_are_drawn_alike() {
        let targets = Tensor::from_slice(&[1i64, 3, 5]);
        let drawn = others(&mut generator(), &targets, 20_000, 5);
        assert_eq!(drawn.size(), [3, 20_000]);
        for (row, target) in [1, 3, 5].into_iter().enumerate() {
            let drawn: Vec<i64> = drawn.get(i64::try_from(row).expect("small")).try_into().expect("items");
            for item in 1..=5 {
                let share = drawn.iter().filter(|&&other| other == item).count() as f64 / 20_000.0;
                let expected = if item == target { 0.0 } else { 0.25 };
                assert!((share - expected).abs() <= 0.016, "target {target}: {item} has {share}");
            }
        }
    }

    #[test]
    fn counts_are_by_number() {
        assert_eq!(counts(&[2, 4, 2], 5), [0, 0, 2, 0, 1, 0]);
    }
}
