//! From key columns to class numbers, cheaply.
//!
//! Dictionary codes of all key columns of a row are packed into one integer; equal integers are equal keys within a
//! batch. Only integers that were not seen before cost a look at the strings. Where the columns have more distinct
//! values than 128 bits hold, what was packed so far is numbered anew, densely, and packing goes on.

use std::{
    borrow::Cow,
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, AsArray as _, StringArray},
    buffer::NullBuffer,
    datatypes::Int32Type,
};

use crate::class::ClassKey;

/// Bits of one lane of a packed key.
const LANE_BITS: u32 = u64::BITS;
/// Up to this many bits keys are never numbered densely: a column needs at most 31, so the first lane holds at least 33
/// bits before the second begins, and the second has room for the rest.
const NEVER_DENSE_BITS: u32 = 96;

/// One key column of a batch as codes; null is -1.
pub(super) struct KeyColumn<'a> {
    codes: Cow<'a, [i32]>,
    texts: Texts<'a>,
}

enum Texts<'a> {
    /// Values of the dictionary, with the array that keeps them.
    Dictionary(&'a StringArray, &'a ArrayRef),
    /// Distinct values of a plain column.
    Distinct(Vec<&'a str>),
}

impl<'a> KeyColumn<'a> {
    /// The codes of a string column; `None` when it is not one.
    pub(super) fn new(array: &'a ArrayRef) -> Option<Self> {
        if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() {
            let texts = dictionary.values().as_string_opt::<i32>()?;
            let keys: &[i32] = dictionary.keys().values();
            if texts.is_empty() {
                // Nothing but null, as unused columns are: no code is ever read.
                let codes = Cow::Borrowed(keys);
                return Some(Self { codes, texts: Texts::Dictionary(texts, dictionary.values()) });
            }
            let codes = match nulls_of(dictionary.keys().nulls(), texts, array) {
                None => Cow::Borrowed(keys),
                Some(nulls) => keys
                    .iter()
                    .zip(nulls.iter())
                    .map(|(key, valid)| if valid { *key } else { -1 })
                    .collect::<Vec<_>>()
                    .into(),
            };
            return Some(Self { codes, texts: Texts::Dictionary(texts, dictionary.values()) });
        }
        let strings = array.as_string_opt::<i32>()?;
        let mut distinct = Vec::new();
        let mut known: HashMap<&str, i32> = HashMap::new();
        let codes = strings.iter().map(|text| {
            text.map_or(-1, |text| {
                *known.entry(text).or_insert_with(|| {
                    distinct.push(text);
                    i32::try_from(distinct.len() - 1).unwrap_or(i32::MAX)
                })
            })
        });
        let codes: Vec<i32> = codes.collect();
        Some(Self { codes: codes.into(), texts: Texts::Distinct(distinct) })
    }

    /// The text of a row.
    pub(super) fn text(&self, row: usize) -> Option<&str> {
        if self.distinct() == 0 {
            return None;
        }
        let code = usize::try_from(self.codes[row]).ok()?;
        Some(match &self.texts {
            Texts::Dictionary(texts, _) => texts.value(code),
            Texts::Distinct(texts) => texts[code],
        })
    }

    /// Bits that its codes need: they are -1 to distinct - 1.
    fn bits(&self) -> u32 {
        usize::BITS - self.distinct().leading_zeros()
    }

    /// Whether it tells no rows apart: one value and no null, or nothing but null.
    fn is_constant(&self) -> bool {
        match self.distinct() {
            0 => true,
            1 => self.codes.iter().all(|code| *code == 0),
            _ => false,
        }
    }

    fn distinct(&self) -> usize {
        match &self.texts {
            Texts::Dictionary(texts, _) => texts.len(),
            Texts::Distinct(texts) => texts.len(),
        }
    }
}

/// Null rows: by the keys, or by null values in the dictionary.
fn nulls_of(keys: Option<&NullBuffer>, texts: &StringArray, array: &ArrayRef) -> Option<NullBuffer> {
    if texts.null_count() > 0 {
        array.logical_nulls()
    } else {
        keys.filter(|nulls| nulls.null_count() > 0).cloned()
    }
}

