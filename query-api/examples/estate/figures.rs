//! The figures of a row, in steps of the ledger.
//!
//! Every figure is a whole number times the work done, or the work times the grid's intensity. So sums are exact by whatever
//! way they are added, and an hourly table is the days' and the months' without storing one resource by the hour.

use crate::{month::Month, names::Service, plan::Pair, random::mix};

/// Sums of cost, then of the measures in the order of the schema.
pub(crate) const SUMS: usize = 18;
/// Resources of one kind are of so many sizes.
const SIZES: u64 = 512;

/// What is summed up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Use {
    pub(crate) lines: i64,
    /// Billed cost, 1e-12 of the currency.
    pub(crate) cost: i128,
    /// Energy, 1e-7 kWh.
    pub(crate) work: i128,
    /// Work times the grid's intensity.
    pub(crate) grams: i128,
}

/// A resource: what it does and costs in an hour of weight 1, or in the whole month.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    work: i128,
    cost: i128,
}

impl Size {
    /// Of a resource that is billed by the hour.
    pub(crate) fn hourly(pair: &Pair, resource: u64) -> Self {
        let size = size(pair, resource);
        Self { work: size * 500, cost: size * 300_000_000 }
    }

    /// Of a resource that is billed by the month.
    pub(crate) fn monthly(pair: &Pair, resource: u64) -> Self {
        let size = size(pair, resource);
        Self { work: size * 2_000, cost: size * 20_000_000_000 }
    }

    /// Its use in some hours of some weight.
    pub(crate) fn by_the_hour(self, hours: i64, (weight, grams): (i64, i64)) -> Use {
        Use {
            lines: hours,
            cost: self.cost * i128::from(hours),
            work: self.work * i128::from(weight),
            grams: self.work * i128::from(grams),
        }
    }

    /// Its use in the month.
    pub(crate) fn by_the_month(self, mean: i64) -> Use {
        Use { lines: 1, cost: self.cost, work: self.work, grams: self.work * i128::from(mean) }
    }
}

fn size(pair: &Pair, resource: u64) -> i128 {
    let size = i128::from(mix(pair.seed ^ resource) % SIZES);
    4 + size * size / 512
}

/// The resources of a pair together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Fleet {
    hourly: i128,
    hourly_count: i64,
    monthly: i128,
    monthly_count: i64,
}

impl Fleet {
    pub(crate) fn of(pair: &Pair) -> Self {
        let mut fleet =
            Self { hourly_count: i64::try_from(pair.daily()).unwrap_or_default(), ..Self::default() };
        for resource in 0..pair.resources {
            if is_daily(pair, resource) {
                fleet.hourly += size(pair, resource);
            } else {
                fleet.monthly += size(pair, resource);
                fleet.monthly_count += 1;
            }
        }
        fleet
    }

    /// As of another month: some sixteenths of it, by chance.
    pub(crate) fn of_another_month(self, pair: &Pair) -> Self {
        let sixteenths = 10 + i128::from(mix(pair.seed ^ 0x77) % 9);
        Self { hourly: self.hourly * sixteenths / 16, monthly: self.monthly * sixteenths / 16, ..self }
    }

    /// Use in an hour of the month. What is billed by the month stands in its first hour.
    pub(crate) fn hour(self, pair: &Pair, month: &Month, hour: usize) -> Use {
        let (weight, grams) = month.hour(pair.course, pair.region, hour);
        let size = Size { work: self.hourly * 500, cost: self.hourly * 300_000_000 };
        let mut sum = size.by_the_hour(1, (weight, grams));
        sum.lines = self.hourly_count;
        if hour == 0 {
            let size = Size { work: self.monthly * 2_000, cost: self.monthly * 20_000_000_000 };
            let more = size.by_the_month(month.mean(pair.region));
            sum.lines += self.monthly_count;
            sum.cost += more.cost;
            sum.work += more.work;
            sum.grams += more.grams;
        }
        sum
    }
}

/// Whether a resource has rows by day.
pub(crate) fn is_daily(pair: &Pair, resource: u64) -> bool {
    (pair.first + resource) % crate::plan::BLOCK == crate::plan::BLOCK - 1
}

/// The figures of a row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) lines: i64,
    pub(crate) estimated: i64,
    pub(crate) sums: [i128; SUMS],
}

impl Figures {
    pub(crate) fn new(pair: &Pair, service: &Service, sum: Use) -> Self {
        let Use { lines, cost, work, grams } = sum;
        let effective = cost / 5 * pair.effective_fifths;
        if service.quality.is_none() {
            let mut sums = [0; SUMS];
            [sums[0], sums[1], sums[3]] = [cost, effective, cost];
            return Self { lines, estimated: 0, sums };
        }
        let region = i128::from(pair.region + 2);
        let embodied = 20 + i128::from(pair.service % 23) * 7;
        let sums = [
            cost,
            effective,
            cost,
            0,
            work * 10,
            work * 7,
            work * 14,
            grams * 10,
            grams * 7,
            grams * 14,
            work * (region * 11 % 230),
            work * embodied,
            work * embodied / 10 * 6,
            work * embodied / 10 * 17,
            work * (40 + region * 3),
            work * (10 + region),
            work * (18 + region % 7 * 3),
            work * (2 + region % 5),
        ];
        Self { lines, estimated: lines, sums }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.estimated += other.estimated;
        for (sum, more) in self.sums.iter_mut().zip(other.sums) {
            *sum += more;
        }
    }
}
