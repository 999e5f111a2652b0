use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|id| format!("arn:aws:lambda:eu-west-1:111122223333:function:f{id}")).collect()
}

fn drawn(seed: u64, ids: &[String], size: usize) -> Vec<&str> {
    draw(seed, ids.iter().map(String::as_str), size)
}

/// The data of Cochran, Sampling Techniques, 3rd ed., section 2.8: signatures on 50 of 676 sheets of a petition. The
/// expected figures follow from their sums, calculated apart from this code: 1,471 signatures, 54,497 squared.
#[test]
fn the_petition_of_cochran_comes_out() {
    const SHEETS: [(f64, usize); 19] = [
        (42.0, 23),
        (41.0, 4),
        (36.0, 1),
        (32.0, 1),
        (29.0, 1),
        (27.0, 2),
        (23.0, 1),
        (19.0, 1),
        (16.0, 2),
        (15.0, 2),
        (14.0, 1),
        (11.0, 1),
        (10.0, 1),
        (9.0, 1),
        (7.0, 1),
        (6.0, 3),
        (5.0, 2),
        (4.0, 1),
        (3.0, 1),
    ];
    let values: Vec<f64> =
        SHEETS.iter().flat_map(|(signatures, sheets)| std::iter::repeat_n(*signatures, *sheets)).collect();
    let estimate = Estimate::of(676, &values, 0).unwrap();
    assert_eq!((estimate.sampled, estimate.measured), (50, 50));
    let spread = estimate.spread.unwrap();
    let near =
        |value: f64, expected: f64| assert!((value / expected - 1.0).abs() < 1e-9, "{value}, not {expected}");
    near(estimate.mean, 29.42);
    near(estimate.total, 19_887.92);
    near(spread.standard_error, 1_392.122_281_117_457_5);
    near(spread.low, 17_159.410_467);
    near(spread.high, 22_616.429_533);
}

#[test]
fn the_silent_count_as_zero() {
    let with_zeros = Estimate::of(40, &[3.0, 5.0, 0.0, 0.0, 0.0], 0).unwrap();
    let silent = Estimate::of(40, &[3.0, 5.0], 3).unwrap();
    assert_eq!(Estimate { measured: 5, ..silent }, with_zeros);
    assert_eq!(silent.measured, 2);
    assert!((silent.total - 64.0).abs() < 1e-9);
}

#[test]
fn small_samples_say_no_more_than_they_know() {
    assert_eq!(Estimate::of(10, &[], 0), None);
    assert_eq!(Estimate::of(2, &[1.0, 1.0, 1.0], 0), None);
    assert_eq!(Estimate::of(10, &[2.0], 0).unwrap().spread, None);
    let all = Estimate::of(3, &[1.0, 2.0, 6.0], 0).unwrap();
    assert_eq!((all.total, all.spread.unwrap().standard_error), (9.0, 0.0));
}

