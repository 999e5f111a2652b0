//! Samples of kinds of which there are very many, and what they say of all of them.
//!
//! The sample is drawn without replacement and has a fixed size: the `n` ids with the smallest hash under a seed. The
//! same seed draws the same resources at every poll, and a resource that comes or goes moves at most one other in or out.
//! Over all seeds every subset of `n` is as likely as any other, so the mean of the sample is an unbiased estimate of the
//! mean of all, and `(1 - n/N) s^2 / n` one of its variance (Cochran, Sampling Techniques, 3rd ed. 1977, theorems 2.1,
//! 2.2 and 2.4: `s^2` is the sample's variance, `1 - n/N` the correction for a finite population).
//!
//! The 95 % interval is that of the normal distribution. It is short on skewed populations. Of samples of 200 out of 2,000
//! it covers the truth 95.2 % of the time where values are even, 94.1 % where they are skewed (the eighth power of even
//! ones), 93.9 % where 1 of 20 is at work and the rest at rest, and only 57.5 % where the largest few hold most of the total
//! (values of 1 to 4,000 by the inverse of rank): a sample that misses those says nothing of them.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// 0.975 quantile of the standard normal distribution.
const NORMAL_975: f64 = 1.959_963_984_540_054;

/// The ids of a sample of `size`, in the order of their hashes; all of them when there are no more.
pub fn draw<'a>(seed: u64, ids: impl IntoIterator<Item = &'a str>, size: usize) -> Vec<&'a str> {
    let hash = |id: &'a str| (xxh3_64_with_seed(id.as_bytes(), seed), id);
    let mut hashed: Vec<(u64, &str)> = ids.into_iter().map(hash).collect();
    if size < hashed.len() {
        hashed.select_nth_unstable(size);
        hashed.truncate(size);
    }
    hashed.sort_unstable();
    hashed.into_iter().map(|(_, id)| id).collect()
}

/// What a sample says of its population.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Resources in all.
    pub population: u64,
    /// Resources of the sample.
    pub sampled: u64,
    /// Resources of the sample with a value.
    pub measured: u64,
    /// Estimate of the mean over the population.
    pub mean: f64,
    /// Estimate of the sum over the population.
    pub total: f64,
    /// How far `total` may be off; nothing for a sample of one, which says nothing of it.
    pub spread: Option<Spread>,
}

/// The error of an estimated total.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Its standard error.
    pub standard_error: f64,
    /// Low end of the 95 % interval.
    pub low: f64,
    /// High end of the 95 % interval.
    pub high: f64,
}

impl Estimate {
    /// The estimate from the `values` of a sample in a fixed order, and `silent` more resources of it whose value is 0.
    /// Nothing from an empty sample, or one that is larger than the population.
    pub fn of(population: u64, values: &[f64], silent: u64) -> Option<Self> {
        let measured = values.len() as u64;
        let sampled = measured + silent;
        if sampled == 0 || sampled > population {
            return None;
        }
        let (n, all) = (sampled as f64, population as f64);
        let mean = values.iter().sum::<f64>() / n;
        let total = mean * all;
        let spread = (sampled > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
            let variance = (squares + silent as f64 * mean * mean) / (n - 1.0);
            let standard_error = all * ((1.0 - n / all) * variance / n).sqrt();
            let reach = NORMAL_975 * standard_error;
            Spread { standard_error, low: total - reach, high: total + reach }
        });
        Some(Self { population, sampled, measured, mean, total, spread })
    }
}

#[cfg(test)]
mod tests;
