use std::{cell::RefCell, future::ready};

use futures::future::join_all;
use jiff::Timestamp;

use super::*;
use crate::clock::VirtualClock;

mod properties;

const KINDS: [CallErrorKind; 6] = [
    CallErrorKind::Throttled,
    CallErrorKind::Transient,
    CallErrorKind::Expired,
    CallErrorKind::Denied,
    CallErrorKind::Invalid,
    CallErrorKind::Cancelled,
];

fn scope() -> Scope {
    Scope { account: "111122223333".to_owned(), region: "eu-west-1".to_owned() }
}

fn virtual_gate() -> (Gate, VirtualClock) {
    let clock = VirtualClock::starting(Timestamp::UNIX_EPOCH);
    (Gate::new(Limits::default(), Arc::new(clock.clone()), 42).with_observer(), clock)
}

fn refusal<T>(kind: CallErrorKind) -> Answer<T> {
    Err(CallError::new(kind, "the call", "its words"))
}

/// One priced call whose attempts end as listed and then well; its answer, its counts and how long it took.
fn call_with(attempts: &[CallErrorKind]) -> (Answer<&'static str>, CallCounts, Duration) {
    let (gate, clock) = virtual_gate();
    let (scope, tally, cancel) = (scope(), Tally::default(), CancellationToken::new());
    let call = Call { cost_nano_usd: 5_000_000, ..Call::new(Api::GetMetricData, Some(&scope)) };
    let mut left = attempts.iter();
    let answer =
        gate.make(&call, &tally, &cancel, || ready(left.next().map_or(Ok("served"), |kind| refusal(*kind))));
    let answer = clock.block_on(answer).unwrap();
    (answer, tally.counts(), clock.elapsed())
}

#[test]
fn each_kind_of_error_is_handled_as_it_says() {
    use CallErrorKind::{Cancelled, Denied, Expired, Invalid, Throttled, Transient};
    // Attempts that fail, kind of the answer's error, attempts, throttles, attempts that cost.
    for (attempts, ended, calls, throttles, paid) in [
        (&[][..], None, 1, 0, 1),
        (&[Throttled, Throttled], None, 3, 2, 1),
        (&[Transient], None, 2, 0, 2),
        (&[Expired], None, 2, 0, 1),
        (&[Expired, Throttled], None, 3, 1, 1),
        (&[Expired, Expired], Some(Denied), 2, 0, 0),
        (&[Expired, Transient, Expired], Some(Denied), 3, 0, 1),
        (&[Denied], Some(Denied), 1, 0, 0),
        (&[Invalid], Some(Invalid), 1, 0, 0),
        (&[Cancelled], Some(Cancelled), 1, 0, 0),
        (&[Throttled; 8], Some(Throttled), 8, 8, 0),
        (&[Transient; 7], None, 8, 0, 8),
        (&[Transient; 8], Some(Transient), 8, 0, 8),
    ] {
        let (answer, counts, _) = call_with(attempts);
        assert_eq!(answer.err().map(|e| e.kind), ended, "{attempts:?}");
        let expected = CallCounts { calls, throttles, retries: calls - 1, cost_nano_usd: paid * 5_000_000 };
        assert_eq!(counts, expected, "{attempts:?}");
    }
}

#[test]
fn only_throttling_and_passing_failures_wait() {
    for kind in KINDS {
        let (_, _, took) = call_with(&[kind]);
        let waits = matches!(kind, CallErrorKind::Throttled | CallErrorKind::Transient);
        assert_eq!(took > Duration::ZERO, waits, "{kind:?}: {took:?}");
        assert!(took < Duration::from_millis(400));
    }
    assert_eq!(
        call_with(&[CallErrorKind::Transient; 7]).2,
        call_with(&[CallErrorKind::Transient; 7]).2,
        "the same seed, the same waits"
    );
}

#[test]
fn an_attempt_that_stalls_is_given_up() {
    let (gate, clock) = virtual_gate();
    let (tally, cancel) = (Tally::default(), CancellationToken::new());
    let mut attempts = 0;
    let answer = gate.call(Api::Account, None, &tally, &cancel, || {
        attempts += 1;
        let stall = Duration::from_secs(if attempts == 1 { 3600 } else { 30 });
        let clock = clock.clone();
        async move {
            clock.sleep(stall).await;
            Ok(stall)
        }
    });
    assert_eq!(clock.block_on(answer).unwrap().unwrap(), Duration::from_secs(30));
    assert!((65..67).contains(&clock.elapsed().as_secs()), "{:?}", clock.elapsed());
    assert_eq!(tally.counts().retries, 1);
}

#[test]
fn a_denied_account_is_called_once_and_named_once() {
    let (gate, clock) = virtual_gate();
    let (scope, tally, cancel) = (scope(), Tally::default(), CancellationToken::new());
    let calls = (0..50).map(|_| {
        gate.call(Api::Tagging, Some(&scope), &tally, &cancel, async || {
            clock.sleep(Duration::from_millis(10)).await;
            refusal::<()>(CallErrorKind::Denied)
        })
    });
    let answers = clock.block_on(join_all(calls)).unwrap();
    assert!(answers.iter().all(|a| a.as_ref().unwrap_err().kind == CallErrorKind::Denied));
    assert_eq!(tally.counts().calls, 2, "the burst; those that were in the queue did not call");
    assert_eq!(gate.denied().len(), 1);
    assert_eq!(gate.denied()[0].reason, "its words");
    assert_eq!(
        clock.elapsed(),
        Duration::from_millis(250),
        "the next in the queue was waiting, the others leave at once"
    );
}

