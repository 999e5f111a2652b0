//! What must hold for any pattern of calls.

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;

fn limit(per_second: u32, burst: u32) -> Limit {
    Limit { per_second: NonZeroU32::new(per_second).unwrap(), burst: NonZeroU32::new(burst).unwrap() }
}

fn any_limit() -> impl Strategy<Value = Limit> {
    (1_u32..30, 1_u32..8).prop_map(|(per_second, burst)| limit(per_second, burst))
}

/// In no window more than the burst and what the rate gives for the time of the window.
fn within(limit: Limit, times: &[Duration]) -> Result<(), TestCaseError> {
    for (first, start) in times.iter().enumerate() {
        for (last, end) in times.iter().enumerate().skip(first) {
            let beyond_burst = u32::try_from(last - first + 1).unwrap().saturating_sub(limit.burst.get());
            let least = limit.interval() * beyond_burst;
            let window = end.saturating_sub(*start);
            prop_assert!(window >= least, "{} calls in {window:?}", last - first + 1);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Calls at random times in three places, some throttled: each place keeps its limit at every window, and so does
    /// the process.
    #[test]
    fn no_window_holds_more_calls_than_the_limits_allow(
        place in any_limit(),
        overall in any_limit(),
        arrivals in prop::collection::vec((0_u64..4_000, 0_usize..3, prop::bool::weighted(0.2)), 1..80),
    ) {
        let clock = VirtualClock::starting(Timestamp::UNIX_EPOCH);
        let limits = Limits::default().with(Api::Tagging, ApiLimits { place, overall });
        let gate = Gate::new(limits, Arc::new(clock.clone()), 7).with_observer();
        let scopes = ["111122223333", "444455556666", "777788889999"]
            .map(|account| Scope { account: account.to_owned(), region: "eu-west-1".to_owned() });
        let (tally, cancel) = (Tally::default(), CancellationToken::new());
        let times = RefCell::new(vec![Vec::new(); 3]);
        let calls = arrivals.iter().map(|(arrival, at, throttled)| {
            let (gate, clock, times, scopes, tally, cancel) = (&gate, &clock, &times, &scopes, &tally, &cancel);
            async move {
                clock.sleep(Duration::from_millis(*arrival)).await;
                let mut throttled = *throttled;
                gate.call(Api::Tagging, Some(&scopes[*at]), tally, cancel, || {
                    times.borrow_mut()[*at].push(clock.elapsed());
                    ready(if std::mem::take(&mut throttled) { refusal(CallErrorKind::Throttled) } else { Ok(()) })
                }).await
            }
        });
        let answers = clock.block_on(join_all(calls)).unwrap();
        prop_assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        let times = times.into_inner();
        for times in &times {
            within(place, times)?;
        }
        let mut all = times.concat();
        all.sort_unstable();
        within(overall, &all)?;
        for observed in gate.observed() {
            prop_assert!(observed.most_in_a_second <= observed.limit_in_a_second, "{observed:?}");
        }
        prop_assert_eq!(all.len() as u64, tally.counts().calls);
    }

    /// One in five calls throttled whatever the rate: the place is slowed within bounds, and back at its limit soon
    /// after.
    #[test]
    fn a_place_under_throttles_slows_down_and_recovers(seed: u64, per_second in 2_u32..40) {
        let clock = VirtualClock::starting(Timestamp::UNIX_EPOCH);
        let limits = ApiLimits { place: limit(per_second, 2), overall: limit(1_000, 100) };
        let gate = Gate::new(Limits::default().with(Api::Tagging, limits), Arc::new(clock.clone()), seed);
        let (scope, tally, cancel) = (scope(), Tally::default(), CancellationToken::new());
        let place = Call::new(Api::Tagging, Some(&scope)).place();
        let shares = RefCell::new(Vec::new());
        let mut dice = seed;
        let answers = clock.block_on(async {
            for _ in 0..300 {
                // Eight in a row would be the end of the call, as they should.
                let mut attempts = 0;
                gate.call(Api::Tagging, Some(&scope), &tally, &cancel, || {
                    attempts += 1;
                    shares.borrow_mut().push(gate.rates.share(Api::Tagging, place));
                    dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    ready(if (dice >> 33) % 5 == 0 && attempts < MAX_ATTEMPTS { refusal(CallErrorKind::Throttled) } else { Ok(()) })
                }).await?;
            }
            clock.sleep(Duration::from_secs(33)).await;
            Ok::<_, CallError>(())
        }).unwrap();
        prop_assert!(answers.is_ok(), "{answers:?}");
        let shares = shares.into_inner();
        prop_assert!(shares.iter().all(|share| (1.0 / 64.0..=1.0).contains(share)));
        prop_assert!(shares.iter().any(|share| *share < 0.8), "it was slowed");
        prop_assert_eq!(gate.rates.share(Api::Tagging, place).to_bits(), 1.0_f64.to_bits());
    }

    /// Whatever a call waits for when the collector stops: turn, limit, answer, time until the next attempt.
    #[test]
    fn stopping_ends_every_wait_at_once(stop_ms in 0_u64..100_000, calls in 1_usize..20, answer_ms in 0_u64..40_000) {
        let clock = VirtualClock::starting(Timestamp::UNIX_EPOCH);
        let slow = ApiLimits { place: limit(1, 1), overall: limit(1, 1) };
        let gate = Gate::new(Limits::default().with(Api::Config, slow), Arc::new(clock.clone()), 3);
        let (tally, cancel) = (Tally::default(), CancellationToken::new());
        let stop = Duration::from_millis(stop_ms);
        let ends = clock.block_on(async {
            let calls = (0..calls).map(|number| {
                let (gate, clock, tally, cancel) = (&gate, &clock, &tally, &cancel);
                async move {
                    let answer = gate.call(Api::Config, None, tally, cancel, || async {
                        clock.sleep(Duration::from_millis(answer_ms)).await;
                        if number % 2 == 0 { refusal(CallErrorKind::Transient) } else { Ok(()) }
                    }).await;
                    (answer, clock.elapsed())
                }
            });
            let stopping = async {
                clock.sleep(stop).await;
                cancel.cancel();
            };
            futures::future::join(join_all(calls), stopping).await.0
        }).unwrap();
        for (answer, end) in ends {
            prop_assert!(end <= stop, "{end:?} after {stop:?}");
            let cancelled = answer.is_err_and(|error| error.kind == CallErrorKind::Cancelled);
            prop_assert!(!cancelled || end == stop);
        }
        prop_assert_eq!(gate.rates.places(Api::Config), usize::from(tally.counts().calls > 0), "nobody is in a queue");
    }
}
