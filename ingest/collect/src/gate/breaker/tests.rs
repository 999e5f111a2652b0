use proptest::prelude::*;

use super::*;
use crate::{clock::VirtualClock, cloud::Scope};

fn scope(account: &str) -> Scope {
    Scope { account: account.to_owned(), region: "eu-west-1".to_owned() }
}

fn breakers() -> (Breakers, VirtualClock) {
    let clock = VirtualClock::starting("2026-11-01T00:00:00Z".parse().unwrap());
    (Breakers::new(Arc::new(clock.clone())), clock)
}

fn error(kind: CallErrorKind) -> CallError {
    CallError::new(kind, "ListMetrics in 111122223333, eu-west-1", "no identity-based policy allows it")
}

#[test]
fn a_refusal_opens_and_the_answer_to_the_probe_closes() {
    let (breakers, clock) = breakers();
    let (scope, elsewhere) = (scope("111122223333"), scope("444455556666"));
    let call = Call::new(Api::ListMetrics, Some(&scope));
    breakers.admit(&call).unwrap().settle(&Verdict::Refuses(&error(CallErrorKind::Denied)));

    let refused = breakers.admit(&Call::new(Api::Tagging, Some(&scope))).unwrap_err();
    assert_eq!(refused.kind, CallErrorKind::Denied);
    assert_eq!(
        refused.to_string(),
        "GetResources in 111122223333, eu-west-1: not called, because account 111122223333 is left alone since \
         ListMetrics in 111122223333, eu-west-1: no identity-based policy allows it"
    );
    breakers.admit(&Call::new(Api::Tagging, Some(&elsewhere))).unwrap();
    let expected = DeniedAccount {
        account: Some("111122223333".to_owned()),
        call: "ListMetrics in 111122223333, eu-west-1".to_owned(),
        reason: "no identity-based policy allows it".to_owned(),
        since: "2026-11-01T00:00:00Z".parse().unwrap(),
    };
    assert_eq!(breakers.denied(), std::slice::from_ref(&expected));

    // A probe that is refused changes nothing, also not since when.
    clock.advance(REST_AFTER_DENIAL);
    breakers.admit(&call).unwrap().settle(&Verdict::Refuses(&error(CallErrorKind::Denied)));
    breakers.admit(&call).unwrap_err();
    assert_eq!(breakers.denied(), [expected]);

    clock.advance(REST_AFTER_DENIAL);
    breakers.admit(&call).unwrap().settle(&Verdict::Answers);
    breakers.admit(&call).unwrap();
    assert_eq!(breakers.denied(), []);
    assert!(breakers.states().is_empty(), "an account without trouble is not in memory");
}

#[test]
fn failures_open_only_in_a_row() {
    let (breakers, clock) = breakers();
    let scope = scope("111122223333");
    let call = Call::new(Api::ListMetrics, Some(&scope));
    let fail = || breakers.admit(&call).unwrap().settle(&Verdict::Fails(&error(CallErrorKind::Transient)));
    for _ in 0..FAILURES_IN_A_ROW - 1 {
        fail();
    }
    breakers.admit(&call).unwrap().settle(&Verdict::Answers);
    for _ in 0..FAILURES_IN_A_ROW {
        fail();
    }
    assert_eq!(breakers.admit(&call).unwrap_err().kind, CallErrorKind::Transient);
    assert_eq!(breakers.denied(), [], "an account that does not answer has not refused");
    clock.advance(REST_AFTER_FAILURES);
    breakers.admit(&call).unwrap();
}

#[test]
fn calls_under_way_neither_close_nor_prolong() {
    let (breakers, clock) = breakers();
    let scope = scope("111122223333");
    let call = Call::new(Api::ListMetrics, Some(&scope));
    let under_way: Vec<_> = (0..3).map(|_| breakers.admit(&call).unwrap()).collect();
    breakers.admit(&call).unwrap().settle(&Verdict::Refuses(&error(CallErrorKind::Denied)));
    clock.advance(REST_AFTER_DENIAL / 2);
    for (pass, verdict) in under_way.into_iter().zip([
        Verdict::Answers,
        Verdict::Fails(&error(CallErrorKind::Transient)),
        Verdict::Refuses(&error(CallErrorKind::Denied)),
    ]) {
        assert_eq!(pass.check(&call).unwrap_err().kind, CallErrorKind::Denied);
        pass.settle(&verdict);
        breakers.admit(&call).unwrap_err();
    }
    clock.advance(REST_AFTER_DENIAL / 2);
    breakers.admit(&call).unwrap();
}

#[test]
fn one_api_of_our_own_account_does_not_stop_another() {
    let (breakers, _clock) = breakers();
    let sustainability = Call::new(Api::Sustainability, None);
    breakers.admit(&sustainability).unwrap().settle(&Verdict::Refuses(&error(CallErrorKind::Denied)));
    breakers.admit(&sustainability).unwrap_err();
    breakers.admit(&Call::new(Api::Organizations, None)).unwrap();
    assert_eq!(breakers.denied().len(), 1);
}

proptest! {
    /// Whatever calls come and however they end, after the breaker opened there is one call at a time, and only after
    /// its rest.
    #[test]
    fn one_probe_at_a_time(steps in prop::collection::vec((0_u64..1_200, 0_u8..5), 1..200)) {
        let (breakers, clock) = breakers();
        let scope = scope("111122223333");
        let call = Call::new(Api::ListMetrics, Some(&scope));
        breakers.admit(&call).unwrap().settle(&Verdict::Refuses(&error(CallErrorKind::Denied)));
        let mut opened_at = Some((clock.elapsed(), REST_AFTER_DENIAL));
        let mut probe: Option<Pass<'_>> = None;
        for (seconds, what) in steps {
            clock.advance(Duration::from_secs(seconds));
            match (what, probe.take()) {
                (0 | 1, held) => {
                    let Ok(pass) = breakers.admit(&call) else {
                        let rests = opened_at.is_some_and(|(at, rest)| clock.elapsed() < at + rest);
                        prop_assert!(held.is_some() || rests, "nobody may call");
                        probe = held;
                        continue;
                    };
                    prop_assert!(held.is_none(), "a second probe");
                    let Some((at, rest)) = opened_at else { continue };
                    prop_assert!(clock.elapsed() >= at + rest, "too early");
                    prop_assert!(pass.is_probe);
                    probe = Some(pass);
                }
                (2, Some(pass)) => {
                    pass.settle(&Verdict::Answers);
                    opened_at = None;
                }
                (3, Some(pass)) => {
                    pass.settle(&Verdict::Fails(&error(CallErrorKind::Transient)));
                    opened_at = Some((clock.elapsed(), REST_AFTER_FAILURES));
                }
                (_, held) => drop(held),
            }
        }
    }
}
