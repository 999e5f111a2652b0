use super::*;

fn measured(start_us: i64, end_us: i64, avg: f64, samples: i64) -> Measurement {
    Measurement { start_us, end_us, avg, samples }
}

fn pieces(measurements: &[Measurement]) -> Vec<(i64, i64, f64)> {
    resolve(measurements.to_vec()).into_iter().map(|i| (i.start_us, i.end_us, i.avg)).collect()
}

#[test]
fn a_finer_one_speaks_and_the_coarser_for_the_rest() {
    let hour = measured(0, 60, 0.5, 12);
    let fine = [measured(10, 15, 0.9, 1), measured(15, 20, 0.1, 1)];
    assert_eq!(
        pieces(&[hour, fine[0], fine[1]]),
        [(0, 10, 0.5), (10, 15, 0.9), (15, 20, 0.1), (20, 60, 0.5)]
    );
}

#[test]
fn of_equal_intervals_the_one_with_most_samples_speaks_then_the_larger_mean() {
    assert_eq!(pieces(&[measured(0, 5, 0.9, 1), measured(0, 5, 0.2, 5)]), [(0, 5, 0.2)]);
    assert_eq!(pieces(&[measured(0, 5, 0.9, UNKNOWN_SAMPLES), measured(0, 5, 0.2, 0)]), [(0, 5, 0.2)]);
    assert_eq!(pieces(&[measured(0, 5, 0.2, 5), measured(0, 5, 0.9, 5)]), [(0, 5, 0.9)]);
    assert_eq!(pieces(&[measured(0, 5, 0.2, 5); 3]), [(0, 5, 0.2)]);
}

#[test]
fn equally_long_ones_that_are_offset_share_the_time_by_the_same_order() {
    assert_eq!(
        pieces(&[measured(0, 10, 0.2, 5), measured(5, 15, 0.4, 6)]),
        [(0, 5, 0.2), (5, 15, 0.4)],
        "more samples"
    );
    assert_eq!(
        pieces(&[measured(0, 10, 0.2, 5), measured(5, 15, 0.2, 5)]),
        [(0, 10, 0.2), (10, 15, 0.2)],
        "began earlier"
    );
}

#[test]
fn a_longer_one_that_begins_inside_does_not_cut_the_shorter() {
    let found = pieces(&[measured(0, 10, 0.2, 1), measured(3, 40, 0.7, 1), measured(5, 60, 0.8, 1)]);
    assert_eq!(found, [(0, 10, 0.2), (10, 40, 0.7), (40, 60, 0.8)]);
}

#[test]
fn without_overlap_all_stay_as_they_are() {
    let apart = [measured(20, 25, 0.3, 1), measured(0, 5, 0.1, 1), measured(5, 20, 0.2, UNKNOWN_SAMPLES)];
    assert_eq!(pieces(&apart), [(0, 5, 0.1), (5, 20, 0.2), (20, 25, 0.3)]);
    assert_eq!(pieces(&[measured(5, 5, 0.1, 1), measured(7, 6, 0.1, 1)]), []);
}

/// Steps of SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn number(&mut self, bound: u64) -> i64 {
        i64::try_from(self.below(bound)).unwrap()
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, usize::try_from(self.below(last as u64 + 1)).unwrap());
        }
    }
}

/// The rule, instant by instant: the mean that speaks, and the interval of its measurement.
fn speaking(measurements: &[Measurement], at: i64) -> Option<(i64, i64, u64)> {
    let holds = |m: &&Measurement| m.start_us <= at && at < m.end_us;
    let first = measurements.iter().filter(holds).min_by(|a, b| a.precedence(b))?;
    Some((first.start_us, first.end_us, first.avg.to_bits()))
}

#[test]
fn any_order_and_any_repeats_give_the_same_pieces_and_no_instant_twice() {
    const INSTANTS: i64 = 24;
    let mut chance = Chance(3);
    for case in 0..20_000 {
        let mut set: Vec<Measurement> = (0..=chance.below(8))
            .map(|_| {
                let start = chance.number(20);
                let length = [1, 2, 4, 4, 8, 20][usize::try_from(chance.below(6)).unwrap()];
                let avg = [0.0, 0.25, 0.5][usize::try_from(chance.below(3)).unwrap()];
                measured(start, (start + length).min(INSTANTS), avg, chance.number(3))
            })
            .collect();
        let resolved = resolve(set.clone());
        for pair in resolved.windows(2) {
            assert!(pair[0].end_us <= pair[1].start_us, "case {case}: {set:?} gives {resolved:?}");
        }
        for at in 0..INSTANTS {
            let holds = |i: &&Interval| i.start_us <= at && at < i.end_us;
            let found: Vec<u64> = resolved.iter().filter(holds).map(|i| i.avg.to_bits()).collect();
            let expected: Vec<u64> = speaking(&set, at).map(|(_, _, avg)| avg).into_iter().collect();
            assert_eq!(found, expected, "case {case}, instant {at}: {set:?}");
        }
        // As few pieces as there are changes of who speaks.
        let mut speakers: Vec<_> = (0..INSTANTS).map(|at| speaking(&set, at)).collect();
        speakers.dedup();
        assert_eq!(resolved.len(), speakers.iter().flatten().count(), "case {case}: {set:?}");

        let again = set[usize::try_from(chance.below(set.len() as u64)).unwrap()];
        set.push(again);
        chance.shuffle(&mut set);
        assert_eq!(resolve(set.clone()), resolved, "case {case}: {set:?}");
    }
}
