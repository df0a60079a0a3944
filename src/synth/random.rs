//! Random numbers that are the same on every machine and in every version: SplitMix64 (Steele, Lea and Flood, 2014).

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is at least 1. The bias is below bound / 2^64.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.next()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number in [0, 1), of 53 bits.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// The stream of one of many things (an item, a user), the same whenever it is asked for.
    pub(super) fn of(seed: u64, thing: u64) -> Self {
        Self(Self(seed).next() ^ Self(thing).next())
    }

    /// A number of mean `mean` that falls off exponentially, as counts of what people do roughly are.
    pub(super) fn falling(&mut self, mean: f64) -> f64 {
        // Never the logarithm of zero.
        -libm::log(1.0 - self.unit()) * mean
    }

    /// Puts values into a random order (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last + 1));
        }
    }
}

/// Choices of unequal weight.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    /// The sum of the weights up to and with each choice.
    ends: Vec<usize>,
}

impl Weights {
    /// Weights in the order of their choices; at least one is above zero.
    pub(super) fn new(weights: impl IntoIterator<Item = usize>) -> Self {
        let mut sum = 0;
        let ends = weights.into_iter().map(|weight| {
            sum += weight;
            sum
        });
        Self { ends: ends.collect() }
    }

    /// One of the choices, by number.
    pub(super) fn draw(&self, random: &mut Random) -> usize {
        let point = random.below(self.ends.last().copied().unwrap_or(1));
        self.ends.iter().position(|end| point < *end).unwrap_or(0)
    }
}

/// Puts the numbers below `count` into another order with one multiplication: no table, and it can be turned round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scramble {
    count: u64,
    factor: u64,
    inverse: u64,
    shift: u64,
}

impl Scramble {
    /// An order of `count` numbers, which is from 1 to 2^32.
    pub(super) fn new(count: usize, random: &mut Random) -> Self {
        let count = count as u64;
        // About the golden section, where neighbours land far apart.
        let mut factor = (count * 618 / 1000 + random.next() % (count / 16 + 1)).max(1);
        while greatest_divisor(factor, count) != 1 {
            factor += 1;
        }
        factor %= count.max(2);
        Self { count, factor, inverse: inverse(factor, count), shift: random.next() % count }
    }

    /// Where a number goes.
    pub(super) fn of(&self, number: usize) -> u64 {
        (number as u64 * self.factor + self.shift) % self.count
    }

    /// Which number goes there.
    pub(super) fn back(&self, place: u64) -> usize {
        ((place + self.count - self.shift) % self.count * self.inverse % self.count) as usize
    }
}

fn greatest_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_divisor(b, a % b) }
}

/// The number that gives 1 when multiplied with `factor`, modulo `count`; the two have no divisor in common.
fn inverse(factor: u64, count: u64) -> u64 {
    let (mut old, mut new) = ((i128::from(factor), 1_i128), (i128::from(count), 0_i128));
    while new.0 != 0 {
        let quotient = old.0 / new.0;
        (old, new) = (new, (old.0 - quotient * new.0, old.1 - quotient * new.1));
    }
    u64::try_from(old.1.rem_euclid(i128::from(count))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_the_published_generator() {
        // The first outputs for seed 1234567, as printed with the reference implementation.
        let mut random = Random::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([random.next(), random.next(), random.next()], expected);
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_all_of_it() {
        let mut random = Random::new(1);
        let mut seen = [false; 5];
        (0..200).for_each(|_| seen[random.below(5)] = true);
        assert_eq!(seen, [true; 5]);
    }

    #[test]
    fn a_scramble_meets_each_number_once_and_can_be_turned_round() {
        for count in [1, 2, 3, 12, 97, 1000, 65_536] {
            let scramble = Scramble::new(count, &mut Random::new(5));
            let mut seen = vec![false; count];
            for number in 0..count {
                let place = scramble.of(number);
                seen[place as usize] = true;
                assert_eq!(scramble.back(place), number, "of {count}");
            }
            assert!(seen.iter().all(|seen| *seen), "{count}");
        }
    }

    #[test]
    fn weights_are_met_as_often_as_they_say() {
        let (weights, mut random) = (Weights::new([1, 0, 3]), Random::new(2));
        let mut seen = [0; 3];
        (0..4000).for_each(|_| seen[weights.draw(&mut random)] += 1);
        assert_eq!(seen[1], 0);
        assert!((900..1100).contains(&seen[0]), "{seen:?}");
    }
}
