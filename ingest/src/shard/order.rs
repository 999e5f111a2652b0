//! The canonical order of lines.
//!
//! By account, service, usage type, resource, start of use, line id, then every other column of content in the order
//! of the table, then object, row group and row. Null comes first. Strings compare by their UTF-8 bytes, as their ranks
//! do. The order is part of the ledger's format.

use std::cmp::Ordering;

use airshed_domain::schema::column as c;
use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, RecordBatch},
    buffer::NullBuffer,
    datatypes::{DataType, Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType, UInt32Type},
};

use crate::{
    error::{Error, Result},
    shuffle::Layout,
};

/// The columns that lead the order; the first five are packed into the sort key, the line id fills it up.
const LEADING: [&str; 6] =
    [c::ACCOUNT_ID, c::SERVICE_CODE, c::USAGE_TYPE, c::RESOURCE_ID, c::USAGE_START, c::LINE_ID];
/// Bits of a sort key.
const KEY_BITS: u32 = u128::BITS;

/// The rows of a shard's batch in canonical order. `dictionaries` are the sorted strings of the code columns.
pub(super) fn canonical_order(
    layout: &Layout,
    batch: &RecordBatch,
    dictionaries: &[ArrayRef],
) -> Result<Vec<u32>> {
    let mut columns = Vec::with_capacity(batch.num_columns());
    for name in LEADING {
        columns.push(layout.stored_index(name)?);
    }
    let content = 0..Layout::content_columns();
    columns
        .extend(content.filter(|index| !LEADING.contains(&batch.schema_ref().field(*index).name().as_str())));
    columns.extend([
        layout.object(),
        layout.stored_index(c::ROW_GROUP)?,
        layout.stored_index(c::ROW_NUMBER)?,
    ]);
    let columns =
        columns.into_iter().map(|index| Values::of(batch.column(index))).collect::<Result<Vec<_>>>()?;
    // The codes at the head of the order: a code is a rank, and its column needs so many bits.
    let code_bits = LEADING
        .iter()
        .map_while(|name| layout.stored_index(name).ok().and_then(|index| layout.slot(index)))
        .map(|slot| bits(dictionaries[slot].len() as u64))
        .collect::<Vec<_>>();
    let keys = keys(&columns, &code_bits, batch.num_rows());
    let mut rows: Vec<(u128, u32)> = keys.into_iter().zip(0u32..).collect();
    rows.sort_unstable_by(|(a_key, a), (b_key, b)| {
        a_key.cmp(b_key).then_with(|| compare(&columns, *a as usize, *b as usize))
    });
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// The values of one column, ready to be compared.
enum Values<'a> {
    Code(&'a [u32]),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    Decimal(&'a [i128], Option<&'a NullBuffer>),
    Text(&'a arrow::array::StringArray),
}

impl<'a> Values<'a> {
    fn of(column: &'a ArrayRef) -> Result<Self> {
        match column.data_type() {
            DataType::UInt32 => Ok(Self::Code(column.as_primitive::<UInt32Type>().values())),
            DataType::Int32 => Ok(Self::Int32(column.as_primitive::<Int32Type>().values())),
            DataType::Int64 => Ok(Self::Int64(column.as_primitive::<Int64Type>().values())),
            DataType::Timestamp(_, _) => {
                Ok(Self::Int64(column.as_primitive::<TimestampMicrosecondType>().values()))
            }
            DataType::Decimal128(_, _) => {
                Ok(Self::Decimal(column.as_primitive::<Decimal128Type>().values(), column.nulls()))
            }
            DataType::Utf8 => Ok(Self::Text(column.as_string())),
            other => Err(Error::bug(format!("lines cannot be ordered by a column of type {other}"))),
        }
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Self::Code(values) => values[a].cmp(&values[b]),
            Self::Int32(values) => values[a].cmp(&values[b]),
            Self::Int64(values) => values[a].cmp(&values[b]),
            Self::Decimal(values, nulls) => {
                let value = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row)).then(|| values[row]);
                value(a).cmp(&value(b))
            }
            Self::Text(values) => values.value(a).cmp(values.value(b)),
        }
    }
}

fn compare(columns: &[Values<'_>], a: usize, b: usize) -> Ordering {
    columns.iter().map(|column| column.compare(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Sort keys that never contradict the canonical order: as many leading columns as fit, highest bits first, and the
/// first bytes of the line id in the bits that are left.
fn keys(columns: &[Values<'_>], code_bits: &[u32], rows: usize) -> Vec<u128> {
    let mut keys = vec![0u128; rows];
    let mut used = 0;
    for (column, code_bits) in columns.iter().zip(code_bits.iter().map(Some).chain([None])) {
        match (column, code_bits) {
            (Values::Code(codes), Some(&width)) if used + width <= KEY_BITS => {
                used += width;
                pack(&mut keys, KEY_BITS - used, codes.iter().map(|&code| u128::from(code)));
            }
            (Values::Int64(times), None) => {
                let first = times.iter().copied().min().unwrap_or_default();
                let last = times.iter().copied().max().unwrap_or_default();
                let width = bits(last.abs_diff(first));
                if used + width > KEY_BITS {
                    return keys;
                }
                used += width;
                pack(&mut keys, KEY_BITS - used, times.iter().map(|time| u128::from(time.abs_diff(first))));
            }
            _ => return keys,
        }
    }
    if let Some(Values::Text(ids)) = columns.get(code_bits.len() + 1)
        && used < KEY_BITS
    {
        for (row, key) in keys.iter_mut().enumerate() {
            *key |= prefix(ids.value(row).as_bytes()) >> used;
        }
    }
    keys
}

/// Puts values into the keys with their lowest bit at `shift`.
fn pack(keys: &mut [u128], shift: u32, values: impl Iterator<Item = u128>) {
    for (key, value) in keys.iter_mut().zip(values) {
        // A column of one value has no bits; if nothing else is packed either, the shift is the whole key.
        *key |= value.checked_shl(shift).unwrap_or_default();
    }
}

/// The first 16 bytes as an integer that orders as they do.
fn prefix(bytes: &[u8]) -> u128 {
    let mut first = [0u8; 16];
    let length = bytes.len().min(16);
    first[..length].copy_from_slice(&bytes[..length]);
    u128::from_be_bytes(first)
}

/// Bits that hold the values 0 to `largest`.
fn bits(largest: u64) -> u32 {
    u64::BITS - largest.leading_zeros()
}

#[cfg(test)]
mod tests;