/// Over all 56 samples of 3 out of 8 the mean of the estimates is the truth, and the mean of the squared standard errors
/// is the variance that the estimates really have.
#[test]
fn estimates_are_unbiased_over_all_samples() {
    let population = [0.0, 0.0, 1.0, 2.0, 2.0, 7.0, 19.0, 100.0];
    let truth: f64 = population.iter().sum();
    let (mut totals, mut variances) = (Vec::new(), Vec::new());
    for a in 0..8 {
        for b in a + 1..8 {
            for c in b + 1..8 {
                let estimate = Estimate::of(8, &[population[a], population[b], population[c]], 0).unwrap();
                totals.push(estimate.total);
                variances.push(estimate.spread.unwrap().standard_error.powi(2));
            }
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert_eq!(totals.len(), 56);
    assert!((mean(&totals) - truth).abs() < 1e-9 * truth);
    let squares: Vec<f64> = totals.iter().map(|total| (total - truth).powi(2)).collect();
    assert!((mean(&variances) - mean(&squares)).abs() < 1e-9 * mean(&squares));
}

/// Over many seeds each of the 56 samples of 3 out of 8 is drawn as often as any other: a chi-square of 55 degrees of
/// freedom is above 93.2 in one of 1,000 cases.
#[test]
fn every_sample_is_as_likely_as_any_other() {
    const SEEDS: u64 = 28_000;
    let ids = ids(8);
    let mut counts: BTreeMap<BTreeSet<&str>, u64> = BTreeMap::new();
    for seed in 0..SEEDS {
        *counts.entry(drawn(seed, &ids, 3).into_iter().collect()).or_default() += 1;
    }
    assert_eq!(counts.len(), 56);
    let expected = SEEDS as f64 / 56.0;
    let chi_square: f64 = counts.values().map(|count| (*count as f64 - expected).powi(2) / expected).sum();
    assert!(chi_square < 93.2, "{chi_square}");
}

/// How often the 95 % interval covers the truth over 4,000 seeds of samples of 200 out of 2,000, and that the mean of the
/// estimates is the truth, of populations whose value at the share `u` of the ranks is as named. The coverage that is said
/// is that of 12,000 samples by Python's `random.sample`; they differ by no more than 3.3 standard errors.
#[test]
fn intervals_cover_as_often_as_is_said() {
    const SEEDS: u64 = 4_000;
    type Population = (&'static str, fn(f64) -> f64, f64);
    const POPULATIONS: [Population; 4] = [
        ("even: u", |u| u, 0.952),
        ("skewed: u^8", |u| u.powi(8), 0.941),
        ("1 of 20 at work", |u| if u > 0.95 { 1.0 } else { 0.0 }, 0.939),
        ("few hold most: 1/(1-u)", |u| 1.0 / (1.0 - u), 0.575),
    ];
    let ids = ids(2_000);
    let rank: BTreeMap<&str, f64> =
        ids.iter().enumerate().map(|(rank, id)| (id.as_str(), (rank as f64 + 0.5) / 2_000.0)).collect();
    let truths = POPULATIONS.map(|(_, value, _)| rank.values().map(|u| value(*u)).sum::<f64>());
    let mut covered = [0_u32; 4];
    let mut errors = [const { Vec::new() }; 4];
    for seed in 0..SEEDS {
        let ranks: Vec<f64> = drawn(seed, &ids, 200).into_iter().map(|id| rank[id]).collect();
        for (place, (_, value, _)) in POPULATIONS.iter().enumerate() {
            let values: Vec<f64> = ranks.iter().map(|u| value(*u)).collect();
            let estimate = Estimate::of(2_000, &values, 0).unwrap();
            let spread = estimate.spread.unwrap();
            covered[place] += u32::from((spread.low..=spread.high).contains(&truths[place]));
            errors[place].push(estimate.total - truths[place]);
        }
    }
    let n = SEEDS as f64;
    for ((name, _, said), covered) in POPULATIONS.iter().zip(covered) {
        let coverage = f64::from(covered) / n;
        let standard_error = (said * (1.0 - said) * (1.0 / n + 1.0 / 12_000.0)).sqrt();
        assert!((coverage - said).abs() < 3.3 * standard_error, "{name}: {coverage}, not {said}");
    }
    for ((name, ..), errors) in POPULATIONS.iter().zip(&errors) {
        let mean = errors.iter().sum::<f64>() / n;
        let variance = errors.iter().map(|error| (error - mean).powi(2)).sum::<f64>() / (n - 1.0);
        assert!((mean / (variance / n).sqrt()).abs() < 3.3, "{name}: {mean}");
    }
}

#[test]
fn a_sample_is_the_same_every_time_and_moves_little() {
    let ids = ids(1_001);
    let of = |ids: &[String]| drawn(7, ids, 100).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let before = of(&ids[..1_000]);
    assert_eq!(before.len(), 100);
    let backwards: Vec<String> = ids[..1_000].iter().rev().cloned().collect();
    assert_eq!(of(&backwards), before);
    assert!(of(&ids).difference(&before).count() <= 1);
    for gone in 0..50 {
        let without: Vec<String> =
            ids[..1_000].iter().enumerate().filter(|(id, _)| *id != gone).map(|(_, id)| id.clone()).collect();
        let expected = usize::from(before.contains(&ids[gone]));
        assert_eq!(before.difference(&of(&without)).count(), expected);
    }
    assert_ne!(drawn(8, &ids[..1_000], 100), drawn(7, &ids[..1_000], 100));
    assert_eq!(drawn(7, &ids[..3], 5).len(), 3);
}
