//! Rows of `utilization` as they are collected.
//!
//! Texts are dictionaries: what is done for a resource or metric is done once for each of a batch, not for each row.

use std::{collections::HashMap, sync::Arc};

use airshed_domain::schema;
use arrow::{
    array::{
        ArrayRef, DictionaryArray, Float64Array, Float64Builder, Int32Array, Int64Builder, RecordBatch,
        StringArray, StringDictionaryBuilder, TimestampMicrosecondArray,
    },
    datatypes::Int32Type,
    error::ArrowError,
};

use super::{
    Rule,
    columns::{Columns, Measurement},
};
use crate::{error::Error, resource::billed_id_of_name};

/// A rule and the place of its metric among the names of the rows.
type Taken = Option<(&'static Rule, i32)>;

/// The metrics of a batch: which rule takes each.
#[derive(Default)]
pub(super) struct Metrics {
    /// By the keys of namespace and metric.
    known: HashMap<(i32, i32), Taken>,
    last: Option<((i32, i32), Taken)>,
    names: Vec<&'static str>,
}

impl Metrics {
    /// The rule that takes a data point, and the key of its metric.
    pub(super) fn of(&mut self, columns: &Columns<'_>, row: usize) -> Taken {
        let key = (columns.namespace.key(row), columns.metric.key(row));
        if let Some((last, taken)) = self.last
            && last == key
        {
            return taken;
        }
        let names = &mut self.names;
        let taken = *self.known.entry(key).or_insert_with(|| {
            let rule = columns.rule(row)?;
            let place = names.iter().position(|name| *name == rule.metric).unwrap_or(names.len());
            if place == names.len() {
                names.push(rule.metric);
            }
            Some((rule, i32::try_from(place).ok()?))
        });
        self.last = Some((key, taken));
        taken
    }
}

/// Rows. Accounts and regions keep the dictionaries of the data points.
#[derive(Default)]
pub(super) struct Rows {
    start: Vec<i64>,
    end: Vec<i64>,
    account: Vec<i32>,
    region: Vec<i32>,
    resource: Vec<i32>,
    metric: Vec<i32>,
    avg: Vec<f64>,
    max: Float64Builder,
    samples: Int64Builder,
    resources: Resources,
}

impl Rows {
    /// Adds a row.
    pub(super) fn push(
        &mut self,
        columns: &Columns<'_>,
        row: usize,
        metric: i32,
        measurement: Measurement,
    ) -> Result<(), Error> {
        self.resource.push(self.resources.of(columns, row)?);
        self.start.push(columns.start[row]);
        self.end.push(columns.end[row]);
        self.account.push(columns.account.key(row));
        self.region.push(columns.region.key(row));
        self.metric.push(metric);
        self.avg.push(measurement.avg);
        self.max.append_option(measurement.max);
        self.samples.append_option(measurement.samples);
        Ok(())
    }

    /// The rows, as a batch.
    pub(super) fn finish(mut self, columns: &Columns<'_>, metrics: &Metrics) -> Result<RecordBatch, Error> {
        let instants = |values| TimestampMicrosecondArray::from(values).with_timezone("UTC");
        let resources = Arc::clone(self.resources.billed.finish().values());
        let metrics: ArrayRef = Arc::new(StringArray::from(metrics.names.clone()));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(instants(self.start)),
            Arc::new(instants(self.end)),
            coded(self.account, Arc::clone(columns.account.values))?,
            coded(self.region, Arc::clone(columns.region.values))?,
            coded(self.resource, resources)?,
            coded(self.metric, metrics)?,
            Arc::new(Float64Array::from(self.avg)),
            Arc::new(self.max.finish()),
            Arc::new(self.samples.finish()),
        ];
        Ok(RecordBatch::try_new(schema::utilization().coded_file_schema(), columns)?)
    }
}

fn coded(keys: Vec<i32>, values: ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(Int32Array::from(keys), values)?))
}

/// The resources of a batch, as bills name them.
#[derive(Default)]
struct Resources {
    /// Where each name was met last, by its key, and the key of the id there: most names are of one place alone.
    known: Vec<Option<(Place, i32)>>,
    billed: StringDictionaryBuilder<Int32Type>,
}

/// Keys of account, region and namespace.
type Place = [i32; 3];

impl Resources {
    /// The key of the resource of a data point.
    fn of(&mut self, columns: &Columns<'_>, row: usize) -> Result<i32, Error> {
        let place = [columns.account.key(row), columns.region.key(row), columns.namespace.key(row)];
        let name = usize::try_from(columns.resource.key(row));
        let name = name.map_err(|_| Error::Column(schema::column::RESOURCE_ID))?;
        if let Some(Some((known, key))) = self.known.get(name)
            && *known == place
        {
            return Ok(*key);
        }
        let (namespace, account) = (columns.namespace.value(row), columns.account.value(row));
        let (region, text) = (columns.region.value(row), columns.resource.value(row));
        let key = self.billed.append(billed_id_of_name(namespace, account, region, text))?;
        if self.known.len() <= name {
            self.known.resize(name + 1, None);
        }
        self.known[name] = Some((place, key));
        Ok(key)
    }
}
