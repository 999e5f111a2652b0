//! The output batch: columns that are passed on, words, numbers and quantities, in the ledger's order.

use std::{collections::HashMap, sync::Arc};

use airshed_domain::{
    fixed::{QUANTITY_PRECISION, QUANTITY_SCALE},
    schema::{self, column as c},
};
use arrow::{
    array::{Array as _, ArrayRef, Decimal64Array, Float64Array},
    buffer::{BooleanBuffer, NullBuffer},
    datatypes::{DataType, Field, Schema},
    record_batch::RecordBatch,
};

use super::{
    EstimateError,
    input::Lines,
    prepared::{MEASURES, Prepared},
    quantities::{Quantities, quantities},
    rows::Rows,
    runs::Runs,
    words::{Names, Words},
};
use crate::{bounds::Bounds, class::Class};

/// Type of the strings that the estimator makes.
pub(super) fn dictionary_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Type of the quantities that the estimator makes: those of the ledger, 64 bits wide.
pub(super) const QUANTITY_64: DataType = DataType::Decimal64(QUANTITY_PRECISION, QUANTITY_SCALE);

/// Whether a column of `emissions` comes from `billing_lines` unchanged.
pub(super) fn is_passed_on(name: &str) -> bool {
    name == c::TAGS
        || schema::emissions()
            .columns
            .iter()
            .take_while(|column| column.name != c::TAGS)
            .any(|column| column.name == name)
}

/// What is known of the classes decided so far, by class number.
pub(super) struct Decided<'a> {
    pub(super) classes: &'a [Class],
    pub(super) prepared: &'a [Prepared],
    pub(super) names: &'a Names,
}

/// The emissions of a batch, in the order of `schema`, the file schema of `emissions`.
pub(super) fn emissions(
    schema: &Schema,
    lines: &Lines<'_>,
    runs: &Runs,
    decided: &Decided<'_>,
) -> Result<RecordBatch, EstimateError> {
    let Decided { prepared, names, .. } = *decided;
    let rows = Rows::new(lines, runs, prepared)?;
    let quantities = quantities(lines, runs, decided.classes, prepared, &rows)?;
    let words_of = Words { rows: &rows, runs, prepared, names };
    let estimated = NullBuffer::new(rows.estimated.clone());
    let only_estimated = (estimated.null_count() > 0).then_some(&estimated);
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    let mut quantities: HashMap<&str, Quantities> =
        MEASURES.iter().map(|measure| measure.column).zip(quantities).collect();
    for field in schema.fields() {
        let name = field.name().as_str();
        let array = if let Some(Quantities { values, stated }) = quantities.remove(name) {
            let nulls = NullBuffer::union(only_estimated, stated.map(NullBuffer::from).as_ref());
            decimals(values, nulls)?
        } else if let Some(array) = words_of.column(name)? {
            array
        } else if let Some(array) = numbers(name, &rows, runs, prepared, only_estimated) {
            array
        } else {
            Arc::clone(lines.column(name)?)
        };
        arrays.push(array);
    }
    let fields = schema.fields().iter().zip(&arrays);
    let fields =
        fields.map(|(field, array)| Field::new(field.name(), array.data_type().clone(), field.is_nullable()));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(schema, arrays).map_err(|error| {
        EstimateError::input("the columns do not make a batch of emissions").with_source(error)
    })
}

/// The columns of plain numbers that the estimator makes; `None` for any other column.
fn numbers(
    name: &str,
    rows: &Rows,
    runs: &Runs,
    prepared: &[Prepared],
    only_estimated: Option<&NullBuffer>,
) -> Option<ArrayRef> {
    let of_class = |value: fn(&Prepared) -> f64| runs.spread(|class| value(&prepared[class]));
    let mut values = match name {
        c::UTILIZATION => of_class(|own| own.utilization),
        c::PUE => of_class(|own| own.pue),
        c::GRID_INTENSITY_G_PER_KWH if rows.intensities.is_empty() => of_class(|own| own.yearly.location),
        c::GRID_INTENSITY_G_PER_KWH => rows.intensities.iter().map(|own| own.location).collect(),
        c::MARKET_INTENSITY_G_PER_KWH if rows.intensities.is_empty() => of_class(|own| own.yearly.market),
        c::MARKET_INTENSITY_G_PER_KWH => rows.intensities.iter().map(|own| own.market).collect(),
        _ => return None,
    };
    if name == c::UTILIZATION && !rows.measured.is_empty() {
        for (row, value) in values.iter_mut().enumerate() {
            let default = Bounds::exactly(*value);
            *value = rows.measured(row).map_or(*value, |measured| measured.with_default(default).central);
        }
    }
    let stated = values
        .iter()
        .any(|value| value.is_nan())
        .then(|| NullBuffer::new(BooleanBuffer::collect_bool(values.len(), |row| !values[row].is_nan())));
    let nulls = NullBuffer::union(only_estimated, stated.as_ref());
    // A NaN under a null is nobody's value; bytes must not depend on it.
    if stated.is_some() {
        values.iter_mut().filter(|value| value.is_nan()).for_each(|value| *value = 0.0);
    }
    Some(Arc::new(Float64Array::new(values.into(), nulls)))
}

fn decimals(values: Vec<i64>, nulls: Option<NullBuffer>) -> Result<ArrayRef, EstimateError> {
    let array = Decimal64Array::new(values.into(), nulls)
        .with_precision_and_scale(QUANTITY_PRECISION, QUANTITY_SCALE)
        .map_err(|error| EstimateError::input("quantities are not decimals").with_source(error))?;
    Ok(Arc::new(array))
}
