//! Columns of quantities: arithmetic in doubles block by block, then one rounding into ledger steps.

use airshed_domain::fixed::quantity_from_f64;

use super::{
    EstimateError,
    input::Lines,
    prepared::{COUNT, MEASURES, OPTIONAL, Prepared},
    rows::Rows,
};
use crate::class::Class;

/// Rows whose quantities are held as doubles at a time: small enough to stay in the nearest cache, and no power of two,
/// which would put all columns of a row into the same few cache sets.
const BLOCK: usize = 120;
/// Where doubles are 1 apart; adding and taking it away rounds half to even.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// Below this many steps [`ROUNDER`] is exact.
const ROUNDER_LIMIT: f64 = 2_251_799_813_685_248.0;
/// Steps of a quantity per unit.
const QUANTITY_STEPS: f64 = 1e8;

/// One column of quantities in ledger steps; `stated` where some rows have none by method.
pub(super) struct Quantities {
    pub(super) values: Vec<i64>,
    pub(super) stated: Option<Vec<bool>>,
}

/// Every quantity of every row, in the order of [`MEASURES`].
pub(super) fn quantities(
    lines: &Lines<'_>,
    classes: &[u32],
    decided: &[Class],
    prepared: &[Prepared],
    rows: &Rows,
) -> Result<Vec<Quantities>, EstimateError> {
    let complete = classes.iter().all(|class| prepared[*class as usize].complete);
    let mut columns: Vec<Quantities> = (0..COUNT)
        .map(|column| Quantities {
            values: Vec::with_capacity(classes.len()),
            stated: (!complete && OPTIONAL.contains(&column)).then(|| Vec::with_capacity(classes.len())),
        })
        .collect();
    let mut block = vec![[0.0; BLOCK]; COUNT];
    for (number, classes) in classes.chunks(BLOCK).enumerate() {
        let start = number * BLOCK;
        for (offset, class) in classes.iter().enumerate() {
            let (row, class) = (start + offset, *class as usize);
            let (amount, intensity) = (rows.amounts[row], rows.intensities[row]);
            let values = match (rows.measured(row), decided[class].coefficients.as_deref()) {
                (Some(utilization), Some(coefficients)) => {
                    Prepared::of(coefficients, Some(utilization)).row(amount, intensity)
                }
                _ => prepared[class].row(amount, intensity),
            };
            for (column, value) in block.iter_mut().zip(values) {
                column[offset] = value;
            }
        }
        for (column, (quantities, values)) in columns.iter_mut().zip(&block).enumerate() {
            let values = &values[..classes.len()];
            if let Some(stated) = &mut quantities.stated {
                stated.extend(values.iter().map(|value| !value.is_nan()));
            }
            let nan_is_null = quantities.stated.is_some();
            round_into(values, nan_is_null, &mut quantities.values).map_err(|(offset, problem)| {
                let column = MEASURES[column].column;
                EstimateError::row(format!("{}: {column} is {problem}", lines.row_name(start + offset)))
            })?;
        }
    }
    Ok(columns)
}

/// Appends at most [`BLOCK`] values as ledger steps, each rounded once, half to even: [`quantity_from_f64`], fast for the sizes that
/// occur. On failure: which value, and why.
fn round_into(values: &[f64], nan_is_null: bool, steps: &mut Vec<i64>) -> Result<(), (usize, String)> {
    let small =
        values.iter().fold(true, |small, value| small & ((value * QUANTITY_STEPS).abs() < ROUNDER_LIMIT));
    if small {
        steps.extend(values.iter().map(|value| {
            let rounded = value * QUANTITY_STEPS + ROUNDER;
            rounded.to_bits().cast_signed().wrapping_sub(ROUNDER.to_bits().cast_signed())
        }));
        return Ok(());
    }
    for (offset, value) in values.iter().enumerate() {
        if nan_is_null && value.is_nan() {
            steps.push(0);
            continue;
        }
        steps.push(quantity_from_f64(*value).map_err(|error| (offset, error.to_string()))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
