//! Ids of lines whose export gives them none (all of FOCUS).
//!
//! The id is `x` and 26 characters of base32 (RFC 4648 alphabet, lower case) of a 128-bit xxh3 hash over the row's
//! content: for each text column the 128-bit xxh3 of its text, for each number its value, in a fixed order. It depends
//! on nothing else, so the same row has the same id in every file, order and format of the file; rows with equal
//! content share their id.

use arrow::array::{Array as _, StringArray, StringBuilder};
use xxhash_rust::xxh3::xxh3_128;

use super::text::{PerValue, Text};

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const LENGTH: usize = 26;

/// Makes ids of the content of rows.
#[derive(Default)]
pub(super) struct LineIds {
    columns: Vec<PerValue<u128>>,
}

impl LineIds {
    /// The given ids, and a derived one where there is none.
    pub(super) fn complete(
        &mut self,
        given: Option<&StringArray>,
        texts: &[&Text],
        numbers: &[&[i128]],
        rows: usize,
    ) -> StringArray {
        let present = |ids: &StringArray| ids.null_count() == 0 && ids.iter().all(|id| id != Some(""));
        if let Some(ids) = given.filter(|ids| present(ids)) {
            return ids.clone();
        }
        self.columns.resize_with(texts.len(), PerValue::default);
        let hashes: Vec<&[u128]> = self
            .columns
            .iter_mut()
            .zip(texts)
            .map(|(column, text)| column.of(text, |value| xxh3_128(value.as_bytes())))
            .collect();
        let mut content = Vec::with_capacity((texts.len() + numbers.len()) * 16);
        let mut ids = StringBuilder::with_capacity(rows, rows * (LENGTH + 1));
        for row in 0..rows {
            if let Some(id) =
                given.filter(|ids| ids.is_valid(row)).map(|ids| ids.value(row)).filter(|id| !id.is_empty())
            {
                ids.append_value(id);
                continue;
            }
            content.clear();
            for (text, hashes) in texts.iter().zip(&hashes) {
                let key = usize::try_from(text.keys().value(row)).unwrap_or(usize::MAX);
                let hash = if text.is_valid(row) { hashes.get(key).copied().unwrap_or(0) } else { 0 };
                content.extend_from_slice(&hash.to_le_bytes());
            }
            for numbers in numbers {
                content.extend_from_slice(&numbers[row].to_le_bytes());
            }
            let mut id = [b'x'; LENGTH + 1];
            encode(xxh3_128(&content), &mut id[1..]);
            ids.append_value(std::str::from_utf8(&id).unwrap_or_default());
        }
        ids.finish()
    }
}

fn encode(mut hash: u128, out: &mut [u8]) {
    for letter in out.iter_mut().rev() {
        *letter = ALPHABET[(hash & 31) as usize];
        hash >>= 5;
    }
}
