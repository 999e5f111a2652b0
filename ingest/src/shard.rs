//! Puts a shard of lines into canonical order and writes it as one file of `billing_lines` and one of `line_sources`.
//!
//! A shard is a run of consecutive buckets of one billing period with about half a million lines, so that it fits in
//! memory. Where the shards end follows from the number of lines in each bucket, which no thread, batch or object
//! changes. Inside a shard lines are sorted by account, service, usage type, resource, start of use and line id, then by
//! every other column of content; where a line was read is the last resort, which decides the order of equal lines in
//! `line_sources` only. So `billing_lines` depends on what was billed and on nothing else.
//!
//! All strings of a column are unified into one sorted dictionary, so that codes compare as their strings do, and the
//! leading columns are packed into one integer, which settles nearly every comparison.

mod order;
mod unify;

use std::{ops::Range, sync::Arc};

use airshed_domain::schema::{self, column as c};
use airshed_lake::{EncodedFile, FileEncoder};
use arrow::{
    array::{
        ArrayRef, AsArray as _, DictionaryArray, Int32Array, Int64Array, PrimitiveArray, RecordBatch,
        UInt32Array,
    },
    buffer::{NullBuffer, ScalarBuffer},
    compute::{concat, take},
    datatypes::{Int32Type, SchemaRef, UInt32Type},
};

use crate::{
    error::{Context as _, Error, Result},
    shuffle::{BUCKETS, Costs, Layout, Piece, Shuffled},
};

/// Lines of a shard, about: a larger bucket is a shard of its own.
pub(crate) const SHARD_LINES: u64 = 500_000;
/// Rows of the batches that are handed to the encoder.
const BATCH_ROWS: usize = 65_536;

/// Which lines make up one pair of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShardSpec {
    /// The billing period, in months since year 0.
    pub(crate) period: i32,
    /// Place among the shards of the period, from 0.
    pub(crate) number: usize,
    /// The buckets.
    pub(crate) buckets: Range<usize>,
    /// `line_seq` of the first line.
    pub(crate) first_line_seq: i64,
    /// Lines.
    pub(crate) lines: u64,
}

/// The files of one shard.
pub(crate) struct EncodedShard {
    /// The file of `billing_lines`.
    pub(crate) lines: EncodedFile,
    /// The file of `line_sources`.
    pub(crate) sources: EncodedFile,
    /// Billed cost that went out, by currency.
    pub(crate) costs: Costs,
}

/// Groups the buckets of every period into shards of at most `shard_lines` lines, where a bucket allows it.
pub(crate) fn plan(shuffled: &Shuffled, shard_lines: u64) -> Vec<ShardSpec> {
    let mut shards = Vec::new();
    for (&period, counts) in &shuffled.counts {
        let mut first_line_seq = 0i64;
        let (mut start, mut lines, mut number) = (0, 0u64, 0);
        for bucket in 0..=BUCKETS {
            let ends = counts.get(bucket).is_none_or(|count| lines > 0 && lines + count > shard_lines);
            if ends && lines > 0 {
                shards.push(ShardSpec { period, number, buckets: start..bucket, first_line_seq, lines });
                first_line_seq += lines.cast_signed();
                number += 1;
                (start, lines) = (bucket, 0);
            }
            lines += counts.get(bucket).copied().unwrap_or_default();
        }
    }
    shards
}

/// Sorts a shard and encodes its files. `object_uris` are those of the delivery's objects, in order.
pub(crate) fn encode(shuffled: &Shuffled, spec: &ShardSpec, object_uris: &ArrayRef) -> Result<EncodedShard> {
    let shard = Shard::load(shuffled, spec)?;
    let order = shard.canonical_order()?;
    let (lines_table, sources_table) = (schema::billing_lines(), schema::line_sources());
    let (lines_schema, sources_schema) = (lines_table.coded_file_schema(), sources_table.coded_file_schema());
    let context = || format!("cannot write shard {} of period {}", spec.number, spec.period);
    let mut lines = FileEncoder::new(&lines_table, Arc::clone(&lines_schema)).context(context)?;
    let mut sources = FileEncoder::new(&sources_table, Arc::clone(&sources_schema)).context(context)?;
    let mut first_line_seq = spec.first_line_seq;
    for rows in order.chunks(BATCH_ROWS) {
        let line_seq: ArrayRef = Arc::new(Int64Array::from_iter_values((first_line_seq..).take(rows.len())));
        first_line_seq += i64::try_from(rows.len()).unwrap_or(i64::MAX);
        lines.write(&shard.lines(rows, &line_seq, &lines_schema)?).context(context)?;
        sources.write(&shard.sources(rows, &line_seq, &sources_schema, object_uris)?).context(context)?;
    }
    Ok(EncodedShard {
        lines: lines.finish().context(context)?,
        sources: sources.finish().context(context)?,
        costs: shard.costs()?,
    })
}

/// The lines of one shard, column by column, in order of arrival.
pub(crate) struct Shard {
    layout: Arc<Layout>,
    /// Of [`Layout::stored_schema`]; codes are ranks in `dictionaries`, from 1, and 0 is null.
    batch: RecordBatch,
    /// Sorted values of each code column.
    dictionaries: Vec<ArrayRef>,
}

