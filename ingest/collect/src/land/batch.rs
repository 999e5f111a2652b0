//! One shard's rows on their way into files, one for each billing period.

use std::collections::{BTreeMap, btree_map::Entry};

use airshed_domain::{period::BillingPeriod, schema, schema::column as c};
use airshed_lake::{EncodedFile, FileEncoder};
use arrow::{
    array::{AsArray as _, BooleanArray, RecordBatch},
    compute::{cast, filter_record_batch},
    datatypes::{SchemaRef, TimestampMicrosecondType},
};

use crate::error::{Context as _, Error, Result};

/// Where a batch's footer says what else belongs to it.
pub(super) const FOOTER: &str = "airshed.batch";

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Encodes rows of `utilization` as they come. CPU work: call it off the I/O threads.
#[derive(Default)]
pub(super) struct Encoders {
    by_period: BTreeMap<String, FileEncoder>,
}

impl std::fmt::Debug for Encoders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoders").field("periods", &self.by_period.keys()).finish()
    }
}

impl Encoders {
    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let table = schema::utilization();
        let context = || format!("cannot write rows of `{}`", table.name);
        let rows = coded(rows, &table.coded_file_schema())?;
        for (period, rows) in by_period(&rows, c::USAGE_START)? {
            let encoder = match self.by_period.entry(period) {
                Entry::Occupied(open) => open.into_mut(),
                Entry::Vacant(new) => {
                    new.insert(FileEncoder::new(&table, table.coded_file_schema()).context(context)?)
                }
            };
            encoder.write(&rows).context(context)?;
        }
        Ok(())
    }

    /// Ends the files, each with the note in its footer.
    pub(super) fn finish(self, note: &str) -> Result<Vec<(String, EncodedFile)>> {
        self.by_period
            .into_iter()
            .map(|(period, mut encoder)| {
                encoder.note(FOOTER, note.to_owned());
                let file = encoder.finish().context(|| "cannot end a file of `utilization`".to_owned())?;
                Ok((period, file))
            })
            .collect()
    }
}

/// Rows with strings as dictionaries.
fn coded(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if rows.schema() == *schema {
        return Ok(rows.clone());
    }
    let context = || "rows have other columns than `utilization`".to_owned();
    let columns = schema.fields().iter().map(|field| {
        let column = rows
            .column_by_name(field.name())
            .ok_or_else(|| Error::bug(format!("rows lack the column `{}`", field.name())))?;
        cast(column, field.data_type()).context(context)
    });
    RecordBatch::try_new(SchemaRef::clone(schema), columns.collect::<Result<Vec<_>>>()?).context(context)
}

/// Rows by the billing period of an instant, almost always one.
pub(super) fn by_period(rows: &RecordBatch, column: &str) -> Result<Vec<(String, RecordBatch)>> {
    let starts = rows
        .column_by_name(column)
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
        .ok_or_else(|| Error::bug(format!("rows lack the column `{column}`")))?;
    let (Some(first), Some(last)) =
        (starts.values().iter().min().copied(), starts.values().iter().max().copied())
    else {
        return Ok(Vec::new());
    };
    let mut periods = Vec::new();
    let out_of_range = |e| Error::bug(format!("rows of `utilization` have a start out of range: {e}"));
    let mut period =
        BillingPeriod::of_epoch_seconds(first.div_euclid(MICROS_PER_SECOND)).map_err(out_of_range)?;
    loop {
        let window = period.window();
        let (start, end) = (window.start_s * MICROS_PER_SECOND, window.end_s * MICROS_PER_SECOND);
        if start <= first && last < end {
            periods.push((period.to_string(), rows.clone()));
            break;
        }
        let within: BooleanArray = starts.values().iter().map(|at| Some((start..end).contains(at))).collect();
        let context = || "cannot part rows by billing period".to_owned();
        let part = filter_record_batch(rows, &within).context(context)?;
        if part.num_rows() > 0 {
            periods.push((period.to_string(), part));
        }
        if last < end {
            break;
        }
        period = period.next();
    }
    Ok(periods)
}
