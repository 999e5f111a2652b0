use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use super::*;
use crate::{
    clock::VirtualClock,
    gate::{Api, Limits},
};

fn gate(clock: &VirtualClock) -> Gate {
    Gate::new(Limits::default(), Arc::new(clock.clone()), 1)
}

fn page(items: &[u32], next: Option<&str>) -> Page<u32> {
    Page { items: items.to_vec(), next: next.map(str::to_owned) }
}

/// All pages, with what is given as the service's answers: token asked for, page.
fn collect(service: impl FnMut(Option<&str>) -> Answer<Page<u32>> + Send) -> (Vec<Answer<Vec<u32>>>, u64) {
    let clock = VirtualClock::starting(Timestamp::UNIX_EPOCH);
    let (gate, tally, cancel) = (gate(&clock), Tally::default(), CancellationToken::new());
    let mut service = service;
    let call = Call::new(Api::Organizations, None);
    let pages = gate.pages(call, &tally, &cancel, |token| std::future::ready(service(token.as_deref())));
    let answers = clock.block_on(pages.collect()).unwrap();
    (answers, tally.counts().calls)
}

#[test]
fn pages_come_in_order_and_a_failed_one_is_asked_for_again() {
    let mut failures = 1;
    let (answers, calls) = collect(|token| match token {
        None => Ok(page(&[1, 2], Some("b"))),
        Some("b") if failures > 0 => {
            failures -= 1;
            Err(CallError::new(CallErrorKind::Throttled, "ListAccounts", "slow down"))
        }
        Some("b") => Ok(page(&[], Some("c"))),
        Some("c") => Ok(page(&[3], Some(""))),
        Some(other) => unreachable!("{other}"),
    });
    let pages: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(pages, [vec![1, 2], vec![], vec![3]]);
    assert_eq!(calls, 4);
}

#[test]
fn an_error_ends_the_stream() {
    let (answers, calls) = collect(|token| match token {
        None => Ok(page(&[1], Some("b"))),
        Some(_) => Err(CallError::new(CallErrorKind::Invalid, "ListAccounts", "bad token")),
    });
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[1].as_ref().unwrap_err().kind, CallErrorKind::Invalid);
    assert_eq!(calls, 2);
}

#[test]
fn a_circle_of_tokens_is_an_error_wherever_it_starts_and_however_long_it_is() {
    for (lead, circle) in [(0, 1), (0, 2), (3, 1), (7, 5), (1, 40)] {
        let mut asked = 0_usize;
        let (answers, calls) = collect(|_| {
            asked += 1;
            let position = if asked > lead { lead + (asked - lead) % circle } else { asked };
            Ok(page(&[0], (asked < 1_000).then(|| format!("token-{position}")).as_deref()))
        });
        let last = answers.last().unwrap().as_ref().unwrap_err();
        assert_eq!(last.kind, CallErrorKind::Invalid);
        assert!(calls <= 4 * (lead + circle) as u64, "{calls} calls for {lead} and {circle}");
    }
}

#[test]
fn the_next_page_is_asked_for_when_it_is_wanted() {
    let clock = VirtualClock::starting(Timestamp::UNIX_EPOCH);
    let (gate, tally, cancel) = (gate(&clock), Tally::default(), CancellationToken::new());
    let mut number = 0;
    let pages = gate.pages(Call::new(Api::Tagging, None), &tally, &cancel, |_| {
        number += 1;
        std::future::ready(Ok(page(&[number], Some(&number.to_string()))))
    });
    clock
        .block_on(async {
            futures::pin_mut!(pages);
            for wanted in 1..=3 {
                assert_eq!(pages.try_next().await.unwrap(), Some(vec![wanted]));
                assert_eq!(tally.counts().calls, u64::from(wanted));
            }
        })
        .unwrap();
}
