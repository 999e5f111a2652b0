//! Columns of exact sums, one entry a cell: counts, money and quantities.

use std::sync::Arc;

use airshed_domain::fixed::{MONEY_SCALE, MONEY_SUM_PRECISION, QUANTITY_SCALE, QUANTITY_SUM_PRECISION};
use arrow::{
    array::{Array as _, ArrayRef, Decimal128Array, Int64Array},
    buffer::NullBuffer,
};

use crate::error::{Error, Result};

/// What rows bring to their cells.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    /// For each count, the rows that are counted; `None` counts all.
    pub(crate) counted: Vec<Option<&'a [bool]>>,
    /// For each sum of money, the amounts in ledger steps and the rows that are added; `None` adds all.
    pub(crate) money: Vec<(&'a [i128], Option<&'a [bool]>)>,
    /// Quantities in ledger steps.
    pub(crate) quantities: Vec<&'a Decimal128Array>,
}

/// The sums of all cells.
#[derive(Debug)]
pub(crate) struct Sums {
    counts: Vec<Vec<i64>>,
    money: Vec<Vec<i128>>,
    quantities: Vec<Quantity>,
}

/// Sums of one quantity. A cell has one as soon as one of its rows has one.
#[derive(Debug, Clone, Default)]
struct Quantity {
    steps: Vec<i128>,
    stated: Vec<bool>,
}

impl Sums {
    /// No cells, so many counts, sums of money and of quantities.
    pub(crate) fn new(counts: usize, money: usize, quantities: usize) -> Self {
        Self {
            counts: vec![Vec::new(); counts],
            money: vec![Vec::new(); money],
            quantities: vec![Quantity::default(); quantities],
        }
    }

    /// Adds rows to their cells, of which there are now `cells`.
    pub(super) fn add_rows(&mut self, of_rows: &[u32], cells: usize, rows: &Rows<'_>) {
        self.grow(cells);
        for (counts, counted) in self.counts.iter_mut().zip(&rows.counted) {
            match counted {
                None => of_rows.iter().for_each(|cell| counts[*cell as usize] += 1),
                Some(counted) => of_rows
                    .iter()
                    .zip(*counted)
                    .for_each(|(cell, counted)| counts[*cell as usize] += i64::from(*counted)),
            }
        }
        for (sums, (amounts, added)) in self.money.iter_mut().zip(&rows.money) {
            let amounts = of_rows.iter().zip(*amounts);
            match added {
                None => amounts.for_each(|(cell, amount)| sums[*cell as usize] += amount),
                Some(added) => amounts.zip(*added).for_each(|((cell, amount), added)| {
                    if *added {
                        sums[*cell as usize] += amount;
                    }
                }),
            }
        }
        for (sums, quantity) in self.quantities.iter_mut().zip(&rows.quantities) {
            let steps = of_rows.iter().zip(quantity.values());
            match quantity.nulls().filter(|nulls| nulls.null_count() > 0) {
                None => steps.for_each(|(cell, steps)| sums.add(*cell, *steps)),
                Some(nulls) => steps.zip(nulls.iter()).for_each(|((cell, steps), stated)| {
                    if stated {
                        sums.add(*cell, *steps);
                    }
                }),
            }
        }
    }

    /// Adds the sums of other cells to these, of which there are now `cells`.
    pub(super) fn add_sums(&mut self, of_cells: &[u32], cells: usize, other: &Self) {
        self.grow(cells);
        for (counts, more) in self.counts.iter_mut().zip(&other.counts) {
            of_cells.iter().zip(more).for_each(|(cell, count)| counts[*cell as usize] += count);
        }
        for (sums, more) in self.money.iter_mut().zip(&other.money) {
            of_cells.iter().zip(more).for_each(|(cell, amount)| sums[*cell as usize] += amount);
        }
        for (sums, more) in self.quantities.iter_mut().zip(&other.quantities) {
            for (cell, (steps, stated)) in of_cells.iter().zip(more.steps.iter().zip(&more.stated)) {
                if *stated {
                    sums.add(*cell, *steps);
                }
            }
        }
    }

    fn grow(&mut self, cells: usize) {
        self.counts.iter_mut().for_each(|counts| counts.resize(cells, 0));
        self.money.iter_mut().for_each(|sums| sums.resize(cells, 0));
        for quantity in &mut self.quantities {
            quantity.steps.resize(cells, 0);
            quantity.stated.resize(cells, false);
        }
    }

    /// The columns of some cells: counts, money, quantities.
    pub(super) fn columns(&self, cells: &[u32]) -> Result<Vec<ArrayRef>> {
        let mut columns: Vec<ArrayRef> = Vec::new();
        for counts in &self.counts {
            let counts = cells.iter().map(|&cell| counts[cell as usize]);
            columns.push(Arc::new(Int64Array::from_iter_values(counts)));
        }
        for sums in &self.money {
            columns.push(decimals(cells, sums, None, MONEY_SUM_PRECISION, MONEY_SCALE)?);
        }
        for Quantity { steps, stated } in &self.quantities {
            let valid = || cells.iter().map(|&cell| stated[cell as usize]);
            let nulls = valid().any(|stated| !stated).then(|| valid().collect::<NullBuffer>());
            columns.push(decimals(cells, steps, nulls, QUANTITY_SUM_PRECISION, QUANTITY_SCALE)?);
        }
        Ok(columns)
    }
}

impl Quantity {
    #[inline]
    fn add(&mut self, cell: u32, steps: i128) {
        self.steps[cell as usize] += steps;
        self.stated[cell as usize] = true;
    }
}

fn decimals(
    cells: &[u32],
    sums: &[i128],
    nulls: Option<NullBuffer>,
    precision: u8,
    scale: i8,
) -> Result<ArrayRef> {
    let values: Vec<i128> = cells.iter().map(|&cell| sums[cell as usize]).collect();
    let array = Decimal128Array::new(values.into(), nulls)
        .with_precision_and_scale(precision, scale)
        .map_err(|e| Error::query("sums are not decimals", e))?;
    Ok(Arc::new(array))
}