impl Shard {
    fn load(shuffled: &Shuffled, spec: &ShardSpec) -> Result<Self> {
        let mut pieces = Vec::new();
        for part in &shuffled.parts {
            pieces.extend(part.pieces(spec.period, spec.buckets.clone())?);
        }
        let shard = Self::unite(&shuffled.layout, &pieces)?;
        if shard.batch.num_rows() as u64 == spec.lines {
            Ok(shard)
        } else {
            let found = shard.batch.num_rows();
            Err(Error::bug(format!("shard {} holds {found} lines, not {}", spec.number, spec.lines)))
        }
    }

    /// One batch with one sorted dictionary a column.
    fn unite(layout: &Arc<Layout>, pieces: &[Piece<'_>]) -> Result<Self> {
        let stored = layout.stored_schema();
        let mut columns = Vec::with_capacity(stored.fields().len());
        let mut dictionaries = Vec::with_capacity(layout.code_columns().len());
        for index in 0..stored.fields().len() {
            if let Some(slot) = layout.slot(index) {
                let (codes, dictionary) = unify::unify(pieces, slot, index)?;
                columns.push(codes);
                dictionaries.push(dictionary);
            } else {
                let parts: Vec<_> = pieces.iter().map(|piece| piece.batch.column(index).as_ref()).collect();
                let name = stored.field(index).name();
                columns.push(concat(&parts).context(|| format!("cannot join column `{name}` of a shard"))?);
            }
        }
        let batch = RecordBatch::try_new(stored, columns).context(|| "cannot join a shard".to_owned())?;
        Ok(Self { layout: Arc::clone(layout), batch, dictionaries })
    }

    fn canonical_order(&self) -> Result<Vec<u32>> {
        order::canonical_order(&self.layout, &self.batch, &self.dictionaries)
    }

    /// Some lines as a batch of `billing_lines`.
    fn lines(&self, rows: &[u32], line_seq: &ArrayRef, schema: &SchemaRef) -> Result<RecordBatch> {
        let indices = UInt32Array::from(rows.to_vec());
        let mut columns = vec![Arc::clone(line_seq)];
        for index in 0..Layout::content_columns() {
            columns.push(match self.layout.slot(index) {
                Some(slot) => self.strings(slot, index, rows)?,
                None => take(self.batch.column(index), &indices, None)
                    .context(|| "cannot sort lines".to_owned())?,
            });
        }
        RecordBatch::try_new(Arc::clone(schema), columns)
            .context(|| "cannot make a batch of lines".to_owned())
    }

    /// The same lines as a batch of `line_sources`.
    fn sources(
        &self,
        rows: &[u32],
        line_seq: &ArrayRef,
        schema: &SchemaRef,
        object_uris: &ArrayRef,
    ) -> Result<RecordBatch> {
        let context = || "cannot make a batch of line sources".to_owned();
        let indices = UInt32Array::from(rows.to_vec());
        let objects = self.batch.column(self.layout.object()).as_primitive::<UInt32Type>().values();
        let keys = rows.iter().map(|&row| objects[row as usize].cast_signed());
        let uris = DictionaryArray::<Int32Type>::try_new(
            Int32Array::from_iter_values(keys),
            Arc::clone(object_uris),
        )
        .context(context)?;
        let place = |name| -> Result<ArrayRef> {
            take(self.batch.column(self.layout.stored_index(name)?), &indices, None).context(context)
        };
        let columns = vec![Arc::clone(line_seq), Arc::new(uris), place(c::ROW_GROUP)?, place(c::ROW_NUMBER)?];
        RecordBatch::try_new(Arc::clone(schema), columns).context(context)
    }

    /// The strings of some rows of a code column.
    fn strings(&self, slot: usize, index: usize, rows: &[u32]) -> Result<ArrayRef> {
        let codes = self.batch.column(index).as_primitive::<UInt32Type>().values();
        // Code 0 is null; its key is never looked at, so 0 serves.
        let keys: ScalarBuffer<i32> =
            rows.iter().map(|&row| codes[row as usize].saturating_sub(1).cast_signed()).collect();
        let has_null = rows.iter().any(|&row| codes[row as usize] == 0);
        let nulls =
            has_null.then(|| rows.iter().map(|&row| codes[row as usize] != 0).collect::<NullBuffer>());
        let array = DictionaryArray::<Int32Type>::try_new(
            PrimitiveArray::new(keys, nulls),
            Arc::clone(&self.dictionaries[slot]),
        )
        .context(|| format!("cannot sort column {index} of a shard"))?;
        Ok(Arc::new(array))
    }

    fn costs(&self) -> Result<Costs> {
        let slot =
            self.layout.slot(self.layout.currency()).ok_or_else(|| Error::bug("currencies are not coded"))?;
        let currencies = self.dictionaries[slot].as_string::<i32>();
        let sums = crate::shuffle::costs_by_code(&self.layout, &self.batch);
        sums.into_iter()
            .map(|(code, cost)| {
                let index = code.checked_sub(1).ok_or_else(|| Error::bug("a line has no currency"))?;
                Ok((currencies.value(index as usize).to_owned(), cost))
            })
            .collect()
    }
}

#[cfg(test)]
pub(crate) mod tests;
