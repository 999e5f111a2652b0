//! A month hour by hour: the grid of every region, and the courses that load takes through a day.

use airshed_domain::period::{BillingPeriod, SECONDS_PER_HOUR};

use crate::{names::Names, random::mix};

pub(crate) const HOURS: usize = 24;
/// Grams above or below a region's average, in thirds of a percent, by hour of the day: noon has sun, evening has none.
const GRID: [i64; HOURS] =
    [0, -2, -4, -5, -4, 0, 6, 12, 4, -8, -20, -28, -32, -30, -24, -12, 4, 20, 34, 38, 30, 18, 10, 4];
/// Microseconds of an hour.
pub(crate) const HOUR_US: i64 = SECONDS_PER_HOUR * 1_000_000;

/// A billing period.
#[derive(Debug)]
pub(crate) struct Month {
    pub(crate) period: BillingPeriod,
    pub(crate) start_us: i64,
    pub(crate) days: usize,
    /// Intensity by region and hour, gCO2e/kWh; the last region is the average that lines without one have.
    grid: Vec<Vec<i64>>,
    /// Weight of every hour, by course.
    weights: Vec<Vec<i64>>,
    /// Sum of weights, and of weight times intensity, by course, region and day.
    days_of: Vec<Vec<Vec<(i64, i64)>>>,
}

impl Month {
    pub(crate) fn new(period: BillingPeriod, seed: u64, names: &Names) -> Self {
        let window = period.window();
        let first_day = window.start_s / (24 * SECONDS_PER_HOUR);
        let days = usize::try_from(period.hours()).unwrap_or_default() / HOURS;
        let average = names.regions.iter().map(|(_, grams)| grams).sum::<i64>() / 30;
        let means = names.regions.iter().map(|(_, grams)| *grams).chain([average]);
        let grid: Vec<Vec<i64>> =
            (0..).zip(means).map(|(region, mean)| course_of_grid(mean, days, seed ^ region)).collect();
        let weights: Vec<Vec<i64>> = (0..4)
            .map(|course| {
                let day =
                    |day: i64| (0..HOURS).map(move |hour| weight(course, (first_day + day + 4) % 7, hour));
                (0..).take(days).flat_map(day).collect()
            })
            .collect();
        let sums_of = |weights: &[i64], grid: &[i64], day: usize| {
            let hours = day * HOURS..(day + 1) * HOURS;
            let both = weights[hours.clone()].iter().zip(&grid[hours]);
            both.fold((0, 0), |(sum, grams), (weight, g)| (sum + weight, grams + weight * g))
        };
        let days_of = weights
            .iter()
            .map(|w| grid.iter().map(|g| (0..days).map(|day| sums_of(w, g, day)).collect()).collect())
            .collect();
        Self { period, start_us: window.start_s * 1_000_000, days, grid, weights, days_of }
    }

    fn region(&self, region: i32) -> usize {
        usize::try_from(region).unwrap_or(self.grid.len() - 1)
    }

    /// Weight of an hour of the month, and weight times intensity.
    pub(crate) fn hour(&self, course: usize, region: i32, hour: usize) -> (i64, i64) {
        let weight = self.weights[course][hour];
        (weight, weight * self.grid[self.region(region)][hour])
    }

    /// The same of a day.
    pub(crate) fn day(&self, course: usize, region: i32, day: usize) -> (i64, i64) {
        self.days_of[course][self.region(region)][day]
    }

    /// Average intensity of the month, which lines of the whole month have.
    pub(crate) fn mean(&self, region: i32) -> i64 {
        let grid = &self.grid[self.region(region)];
        grid.iter().sum::<i64>() / i64::try_from(grid.len()).unwrap_or(1)
    }

    /// Start of an hour of the month.
    pub(crate) fn time_us(&self, hour: usize) -> i64 {
        self.start_us + i64::try_from(hour).unwrap_or_default() * HOUR_US
    }
}

/// Every hour of a grid: the day's course, days of more and of less wind, and a little of chance.
fn course_of_grid(mean: i64, days: usize, seed: u64) -> Vec<i64> {
    let chance = |stream: u64, of: i64| mix(seed.wrapping_mul(977) ^ stream).cast_signed().rem_euclid(of);
    (0..days * HOURS)
        .map(|hour| {
            let wind = chance((hour / HOURS) as u64, 41) - 20;
            let little = chance(hour as u64 + 10_000, 9) - 4;
            mean + mean * (GRID[hour % HOURS] + wind + little) / 300
        })
        .collect()
}

/// Load in an hour: of always the same, of offices, of shops, of batches at night.
fn weight(course: usize, weekday: i64, hour: usize) -> i64 {
    let is_weekend = weekday == 0 || weekday == 6;
    match (course, hour) {
        (1, 8..18) if !is_weekend => 3,
        (2, 9..14) => 2,
        (2, 14..23) => 3,
        (3, 0..6) => 4,
        _ => 1,
    }
}
