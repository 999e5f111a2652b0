//! Benchmark data: draws of (resource, hour) from a random pool, as fast as Parquet can be encoded.
//!
//! One resource for every 50 rows, 40 accounts of very different size, 26 regions, every kind of meter of
//! [`crate::cur2::services`]. Rows stand in no order, ids are 52 random letters, so nothing compresses better than in a
//! real export. What is not real: rows are independent draws, so a resource seldom has all of its hours.

use std::path::PathBuf;

use airshed_domain::period::BillingPeriod;
use anyhow::{Context as _, Result};

use crate::cur2::{
    batch::{Row, round10},
    catalog::{InstanceType, REGIONS, Region, instance_types},
    export::{self, ExportOptions, Written},
    meter::{Amount, LineType, Meter},
    pool::{Account, Pool, PooledLine},
    random::Random,
    services::{
        compute::{self, Dimension, Fargate, Platform},
        managed, network, other, storage,
    },
};

const FILE_ROWS: usize = 1_000_000;
const ROWS_PER_RESOURCE: u64 = 50;
const ACCOUNTS: usize = 40;
const TEAMS: [&str; 12] = [
    "platform", "data", "ml", "web", "mobile", "payments", "search", "infra", "security", "growth",
    "core-api", "billing",
];
const ENVIRONMENTS: [&str; 6] = ["prod", "prod", "prod", "staging", "dev", "qa"];

/// What to generate.
#[derive(Debug, Clone)]
pub(crate) struct GenerateOptions {
    /// Rows.
    pub(crate) rows: u64,
    /// Folder; the export `bench-cur2` is made in it.
    pub(crate) out: PathBuf,
    /// Same seed, same bytes.
    pub(crate) seed: u64,
    /// Billing period of every row.
    pub(crate) period: BillingPeriod,
    /// Threads that encode.
    pub(crate) threads: usize,
}

/// Writes the rows.
pub(crate) fn generate(options: &GenerateOptions) -> Result<Written> {
    let rows = usize::try_from(options.rows).context("too many rows for this machine")?;
    let resources = options.rows.div_ceil(ROWS_PER_RESOURCE).max(1);
    let pool = Drawn::new(options, resources);
    let draw = |group: usize, count: usize| {
        let mut random = Random::stream(options.seed, &format!("draws of row group {group}"));
        (0..count).map(|_| pool.row(&mut random)).collect()
    };
    let export = ExportOptions {
        out: options.out.clone(),
        name: "bench-cur2".to_owned(),
        file_rows: FILE_ROWS,
        threads: options.threads,
        seed: options.seed,
    };
    export::write(&pool.pool, rows, &draw, &export)
}

/// A pool with how its lines are drawn.
struct Drawn {
    pool: Pool,
    amounts: Vec<Amount>,
    /// Cumulative weights of the lines.
    weights: Vec<f64>,
    /// For 65,536 equal steps of the total weight, the first line to look at: a search of a few lines, not of all.
    starts: Vec<u32>,
    hours: usize,
}

const STEPS: usize = 65_536;

