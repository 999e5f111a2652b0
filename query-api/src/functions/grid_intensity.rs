//! `grid_intensity(zone_or_region, ts)` and `grid_intensity(zone_or_region, ts, 'market')`: gCO2e/kWh of a place and time.
//!
//! By the shipped factor set and the rules of the estimate (`docs/methodology/grid.md`): the hour of `ts` where the set has
//! hours of the place, else the yearly factor that serves the year of `ts` in UTC. The set that is shipped has years only.

mod place;

use std::sync::Arc;

use airshed_domain::{
    fixed::{QUANTITY, QUANTITY_PRECISION, QUANTITY_SCALE, quantity_from_f64},
    schema::timestamp_type,
};
use airshed_emission_factors::FactorSet;
use arrow::{
    array::{Array as _, AsArray as _, Decimal128Builder},
    compute::cast,
    datatypes::{DataType, TimestampMicrosecondType},
};
use datafusion::{
    common::{Result, exec_datafusion_err, exec_err, plan_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};

use super::{
    arguments::{Found, is_text, literal},
    factors::shipped,
};
use place::Place;

const MICROSECONDS: i64 = 1_000_000;
const TAKES: &str = "grid_intensity takes a grid zone or region, a time, and if wanted 'location' or 'market': \
                     grid_intensity('eu-west-1', usage_start, 'market')";

/// Which of the two scope 2 figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basis {
    /// What the power stations of the place emit.
    Location,
    /// The residual mix of the country where one is published, else the location-based figure.
    Market,
}

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct GridIntensity {
    signature: Signature,
}

impl GridIntensity {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for GridIntensity {
    fn name(&self) -> &'static str {
        "grid_intensity"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let is_time = |of: &DataType| {
            is_text(of) || matches!(of, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64)
        };
        match given {
            [place, time] if is_text(place) && is_time(time) => Ok(vec![place.clone(), timestamp_type()]),
            [place, time, basis] if is_text(place) && is_time(time) && is_text(basis) => {
                Ok(vec![place.clone(), timestamp_type(), basis.clone()])
            }
            _ => plan_err!("{TAKES}"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(QUANTITY)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (place, time, basis) = match args.args.as_slice() {
            [place, time] => (place, time, Basis::Location),
            [place, time, basis] => match literal(basis) {
                Some("location") => (place, time, Basis::Location),
                Some("market") => (place, time, Basis::Market),
                _ => return exec_err!("{TAKES}"),
            },
            _ => return exec_err!("{TAKES}"),
        };
        intensities(shipped()?, (place, time), basis, args.number_rows)
    }
}

fn intensities(
    factors: &FactorSet,
    (place, time): (&ColumnarValue, &ColumnarValue),
    basis: Basis,
    rows: usize,
) -> Result<ColumnarValue> {
    let mut places = Found::new(place, rows, |text| Place::new(factors, text, basis))?;
    let times = cast(&time.to_array(rows)?, &timestamp_type())?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let mut found = Decimal128Builder::with_capacity(rows)
        .with_precision_and_scale(QUANTITY_PRECISION, QUANTITY_SCALE)?;
    for row in 0..rows {
        let figure = match places.of_row(row) {
            Some(place) if times.is_valid(row) => place.g_per_kwh(times.value(row).div_euclid(MICROSECONDS)),
            _ => None,
        };
        let steps = figure.map(quantity_from_f64).transpose();
        let steps = steps.map_err(|why| exec_datafusion_err!("a grid intensity is {why}"))?;
        found.append_option(steps.map(i128::from));
    }
    Ok(ColumnarValue::Array(Arc::new(found.finish())))
}

#[cfg(test)]
mod tests;
