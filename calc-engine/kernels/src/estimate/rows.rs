//! What is decided per row before arithmetic: whether it has an estimate, its amount, its hour, its utilisation.

use airshed_domain::schema::column as c;
use arrow::{
    array::{Array as _, BooleanBufferBuilder},
    buffer::BooleanBuffer,
};

use super::{
    EstimateError,
    input::{Lines, amount_from_steps},
    prepared::{Intensity, Prepared, hourly_mean},
    runs::Runs,
};
use crate::{class::Basis, utilization::Measured};

/// What is decided per row.
pub(super) struct Rows {
    /// Rows with an estimate.
    pub(super) estimated: BooleanBuffer,
    /// Rows whose class has an estimate but whose amount is null.
    pub(super) any_lost: bool,
    pub(super) amounts: Vec<f64>,
    /// Intensities of the rows' hours, or of the year where those are not known; empty when no class of the estimator
    /// has hours.
    pub(super) intensities: Vec<Intensity>,
    /// Whether a row has those of its hours; empty as `intensities`.
    pub(super) hourly: Vec<bool>,
    /// Measured utilisation where it is used, NaN elsewhere; empty when no row has one.
    pub(super) measured: Vec<f64>,
    /// Share of the row's time that it was measured in; empty when all of it was, in every row.
    covers: Vec<f64>,
}

impl Rows {
    pub(super) fn new(lines: &Lines<'_>, runs: &Runs, prepared: &[Prepared]) -> Result<Self, EstimateError> {
        let rows = lines.rows();
        let amount_nulls = lines.amount.nulls().filter(|nulls| nulls.null_count() > 0);
        let (amount_steps, cost_steps) = (lines.amount.values(), lines.effective_cost.values());
        let in_units = |steps: &i128| amount_from_steps(*steps);
        let mut any_lost = false;
        let mut amounts = Vec::with_capacity(rows);
        let mut estimated = BooleanBufferBuilder::new(rows);
        for (class, start, length) in runs.iter() {
            let these = start..start + length;
            match (prepared[class].basis, amount_nulls) {
                (None, _) => {
                    amounts.extend(std::iter::repeat_n(0.0, length));
                    estimated.append_n(length, false);
                }
                (Some(Basis::UsageAmount), Some(nulls)) => {
                    amounts.extend(amount_steps[these].iter().map(in_units));
                    let nulls = nulls.slice(start, length);
                    any_lost |= nulls.null_count() > 0;
                    estimated.append_buffer(nulls.inner());
                }
                (Some(Basis::UsageAmount), None) => {
                    amounts.extend(amount_steps[these].iter().map(in_units));
                    estimated.append_n(length, true);
                }
                // Costs are never null in the ledger, so only amounts can be missing.
                (Some(Basis::EffectiveCost), _) => {
                    amounts.extend(cost_steps[these].iter().map(in_units));
                    estimated.append_n(length, true);
                }
            }
        }
        let estimated = estimated.finish();
        let (mut intensities, mut hourly) = (Vec::new(), Vec::new());
        if prepared.iter().any(|own| own.hourly.is_some()) {
            for (class, start, length) in runs.iter() {
                let own = &prepared[class];
                for row in start..start + length {
                    let of_hours = own.hourly.as_ref().and_then(|hours| {
                        hourly_mean(hours, own.yearly, lines.start.value(row), lines.end.value(row))
                    });
                    intensities.push(of_hours.unwrap_or(own.yearly));
                    hourly.push(of_hours.is_some());
                }
            }
        }
        let mut measured = Vec::new();
        let mut covers = Vec::new();
        if let Some(means) = lines.utilization.filter(|means| means.null_count() < rows) {
            measured = vec![f64::NAN; rows];
            covers = vec![1.0; if lines.utilization_cover.is_some() { rows } else { 0 }];
            let measurable = runs.iter().filter(|(class, ..)| prepared[*class].measurable);
            for (_, start, length) in measurable {
                for row in (start..start + length).filter(|row| means.is_valid(*row)) {
                    measured[row] = share(lines, row, c::UTILIZATION, Some(means.value(row)))?;
                    if let Some(of_lines) = lines.utilization_cover {
                        let cover = of_lines.is_valid(row).then(|| of_lines.value(row));
                        covers[row] = share(lines, row, c::UTILIZATION_COVER, cover)?;
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

/// A share of a row, checked to be one.
fn share(lines: &Lines<'_>, row: usize, name: &str, value: Option<f64>) -> Result<f64, EstimateError> {
    match value {
        Some(share) if (0.0..=1.0).contains(&share) => Ok(share),
        other => {
            let found = other.map_or_else(|| "null".to_owned(), |share| share.to_string());
            Err(EstimateError::row(format!(
                "{}: {name} {found} is not a share of 0 to 1",
                lines.row_name(row)
            )))
        }
    }
}
