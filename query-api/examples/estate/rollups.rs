//! The rollups of some accounts: hours, days, months, and what they bring to the summaries.

use std::collections::BTreeMap;

use airshed_domain::schema;
use airshed_lake::{EncodedFile, control::RunTotals};
use arrow::array::ArrayRef;

use crate::{
    Estate, Result,
    figures::{Figures, Fleet},
    month::{HOURS, Month},
    plan::Account,
    rows::{Place, Rows},
    summaries::Summary,
};

/// Parts that the accounts are cut into, each a stretch of ids.
pub(crate) const PARTS: u64 = 16;
/// Files of hours of a part, each a stretch of its accounts.
const FILES_OF_HOURS: u64 = 8;
const WEEK: usize = 7;

/// The rollups of a part.
pub(crate) struct Part {
    pub(crate) hourly: Vec<EncodedFile>,
    pub(crate) daily: EncodedFile,
    pub(crate) sums: Sums,
}

/// What is merged over parts: months of all dimensions, and the summaries.
pub(crate) struct Sums {
    pub(crate) monthly: BTreeMap<Place, Figures>,
    pub(crate) summaries: Vec<Summary>,
    pub(crate) totals: RunTotals,
}

impl Default for Sums {
    fn default() -> Self {
        Self { monthly: BTreeMap::new(), summaries: Summary::all(), totals: RunTotals::default() }
    }
}

impl Sums {
    pub(crate) fn merge(&mut self, part: Self) {
        let Self { monthly, summaries, totals } = part;
        self.totals.rows_estimated += totals.rows_estimated;
        self.totals.rows_unmapped += totals.rows_unmapped;
        self.totals.energy_kwh += totals.energy_kwh;
        self.totals.co2e_location_g += totals.co2e_location_g;
        self.totals.co2e_market_g += totals.co2e_market_g;
        self.totals.co2e_embodied_g += totals.co2e_embodied_g;
        self.monthly.extend(monthly);
        for (own, more) in self.summaries.iter_mut().zip(summaries) {
            own.merge(more);
        }
    }

    fn count(&mut self, row: &Figures) {
        self.totals.rows_estimated += row.estimated.unsigned_abs();
        self.totals.rows_unmapped += (row.lines - row.estimated).unsigned_abs();
        self.totals.energy_kwh += row.sums[4];
        self.totals.co2e_location_g += row.sums[7];
        self.totals.co2e_market_g += row.sums[10];
        self.totals.co2e_embodied_g += row.sums[11];
    }
}

/// Rolls up a part of the accounts. Of the newest month hours are stored too.
pub(crate) fn part(estate: &Estate, month: &Month, number: u64, is_newest: bool) -> Result<Part> {
    let mut daily = Rows::new(&schema::emissions_daily(), &estate.texts)?;
    let mut sums = Sums::default();
    let mut days_of_pairs: Vec<(Place, Vec<Figures>)> = Vec::new();
    for (place, account) in (0..).zip(&estate.accounts).filter(|(_, account)| is_of(account, number, PARTS)) {
        for pair in &account.pairs {
            let service = &estate.names.services[usize::try_from(pair.service)?];
            let place = estate.place(place, account, pair);
            let fleet = if is_newest { Fleet::of(pair) } else { Fleet::of(pair).of_another_month(pair) };
            let hours: Vec<Figures> = (0..month.days * HOURS)
                .map(|hour| Figures::new(pair, service, fleet.hour(pair, month, hour)))
                .collect();
            let sum = |rows: &[Figures]| {
                rows.iter().fold(Figures::default(), |mut sum, row| {
                    sum.add(row);
                    sum
                })
            };
            let days: Vec<Figures> = hours.chunks(HOURS).map(sum).collect();
            for summary in &mut sums.summaries {
                summary.add(&place, &hours, &days);
            }
            let of_month = sum(&days);
            if of_month.lines > 0 {
                sums.count(&of_month);
                sums.monthly.insert(place, of_month);
            }
            days_of_pairs.push((place, days));
        }
    }
    // As a rollup has them: by weeks, and within them by place.
    for first in (0..month.days).step_by(WEEK) {
        for (place, days) in &days_of_pairs {
            for (day, row) in (first..).zip(&days[first..(first + WEEK).min(month.days)]) {
                if row.lines > 0 {
                    daily.push(month.time_us(day * HOURS), place, row)?;
                }
            }
        }
    }
    let files = if is_newest { number * FILES_OF_HOURS..(number + 1) * FILES_OF_HOURS } else { 0..0 };
    let hourly = files.map(|file| hours(estate, month, file)).collect::<Result<_>>()?;
    Ok(Part { hourly, daily: daily.finish()?, sums })
}

/// A file of hours, day by day as a rollup has them.
fn hours(estate: &Estate, month: &Month, file: u64) -> Result<EncodedFile> {
    let mut hourly = Rows::new(&schema::emissions_hourly(), &estate.texts)?;
    for day in 0..month.days {
        for (place, account) in
            (0..).zip(&estate.accounts).filter(|(_, account)| is_of(account, file, PARTS * FILES_OF_HOURS))
        {
            for pair in &account.pairs {
                let service = &estate.names.services[usize::try_from(pair.service)?];
                let place = estate.place(place, account, pair);
                let fleet = Fleet::of(pair);
                for hour in day * HOURS..(day + 1) * HOURS {
                    let used = fleet.hour(pair, month, hour);
                    if used.lines == 0 {
                        break;
                    }
                    hourly.push(month.time_us(hour), &place, &Figures::new(pair, service, used))?;
                }
            }
        }
    }
    hourly.finish()
}

/// Whether an account is of one of some parts.
fn is_of(account: &Account, number: u64, parts: u64) -> bool {
    (account.order * parts) >> 16 == number
}

/// Months as the one file of their table.
pub(crate) fn encode_months(months: &BTreeMap<Place, Figures>, texts: &[ArrayRef]) -> Result<EncodedFile> {
    let mut rows = Rows::new(&schema::emissions_monthly(), texts)?;
    for (place, row) in months {
        rows.push(0, place, row)?;
    }
    rows.finish()
}
