//! The estate: lines in the pool, each with a shape, and the rows that follow.

use airshed_domain::period::BillingPeriod;
use anyhow::{Context as _, Result};

use crate::cur2::{
    batch::{Row, round10},
    catalog::{InstanceType, Region, instance_types, region},
    meter::{Amount, LineType, Meter},
    pool::{Account, Pool, PooledLine},
    random::Random,
};

use super::{
    company::{self, Member},
    shape::{Moment, Shape},
};

/// How a resource is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payment {
    /// On demand, or spot where the meter says so.
    OnDemand,
    /// Covered by the Savings Plan: a covered line and its negation.
    SavingsPlan,
    /// Covered by a reservation.
    Reserved,
}

/// A line with what its rows are made from.
#[derive(Debug, Clone, Copy)]
struct Planned {
    line: usize,
    shape: Shape,
    amount: Amount,
    utc_offset_hours: i32,
    split_share: f64,
    stream: u64,
}

/// An instance whose utilisation is written beside the bill.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// Its resource id.
    pub(crate) resource_id: String,
    /// When it runs.
    pub(crate) shape: Shape,
    /// Local time minus UTC.
    pub(crate) utc_offset_hours: i32,
}

/// Everything the company runs in one month.
#[derive(Debug)]
pub(crate) struct Estate {
    /// The billing period.
    pub(crate) period: BillingPeriod,
    /// The lines.
    pub(crate) pool: Pool,
    /// Seed of the company.
    pub(crate) seed: u64,
    /// Instances with measured utilisation.
    pub(crate) measured: Vec<Measured>,
    /// Decides names and tags; the same in every month.
    pub(crate) random: Random,
    /// Per line of the pool, its account's place in the list of accounts.
    pub(crate) owners: Vec<usize>,
    types: Vec<InstanceType>,
    planned: Vec<Planned>,
    fixed: Vec<Row>,
}

impl Estate {
    /// An empty estate.
    pub(crate) fn new(period: BillingPeriod, seed: u64) -> Self {
        Self {
            period,
            pool: Pool::new(period, seed),
            seed,
            measured: Vec::new(),
            random: Random::stream(seed, "company"),
            owners: Vec::new(),
            types: instance_types(),
            planned: Vec::new(),
            fixed: Vec::new(),
        }
    }

    /// An instance type by name.
    pub(crate) fn instance_type(&self, name: &str) -> Result<InstanceType> {
        let found = self.types.iter().find(|known| known.name == name);
        found.cloned().with_context(|| format!("the sample's price list has no {name}"))
    }

    /// Every instance type.
    pub(crate) fn types(&self) -> &[InstanceType] {
        &self.types
    }

    /// Adds a resource with one meter; gives its id back.
    pub(crate) fn add(&mut self, member: &Member, application: &str, meter: &Meter, shape: Shape) -> String {
        self.add_paid(member, application, meter, shape, Payment::OnDemand)
    }

    /// Adds a resource with one meter, paid for in some way; gives its id back.
    pub(crate) fn add_paid(
        &mut self,
        member: &Member,
        application: &str,
        meter: &Meter,
        shape: Shape,
        payment: Payment,
    ) -> String {
        let id = meter.resource_id(&mut self.random, &member.account.id, application);
        let tags = company::tags(member, application, &mut self.random);
        let zone = *self.random.pick(&['a', 'b', 'c']);
        let stream = self.random.bits();
        let line_types: &[LineType] = match payment {
            Payment::OnDemand => &[LineType::Usage],
            Payment::SavingsPlan => &[LineType::SavingsPlanCoveredUsage, LineType::SavingsPlanNegation],
            Payment::Reserved => &[LineType::DiscountedUsage],
        };
        for &line_type in line_types {
            let line = self.pool.add(&PooledLine {
                meter,
                account: &member.account,
                resource_id: &id,
                tags: &tags,
                line_type,
                zone,
                split_parent: None,
                description: None,
            });
            self.owners.push(member.index);
            self.plan(line, meter, shape, 0.0, stream);
        }
        let instance =
            matches!(meter.product_code, "AmazonEC2" | "AmazonRDS") && meter.instance_type.is_some();
        if instance && self.measured.len() < 60 && member.environment == "prod" {
            let utc_offset_hours = meter.region.utc_offset_hours;
            self.measured.push(Measured { resource_id: id.clone(), shape, utc_offset_hours });
        }
        id
    }

