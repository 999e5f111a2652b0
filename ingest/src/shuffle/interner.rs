//! Strings to small codes and back, for one column.
//!
//! An open-addressing table over one text: no allocation per string, and the XXH3 hash that finds a string is the one
//! that places its lines in a bucket.

use xxhash_rust::xxh3::xxh3_64;

/// Hash of a missing value. Any constant would do; it is part of the ledger's format like the hash itself.
const NULL_HASH: u64 = 0;

/// The strings of one column. Code 0 is null, the others count from 1 in order of arrival.
#[derive(Debug)]
pub(crate) struct Interner {
    /// Codes by hash; 0 is an empty slot. The length is a power of two.
    slots: Vec<u32>,
    hashes: Vec<u64>,
    ends: Vec<usize>,
    text: String,
}

impl Default for Interner {
    fn default() -> Self {
        Self { slots: vec![0; 64], hashes: vec![NULL_HASH], ends: vec![0], text: String::new() }
    }
}

impl Interner {
    /// The code of a string.
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        let hash = xxh3_64(text.as_bytes());
        let mut slot = self.slot_of(hash);
        loop {
            match self.slots[slot] {
                0 => break,
                code if self.hashes[code as usize] == hash && self.value(code) == text => return code,
                _ => slot = (slot + 1) & (self.slots.len() - 1),
            }
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a memory budget holds far fewer strings than 2^32"
        )]
        let code = self.hashes.len() as u32;
        self.slots[slot] = code;
        self.hashes.push(hash);
        self.text.push_str(text);
        self.ends.push(self.text.len());
        if self.hashes.len() * 2 > self.slots.len() {
            self.grow();
        }
        code
    }

    /// The string of a code other than 0.
    pub(crate) fn value(&self, code: u32) -> &str {
        let code = code as usize;
        &self.text[self.ends[code - 1]..self.ends[code]]
    }

    /// The hash of a code's string.
    pub(crate) fn hash(&self, code: u32) -> u64 {
        self.hashes[code as usize]
    }

    /// The number of codes, null's included.
    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Memory that the strings take.
    pub(crate) fn size_bytes(&self) -> usize {
        self.slots.len() * size_of::<u32>()
            + self.hashes.len() * size_of::<u64>()
            + self.ends.len() * size_of::<usize>()
            + self.text.len()
    }

    fn slot_of(&self, hash: u64) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are what is wanted")]
        let low = hash as usize;
        low & (self.slots.len() - 1)
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        for (code, &hash) in (0u32..).zip(&self.hashes).skip(1) {
            let mut slot = self.slot_of(hash);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = code;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_have_one_code_and_come_back() {
        let mut interner = Interner::default();
        let texts: Vec<String> = (0..10_000).map(|i| format!("value {}", i % 3_000)).collect();
        let codes: Vec<u32> = texts.iter().map(|text| interner.intern(text)).collect();
        assert_eq!(interner.len(), 3_001);
        assert_eq!(codes[0], codes[3_000]);
        assert!(texts.iter().zip(&codes).all(|(text, &code)| interner.value(code) == text));
        assert_eq!(interner.intern(""), interner.intern(""));
    }

    /// Golden value: XXH3-64 of "AmazonEC2" fixes the order of lines in the ledger, so it must never move.
    #[test]
    fn the_hash_is_xxh3_with_seed_0() {
        let mut interner = Interner::default();
        let code = interner.intern("");
        // Published test vector of XXH3-64 for empty input, seed 0 (xxHash repository, tests/sanity_test_vectors.h).
        assert_eq!(interner.hash(code), 0x2d06_8005_38d3_94c2);
    }
}
