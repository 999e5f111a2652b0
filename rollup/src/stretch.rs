//! Rollups that are kept by account, merged over the files of `emissions` that hold the same accounts.
//!
//! An import cuts the lines of an account into several files, by resource, and most days of an account are in all of them.
//! Merged, a cell has one row, and a file of `emissions_daily` holds few accounts. Files come in the order of their
//! accounts, so what is held is of one stretch of accounts.

use airshed_domain::schema::{self, Table, column};
use airshed_lake::Bound;

use crate::shard::Grain;

/// Cells of a table that are held before they are written, however many files follow: some 200 MB for each of the three.
const HELD_CELLS: usize = 1 << 19;

/// The tables that are kept by account, days of all dimensions first.
pub(crate) fn tables() -> Vec<Table> {
    let summaries = schema::summaries().into_iter().filter(|summary| summary.has(column::ACCOUNT_ID));
    std::iter::once(schema::emissions_daily()).chain(summaries).collect()
}

/// The cells of files one after another, of each of [`tables`].
pub(crate) struct Stretch {
    grains: Vec<Grain>,
    /// The smallest and the largest account so far, where all files tell theirs.
    accounts: Option<(Bound, Bound)>,
}

impl Default for Stretch {
    fn default() -> Self {
        Self { grains: tables().iter().map(Grain::of).collect(), accounts: None }
    }
}

impl Stretch {
    /// Takes out what is there where the next file has other accounts; of the same accounts what memory does not allow to
    /// hold on to.
    pub(crate) fn whole_before(&mut self, accounts: Option<&(Bound, Bound)>) -> Vec<Option<Grain>> {
        let is_same = match (&self.accounts, accounts) {
            (Some((low, high)), Some((first, last))) => first <= high && low <= last,
            _ => false,
        };
        if !is_same {
            self.accounts = None;
        }
        let most = if is_same { HELD_CELLS } else { 1 };
        self.grains.iter_mut().zip(tables()).map(|(grain, table)| grain.take_of(most, &table)).collect()
    }

    /// Adds the cells of a file, and its smallest and largest account.
    pub(crate) fn merge(&mut self, accounts: Option<(Bound, Bound)>, of_file: &[Grain]) {
        for (grain, more) in self.grains.iter_mut().zip(of_file) {
            grain.merge(more);
        }
        self.accounts = accounts.map(|(first, last)| match self.accounts.take() {
            Some((low, high)) => (low.min(first), high.max(last)),
            None => (first, last),
        });
    }

    /// What is left after the last file.
    pub(crate) fn rest(self) -> Vec<Option<Grain>> {
        self.grains.into_iter().map(Some).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use airshed_domain::schema::{DIMENSIONS, MEASURES};
    use arrow::array::{ArrayRef, Decimal128Array, DictionaryArray};

    use super::*;
    use crate::cells::sums::Rows;

    /// A day of each account, and nothing in the summaries.
    fn days(accounts: &[&str]) -> Vec<Grain> {
        let mut grains: Vec<Grain> = tables().iter().map(Grain::of).collect();
        let grain = &mut grains[0];
        let columns: Vec<ArrayRef> = DIMENSIONS
            .iter()
            .map(|name| {
                let is_account = *name == column::ACCOUNT_ID;
                let values = accounts.iter().map(|account| is_account.then_some(*account));
                Arc::new(values.collect::<DictionaryArray<arrow::datatypes::Int32Type>>()) as ArrayRef
            })
            .collect();
        let tuples = grain.tuples.of_rows(&columns).unwrap();
        let money = vec![1; accounts.len()];
        let nothing = Decimal128Array::from(vec![None::<i128>; accounts.len()]);
        let rows = Rows {
            counted: vec![None, None],
            money: vec![(&money, None); 4],
            quantities: vec![&nothing; MEASURES.len()],
        };
        grain.cells.add(&tuples, std::iter::repeat(0), &rows);
        grains
    }

    #[test]
    fn files_of_the_same_accounts_are_one() {
        let bounds =
            |low: &str, high: &str| Some((Bound::Text(low.to_owned()), Bound::Text(high.to_owned())));
        let mut held = Stretch::default();
        let mut written = Vec::new();
        for (accounts, range) in [
            (&["1", "2"][..], bounds("1", "2")),
            (&["1"], bounds("1", "1")),
            (&["2", "3"], bounds("2", "3")),
            // Another stretch of accounts, then the first one again, as of another delivery.
            (&["5", "6"], bounds("5", "6")),
            (&["1", "2"], bounds("1", "2")),
            // Nothing is known of these: each stands alone.
            (&["2"], None),
            (&["2"], None),
        ] {
            written.extend(held.whole_before(range.as_ref()));
            held.merge(range, &days(accounts));
        }
        written.extend(held.rest());
        let rows = written.iter().flatten().map(|whole| whole.cells.len()).filter(|cells| *cells > 0);
        let rows: Vec<usize> = rows.collect();
        assert_eq!(rows, [3, 2, 2, 1, 1]);
    }
}
