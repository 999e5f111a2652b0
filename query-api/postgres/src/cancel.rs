//! Requests to stop a statement, which come on connections of their own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use datafusion_postgres::pgwire::messages::startup::SecretKey;
use tokio_util::sync::CancellationToken;

/// Which connections there are, by their number.
#[derive(Default)]
pub(crate) struct Running {
    connections: Mutex<HashMap<i32, (SecretKey, Arc<Slot>)>>,
    next: Mutex<i32>,
}

/// The statement of a connection, while one runs.
#[derive(Default)]
pub(crate) struct Slot(Mutex<Option<CancellationToken>>);

impl Slot {
    /// A statement begins that `stop` stops.
    pub(crate) fn begin(&self, stop: CancellationToken) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
    }

    /// It has ended.
    pub(crate) fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A connection's place; it is given back when dropped.
pub(crate) struct Place {
    running: Arc<Running>,
    /// What Postgres calls the process id.
    pub(crate) number: i32,
    pub(crate) key: SecretKey,
    pub(crate) slot: Arc<Slot>,
}

impl Running {
    /// A place for a connection.
    pub(crate) fn enter(self: &Arc<Self>, key: SecretKey) -> Place {
        let slot = Arc::<Slot>::default();
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let number = loop {
            *next = next.checked_add(1).unwrap_or(1);
            if !connections.contains_key(&next) {
                break *next;
            }
        };
        connections.insert(number, (key.clone(), Arc::clone(&slot)));
        Place { running: Arc::clone(self), number, key, slot }
    }

    /// Stops the statement of a connection, when the key is its own. Nobody is told whether it was.
    pub(crate) fn cancel(&self, number: i32, key: &SecretKey) {
        let connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((own, slot)) = connections.get(&number)
            && own.eq_value(key)
            && let Some(stop) = slot.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
        {
            stop.cancel();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.connections.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_key_stops_a_running_statement() {
        let running = Arc::<Running>::default();
        let place = running.enter(SecretKey::I32(7));
        let other = running.enter(SecretKey::I32(8));
        let stop = CancellationToken::new();
        running.cancel(place.number, &SecretKey::I32(7));
        place.slot.begin(stop.clone());
        running.cancel(place.number, &SecretKey::I32(8));
        running.cancel(other.number, &SecretKey::I32(7));
        assert!(!stop.is_cancelled());
        running.cancel(place.number, &SecretKey::I32(7));
        assert!(stop.is_cancelled());
        let number = place.number;
        drop(place);
        assert!(!running.connections.lock().unwrap().contains_key(&number));
    }
}
