//! What is decided per row before arithmetic: whether it has an estimate, its amount, its hour, its utilisation.

use airshed_domain::schema::column as c;
use arrow::{array::Array as _, buffer::BooleanBuffer};

use super::{
    EstimateError,
    input::{Lines, amount_from_steps},
    prepared::{Intensity, Prepared, hourly_mean},
};
use crate::{class::Basis, utilization::Measured};

/// What is decided per row.
pub(super) struct Rows {
    /// Rows with an estimate.
    pub(super) estimated: BooleanBuffer,
    /// Rows whose class has an estimate but whose amount is null.
    pub(super) any_lost: bool,
    pub(super) amounts: Vec<f64>,
    pub(super) intensities: Vec<Intensity>,
    pub(super) hourly: Vec<bool>,
    /// Measured utilisation where it is used, NaN elsewhere; empty when no row has one.
    pub(super) measured: Vec<f64>,
    /// Share of the row's time that it was measured in; empty when all of it was, in every row.
    covers: Vec<f64>,
}

impl Rows {
    pub(super) fn new(
        lines: &Lines<'_>,
        classes: &[u32],
        prepared: &[Prepared],
    ) -> Result<Self, EstimateError> {
        let rows = lines.rows();
        let amount_nulls = lines.amount.nulls().filter(|nulls| nulls.null_count() > 0);
        let estimated_by_class = |row: usize| prepared[classes[row] as usize].basis.is_some();
        // Costs are never null in the ledger, so only amounts can be missing.
        let has_amount = |row: usize| {
            amount_nulls.is_none_or(|nulls| nulls.is_valid(row))
                || prepared[classes[row] as usize].basis == Some(Basis::EffectiveCost)
        };
        let estimated = BooleanBuffer::collect_bool(rows, |row| estimated_by_class(row) && has_amount(row));
        let (amount_steps, cost_steps) = (lines.amount.values(), lines.effective_cost.values());
        let mut any_lost = false;
        let mut amounts = Vec::with_capacity(rows);
        let mut intensities = Vec::with_capacity(rows);
        let mut hourly = Vec::with_capacity(rows);
        for (row, class) in classes.iter().enumerate() {
            let own = &prepared[*class as usize];
            any_lost |= own.basis.is_some() && !has_amount(row);
            amounts.push(match own.basis {
                Some(Basis::UsageAmount) => amount_from_steps(amount_steps[row]),
                Some(Basis::EffectiveCost) => amount_from_steps(cost_steps[row]),
                None => 0.0,
            });
            let of_hours = own.hourly.as_ref().and_then(|hours| {
                hourly_mean(hours, own.yearly, lines.start.value(row), lines.end.value(row))
            });
            intensities.push(of_hours.unwrap_or(own.yearly));
            hourly.push(of_hours.is_some());
        }
        let measured = match lines.utilization {
            Some(measured) if measured.null_count() < rows => {
                let used = |row: usize| prepared[classes[row] as usize].measurable && measured.is_valid(row);
                (0..rows).map(|row| if used(row) { measured.value(row) } else { f64::NAN }).collect()
            }
            _ => Vec::new(),
        };
        let covers: Vec<f64> = match lines.utilization_cover {
            Some(covers) if !measured.is_empty() => {
                // A cover that is missing is no share, and refused below.
                (0..rows).map(|row| if covers.is_valid(row) { covers.value(row) } else { f64::NAN }).collect()
            }
            _ => Vec::new(),
        };
        if let Some(measured_values) = lines.utilization {
            for (row, value) in measured.iter().enumerate() {
                let used = measured_values.is_valid(row) && prepared[classes[row] as usize].measurable;
                let cover = covers.get(row).copied().unwrap_or(1.0);
                for (name, share) in [(c::UTILIZATION, *value), (c::UTILIZATION_COVER, cover)] {
                    if used && !(0.0..=1.0).contains(&share) {
                        let row = lines.row_name(row);
                        return Err(EstimateError::row(format!(
                            "{row}: {name} {share} is not a share of 0 to 1"
                        )));
                    }
                }
            }
        }
        Ok(Self { estimated, any_lost, amounts, intensities, hourly, measured, covers })
    }

    /// The measured utilisation that a row uses.
    pub(super) fn measured(&self, row: usize) -> Option<Measured> {
        let mean = self.measured.get(row).copied().filter(|utilization| !utilization.is_nan())?;
        Some(Measured { mean, cover: self.covers.get(row).copied().unwrap_or(1.0) })
    }
}
