//! Hashes of lines, held so that those of other lines can be looked up in them, and what was found.

use std::ops::Range;

use super::lines::RowGroupLines;

/// Hashes of a slot, about.
const SLOT_HASHES: usize = 8;

/// Lines of an account in the shared time, and those among them that the other side holds too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Lines of the delivery at hand.
    pub(super) mine: u64,
    /// Lines of the other.
    pub(super) theirs: u64,
    ids: Shared,
    contents: Shared,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Shared {
    mine: u64,
    theirs: u64,
}

impl Tally {
    /// A tenth of the ids in common is more than the few equal lines that parts of a month may have. Content must agree
    /// nearly throughout, on both sides, as it says less than an id.
    pub(super) fn bills_the_same(&self) -> bool {
        let reaches = |shared: u64, of: u64, tenths: u64| shared > 0 && shared * 10 >= of * tenths;
        reaches(self.ids.mine, self.mine, 1)
            || reaches(self.ids.theirs, self.theirs, 1)
            || (reaches(self.contents.mine, self.mine, 9) && reaches(self.contents.theirs, self.theirs, 9))
    }
}

/// The hashes of some lines by both signs.
#[derive(Default)]
pub(super) struct HeldLines {
    ids: Hashes,
    contents: Hashes,
}

impl HeldLines {
    pub(super) fn extend(&mut self, lines: &RowGroupLines) {
        self.ids.sorted.extend(&lines.ids);
        self.contents.sorted.extend(&lines.contents);
    }

    /// Must stand between the last `extend` and the first `look_up`.
    pub(super) fn sort(&mut self) {
        self.ids.sort();
        self.contents.sort();
    }

    /// Looks up lines of the other side that are of one account.
    pub(super) fn look_up(&mut self, lines: &RowGroupLines, rows: Range<usize>, tally: &mut Tally) {
        self.ids.look_up(&lines.ids[rows.clone()], &mut tally.ids);
        self.contents.look_up(&lines.contents[rows], &mut tally.contents);
    }
}

/// Hashes in order; those with the same first bits lie in one slot.
#[derive(Default)]
struct Hashes {
    sorted: Vec<u64>,
    /// Where each slot starts, and the end of the last.
    slots: Vec<usize>,
    /// First bits of a hash that choose its slot; at least 1.
    slot_bits: u32,
    /// Whether the hash was found; told of the first of equal ones.
    found: Vec<bool>,
}

impl Hashes {
    fn sort(&mut self) {
        self.sorted.sort_unstable();
        self.found = vec![false; self.sorted.len()];
        let slot_bits = (self.sorted.len() / SLOT_HASHES).max(2).ilog2();
        self.slot_bits = slot_bits;
        let starts = (0..1u64 << slot_bits).map(|slot| slot << (u64::BITS - slot_bits));
        let mut next = 0;
        self.slots = starts
            .map(|start| {
                next += self.sorted[next..].iter().take_while(|hash| **hash < start).count();
                next
            })
            .chain([self.sorted.len()])
            .collect();
    }

    fn look_up(&mut self, hashes: &[u64], shared: &mut Shared) {
        for hash in hashes {
            let slot = usize::try_from(hash >> (u64::BITS - self.slot_bits)).unwrap_or_default();
            let range = self.slots[slot]..self.slots[slot + 1];
            let first = range.start + self.sorted[range.clone()].partition_point(|held| held < hash);
            if first == range.end || self.sorted[first] != *hash {
                continue;
            }
            shared.theirs += 1;
            if !self.found[first] {
                self.found[first] = true;
                let equal = self.sorted[first..range.end].iter().take_while(|held| *held == hash).count();
                shared.mine += equal as u64;
            }
        }
    }
}
