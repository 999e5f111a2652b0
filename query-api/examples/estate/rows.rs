//! Rows on their way into one file of a rollup, batch by batch.

use std::sync::Arc;

use airshed_domain::{
    fixed::{MONEY_SCALE, MONEY_SUM_PRECISION, QUANTITY_SCALE, QUANTITY_SUM_PRECISION},
    schema::{DIMENSIONS, Table, column as c},
};
use airshed_lake::{EncodedFile, FileEncoder};
use arrow::{
    array::{
        ArrayRef, Decimal128Array, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    },
    buffer::NullBuffer,
    datatypes::SchemaRef,
};

use crate::{
    Result,
    figures::{Figures, SUMS},
};

/// Rows of a batch: what the encoder takes at a time.
const BATCH: usize = 65_536;
/// Sums that are costs; the others are quantities.
const COSTS: usize = 4;

/// Places of a row's texts, in the order of [`DIMENSIONS`]; -1 for none.
pub(crate) type Place = [i32; DIMENSIONS.len()];

/// A file while its rows come.
pub(crate) struct Rows<'a> {
    schema: SchemaRef,
    encoder: FileEncoder,
    texts: &'a [ArrayRef],
    /// Which of the dimensions the table has.
    dimensions: Vec<usize>,
    has_time: bool,
    has_resource: bool,
    times: Vec<i64>,
    keys: Vec<Vec<i32>>,
    resources: Vec<String>,
    resource_keys: Vec<i32>,
    lines: Vec<i64>,
    estimated: Vec<i64>,
    sums: Vec<Vec<i128>>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(table: &Table, texts: &'a [ArrayRef]) -> Result<Self> {
        let schema = table.coded_file_schema();
        let dimensions: Vec<usize> =
            (0..DIMENSIONS.len()).filter(|place| table.has(DIMENSIONS[*place])).collect();
        Ok(Self {
            encoder: FileEncoder::new(table, SchemaRef::clone(&schema))?,
            schema,
            texts,
            keys: vec![Vec::new(); dimensions.len()],
            dimensions,
            has_time: table.has(c::DAY) || table.has(c::HOUR),
            has_resource: table.has(c::RESOURCE_ID),
            times: Vec::with_capacity(BATCH),
            resources: Vec::new(),
            resource_keys: Vec::new(),
            lines: Vec::with_capacity(BATCH),
            estimated: Vec::with_capacity(BATCH),
            sums: vec![Vec::new(); SUMS],
        })
    }

    /// The resource that the next rows are of.
    pub(crate) fn begin(&mut self, resource: String) {
        self.resources.push(resource);
    }

    pub(crate) fn push(&mut self, time_us: i64, place: &Place, row: &Figures) -> Result<()> {
        self.times.push(time_us);
        for (keys, dimension) in self.keys.iter_mut().zip(&self.dimensions) {
            keys.push(place[*dimension]);
        }
        if self.has_resource {
            self.resource_keys.push(i32::try_from(self.resources.len())? - 1);
        }
        self.lines.push(row.lines);
        self.estimated.push(row.estimated);
        for (sums, sum) in self.sums.iter_mut().zip(row.sums) {
            sums.push(sum);
        }
        if self.lines.len() == BATCH { self.flush() } else { Ok(()) }
    }

    pub(crate) fn finish(mut self) -> Result<EncodedFile> {
        if !self.lines.is_empty() {
            self.flush()?;
        }
        Ok(self.encoder.finish()?)
    }

    fn flush(&mut self) -> Result<()> {
        let full = |values: &mut Vec<_>| std::mem::replace(values, Vec::with_capacity(BATCH));
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        let times = std::mem::replace(&mut self.times, Vec::with_capacity(BATCH));
        if self.has_time {
            columns.push(Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")));
        }
        for (keys, dimension) in self.keys.iter_mut().zip(&self.dimensions) {
            let keys = std::mem::replace(keys, Vec::with_capacity(BATCH));
            columns.push(coded(keys, Arc::clone(&self.texts[*dimension]))?);
        }
        if self.has_resource {
            let last = self.resources.last().cloned();
            let resources = std::mem::replace(&mut self.resources, last.into_iter().collect());
            let keys = std::mem::take(&mut self.resource_keys);
            columns.push(coded(keys, Arc::new(StringArray::from(resources)))?);
        }
        let estimated = full(&mut self.estimated);
        let stated: Vec<bool> = estimated.iter().map(|lines| *lines > 0).collect();
        let nulls = stated.contains(&false).then(|| NullBuffer::from(stated));
        columns.push(Arc::new(Int64Array::from(full(&mut self.lines))));
        columns.push(Arc::new(Int64Array::from(estimated)));
        for (place, sums) in self.sums.iter_mut().enumerate() {
            let sums = std::mem::replace(sums, Vec::with_capacity(BATCH));
            let (precision, scale, nulls) = if place < COSTS {
                (MONEY_SUM_PRECISION, MONEY_SCALE, None)
            } else {
                (QUANTITY_SUM_PRECISION, QUANTITY_SCALE, nulls.clone())
            };
            let sums = Decimal128Array::new(sums.into(), nulls).with_precision_and_scale(precision, scale)?;
            columns.push(Arc::new(sums));
        }
        self.encoder.write(&RecordBatch::try_new(SchemaRef::clone(&self.schema), columns)?)?;
        Ok(())
    }
}

/// Texts by their places; -1 is null.
fn coded(keys: Vec<i32>, texts: ArrayRef) -> Result<ArrayRef> {
    let nulls = keys.contains(&-1).then(|| keys.iter().map(|key| *key >= 0).collect::<NullBuffer>());
    let keys: Vec<i32> = keys.into_iter().map(|key| key.max(0)).collect();
    Ok(Arc::new(DictionaryArray::try_new(Int32Array::new(keys.into(), nulls), texts)?))
}
