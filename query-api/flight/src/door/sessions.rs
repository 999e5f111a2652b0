//! Those who signed in with a password.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use airshed_query_api::access::{Principal, Secret};
use tokio::time::Instant;

/// Time for which somebody stays signed in.
pub(super) const SIGNED_IN: Duration = Duration::from_hours(12);
/// Sessions that are kept; the oldest go first.
const MOST: usize = 10_000;

/// Held in memory alone: who restarts the server signs everybody out.
pub(super) struct Sessions {
    /// 256 random bits, hexadecimal.
    random: String,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    drawn: u64,
    /// By SHA-256 of the id.
    by_id: HashMap<String, (Principal, Instant)>,
}

impl Sessions {
    pub(super) fn new(random: [u8; 32]) -> Self {
        let random = random.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            _ = write!(text, "{byte:02x}");
            text
        });
        Self { random, held: Mutex::default() }
    }

    /// Keeps somebody. Returns the id of their session, which nobody guesses without the random bits.
    pub(super) fn add(&self, principal: Principal, now: Instant) -> Secret {
        let mut held = self.held();
        held.by_id.retain(|_, (_, until)| *until > now);
        if held.by_id.len() >= MOST
            && let Some(oldest) =
                held.by_id.iter().min_by_key(|(_, (_, until))| *until).map(|(id, _)| id.clone())
        {
            held.by_id.remove(&oldest);
        }
        held.drawn += 1;
        let Self { random, .. } = self;
        let drawn = Secret::presented(format!("{random} session {} {random}", held.drawn)).sha256();
        let id = Secret::presented(format!("airshed_session_{drawn}"));
        held.by_id.insert(id.sha256(), (principal, now + SIGNED_IN));
        id
    }

    pub(super) fn find(&self, id: &Secret, now: Instant) -> Option<Principal> {
        let held = self.held();
        let (principal, until) = held.by_id.get(&id.sha256())?;
        (*until > now).then(|| principal.clone())
    }

    pub(super) fn remove(&self, id: &Secret) {
        self.held().by_id.remove(&id.sha256());
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
