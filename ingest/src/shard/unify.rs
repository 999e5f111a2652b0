//! One sorted dictionary out of many: codes become ranks, so that they compare as their strings do.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray as _, StringArray, UInt32Array},
    datatypes::UInt32Type,
};

use crate::{
    error::{Error, Result},
    shuffle::Piece,
};

/// A string that a piece uses.
struct Used<'a> {
    text: &'a str,
    piece: usize,
    code: u32,
}

/// The codes of one column over all pieces as ranks (from 1; 0 is null), and the sorted strings.
///
/// `slot` is the column's place among the code columns, `index` among the stored ones. Work per row is two array
/// look-ups; strings are compared once per string and piece.
pub(super) fn unify(pieces: &[Piece<'_>], slot: usize, index: usize) -> Result<(ArrayRef, ArrayRef)> {
    let codes: Vec<&[u32]> = pieces
        .iter()
        .map(|piece| &piece.batch.column(index).as_primitive::<UInt32Type>().values()[..])
        .collect();
    let mut ranks: Vec<Vec<u32>> =
        pieces.iter().map(|piece| vec![0; piece.dictionaries[slot].len()]).collect();
    let mut used = Vec::new();
    for (piece, codes) in codes.iter().enumerate() {
        for &code in *codes {
            let seen = &mut ranks[piece][code as usize];
            if *seen == 0 && code != 0 {
                *seen = 1;
                used.push(Used { text: pieces[piece].dictionaries[slot].value(code), piece, code });
            }
        }
    }
    used.sort_unstable_by(|a, b| a.text.cmp(b.text));
    let mut strings: Vec<&str> = Vec::with_capacity(used.len());
    for Used { text, piece, code } in used {
        if strings.last() != Some(&text) {
            strings.push(text);
        }
        ranks[piece][code as usize] = u32::try_from(strings.len())
            .map_err(|e| Error::bug("a shard has too many strings").caused_by(e))?;
    }
    let bytes: usize = strings.iter().map(|text| text.len()).sum();
    if i32::try_from(bytes).is_err() {
        return Err(Error::input(format!(
            "the distinct values of one column hold {bytes} bytes within one shard"
        )));
    }
    let united =
        codes.iter().zip(&ranks).flat_map(|(codes, ranks)| codes.iter().map(|&code| ranks[code as usize]));
    let rows = codes.iter().map(|codes| codes.len()).sum();
    let mut column = Vec::with_capacity(rows);
    column.extend(united);
    Ok((Arc::new(UInt32Array::from(column)), Arc::new(StringArray::from_iter_values(strings))))
}
