//! The order in which the fields of objects come: the same for all objects of a source, mostly.

/// Names of fields that objects of a kind have, and in which order they came in the last object. A name is tried where
/// it was before it is read.
#[derive(Debug)]
pub(super) struct Names {
    names: &'static [&'static str],
    order: Vec<&'static str>,
}

impl Names {
    pub(super) fn new(names: &'static [&'static str]) -> Self {
        Self { names, order: Vec::new() }
    }

    /// The name that is expected at a place.
    pub(super) fn expected(&self, place: usize) -> Option<&'static str> {
        self.order.get(place).copied().filter(|name| !name.is_empty())
    }

    /// A name was read at a place.
    pub(super) fn learn(&mut self, place: usize, read: &str) {
        let name = self.names.iter().find(|name| **name == read).copied().unwrap_or_default();
        match self.order.get_mut(place) {
            Some(expected) => *expected = name,
            // Objects with more fields than names have others among them, and no order that is worth much.
            None if place < 2 * self.names.len() => self.order.resize(place + 1, name),
            None => {}
        }
    }
}
