//! Exact totals of a run, added up file by file.

use airshed_domain::{schema::column as c, status::LineStatus};
use airshed_lake::control::RunTotals;
use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, RecordBatch},
    datatypes::{Decimal64Type, Int32Type},
};

use crate::error::{Error, ErrorKind, Result};

/// Adds the rows of an emissions batch.
pub(crate) fn add_batch(totals: &mut RunTotals, batch: &RecordBatch) -> Result<()> {
    let no_status = || Error::new(ErrorKind::Corrupt, "column `status` is not a dictionary of words");
    let status = column(batch, c::STATUS)?.as_dictionary_opt::<Int32Type>().ok_or_else(no_status)?;
    let words = status.values().as_string_opt::<i32>().ok_or_else(no_status)?;
    let mut rows = vec![0u64; words.len()];
    for code in status.keys().iter().flatten() {
        rows[usize::try_from(code).map_err(|_| no_status())?] += 1;
    }
    for (word, rows) in words.iter().zip(rows) {
        match word {
            Some(word) if word == LineStatus::Estimated.as_str() => totals.rows_estimated += rows,
            Some(word) if word == LineStatus::Unmapped.as_str() => totals.rows_unmapped += rows,
            _ => totals.rows_excluded += rows,
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
        .as_primitive_opt::<Decimal64Type>()
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("column `{name}` is not a decimal")))?;
    Ok(values.iter().flatten().map(i128::from).sum())
}
