//! Exact totals of a run, added up file by file.

use airshed_domain::{schema::column as c, status::LineStatus};
use airshed_lake::control::RunTotals;
use arrow::{
    array::{ArrayRef, AsArray as _, RecordBatch},
    compute::cast,
    datatypes::{DataType, Decimal128Type},
};

use crate::error::{Error, ErrorKind, Result};

/// Adds the rows of an emissions batch.
pub(crate) fn add_batch(totals: &mut RunTotals, batch: &RecordBatch) -> Result<()> {
    let status = cast(column(batch, c::STATUS)?, &DataType::Utf8)
        .map_err(|e| Error::with_source(ErrorKind::Corrupt, "column `status`", e))?;
    for value in status.as_string::<i32>().iter().flatten() {
        match value {
            v if v == LineStatus::Estimated.as_str() => totals.rows_estimated += 1,
            v if v == LineStatus::Unmapped.as_str() => totals.rows_unmapped += 1,
            _ => totals.rows_excluded += 1,
        }
    }
    totals.energy_kwh += sum(batch, c::ENERGY_KWH)?;
    totals.co2e_location_g += sum(batch, c::CO2E_LOCATION_G)?;
    totals.co2e_market_g += sum(batch, c::CO2E_MARKET_G)?;
    totals.co2e_embodied_g += sum(batch, c::CO2E_EMBODIED_G)?;
    Ok(())
}

/// Adds the totals of another file.
pub(crate) fn add(totals: &mut RunTotals, other: &RunTotals) {
    totals.rows_estimated += other.rows_estimated;
    totals.rows_unmapped += other.rows_unmapped;
    totals.rows_excluded += other.rows_excluded;
    totals.rows_rejected += other.rows_rejected;
    totals.energy_kwh += other.energy_kwh;
    totals.co2e_location_g += other.co2e_location_g;
    totals.co2e_market_g += other.co2e_market_g;
    totals.co2e_embodied_g += other.co2e_embodied_g;
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch
        .column_by_name(name)
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("emissions lack column `{name}`")))
}

fn sum(batch: &RecordBatch, name: &str) -> Result<i128> {
    let values = column(batch, name)?
        .as_primitive_opt::<Decimal128Type>()
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("column `{name}` is not a decimal")))?;
    Ok(values.iter().flatten().sum())
}