impl Drawn {
    fn new(options: &GenerateOptions, resources: u64) -> Self {
        let mut random = Random::stream(options.seed, "pool");
        let (types, accounts) = (instance_types(), accounts(&mut random));
        let type_weights: Vec<f64> = cumulative(types.iter().map(|t| t.weight));
        let region_weights: Vec<f64> = cumulative(REGIONS.iter().map(|r| r.weight));
        let account_weights = cumulative((1..=ACCOUNTS).map(|rank| 1.0 / rank as f64));
        let other_weights = cumulative(other::OTHERS.iter().map(|o| o.weight));
        let homes: Vec<usize> = accounts.iter().map(|_| weighted(&region_weights, &mut random)).collect();
        let (mut pool, mut amounts, mut weights) =
            (Pool::new(options.period, options.seed), Vec::new(), Vec::new());
        for number in 0..resources {
            let owner = weighted(&account_weights, &mut random);
            let at_home = random.chance(0.6);
            let place = if at_home { homes[owner] } else { weighted(&region_weights, &mut random) };
            let region = &REGIONS[place];
            let instance = &types[weighted(&type_weights, &mut random)];
            let other = &other::OTHERS[weighted(&other_weights, &mut random)];
            let (meter, line_types) = meter(&mut random, region, instance, other, &types);
            let weight = random.log_normal(1.0, 0.8);
            let tags = tags(&meter, number, &mut random);
            let team = *random.pick(&TEAMS);
            let resource_id = meter.resource_id(&mut random, &accounts[owner].id, team);
            let parent = meter.split_usd_per_unit.map(|_| format!("i-0{}", random.hex(16)));
            let zone = *random.pick(&['a', 'b', 'c']);
            for line_type in line_types {
                pool.add(&PooledLine {
                    meter: &meter,
                    account: &accounts[owner],
                    resource_id: &resource_id,
                    tags: &tags,
                    line_type: *line_type,
                    zone,
                    split_parent: parent.as_deref(),
                    description: None,
                });
                amounts.push(meter.amount);
                weights.push(if *line_type == LineType::SavingsPlanNegation { weight * 0.8 } else { weight });
            }
        }
        let total: f64 = weights.iter().sum();
        for account in &accounts {
            for (line_type, code, usage_type, price, share, description) in FEES {
                let meter = Meter::new(code, "", "", ("", price), Amount::One, &REGIONS[0])
                    .usage_type(usage_type.to_owned())
                    .without_region();
                let (resource_id, tags, zone, split_parent) = ("", &[][..], 'a', None);
                let description = Some(description);
                let line = PooledLine {
                    meter: &meter,
                    account,
                    resource_id,
                    tags,
                    line_type,
                    zone,
                    split_parent,
                    description,
                };
                pool.add(&line);
                amounts.push(Amount::One);
                weights.push(total * share / ACCOUNTS as f64);
            }
        }
        let weights = cumulative(weights.into_iter());
        let starts = starts(&weights);
        let hours = usize::try_from(options.period.hours()).unwrap_or(744);
        Self { pool, amounts, weights, starts, hours }
    }

    fn row(&self, random: &mut Random) -> Row {
        let line = self.line(random.unit());
        let hour = u32::try_from(random.below(self.hours)).unwrap_or(0);
        let amount = match self.amounts[line] {
            Amount::Hour if random.chance(0.05) => (random.unit() * 3600.0).round() / 3600.0,
            Amount::Hour | Amount::One => 1.0,
            Amount::PerMonth(held) => round10(held / self.hours as f64),
            Amount::LogNormal { median, sigma } => round10(random.log_normal(median, sigma)),
        };
        Row::hourly(&self.pool, line, hour, amount)
    }

    fn line(&self, unit: f64) -> usize {
        let total = self.weights[self.weights.len() - 1];
        let target = unit * total;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= unit < 1")]
        let step = (unit * STEPS as f64) as usize;
        let (from, to) = (self.starts[step] as usize, self.starts[step + 1] as usize);
        from + self.weights[from..=to].partition_point(|weight| *weight <= target).min(to - from)
    }
}

/// Fees: type, service, usage type, USD, share of all rows, description.
const FEES: [(LineType, &str, &str, f64, f64, &str); 6] = [
    (LineType::Tax, "AmazonEC2", "", 0.8, 0.012, "Tax for product code AmazonEC2 usage type BoxUsage"),
    (LineType::EdpDiscount, "AmazonEC2", "", -1.2, 0.008, "EDP discount"),
    (LineType::Credit, "AmazonEC2", "", -5.0, 0.002, "AWS credit"),
    (LineType::RiFee, "AmazonEC2", "HeavyUsage:m5.large", 52.0, 0.001, "Hourly fee of reserved m5.large"),
    (
        LineType::SavingsPlanRecurringFee,
        "ComputeSavingsPlans",
        "ComputeSP:1yrNoUpfront",
        14.0,
        0.001,
        "Savings Plan",
    ),
    (LineType::Fee, "AWSSupportBusiness", "Dollar", 100.0, 0.0003, "AWS Support fee"),
];