/// One integer per row: equal integers are equal keys.
///
/// Columns are packed into one 64-bit lane and, when that is full, into a second: shifts of 64 bits run many rows at a
/// time.
pub(super) fn pack(columns: &[KeyColumn<'_>], is_split: impl Fn(usize) -> bool) -> Vec<u128> {
    let rows = columns.first().map_or(0, |column| column.codes.len());
    let mut low: Vec<u64> = (0..rows).map(|row| u64::from(is_split(row))).collect();
    let mut high: Vec<u64> = vec![0; rows];
    let (mut low_used, mut high_used) = (1, 0);
    for column in columns.iter().filter(|column| !column.is_constant()) {
        let bits = column.bits();
        if low_used + bits <= LANE_BITS {
            shift_in(&mut low, bits, &column.codes);
            low_used += bits;
            continue;
        }
        if high_used + bits > LANE_BITS {
            low_used = number_densely(&mut low, &mut high);
            high_used = 0;
        }
        shift_in(&mut high, bits, &column.codes);
        high_used += bits;
    }
    low.into_iter().zip(high).map(|(low, high)| (u128::from(high) << LANE_BITS) | u128::from(low)).collect()
}

fn shift_in(lane: &mut [u64], bits: u32, codes: &[i32]) {
    for (packed, code) in lane.iter_mut().zip(codes) {
        *packed = (*packed << bits) | u64::from(code.wrapping_add(1).cast_unsigned());
    }
}

/// Replaces the integers by their rank of first appearance, all in the low lane, and returns the bits that it needs.
fn number_densely(low: &mut [u64], high: &mut [u64]) -> u32 {
    let mut ranks: HashMap<u128, u64, PackedHash> = HashMap::default();
    for (low, high) in low.iter_mut().zip(high) {
        let next = ranks.len() as u64;
        let packed = (u128::from(*high) << LANE_BITS) | u128::from(*low);
        *low = *ranks.entry(packed).or_insert(next);
        *high = 0;
    }
    u64::BITS - (ranks.len() as u64).leading_zeros()
}

type PackedHash = BuildHasherDefault<PackedHasher>;

/// Packed keys differ in few bits; one multiplication spreads them.
#[derive(Debug, Default, Clone)]
pub(super) struct PackedHasher(u64);

impl Hasher for PackedHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128(u128::from(*byte));
        }
    }

    #[inline]
    fn write_u128(&mut self, value: u128) {
        #[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
        let (low, high) = (value as u64, (value >> 64) as u64);
        let mixed = (self.0 ^ low ^ high.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

/// Class numbers by packed key, valid as long as the dictionaries are the same.
#[derive(Debug, Default)]
pub(super) struct ClassCache {
    classes: HashMap<u128, u32, PackedHash>,
    dictionaries: Vec<ArrayRef>,
    shape: Vec<(bool, u32)>,
}

impl ClassCache {
    /// Forgets everything unless these columns have the very dictionaries of the last batch.
    pub(super) fn keep_if_same(&mut self, columns: &[KeyColumn<'_>]) {
        let same = self.dictionaries.len() == columns.len()
            && columns.iter().zip(&self.dictionaries).all(|(column, known)| match &column.texts {
                Texts::Dictionary(_, values) => Arc::ptr_eq(values, known),
                Texts::Distinct(_) => false,
            });
        // Dense numbers, and which columns are constant, belong to one batch.
        let shape = columns.iter().map(|column| (column.is_constant(), column.bits())).collect::<Vec<_>>();
        let bits: u32 = shape.iter().map(|(_, bits)| bits).sum();
        if same && shape == self.shape && bits <= NEVER_DENSE_BITS {
            return;
        }
        self.shape = shape;
        self.classes.clear();
        self.dictionaries = columns
            .iter()
            .filter_map(|column| match &column.texts {
                Texts::Dictionary(_, values) => Some(Arc::clone(values)),
                Texts::Distinct(_) => None,
            })
            .collect();
    }

    #[inline]
    pub(super) fn get(&self, packed: u128) -> Option<u32> {
        self.classes.get(&packed).copied()
    }

    pub(super) fn insert(&mut self, packed: u128, class: u32) {
        self.classes.insert(packed, class);
    }
}

/// A class key that keeps its texts.
#[derive(Debug)]
pub(super) struct OwnedKey {
    texts: [Option<Box<str>>; 14],
    split: bool,
}

impl OwnedKey {
    pub(super) fn new(key: &ClassKey<'_>) -> Self {
        Self { texts: texts_of(key).map(|text| text.map(Box::from)), split: key.split }
    }

    pub(super) fn is(&self, key: &ClassKey<'_>) -> bool {
        self.split == key.split
            && self.texts.iter().zip(texts_of(key)).all(|(own, other)| own.as_deref() == other)
    }
}

fn texts_of<'k>(key: &ClassKey<'k>) -> [Option<&'k str>; 14] {
    let ClassKey {
        provider,
        service_code,
        usage_type,
        operation,
        instance_type,
        usage_unit,
        line_type,
        region,
        product_family,
        product_vcpu,
        transfer_type,
        from_region,
        to_region,
        currency,
        split: _,
    } = *key;
    [
        provider,
        service_code,
        usage_type,
        operation,
        instance_type,
        usage_unit,
        line_type,
        region,
        product_family,
        product_vcpu,
        transfer_type,
        from_region,
        to_region,
        currency,
    ]
}

#[cfg(test)]
mod tests;
