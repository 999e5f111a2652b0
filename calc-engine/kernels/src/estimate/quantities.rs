//! Columns of quantities: arithmetic in doubles block by block, then one rounding into ledger steps.

use airshed_domain::fixed::quantity_from_f64;

use super::{
    EstimateError,
    input::Lines,
    prepared::{COUNT, MEASURES, OPTIONAL, Prepared},
    rows::Rows,
    runs::Runs,
};
use crate::class::Class;

/// Rows whose quantities are held as doubles at a time: small enough to stay in the nearest cache, and no power of two,
/// which would put all columns of a row into the same few cache sets.
const BLOCK: usize = 100;
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

/// Quantities of some rows as doubles, column by column.
type Block = [[f64; BLOCK]; COUNT];

/// Every quantity of every row, in the order of [`MEASURES`].
pub(super) fn quantities(
    lines: &Lines<'_>,
    runs: &Runs,
    decided: &[Class],
    prepared: &[Prepared],
    rows: &Rows,
) -> Result<Vec<Quantities>, EstimateError> {
    let complete = prepared.iter().all(|own| own.complete);
    let mut columns: Vec<Quantities> = (0..COUNT)
        .map(|column| Quantities {
            values: Vec::with_capacity(runs.rows()),
            stated: (!complete && OPTIONAL.contains(&column)).then(|| Vec::with_capacity(runs.rows())),
        })
        .collect();
    let plain = rows.measured.is_empty() && rows.intensities.is_empty();
    let mut block: Box<Block> = Box::new([[0.0; BLOCK]; COUNT]);
    let (mut first, mut filled) = (0, 0);
    for (class, start, length) in runs.iter() {
        let own = &prepared[class];
        let (mut row, end) = (start, start + length);
        while row < end {
            let taken = (end - row).min(BLOCK - filled);
            if plain {
                fill(own, &rows.amounts[row..row + taken], &mut block, filled);
            } else {
                for offset in 0..taken {
                    let values = of_row(own, &decided[class], rows, row + offset);
                    put(&mut block, filled + offset, values);
                }
            }
            row += taken;
            filled += taken;
            if filled == BLOCK {
                round_block(lines, first, &block, filled, &mut columns)?;
                (first, filled) = (row, 0);
            }
        }
    }
    round_block(lines, first, &block, filled, &mut columns)?;
    Ok(columns)
}

/// The quantities of neighbouring rows of one class, at its default utilisation and in the year's grid.
fn fill(own: &Prepared, amounts: &[f64], block: &mut Block, at: usize) {
    for (offset, amount) in amounts.iter().enumerate() {
        put(block, at + offset, own.row(*amount, own.yearly));
    }
}

#[inline]
fn put(block: &mut Block, at: usize, values: [f64; COUNT]) {
    for (column, value) in block.iter_mut().zip(values) {
        column[at] = value;
    }
}

/// The quantities of a row with the utilisation and the hours that it has of its own.
fn of_row(own: &Prepared, class: &Class, rows: &Rows, row: usize) -> [f64; COUNT] {
    let amount = rows.amounts[row];
    let intensity = rows.intensities.get(row).copied().unwrap_or(own.yearly);
    match (rows.measured(row), class.coefficients.as_deref()) {
        (Some(measured), Some(coefficients)) => {
            Prepared::of(coefficients, Some(measured)).row(amount, intensity)
        }
        _ => own.row(amount, intensity),
    }
}

/// Appends the rows of a block to the columns; `first` is the number of its first row.
fn round_block(
    lines: &Lines<'_>,
    first: usize,
    block: &Block,
    filled: usize,
    columns: &mut [Quantities],
) -> Result<(), EstimateError> {
    for (column, (quantities, values)) in columns.iter_mut().zip(block).enumerate() {
        let values = &values[..filled];
        if let Some(stated) = &mut quantities.stated {
            stated.extend(values.iter().map(|value| !value.is_nan()));
        }
        let nan_is_null = quantities.stated.is_some();
        round_into(values, nan_is_null, &mut quantities.values).map_err(|(offset, problem)| {
            let column = MEASURES[column].column;
            EstimateError::row(format!("{}: {column} is {problem}", lines.row_name(first + offset)))
        })?;
    }
    Ok(())
}

/// Appends values as ledger steps, each rounded once, half to even: [`quantity_from_f64`], fast for the sizes that
/// occur. On failure: which value, and why.
fn round_into(values: &[f64], nan_is_null: bool, steps: &mut Vec<i64>) -> Result<(), (usize, String)> {
    let before = steps.len();
    let mut small = true;
    steps.extend(values.iter().map(|value| {
        let scaled = value * QUANTITY_STEPS;
        small &= scaled.abs() < ROUNDER_LIMIT;
        (scaled + ROUNDER).to_bits().cast_signed().wrapping_sub(ROUNDER.to_bits().cast_signed())
    }));
    if small {
        return Ok(());
    }
    steps.truncate(before);
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
