//! The summaries of the rollups, whichever there are: each is summed up from the hours or days of the pairs.

use std::collections::BTreeMap;

use airshed_domain::schema::{self, DIMENSIONS, Table, column as c};
use airshed_lake::EncodedFile;
use arrow::array::ArrayRef;

use crate::{
    Result,
    figures::Figures,
    month::{HOURS, Month},
    rows::{Place, Rows},
};

/// A summary of a month.
pub(crate) struct Summary {
    pub(crate) table: Table,
    /// Sums by the dimensions that it has, one for each hour or day of the month.
    courses: BTreeMap<Place, Vec<Figures>>,
}

impl Summary {
    /// All of them, with nothing in them.
    pub(crate) fn all() -> Vec<Self> {
        schema::summaries().map(|table| Self { table, courses: BTreeMap::new() }).into()
    }

    /// Whether it is kept by account: then it has a file for each stretch of them, else one of all.
    pub(crate) fn is_by_account(&self) -> bool {
        self.table.has(c::ACCOUNT_ID)
    }

    fn is_by_hour(&self) -> bool {
        self.table.has(c::HOUR)
    }

    /// Adds the hours or the days of a pair.
    pub(crate) fn add(&mut self, place: &Place, hours: &[Figures], days: &[Figures]) {
        let mut own = *place;
        for (dimension, name) in own.iter_mut().zip(DIMENSIONS) {
            if !self.table.has(name) {
                *dimension = -1;
            }
        }
        self.add_course(own, if self.is_by_hour() { hours } else { days });
    }

    /// Adds the same summary of other accounts.
    pub(crate) fn merge(&mut self, other: Self) {
        for (place, course) in other.courses {
            self.add_course(place, &course);
        }
    }

    fn add_course(&mut self, place: Place, course: &[Figures]) {
        let own = self.courses.entry(place).or_insert_with(|| vec![Figures::default(); course.len()]);
        for (sum, row) in own.iter_mut().zip(course) {
            sum.add(row);
        }
    }

    /// Its rows as one file, in the order that a rollup has them, and leaves nothing.
    pub(crate) fn take(&mut self, month: &Month, texts: &[ArrayRef]) -> Result<EncodedFile> {
        let courses = std::mem::take(&mut self.courses);
        let mut rows = Rows::new(&self.table, texts)?;
        let (steps, hours) = if self.is_by_hour() { (month.days * HOURS, 1) } else { (month.days, HOURS) };
        // Hours of accounts lie by days, all else by time.
        let stretch = if self.is_by_hour() && self.is_by_account() { HOURS } else { 1 };
        for first in (0..steps).step_by(stretch) {
            for (place, course) in &courses {
                for (step, row) in (first..).zip(&course[first..first + stretch]) {
                    if row.lines > 0 {
                        rows.push(month.time_us(step * hours), place, row)?;
                    }
                }
            }
        }
        rows.finish()
    }
}
