//! Accounts that are left alone for a while because they refused, or because nothing came of a row of calls.
//!
//! An account that refuses would refuse each of its thousand calls, and each would stand in its owner's audit log. So
//! the first refusal stops them all; after a while one call goes through to see (the probe), and when it is answered
//! the account is taken up again. Only accounts with trouble are in memory.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use super::{Api, Call};
use crate::{
    clock::Clock,
    error::{CallError, CallErrorKind},
};

/// Calls in a row that failed, all attempts included, before the account is left alone.
const FAILURES_IN_A_ROW: u32 = 5;

/// How long an account is left alone that refused.
const REST_AFTER_DENIAL: Duration = Duration::from_mins(15);

/// How long an account is left alone that did not answer.
const REST_AFTER_FAILURES: Duration = Duration::from_mins(1);

/// Whom a breaker stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Party {
    /// An account, in all regions and APIs.
    Account(String),
    /// One API in the collector's own account: it may well ask one and not the other.
    Own(Api),
}

impl Party {
    pub(super) fn of(call: &Call<'_>) -> Self {
        call.scope.map_or(Self::Own(call.api), |scope| Self::Account(scope.account.clone()))
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(f, "account {id}"),
            Self::Own(api) => write!(f, "{api} in the collector's own account"),
        }
    }
}

/// An account that refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeniedAccount {
    /// The account; nothing for the collector's own.
    pub account: Option<String>,
    /// The call that it refused.
    pub call: String,
    /// Its words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

impl fmt::Display for DeniedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = self.account.as_deref().unwrap_or("the collector's own account");
        write!(f, "{account}: {}: {} (since {})", self.call, self.reason, self.since)
    }
}

/// The breakers of all accounts.
#[derive(Debug)]
pub(super) struct Breakers {
    clock: Arc<dyn Clock>,
    states: Mutex<BTreeMap<Party, State>>,
}

#[derive(Debug)]
enum State {
    /// Calls go through; so many failed in a row.
    Closed { failures: u32 },
    /// No call goes through but, from `until`, one at a time.
    Open { error: CallError, since: Timestamp, until: Duration, probing: bool },
}

impl State {
    fn refuses(&self) -> bool {
        matches!(self, Self::Open { error, .. } if error.kind == CallErrorKind::Denied)
    }
}

/// Leave to call. Says what came of it with [`settle`](Self::settle); without that nothing is learnt.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    breakers: &'a Breakers,
    party: Party,
    pub(super) is_probe: bool,
}

/// What a call says about its account.
#[derive(Debug)]
pub(super) enum Verdict<'a> {
    /// It answers.
    Answers,
    /// It did not answer.
    Fails(&'a CallError),
    /// It refuses.
    Refuses(&'a CallError),
}

impl Breakers {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, states: Mutex::default() }
    }

    /// Leave to call, or at once the error of an account that is left alone.
    pub(super) fn admit(&self, call: &Call<'_>) -> Result<Pass<'_>, CallError> {
        let party = Party::of(call);
        let mut is_probe = false;
        if let Some(State::Open { error, until, probing, .. }) = self.states().get_mut(&party) {
            if *probing || self.clock.elapsed() < *until {
                return Err(left_alone(&party, call, error));
            }
            *probing = true;
            is_probe = true;
        }
        Ok(Pass { breakers: self, party, is_probe })
    }

    /// The accounts that refuse, in order.
    pub(super) fn denied(&self) -> Vec<DeniedAccount> {
        let denied = |(party, state): (&Party, &State)| match state {
            State::Open { error, since, .. } if state.refuses() => Some(DeniedAccount {
                account: match party {
                    Party::Account(id) => Some(id.clone()),
                    Party::Own(_) => None,
                },
                call: error.call.clone(),
                reason: error.message.clone(),
                since: *since,
            }),
            _ => None,
        };
        self.states().iter().filter_map(denied).collect()
    }

    fn states(&self) -> MutexGuard<'_, BTreeMap<Party, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// An error when the account was found to be in trouble since leave was given.
    pub(super) fn check(&self, call: &Call<'_>) -> Result<(), CallError> {
        match self.breakers.states().get(&self.party) {
            Some(State::Open { error, .. }) if !self.is_probe => Err(left_alone(&self.party, call, error)),
            _ => Ok(()),
        }
    }

    /// Says what came of the call.
    pub(super) fn settle(mut self, verdict: &Verdict<'_>) {
        let was_probe = std::mem::take(&mut self.is_probe);
        let (now, elapsed) = (self.breakers.clock.now(), self.breakers.clock.elapsed());
        let mut states = self.breakers.states();
        let state = states.get(&self.party);
        let is_open = matches!(state, Some(State::Open { .. }));
        // Calls that were under way when the breaker opened tell nothing new, unless it was for want of answers and
        // now the account refuses.
        let (error, rest) = match verdict {
            Verdict::Answers => {
                if was_probe || !is_open {
                    states.remove(&self.party);
                }
                return;
            }
            Verdict::Refuses(error) if was_probe || !state.is_some_and(State::refuses) => {
                (*error, REST_AFTER_DENIAL)
            }
            Verdict::Fails(error) if was_probe => (*error, REST_AFTER_FAILURES),
            Verdict::Fails(error) if !is_open => {
                let failures = match state {
                    Some(State::Closed { failures }) => failures + 1,
                    _ => 1,
                };
                if failures < FAILURES_IN_A_ROW {
                    states.insert(self.party.clone(), State::Closed { failures });
                    return;
                }
                (*error, REST_AFTER_FAILURES)
            }
            Verdict::Refuses(_) | Verdict::Fails(_) => return,
        };
        let since = match state {
            Some(State::Open { error: known, since, .. }) if known.kind == error.kind => *since,
            _ => now,
        };
        let opened = State::Open { error: error.clone(), since, until: elapsed + rest, probing: false };
        states.insert(self.party.clone(), opened);
    }
}

impl Drop for Pass<'_> {
    /// A probe that was given up: the next call is the probe.
    fn drop(&mut self) {
        if self.is_probe
            && let Some(State::Open { probing, .. }) = self.breakers.states().get_mut(&self.party)
        {
            *probing = false;
        }
    }
}

fn left_alone(party: &Party, call: &Call<'_>, opened_by: &CallError) -> CallError {
    let message = format!("not called, because {party} is left alone since {opened_by}");
    CallError::new(opened_by.kind, call.to_string(), message)
}

#[cfg(test)]
mod tests;
