//! The rollups of some accounts: hours, days, months, and what they bring to the summaries and to coverage.

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
};

/// Parts that the accounts are cut into, each a stretch of ids.
pub(crate) const PARTS: u64 = 128;

/// Places of the dimensions that summaries have.
const ACCOUNT: usize = 1;
const REGION: usize = 2;
const SERVICE: usize = 3;
const FAMILY: usize = 4;
const INSTANCE_TYPE: usize = 5;
const TAGS: usize = 6;
const CURRENCY: usize = 7;

/// Sums by place and time.
pub(crate) type Cells = BTreeMap<(Place, i64), Figures>;

/// The rollups of a part.
pub(crate) struct Part {
    pub(crate) hourly: Option<EncodedFile>,
    pub(crate) daily: EncodedFile,
    pub(crate) sums: Sums,
}

/// What is merged over all parts: months of all dimensions, and the summaries.
#[derive(Default)]
pub(crate) struct Sums {
    pub(crate) monthly: Cells,
    pub(crate) service_daily: Cells,
    pub(crate) account_daily: Cells,
    pub(crate) region_hourly: Cells,
    pub(crate) tag_daily: Cells,
    pub(crate) instance_daily: Cells,
    pub(crate) tag_service_daily: Cells,
    pub(crate) totals: RunTotals,
}

impl Sums {
    pub(crate) fn merge(&mut self, part: Self) {
        let Self {
            monthly,
            service_daily,
            account_daily,
            region_hourly,
            tag_daily,
            instance_daily,
            tag_service_daily,
            totals,
        } = part;
        self.totals.rows_estimated += totals.rows_estimated;
        self.totals.rows_unmapped += totals.rows_unmapped;
        self.totals.energy_kwh += totals.energy_kwh;
        self.totals.co2e_location_g += totals.co2e_location_g;
        self.totals.co2e_market_g += totals.co2e_market_g;
        self.totals.co2e_embodied_g += totals.co2e_embodied_g;
        for (own, more) in [
            (&mut self.monthly, monthly),
            (&mut self.service_daily, service_daily),
            (&mut self.account_daily, account_daily),
            (&mut self.region_hourly, region_hourly),
            (&mut self.tag_daily, tag_daily),
            (&mut self.instance_daily, instance_daily),
            (&mut self.tag_service_daily, tag_service_daily),
        ] {
            for (key, figures) in more {
                own.entry(key).or_default().add(&figures);
            }
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
    let mut by_region: BTreeMap<Place, Vec<Figures>> = BTreeMap::new();
    for (place, account) in (0..).zip(&estate.accounts).filter(|(_, account)| is_of(account, number)) {
        for pair in &account.pairs {
            let service = &estate.names.services[usize::try_from(pair.service)?];
            let place = estate.place(place, account, pair);
            let fleet = if is_newest { Fleet::of(pair) } else { Fleet::of(pair).of_another_month(pair) };
            let mut of_month = Figures::default();
            let of_hours = by_region
                .entry(only(&place, &[REGION, CURRENCY]))
                .or_insert_with(|| vec![Figures::default(); month.days * HOURS]);
            for day in 0..month.days {
                let mut of_day = Figures::default();
                for (hour, of_hour) in (0..).zip(of_hours.iter_mut()).skip(day * HOURS).take(HOURS) {
                    let used = fleet.hour(pair, month, hour);
                    if used.lines == 0 {
                        break;
                    }
                    let row = Figures::new(pair, service, used);
                    of_hour.add(&row);
                    of_day.add(&row);
                }
                if of_day.lines > 0 {
                    let time_us = month.time_us(day * HOURS);
                    daily.push(time_us, &place, &of_day)?;
                    let by_service = only(&place, &[REGION, SERVICE, FAMILY, CURRENCY]);
                    sums.service_daily.entry((by_service, time_us)).or_default().add(&of_day);
                    let by_tag = only(&place, &[REGION, TAGS, CURRENCY]);
                    sums.tag_daily.entry((by_tag, time_us)).or_default().add(&of_day);
                    let by_instance = only(&place, &[REGION, SERVICE, FAMILY, INSTANCE_TYPE, CURRENCY]);
                    sums.instance_daily.entry((by_instance, time_us)).or_default().add(&of_day);
                    let by_tag_and_service = only(&place, &[SERVICE, FAMILY, INSTANCE_TYPE, TAGS, CURRENCY]);
                    sums.tag_service_daily.entry((by_tag_and_service, time_us)).or_default().add(&of_day);
                    let by_account = only(&place, &[ACCOUNT, CURRENCY]);
                    sums.account_daily.entry((by_account, time_us)).or_default().add(&of_day);
                    of_month.add(&of_day);
                }
            }
            if of_month.lines > 0 {
                sums.count(&of_month);
                sums.monthly.insert((place, 0), of_month);
            }
        }
    }
    for (place, hours) in by_region {
        let hours = (0..).zip(hours).filter(|(_, row)| row.lines > 0);
        sums.region_hourly.extend(hours.map(|(hour, row)| ((place, month.time_us(hour)), row)));
    }
    let hourly = if is_newest { Some(hours(estate, month, number)?) } else { None };
    Ok(Part { hourly, daily: daily.finish()?, sums })
}

/// The hours of a part of the accounts, day by day as a rollup has them.
fn hours(estate: &Estate, month: &Month, number: u64) -> Result<EncodedFile> {
    let mut hourly = Rows::new(&schema::emissions_hourly(), &estate.texts)?;
    for day in 0..month.days {
        for (place, account) in (0..).zip(&estate.accounts).filter(|(_, account)| is_of(account, number)) {
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

/// Whether an account is of a part.
fn is_of(account: &Account, number: u64) -> bool {
    (account.order * PARTS) >> 16 == number
}

/// Some dimensions of a place, beside the provider.
fn only(place: &Place, dimensions: &[usize]) -> Place {
    let mut kept = [-1; 8];
    kept[0] = place[0];
    for dimension in dimensions {
        kept[*dimension] = place[*dimension];
    }
    kept
}

/// Cells as the one file of a table; those of a summary in the order of time, as a rollup has them.
pub(crate) fn encode(table: &schema::Table, texts: &[ArrayRef], cells: &Cells) -> Result<EncodedFile> {
    let mut rows = Rows::new(table, texts)?;
    let mut ordered: Vec<_> = cells.iter().collect();
    ordered.sort_by_key(|((place, time_us), _)| (*time_us, *place));
    for ((place, time_us), row) in ordered {
        rows.push(*time_us, place, row)?;
    }
    rows.finish()
}
