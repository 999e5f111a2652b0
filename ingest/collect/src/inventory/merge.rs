//! What the sources tell, merged by ARN and compared with the open versions, a page at a time and in any order.
//!
//! An open version keeps 32 bytes with marks for what was seen of it. What a source tells in full is kept only where it
//! differs from the open version or there is none: an ARN, a table entry and three numbers of texts that are kept once.

mod changes;

use std::{cmp::Ordering, collections::HashMap, num::NonZeroU32, sync::Arc};

use super::{
    entry::{NO_TAGS, Told, hash_of_rest, hash_of_tags, key_of, list_of, resource_id},
    known::{Known, Version},
};
use crate::cloud::ServiceList;

pub(super) use changes::{Changes, Content, Fate};

/// Marks of a slot, of which the tagging API's are shifted.
const SEEN: u16 = 1;
const TAGS_TOLD: u16 = 2;
const TAGS_SAME: u16 = 4;
const REST_SAME: u16 = 8;
const SLOT_BITS: u32 = 4;
const SLOT: u16 = (1 << SLOT_BITS) - 1;
/// Marks of what becomes of the version.
const ENDS: u16 = 1 << 8;
const CHANGES: u16 = 1 << 9;

/// What a source says of a resource has one of two places: that of the tagging API, or that of lists and Config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    List,
    Tagging,
}

impl Slot {
    fn shift(self) -> u32 {
        self as u32 * SLOT_BITS
    }
}

/// Which sources told all they know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Complete {
    /// Config, where it was asked; then nothing else was.
    pub(super) config: Option<bool>,
    pub(super) tagging: bool,
    /// In the order of [`ServiceList::ALL`].
    pub(super) lists: [bool; ServiceList::ALL.len()],
}

impl Complete {
    /// Whether a resource that was not seen is gone, by the list of its type.
    fn would_show(self, list: Option<usize>) -> bool {
        self.config.unwrap_or_else(|| list.map_or(self.tagging, |list| self.lists[list]))
    }
}

/// The number of a text.
type Text = NonZeroU32;

/// A resource in full, in the words of one source.
#[derive(Debug, Clone, Copy)]
struct Part {
    resource_type: Text,
    tags: Option<Text>,
    configuration: Option<Text>,
}

/// A resource that is new or differs.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) arn: Box<str>,
    parts: [Option<Part>; 2],
}

impl Pending {
    fn marks(&self) -> u16 {
        [Slot::List, Slot::Tagging].into_iter().fold(0, |marks, slot| {
            let told = |part: Part| if part.tags.is_some() { SEEN | TAGS_TOLD } else { SEEN };
            marks | self.parts[slot as usize].map_or(0, told) << slot.shift()
        })
    }
}

/// Texts, each kept once.
#[derive(Debug, Default)]
struct Texts {
    all: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, Text>,
    bytes: usize,
}

impl Texts {
    fn number(&mut self, text: &str) -> Text {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let text: Arc<str> = text.into();
        self.bytes += text.len() + 2 * size_of::<usize>();
        self.all.push(Arc::clone(&text));
        let number = u32::try_from(self.all.len()).ok().and_then(Text::new).unwrap_or(Text::MAX);
        self.numbers.insert(text, number);
        number
    }

    fn text(&self, number: Text) -> &str {
        self.all.get(number.get() as usize - 1).map_or("", |text| text)
    }

    fn bytes(&self) -> usize {
        self.bytes
            + self.all.capacity() * size_of::<Arc<str>>()
            + self.numbers.capacity() * (size_of::<(Arc<str>, Text)>() + 1)
    }
}

/// A sweep in progress.
#[derive(Debug)]
pub(super) struct Merge {
    known: Known,
    pending: HashMap<u128, Pending>,
    texts: Texts,
    arn_bytes: usize,
}

impl Merge {
    pub(super) fn new(known: Known) -> Self {
        Self { known, pending: HashMap::new(), texts: Texts::default(), arn_bytes: 0 }
    }

    /// The newest time of any known version, microseconds.
    pub(super) fn newest_us(&self) -> Option<i64> {
        self.known.newest_us
    }

    /// Bytes that it holds, with room to sort what is new.
    pub(super) fn bytes(&self) -> usize {
        let table = self.pending.capacity() * (size_of::<(u128, Pending)>() + 1);
        let sorted = self.pending.len() * size_of::<Pending>();
        self.known.bytes() + table + sorted + self.arn_bytes + self.texts.bytes()
    }

