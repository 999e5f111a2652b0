//! What a sweep found out: which versions end and begin, and what the new ones say.

use std::collections::HashMap;

use super::{
    CHANGES, Complete, ENDS, Pending, REST_SAME, SEEN, SLOT, SLOT_BITS, Slot, TAGS_SAME, TAGS_TOLD, Texts,
};
use crate::inventory::{
    entry::{NO_TAGS, key_of, list_of},
    known::Known,
    rows::OldRows,
};

/// What a sweep changes.
#[derive(Debug)]
pub(in crate::inventory) struct Changes {
    /// Resources that are there now.
    pub(in crate::inventory) resources: u64,
    /// Versions that begin.
    pub(in crate::inventory) opened: u64,
    /// Versions that end.
    pub(in crate::inventory) closed: u64,
    /// Resources without an open version, in the order of rows.
    pub(in crate::inventory) fresh: Vec<Pending>,
    pub(super) known: Known,
    pub(super) changed: HashMap<u128, Pending>,
    pub(super) texts: Texts,
    pub(super) complete: Complete,
}

/// What becomes of an open version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) enum Fate {
    Stays,
    Ends,
    /// It ends, and another begins.
    Changes,
}

/// The columns that a sweep finds out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) struct Content<'a> {
    pub(in crate::inventory) resource_type: &'a str,
    pub(in crate::inventory) tags: Option<&'a str>,
    pub(in crate::inventory) configuration: Option<&'a str>,
    pub(in crate::inventory) source: &'static str,
}

impl Changes {
    /// What becomes of the open version of a resource.
    pub(in crate::inventory) fn fate(&self, arn: &str) -> Fate {
        let marks = self.known.find(key_of(arn)).map_or(0, |place| self.known.versions[place].marks());
        match marks & (ENDS | CHANGES) {
            0 => Fate::Stays,
            ENDS => Fate::Ends,
            _ => Fate::Changes,
        }
    }

    /// The content of a new resource.
    pub(in crate::inventory) fn new_content<'a>(&'a self, pending: &'a Pending) -> Content<'a> {
        self.content(Some(pending), pending.marks(), None)
    }

    /// The content of a changed resource, whose open version is `row` of `old`.
    pub(in crate::inventory) fn changed_content<'a>(&'a self, old: &'a OldRows, row: usize) -> Content<'a> {
        let key = key_of(old.arn(row));
        let marks = self.known.find(key).map_or(0, |place| self.known.versions[place].marks());
        self.content(self.changed.get(&key), marks, Some((old, row)))
    }

    fn content<'a>(
        &'a self,
        pending: Option<&'a Pending>,
        marks: u16,
        old: Option<(&'a OldRows, usize)>,
    ) -> Content<'a> {
        let (listed, tagged) = (marks & SLOT, marks >> SLOT_BITS & SLOT);
        let part = |slot: Slot| pending.and_then(|pending| pending.parts[slot as usize]);
        let old_tags = old.and_then(|(rows, row)| rows.tags(row));
        let told_tags = |slot: Slot, marks: u16| match marks & TAGS_SAME {
            0 => part(slot).and_then(|part| part.tags).map(|text| self.texts.text(text)),
            _ => old_tags,
        };
        let tags = match (tagged & TAGS_TOLD != 0, listed & TAGS_TOLD != 0) {
            (true, _) => told_tags(Slot::Tagging, tagged),
            (false, true) => told_tags(Slot::List, listed),
            (false, false) if self.complete.tagging => Some(NO_TAGS),
            (false, false) => old_tags,
        };
        let old_rest = old.map(|(rows, row)| (rows.resource_type(row), rows.configuration(row)));
        let told_rest = |slot: Slot| {
            part(slot).map(|part| {
                (self.texts.text(part.resource_type), part.configuration.map(|text| self.texts.text(text)))
            })
        };
        let is_of_list = old_rest.is_some_and(|(resource_type, _)| list_of(resource_type).is_some());
        let rest = match listed & SEEN != 0 {
            true if listed & REST_SAME == 0 => told_rest(Slot::List),
            false if tagged & REST_SAME == 0 && !is_of_list => told_rest(Slot::Tagging),
            _ => old_rest,
        };
        let (resource_type, configuration) = rest.unwrap_or_default();
        let source = match (self.complete.config, listed & SEEN != 0) {
            (Some(_), _) => "config",
            (None, true) => "list",
            (None, false) => "tagging",
        };
        Content { resource_type, tags, configuration, source }
    }
}
