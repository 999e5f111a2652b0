//! Exact sums by key: the cells of a rollup.
//!
//! Strings are numbered as they come ([`texts`]), a row's cell is found by its numbers, and its decimals are added to
//! the cell's columns ([`sums`]). Additions are of integers, so their order does not matter; cells are put in the order
//! of their texts before they leave, so the bytes of a file do not depend on it either. Coarser grains are added up
//! from the cells of the finer one, not from lines.

pub(crate) mod sums;
pub(crate) mod texts;

use std::{collections::HashMap, sync::Arc};

use airshed_domain::schema::{self, Table, column as c};
use airshed_lake::{EncodedFile, FileEncoder};
use arrow::{
    array::{ArrayRef, RecordBatch, TimestampMicrosecondArray},
    datatypes::SchemaRef,
};

use self::{
    sums::{Rows, Sums},
    texts::Tuples,
};
use crate::error::{Error, Result};

/// Cells that are encoded at a time.
const ENCODE_CELLS: usize = 65_536;
pub(crate) const HOUR_US: i64 = 3_600_000_000;
pub(crate) const DAY_US: i64 = 24 * HOUR_US;
/// Time zone of all instants.
const UTC: &str = "UTC";

/// What a cell is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    /// Number of the tuple of texts.
    tuple: u32,
    /// Start of the interval, microseconds since 1970; 0 where the grain has no time.
    time_us: i64,
}

/// The cells of one grain. Keys refer to [`Tuples`] that the caller keeps, as several grains share them.
#[derive(Debug)]
pub(crate) struct Cells {
    places: HashMap<Key, u32>,
    keys: Vec<Key>,
    sums: Sums,
    /// Cell of each row of the batch at hand; kept to spare allocations.
    of_rows: Vec<u32>,
}

impl Cells {
    /// No cells yet; `sums` says what they add up.
    pub(crate) fn new(sums: Sums) -> Self {
        Self { places: HashMap::new(), keys: Vec::new(), sums, of_rows: Vec::new() }
    }

    /// Adds rows to the cells of their tuples and times.
    pub(crate) fn add(&mut self, tuples: &[u32], times_us: impl Iterator<Item = i64>, rows: &Rows<'_>) {
        let keys = tuples.iter().zip(times_us).map(|(tuple, time_us)| Key { tuple: *tuple, time_us });
        self.find(keys);
        self.sums.add_rows(&self.of_rows, self.keys.len(), rows);
    }

    /// Adds the cells of a finer grain; `time` gives the time of a cell from that of the finer one, `tuple` its tuple.
    pub(crate) fn add_cells(&mut self, finer: &Self, tuple: impl Fn(u32) -> u32, time: impl Fn(i64) -> i64) {
        let keys = finer.keys.iter().map(|key| Key { tuple: tuple(key.tuple), time_us: time(key.time_us) });
        self.find(keys);
        self.sums.add_sums(&self.of_rows, self.keys.len(), &finer.sums);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Cell of each key, made where there is none.
    fn find(&mut self, keys: impl Iterator<Item = Key>) {
        self.of_rows.clear();
        let mut last: Option<(Key, u32)> = None;
        for key in keys {
            let cell = match last {
                Some((same, cell)) if same == key => cell,
                _ => *self.places.entry(key).or_insert_with(|| {
                    self.keys.push(key);
                    u32::try_from(self.keys.len() - 1).unwrap_or(u32::MAX)
                }),
            };
            last = Some((key, cell));
            self.of_rows.push(cell);
        }
    }

    /// The cells in the order of their stretch of time ([`stretch_us`]), their texts and then of time; nulls first.
    fn order(&self, tuples: &Tuples, table: &Table) -> Vec<u32> {
        let ranks = tuples.ranks();
        let mut order: Vec<u32> = (0..).take(self.keys.len()).collect();
        let stretch_us = stretch_us(table);
        order.sort_unstable_by_key(|&cell| {
            let key = &self.keys[cell as usize];
            (key.time_us.div_euclid(stretch_us), ranks[key.tuple as usize], key.time_us)
        });
        order
    }

    /// The cells as a file of `table`, in their [`order`](Self::order).
    ///
    /// The table's columns are the time where it has one, the texts, and the sums, in this order.
    pub(crate) fn encode(&self, tuples: &Tuples, table: &Table) -> Result<EncodedFile> {
        let schema = table.coded_file_schema();
        let mut encoder = FileEncoder::new(table, SchemaRef::clone(&schema))?;
        let order = self.order(tuples, table);
        let has_time = has_time(table);
        let texts = tuples.values();
        for cells in order.chunks(ENCODE_CELLS) {
            let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
            if has_time {
                let times = cells.iter().map(|&cell| self.keys[cell as usize].time_us);
                let times = TimestampMicrosecondArray::from_iter_values(times);
                columns.push(Arc::new(times.with_timezone(UTC)));
            }
            let of_cells: Vec<u32> = cells.iter().map(|&cell| self.keys[cell as usize].tuple).collect();
            for (column, values) in texts.iter().enumerate() {
                columns.push(tuples.column(column, values, &of_cells)?);
            }
            columns.extend(self.sums.columns(cells)?);
            let batch = RecordBatch::try_new(SchemaRef::clone(&schema), columns)
                .map_err(|e| Error::query(format!("rows of table `{}`", table.name), e))?;
            encoder.write(&batch)?;
        }
        Ok(encoder.finish()?)
    }
}

/// Whether the cells of a table have a time.
pub(crate) fn has_time(table: &Table) -> bool {
    table.has(c::HOUR) || table.has(c::DAY)
}

/// Rows of a file that are of the same stretch of time stand together, so that readers leave out what is of other days;
/// within a stretch an account's rows stand together. The more rows there are, the more it pays to leave out other times;
/// the shorter the stretches, the more of them hold an account that somebody asks for. Resources are asked for by account
/// alone.
fn stretch_us(table: &Table) -> i64 {
    if table.name == schema::emissions_daily().name {
        7 * DAY_US
    } else if table.has(c::HOUR) && table.has(c::ACCOUNT_ID) {
        DAY_US
    } else if schema::summaries().iter().any(|summary| summary.name == table.name) {
        HOUR_US
    } else {
        i64::MAX
    }
}

#[cfg(test)]
mod tests;
