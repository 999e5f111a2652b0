//! A small generator of pseudo-random numbers: SplitMix64, written out so that a seed means the same for ever.
//!
//! Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014; constants as in Vigna's public
//! domain reference <https://prng.di.unimi.it/splitmix64.c>. Not for cryptography. Exponentials and normals are made
//! from additions and multiplications only, which IEEE 754 fixes to the last bit on every machine.

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE36: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// A stream of pseudo-random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The stream of a seed and a name or number beside it, independent of every other such stream.
    pub(crate) fn stream(seed: u64, label: &str) -> Self {
        Self::new(mix(seed ^ hash(label)))
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }

    /// Uniform in `[0, 1)`, 53 bits.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Uniform in `0..n`; `n` must not be 0.
    #[expect(clippy::cast_possible_truncation, reason = "the result is below n, which is a usize")]
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// True with the given probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of the items; the slice must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Nearly normal, mean 0, deviation 1: twelve uniforms (Irwin and Hall), cut at +-6.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// Log-normal around a median.
    pub(crate) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }

    /// Lower-case hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(HEX[self.below(16)])).collect()
    }

    /// Upper-case letters and digits, as in AWS SKUs.
    pub(crate) fn base36(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(BASE36[self.below(36)])).collect()
    }

    /// A line id: 52 letters of base 32, as in `identity_line_item_id`.
    pub(crate) fn line_id(&mut self) -> [u8; 52] {
        let mut id = [0u8; 52];
        for chunk in id.chunks_mut(12) {
            let mut bits = self.bits();
            for letter in chunk {
                *letter = BASE32[(bits & 31) as usize];
                bits >>= 5;
            }
        }
        id
    }
}

/// 64 bits of a text: FNV-1a.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// e to the power of `x`, by halving the argument until the series is short, then squaring back.
fn exp(x: f64) -> f64 {
    let (mut reduced, mut halvings) = (x, 0);
    while reduced.abs() > 0.125 {
        reduced *= 0.5;
        halvings += 1;
    }
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 1..=10 {
        term *= reduced / f64::from(n);
        sum += term;
    }
    (0..halvings).fold(sum, |value, _| value * value)
}

fn mix(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // First outputs of Vigna's splitmix64.c for the seed 1234567, as used by the test suites of several languages.
        let mut random = Random::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([random.bits(), random.bits(), random.bits()], expected);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the yardstick, within a tolerance")]
    fn exp_agrees_with_the_mathematics_library() {
        for x in [-6.0, -1.0, -0.1, 0.0, 0.3, 1.0, 4.0, 12.0] {
            let expected: f64 = f64::exp(x);
            assert!((exp(x) / expected - 1.0).abs() < 1e-12, "{x}");
        }
    }

    #[test]
    fn streams_of_one_seed_differ() {
        assert_ne!(Random::stream(1, "a").bits(), Random::stream(1, "b").bits());
        assert_ne!(Random::stream(1, "a").bits(), Random::stream(2, "a").bits());
    }
}