const USAGE: &[LineType] = &[LineType::Usage];
const RESERVED: &[LineType] = &[LineType::DiscountedUsage];
const PLANNED: &[LineType] = &[LineType::SavingsPlanCoveredUsage, LineType::SavingsPlanNegation];

/// A random resource's meter, and the line types that it is billed under.
fn meter(
    random: &mut Random,
    region: &'static Region,
    instance: &InstanceType,
    other: &other::Other,
    types: &[InstanceType],
) -> (Meter, &'static [LineType]) {
    let gb = random.log_normal(100.0, 1.2).round();
    let eks = random.chance(0.33);
    let coin = random.unit();
    let of = |name: &str| types.iter().find(|t| t.name == name).unwrap_or(instance);
    let meter = match random.unit() {
        u if u < 0.24 => {
            let platform = match random.unit() {
                p if p < 0.08 => Platform::Windows,
                p if p < 0.11 => Platform::RedHat,
                _ => Platform::Linux,
            };
            return match coin {
                c if c < 0.3 => (compute::instance(instance, region, platform), PLANNED),
                c if c < 0.4 => (compute::instance(instance, region, platform), RESERVED),
                c if c < 0.52 => (compute::spot_instance(instance, region), USAGE),
                _ => (compute::instance(instance, region, platform), USAGE),
            };
        }
        u if u < 0.34 => {
            let kind = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 4, 5, 6];
            storage::volume(*random.pick(&kind), gb, region)
        }
        u if u < 0.37 => storage::snapshot(gb, region),
        u if u < 0.44 => {
            let class = [0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9];
            storage::bucket(*random.pick(&class), gb * 20.0, region)
        }
        u if u < 0.5 => storage::bucket_requests(coin < 0.5, 3000.0, region),
        u if u < 0.59 => match coin {
            c if c < 0.3 => network::to_internet(c < 0.1, 3.0, region),
            c if c < 0.6 => network::between_zones(5.0, region),
            c if c < 0.8 => network::between_regions(2.0, region, random.pick(&REGIONS), c < 0.7),
            c if c < 0.92 => network::from_internet(3.0, region),
            _ => network::from_edge(5.0, region),
        },
        u if u < 0.63 => {
            let engine = random.below(managed::ENGINES.len());
            let names = [
                "m5.large",
                "r5.xlarge",
                "m6g.large",
                "r6g.2xlarge",
                "t3.medium",
                "t4g.medium",
                "m6i.xlarge",
            ];
            let meter =
                managed::database(of(random.pick::<&str>(&names)), engine, random.chance(0.3), region);
            return (meter, if coin < 0.3 { RESERVED } else { USAGE });
        }
        u if u < 0.65 => storage::database_volume(random.below(storage::DATABASE_VOLUMES.len()), gb, region),
        u if u < 0.68 => compute::lambda_duration(500.0, coin < 0.3, region),
        u if u < 0.70 => compute::lambda_requests(2000.0, region),
        u if u < 0.75 => {
            let dimension = random.pick(&[
                Dimension::Cpu,
                Dimension::Memory,
                Dimension::Cpu,
                Dimension::Memory,
                Dimension::Storage,
            ]);
            let how = Fargate { eks, arm: random.chance(0.3), spot: random.chance(0.2) };
            let planned = coin < 0.3 && !how.spot;
            return (compute::fargate(*dimension, how, 1.0, region), if planned { PLANNED } else { USAGE });
        }
        u if u < 0.79 => {
            let dimension = if coin < 0.5 { Dimension::Cpu } else { Dimension::Memory };
            compute::split(random.chance(0.5), dimension, 1.0, region)
        }
        u if u < 0.80 => compute::eks_cluster(region),
        u if u < 0.815 => {
            let names = ["m5.large", "r6g.large", "r5.large", "t3.micro", "t4g.small"];
            managed::cache(
                of(random.pick::<&str>(&names)),
                random.pick::<&str>(&["Redis", "Redis", "Valkey", "Memcached"]),
                region,
            )
        }
        u if u < 0.82 => managed::redshift(random.below(managed::REDSHIFT_NODES.len()), region),
        u if u < 0.83 => {
            managed::opensearch(of(random.pick::<&str>(&["m5.large", "r5.large", "r6g.large"])), region)
        }
        u if u < 0.835 => {
            managed::kafka_broker(of(random.pick::<&str>(&["m5.large", "m5.2xlarge", "m7g.large"])), region)
        }
        u if u < 0.845 => {
            managed::map_reduce(of(random.pick::<&str>(&["m5.xlarge", "r5.2xlarge", "c5.xlarge"])), region)
        }
        u if u < 0.85 => managed::sagemaker(
            of(random.pick::<&str>(&["m5.large", "g4dn.xlarge", "g5.2xlarge"])),
            "Host",
            region,
        ),
        _ => other.meter(region, types),
    };
    (meter, USAGE)
}

