//! The estimator: batches of billed lines in, batches of emissions out.
//!
//! Each distinct combination of key columns is classified once ([`crate::class`]); what is left per row is an amount,
//! a class number, an hour and perhaps a measured utilisation, and arithmetic over columns. Columns that name the line
//! are passed on without copying. Every quantity is computed in `f64` within its row and rounded once into fixed point;
//! nothing of one row reaches another, so the result does not depend on how rows are cut into batches or ordered.
//!
//! Strings may come as `Utf8` or, fast, as `Dictionary(Int32, Utf8)`; those that the estimator makes are dictionaries.
//! Quantities leave as `Decimal64`: the same numbers as the ledger's `Decimal128(18, 8)` in half the memory, and what
//! Parquet stores (INT64).

mod codes;
mod error;
mod input;
mod output;
mod prepared;
mod quantities;
mod rows;
mod runs;
mod words;

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use airshed_domain::{fixed::QUANTITY, period::BillingPeriod, schema};
use airshed_emission_factors::FactorSet;
use arrow::{
    datatypes::{DataType, Field, Schema, SchemaRef},
    record_batch::RecordBatch,
};

use crate::{
    class::{Class, ClassKey},
    method::{Context, MethodName, MethodOptions},
    place::Places,
    profile,
};

pub use error::{EstimateError, EstimateErrorKind};
pub use prepared::{MEASURES, Measure};

use self::{
    codes::{ClassCache, OwnedKey},
    input::Lines,
    prepared::Prepared,
    runs::Runs,
    words::Names,
};

/// Turns billed lines of one billing period into emissions by one method.
#[derive(Debug)]
pub struct Estimator {
    method: MethodName,
    factors: Arc<FactorSet>,
    options: MethodOptions,
    period: BillingPeriod,
    places: Places,
    classes: Vec<Class>,
    keys: Vec<OwnedKey>,
    prepared: Vec<Prepared>,
    index: HashMap<u64, Vec<u32>>,
    cache: ClassCache,
    names: Names,
    /// The file schema of `emissions`.
    schema: SchemaRef,
}

impl Estimator {
    /// An estimator for the lines of one billing period.
    pub fn new(
        method: MethodName,
        factors: Arc<FactorSet>,
        options: MethodOptions,
        period: BillingPeriod,
    ) -> Self {
        let places = Places::new(&factors, period);
        let names = Names::new(method, factors.id());
        Self {
            method,
            factors,
            options,
            period,
            places,
            classes: Vec::new(),
            keys: Vec::new(),
            prepared: Vec::new(),
            index: HashMap::new(),
            cache: ClassCache::default(),
            names,
            schema: schema::emissions().file_schema(),
        }
    }

    /// Estimates every line of a batch: one row out for each row in, in the same order.
    ///
    /// `lines` has the file columns of `billing_lines` by name, in any order, and may have `utilization` (Float64,
    /// nullable, 0 to 1), the measured utilisation of the line's resource, and `utilization_cover` (the same), the share
    /// of the line's time that it was measured in, which is all of it without that column.
    ///
    /// # Errors
    /// [`EstimateErrorKind::Input`] when a column is missing or has another type; [`EstimateErrorKind::Row`] when a
    /// quantity of a row is too large for the ledger or its utilisation is not a share. The message names the row.
    pub fn estimate(&mut self, lines: &RecordBatch) -> Result<RecordBatch, EstimateError> {
        let lines = Lines::new(lines)?;
        let classes = self.resolve(&lines)?;
        self.names.refresh(lines.rows())?;
        let decided =
            output::Decided { classes: &self.classes, prepared: &self.prepared, names: &self.names };
        output::emissions(&self.schema, &lines, &Runs::new(&classes), &decided)
    }

    /// The class of a key, decided now if it was not before.
    pub fn class(&mut self, key: &ClassKey<'_>) -> &Class {
        let class = self.class_index(key);
        &self.classes[class as usize]
    }

    /// The class of the first row of a batch.
    pub(crate) fn class_of_first(&mut self, lines: &RecordBatch) -> Result<&Class, EstimateError> {
        let lines = Lines::new(lines)?;
        let columns = lines.key_columns()?;
        Ok(self.class(&lines.key(&columns, 0)))
    }

    /// Number of classes decided so far.
    pub fn class_count(&self) -> usize {
        self.classes.len()
    }

    /// The factors in use.
    pub fn factors(&self) -> &FactorSet {
        &self.factors
    }

    /// The method in use.
    pub fn method(&self) -> MethodName {
        self.method
    }

    /// Class number of every row.
    fn resolve(&mut self, lines: &Lines<'_>) -> Result<Vec<u32>, EstimateError> {
        let columns = lines.key_columns()?;
        let packed = codes::pack(&columns, lines.splits());
        let mut cache = std::mem::take(&mut self.cache);
        cache.keep_if_same(&columns);
        let mut classes = Vec::with_capacity(packed.len());
        let mut previous: Option<(u128, u32)> = None;
        for (row, code) in packed.into_iter().enumerate() {
            let class = match previous {
                Some((same, class)) if same == code => class,
                _ => cache.get(code).unwrap_or_else(|| {
                    let class = self.class_index(&lines.key(&columns, row));
                    cache.insert(code, class);
                    class
                }),
            };
            previous = Some((code, class));
            classes.push(class);
        }
        self.cache = cache;
        Ok(classes)
    }

    fn class_index(&mut self, key: &ClassKey<'_>) -> u32 {
        // DefaultHasher::new() has fixed keys, and class numbers never leave the estimator.
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        let candidates = self.index.entry(hash).or_default();
        if let Some(known) = candidates.iter().find(|class| self.keys[**class as usize].is(key)) {
            return *known;
        }
        let context = Context {
            factors: &self.factors,
            options: &self.options,
            period: self.period,
            places: &self.places,
        };
        let class = profile::classify(self.method, key, &context);
        let number = u32::try_from(self.classes.len()).unwrap_or(u32::MAX);
        candidates.push(number);
        self.prepared.push(Prepared::new(&class));
        self.names.add(&class);
        self.classes.push(class);
        self.keys.push(OwnedKey::new(key));
        number
    }
}

/// The schema of [`Estimator::estimate`]'s result when every string of the input is a dictionary: the file schema of
/// `emissions` with `Dictionary(Int32, Utf8)` for `Utf8` and `Decimal64` for the quantities that are made here.
pub fn emissions_dictionary_schema() -> SchemaRef {
    let file = schema::emissions().file_schema();
    let fields = file.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Field::new(field.name(), output::dictionary_type(), field.is_nullable()),
        quantity if *quantity == QUANTITY => {
            Field::new(field.name(), output::QUANTITY_64, field.is_nullable())
        }
        other => Field::new(field.name(), other.clone(), field.is_nullable()),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The schema of [`Estimator::estimate`]'s result for an input schema: columns that are passed on keep their type.
pub fn emissions_schema_for(lines: &Schema) -> SchemaRef {
    let dictionary = emissions_dictionary_schema();
    let fields = dictionary.fields().iter().map(|field| match lines.field_with_name(field.name()) {
        Ok(own) if output::is_passed_on(field.name()) => {
            Field::new(field.name(), own.data_type().clone(), field.is_nullable())
        }
        _ => field.as_ref().clone(),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests;