    /// Takes what a source tells of a resource. What it told before of the same resource counts no more.
    pub(super) fn accept(&mut self, slot: Slot, told: &Told) {
        let key = key_of(&told.arn);
        let place = self.known.find(key);
        let is_same = place.is_some_and(|place| {
            let version = &mut self.known.versions[place];
            let marks = marks_of(version, told);
            version.mark(SLOT << slot.shift(), marks << slot.shift());
            let tags = marks & TAGS_TOLD == 0 || marks & TAGS_SAME != 0;
            // What the tagging API says of a type is of use only where there is no list of that type.
            let rest = marks & REST_SAME != 0 || (slot == Slot::Tagging && version.list().is_some());
            tags && rest
        });
        if is_same {
            if let Some(pending) = self.pending.get_mut(&key) {
                pending.parts[slot as usize] = None;
            }
            return;
        }
        let part = Part {
            resource_type: self.texts.number(&told.resource_type),
            tags: told.tags.as_deref().map(|tags| self.texts.number(tags)),
            configuration: told.configuration.as_deref().map(|text| self.texts.number(text)),
        };
        let pending = self.pending.entry(key).or_insert_with(|| {
            self.arn_bytes += told.arn.len();
            Pending { arn: told.arn.as_str().into(), parts: [None; 2] }
        });
        pending.parts[slot as usize] = Some(part);
    }

    /// Decides what became of every resource, now that all was told that will be.
    pub(super) fn finish(mut self, complete: Complete) -> Changes {
        let (mut opened, mut closed, mut resources) = (0, 0, 0);
        for version in &mut self.known.versions {
            let fate = fate(version, complete);
            version.mark(ENDS | CHANGES, fate);
            opened += u64::from(fate & CHANGES != 0);
            closed += u64::from(fate != 0);
            resources += u64::from(fate & ENDS == 0);
        }
        let (mut changed, mut fresh) = (HashMap::new(), Vec::new());
        for (key, pending) in self.pending {
            if self.known.find(key).is_some() {
                changed.insert(key, pending);
            } else if pending.parts[Slot::List as usize].is_some()
                || pending.parts[Slot::Tagging as usize].is_some_and(|part| {
                    list_of(self.texts.text(part.resource_type)).is_none_or(|list| !complete.lists[list])
                })
            {
                fresh.push(pending);
            }
        }
        fresh.sort_unstable_by(|a, b| order(&a.arn, &b.arn));
        let new = fresh.len() as u64;
        Changes {
            resources: resources + new,
            opened: opened + new,
            closed,
            fresh,
            known: self.known,
            changed,
            texts: self.texts,
            complete,
        }
    }
}

/// The order of rows in files.
pub(super) fn order(a: &str, b: &str) -> Ordering {
    (resource_id(a), a).cmp(&(resource_id(b), b))
}

fn marks_of(version: &Version, told: &Told) -> u16 {
    let tags = told.tags.as_deref();
    let mark = |is_set, mark| if is_set { mark } else { 0 };
    let rest = hash_of_rest(&told.resource_type, told.configuration.as_deref());
    SEEN | mark(tags.is_some(), TAGS_TOLD)
        | mark(tags.is_some() && hash_of_tags(tags) == version.tags, TAGS_SAME)
        | mark(rest == version.rest, REST_SAME)
}

/// What becomes of an open version: nothing, [`ENDS`] or [`CHANGES`].
fn fate(version: &Version, complete: Complete) -> u16 {
    let (listed, tagged) = (version.marks() & SLOT, version.marks() >> SLOT_BITS & SLOT);
    if listed & SEEN == 0 {
        // The tagging API still tells of resources that are gone. The list of their type knows better.
        let only_list_counts = tagged & SEEN == 0 || version.list().is_some();
        if only_list_counts && complete.would_show(version.list()) {
            return ENDS;
        }
        if tagged & SEEN == 0 {
            return 0;
        }
    }
    let same_tags = match (tagged & TAGS_TOLD != 0, listed & TAGS_TOLD != 0) {
        (true, _) => tagged & TAGS_SAME != 0,
        (false, true) => listed & TAGS_SAME != 0,
        (false, false) => !complete.tagging || version.tags == hash_of_tags(Some(NO_TAGS)),
    };
    let same_rest = match (listed & SEEN != 0, version.list()) {
        (true, _) => listed & REST_SAME != 0,
        (false, Some(_)) => true,
        (false, None) => tagged & REST_SAME != 0,
    };
    if same_tags && same_rest { 0 } else { CHANGES }
}

#[cfg(test)]
mod tests;