fn tags(meter: &Meter, number: u64, random: &mut Random) -> Vec<(String, String)> {
    if random.chance(0.12) {
        return Vec::new();
    }
    let team = *random.pick(&TEAMS);
    let mut tags = vec![
        ("user_environment".to_owned(), (*random.pick(&ENVIRONMENTS)).to_owned()),
        ("user_team".to_owned(), team.to_owned()),
    ];
    if random.chance(0.7) {
        tags.push((
            "user_name".to_owned(),
            format!("{team}-{}-{:03}", meter.product_code.to_lowercase(), number % 997),
        ));
    }
    if random.chance(0.6) {
        tags.push(("user_cost_center".to_owned(), format!("CC-{}", 1000 + random.below(40))));
    }
    if random.chance(0.4) {
        tags.push(("aws_created_by".to_owned(), format!("AssumedRole:AROA{}:terraform", random.base36(12))));
    }
    if random.chance(0.3) {
        tags.push(("user_application".to_owned(), format!("app-{:03}", random.below(300))));
    }
    if meter.product_code == "AmazonEKS" {
        tags.push(("aws_eks_namespace".to_owned(), format!("svc-{:03}", random.below(400))));
    }
    tags
}

fn accounts(random: &mut Random) -> Vec<Account> {
    let account = |rank: usize| Account {
        id: format!("{:012}", 100_000_000_000 + random.bits() % 899_999_999_999),
        name: format!("{}-{}-{rank:03}", TEAMS[rank % TEAMS.len()], ENVIRONMENTS[rank % ENVIRONMENTS.len()]),
    };
    (0..ACCOUNTS).map(account).collect()
}

fn cumulative(weights: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut total = 0.0;
    weights
        .map(|weight| {
            total += weight;
            total
        })
        .collect()
}

fn weighted(cumulative: &[f64], random: &mut Random) -> usize {
    let last = cumulative.len() - 1;
    let target = random.unit() * cumulative[last];
    cumulative.partition_point(|weight| *weight <= target).min(last)
}

/// For each step of the total weight, the first line whose cumulative weight reaches it.
fn starts(weights: &[f64]) -> Vec<u32> {
    let last = weights.len() - 1;
    let at = |step: usize| {
        let target = weights[last] * (step as f64 / STEPS as f64);
        u32::try_from(weights.partition_point(|weight| *weight <= target).min(last)).unwrap_or(u32::MAX)
    };
    (0..=STEPS).map(at).collect()
}
