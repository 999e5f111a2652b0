//! Every call of the cloud's API goes through here: limits, waiting, trying again, giving up.
//!
//! A call passes, in this order: the *breaker* of its account (an account in trouble is left alone); the *limiters* of
//! its place, which is an account and region, and of the process, per API; the attempt itself, with a time limit. A
//! throttled place is *slowed down*. What may go through later is tried again after a *backoff*, as long as the retry
//! budget lasts. Each wait ends at once when the collector stops.
//!
//! Chance comes from a seed and time from a [`Clock`], so that under a virtual clock a run can be repeated.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::{
    backoff::{MAX_ATTEMPTS, RetryBudget},
    breaker::{Breakers, Pass, Verdict},
    observer::Observer,
    rate::Rates,
};
use crate::{
    clock::Clock,
    cloud::{Answer, Scope},
    error::{CallError, CallErrorKind},
    health::{CallCounts, Tally},
};

mod backoff;
mod breaker;
mod call;
mod limits;
mod observer;
mod pages;
mod rate;
mod slowdown;

pub use breaker::DeniedAccount;
pub use call::{Api, Call};
pub use limits::{ApiLimits, Limit, Limits};
pub use observer::Observed;

/// An attempt that takes longer is given up: longer than the services' own limits, so that their answer comes first.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(35);

/// Limits, backoff and breakers of all calls of a process.
#[derive(Debug)]
pub struct Gate {
    clock: Arc<dyn Clock>,
    seed: u64,
    limits: Limits,
    rates: Rates,
    budgets: [RetryBudget; Api::ALL.len()],
    breakers: Breakers,
    calls: AtomicU64,
    observer: Option<Observer>,
}

impl Gate {
    /// A gate through which nothing went yet. The jitter of waits follows from `seed`; processes must differ in it.
    pub fn new(limits: Limits, clock: Arc<dyn Clock>, seed: u64) -> Self {
        let now = clock.elapsed();
        Self {
            rates: Rates::new(&limits, &clock),
            budgets: Api::ALL.map(|_| RetryBudget::new(now)),
            breakers: Breakers::new(Arc::clone(&clock)),
            calls: AtomicU64::new(0),
            observer: None,
            clock,
            seed,
            limits,
        }
    }

    /// The same, with all calls counted for [`observed`](Self::observed); memory grows with the places.
    #[must_use]
    pub fn with_observer(self) -> Self {
        Self { observer: Some(Observer::default()), ..self }
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How often each place was called; nothing without an observer.
    pub fn observed(&self) -> Vec<Observed> {
        self.observer.as_ref().map(|observer| observer.observed(&self.limits)).unwrap_or_default()
    }

    /// The accounts that refuse now, in order, each once.
    pub fn denied(&self) -> Vec<DeniedAccount> {
        self.breakers.denied()
    }

    /// Makes one call, again where that helps. `scope` is where it is made; calls without one are made in the
    /// collector's own account. Counts into `tally`.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub async fn call<T, F, A>(
        &self,
        api: Api,
        scope: Option<&Scope>,
        tally: &Tally,
        cancel: &CancellationToken,
        attempt: F,
    ) -> Answer<T>
    where
        F: FnMut() -> A,
        A: Future<Output = Answer<T>>,
    {
        self.make(&Call::new(api, scope), tally, cancel, attempt).await
    }

    /// Makes one call, again where that helps.
    ///
    /// # Errors
    /// What the last attempt said; [`Cancelled`](CallErrorKind::Cancelled) as soon as `cancel` was called; for an
    /// account that is left alone, at once, the kind of error that led to it. Credentials that are out of date twice
    /// in a row count as [`Denied`](CallErrorKind::Denied).
    pub async fn make<T, F, A>(
        &self,
        call: &Call<'_>,
        tally: &Tally,
        cancel: &CancellationToken,
        attempt: F,
    ) -> Answer<T>
    where
        F: FnMut() -> A,
        A: Future<Output = Answer<T>>,
    {
        let pass = self.breakers.admit(call)?;
        let span = tracing::info_span!("call", call = %call);
        let answer = self.attempts(call, &pass, tally, cancel, attempt).instrument(span).await?;
        match answer.as_ref().map_err(|error| (error.kind, error)) {
            Err((CallErrorKind::Cancelled, _)) => {}
            Err((CallErrorKind::Denied, error)) if call.account_breaker => {
                pass.settle(&Verdict::Refuses(error));
            }
            Ok(_) | Err((CallErrorKind::Denied | CallErrorKind::Invalid, _)) => {
                pass.settle(&Verdict::Answers);
            }
            Err((_, error)) => pass.settle(&Verdict::Fails(error)),
        }
        answer
    }