#[test]
fn a_refusal_of_one_call_alone_leaves_the_account_open() {
    let (gate, clock) = virtual_gate();
    let (scope, tally, cancel) = (scope(), Tally::default(), CancellationToken::new());
    let call = Call { account_breaker: false, ..Call::new(Api::ServiceLists, Some(&scope)) };
    let denied = gate.make(&call, &tally, &cancel, || ready(refusal::<()>(CallErrorKind::Denied)));
    clock.block_on(denied).unwrap().unwrap_err();
    let other = gate.call(Api::Tagging, Some(&scope), &tally, &cancel, || ready(Ok(())));
    clock.block_on(other).unwrap().unwrap();
    assert_eq!(gate.denied(), []);
}

#[test]
fn an_outage_is_not_answered_with_many_times_the_calls() {
    let (gate, clock) = virtual_gate();
    let (tally, cancel) = (Tally::default(), CancellationToken::new());
    let scopes: Vec<_> =
        (0..2_000).map(|n| Scope { account: format!("{n:012}"), region: "eu-west-1".to_owned() }).collect();
    let calls = scopes.iter().map(|scope| {
        gate.call(Api::GetMetricData, Some(scope), &tally, &cancel, || {
            ready(refusal::<()>(CallErrorKind::Transient))
        })
    });
    clock.block_on(join_all(calls)).unwrap();
    let allowed = 100.0 + 0.2 * 2_000.0 + 10.0 * (clock.elapsed().as_secs_f64() + 30.0);
    let retries = tally.counts().retries;
    assert!(retries as f64 <= allowed, "{retries} retries, {allowed} allowed");
    assert!(retries > 400, "{retries}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed: u64| {
        let clock = VirtualClock::starting(Timestamp::UNIX_EPOCH);
        let gate = Gate::new(Limits::default(), Arc::new(clock.clone()), seed);
        let (tally, cancel) = (Tally::default(), CancellationToken::new());
        let log = RefCell::new(Vec::new());
        let scopes: Vec<_> =
            (0..40).map(|n| Scope { account: format!("{n:012}"), region: "eu-west-1".to_owned() }).collect();
        let calls = scopes.iter().map(|scope| {
            let (log, clock) = (&log, &clock);
            gate.call(Api::ListMetrics, Some(scope), &tally, &cancel, move || {
                let mut log = log.borrow_mut();
                log.push((scope.account.clone(), clock.elapsed()));
                ready(if log.len() % 3 == 0 { refusal(CallErrorKind::Transient) } else { Ok(()) })
            })
        });
        clock.block_on(join_all(calls)).unwrap();
        log.into_inner()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

/// At 10 calls a second and a burst of 2, a place that is left a 64th is called 6.4 s later, less the 0.1 s that the
/// burst allows for.
#[test]
fn a_throttled_place_is_called_less_often_until_it_has_recovered() {
    let (gate, clock) = virtual_gate();
    let two_calls = async || {
        let mut times = Vec::new();
        for _ in 0..2 {
            gate.rates.queue(Api::ListMetrics, 1).await.admit().await;
            times.push(clock.elapsed());
        }
        times[1].saturating_sub(times[0])
    };
    let (slowed, recovered) = clock
        .block_on(async {
            for _ in 0..12 {
                gate.rates.throttled(Api::ListMetrics, 1);
                clock.sleep(Duration::from_secs(1)).await;
            }
            let slowed = two_calls().await;
            clock.sleep(Duration::from_secs(33)).await;
            (slowed, two_calls().await)
        })
        .unwrap();
    assert_eq!(slowed.as_micros(), 6_300_000);
    assert_eq!(recovered, Duration::ZERO, "the burst");
}

#[test]
fn places_do_not_wait_for_each_other() {
    let (gate, clock) = virtual_gate();
    let (tally, cancel) = (Tally::default(), CancellationToken::new());
    let scopes =
        [("111122223333", "eu-west-1"), ("111122223333", "us-east-1"), ("444455556666", "eu-west-1")]
            .map(|(account, region)| Scope { account: account.to_owned(), region: region.to_owned() });
    let call = |scope| gate.call(Api::Account, scope, &tally, &cancel, || ready(Ok(())));
    let calls = join_all(scopes.iter().map(Some).chain([None]).map(call));
    clock.block_on(calls).unwrap();
    assert_eq!(clock.elapsed(), Duration::ZERO);
    clock.block_on(call(None)).unwrap().unwrap();
    assert_eq!(clock.elapsed(), Duration::from_secs(1), "the second call at a place, at one a second");
}

#[test]
fn places_at_rest_are_forgotten() {
    let (gate, clock) = virtual_gate();
    clock
        .block_on(async {
            for place in 0..20_000 {
                gate.rates.queue(Api::GetMetricData, place).await.admit().await;
            }
        })
        .unwrap();
    let places = gate.rates.places(Api::GetMetricData);
    assert!(places <= 1_025, "{places} of 20,000 in memory, at 400 calls a second");
}