    /// Adds the share of an instance that a pod took: the same pod id for its processor and its memory.
    pub(crate) fn add_split(&mut self, member: &Member, pod: &Pod<'_>, meter: &Meter, share: f64) {
        let tags = [
            ("aws_eks_namespace".to_owned(), pod.namespace.to_owned()),
            ("user_team".to_owned(), member.team.to_owned()),
        ];
        let line = self.pool.add(&PooledLine {
            meter,
            account: &member.account,
            resource_id: &pod.id,
            tags: &tags,
            line_type: LineType::Usage,
            zone: 'a',
            split_parent: Some(pod.node),
            description: None,
        });
        let stream = self.random.bits();
        self.owners.push(member.index);
        self.plan(line, meter, pod.shape, share, stream);
    }

    fn plan(&mut self, line: usize, meter: &Meter, shape: Shape, split_share: f64, stream: u64) {
        let (amount, utc_offset_hours) = (meter.amount, meter.region.utc_offset_hours);
        self.planned.push(Planned { line, shape, amount, utc_offset_hours, split_share, stream });
    }

    /// Adds a single row with its own amount and cost.
    pub(crate) fn add_row(
        &mut self,
        (account, meter): (&Account, &Meter),
        line_type: LineType,
        description: Option<&str>,
        (hour, hours): (u32, u32),
        (amount, cost): (f64, f64),
    ) {
        let mut random = Random::stream(self.seed, &format!("single row {}", self.fixed.len()));
        let id = if line_type.is_usage() {
            meter.resource_id(&mut random, &account.id, "single")
        } else {
            String::new()
        };
        let (resource_id, tags, zone, split_parent) = (id.as_str(), &[][..], 'a', None);
        let line =
            PooledLine { meter, account, resource_id, tags, line_type, zone, split_parent, description };
        let line = self.pool.add(&line);
        self.fixed.push(Row { line, hour, hours, amount, cost, share: 0.0 });
    }

    /// Hours of the month.
    pub(crate) fn hours(&self) -> u32 {
        u32::try_from(self.period.hours()).unwrap_or(u32::MAX)
    }

    /// Every row, by hour and then by line.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let mut rows = self.fixed.clone();
        for planned in &self.planned {
            self.rows_of(planned, &mut rows);
        }
        rows.sort_by_key(|row| (row.hour, row.line));
        rows
    }

    fn rows_of(&self, planned: &Planned, rows: &mut Vec<Row>) {
        let mut random = Random::new(planned.stream ^ self.period.window().start_s.unsigned_abs());
        let mut day = random.unit();
        for hour in 0..self.hours() {
            if hour % 24 == 0 {
                day = random.unit();
            }
            let moment = Moment::new(self.period, hour, planned.utc_offset_hours);
            let noise = random.unit();
            let level = planned.shape.level(moment, day, noise);
            if level <= 0.0 {
                continue;
            }
            let amount = match planned.amount {
                Amount::Hour | Amount::One => level,
                Amount::PerMonth(held) => held * level / f64::from(self.hours()),
                Amount::LogNormal { median, .. } => median * level * (0.9 + 0.2 * noise),
            };
            let mut row = Row::hourly(&self.pool, planned.line, hour, round10(amount));
            row.share = planned.split_share;
            rows.push(row);
        }
    }
}

/// A pod on a node.
#[derive(Debug, Clone)]
pub(crate) struct Pod<'a> {
    /// Its ARN.
    pub(crate) id: String,
    /// Its namespace.
    pub(crate) namespace: &'a str,
    /// Resource id of the node.
    pub(crate) node: &'a str,
    /// When the node, and so the pod, runs.
    pub(crate) shape: Shape,
}

/// A region of the price list.
pub(crate) fn region_of(code: &str) -> Result<&'static Region> {
    region(code).with_context(|| format!("the sample's price list has no region {code}"))
}