    /// What the last attempt said, or an error that says nothing of the account: it was left alone meanwhile, or the
    /// collector stops.
    async fn attempts<T, F, A>(
        &self,
        call: &Call<'_>,
        pass: &Pass<'_>,
        tally: &Tally,
        cancel: &CancellationToken,
        mut attempt: F,
    ) -> Result<Answer<T>, CallError>
    where
        F: FnMut() -> A,
        A: Future<Output = Answer<T>>,
    {
        let place = call.place();
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let budget = &self.budgets[call.api as usize];
        budget.earn();
        let (mut attempts, mut expired) = (0, false);
        loop {
            let next = unless_cancelled(call, cancel, self.rates.queue(call.api, place)).await?;
            pass.check(call)?;
            unless_cancelled(call, cancel, next.admit()).await?;
            pass.check(call)?;
            attempts += 1;
            let retries = u64::from(attempts > 1);
            tally.add(CallCounts { calls: 1, retries, ..CallCounts::default() });
            let error = match self.attempt(call, cancel, attempt()).await {
                Ok(answer) => {
                    tally.add(CallCounts { cost_nano_usd: call.cost_nano_usd, ..CallCounts::default() });
                    return Ok(Ok(answer));
                }
                Err(error) => error,
            };
            match error.kind {
                CallErrorKind::Throttled => {
                    tally.add(CallCounts { throttles: 1, ..CallCounts::default() });
                    self.rates.throttled(call.api, place);
                }
                // It may have been served, and billed.
                CallErrorKind::Transient => {
                    tally.add(CallCounts { cost_nano_usd: call.cost_nano_usd, ..CallCounts::default() });
                }
                CallErrorKind::Expired if expired => {
                    let message = format!("still, after the credentials were renewed: {}", error.message);
                    return Ok(Err(CallError::new(CallErrorKind::Denied, error.call, message)));
                }
                CallErrorKind::Expired => {
                    expired = true;
                    continue;
                }
                CallErrorKind::Denied | CallErrorKind::Invalid | CallErrorKind::Cancelled => {
                    return Ok(Err(error));
                }
            }
            if pass.is_probe || attempts >= MAX_ATTEMPTS {
                return Ok(Err(error));
            }
            let Some(budgeted) = budget.take(self.clock.elapsed()) else { return Ok(Err(error)) };
            let wait = budgeted.max(backoff::wait(self.seed, place, number, attempts));
            unless_cancelled(call, cancel, self.clock.sleep(wait)).await?;
        }
    }

    /// One attempt, not longer than the time limit.
    async fn attempt<T>(
        &self,
        call: &Call<'_>,
        cancel: &CancellationToken,
        attempt: impl Future<Output = Answer<T>>,
    ) -> Answer<T> {
        if let Some(observer) = &self.observer {
            observer.saw(call.api, call.scope, self.clock.elapsed());
        }
        let limited = async {
            tokio::select! {
                biased;
                answer = attempt => answer,
                () = self.clock.sleep(ATTEMPT_TIMEOUT) => Err(CallError::new(
                    CallErrorKind::Transient,
                    call.to_string(),
                    format!("no answer within {} s", ATTEMPT_TIMEOUT.as_secs()),
                )),
            }
        };
        unless_cancelled(call, cancel, limited).await?
    }
}

/// Waits for `work`, unless the collector stops first.
async fn unless_cancelled<T>(
    call: &Call<'_>,
    cancel: &CancellationToken,
    work: impl Future<Output = T>,
) -> Answer<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => {
            Err(CallError::new(CallErrorKind::Cancelled, call.to_string(), "the collector is stopping"))
        }
        done = work => Ok(done),
    }
}

#[cfg(test)]
mod tests;
