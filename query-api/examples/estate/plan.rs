//! Who has what: accounts, the regions and services that each uses, and how many resources there.
//!
//! Sizes are skewed: of accounts as 1/(u + 0.01) for u uniform in 0..1, the largest about 20 times the mean; of the pairs of
//! an account as 1, 1/2, 1/3. Regions and services are drawn with a weight of 1/rank. The total is met exactly.

use std::collections::BTreeSet;

use crate::{names::Names, random::Random};

/// Pairs of region and service of an account: the fewest, and how many more there may be.
const PAIRS: (usize, usize) = (10, 21);
/// Regions that an account works in, at most.
const HOMES: usize = 4;
/// One more than the largest id of an account.
const ACCOUNT_IDS: u64 = 1_000_000_000_000;
/// Consecutive resources of a pair that lie in one file; the last of every ten resources has rows by day.
pub(crate) const BLOCK: u64 = 10;

/// An account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    /// Where it stands among all ids that there could be, in parts of 2^16: decides which files it is in.
    pub(crate) order: u64,
    pub(crate) tags: i32,
    pub(crate) currency: i32,
    pub(crate) pairs: Vec<Pair>,
}

/// What an account has of one service in one region.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    /// Place of the region, -1 for none.
    pub(crate) region: i32,
    pub(crate) service: i32,
    /// Place of the instance type, -1 for none.
    pub(crate) instance_type: i32,
    /// Which course the load takes through the day.
    pub(crate) course: usize,
    /// Fifths of the billed cost that remain when commitments are spread.
    pub(crate) effective_fifths: i128,
    /// Number of the first resource, over all accounts.
    pub(crate) first: u64,
    pub(crate) resources: u64,
    pub(crate) seed: u64,
}

impl Pair {
    /// How many of the resources have rows by day.
    pub(crate) fn daily(&self) -> u64 {
        (self.first + self.resources) / BLOCK - self.first / BLOCK
    }
}

/// The accounts, in the order of their ids.
pub(crate) fn accounts(count: usize, resources: u64, seed: u64, names: &Names) -> Vec<Account> {
    let mut ids = BTreeSet::new();
    let mut random = Random::new(seed, 0);
    while ids.len() < count {
        ids.insert(100_000_000_000 + random.bits() % 900_000_000_000);
    }
    let mut accounts: Vec<Account> = ids.iter().map(|id| account(*id, seed, names)).collect();
    let weights: Vec<f64> = ids.iter().map(|id| 1.0 / (Random::new(seed ^ 1, *id).unit() + 0.01)).collect();
    let mut given = 0;
    for (account, until) in accounts.iter_mut().zip(shares(&weights, resources)) {
        let pairs = account.pairs.len();
        let weights: Vec<f64> = (1..=pairs).map(|rank| 1.0 / rank as f64).collect();
        let from = given;
        for (pair, end) in account.pairs.iter_mut().zip(shares(&weights, until - from)) {
            (pair.first, pair.resources) = (given, from + end - given);
            given = from + end;
        }
        account.pairs.sort_by_key(|pair| (pair.region, pair.service));
    }
    accounts
}

/// Where the share of each weight ends, of a whole.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of the whole, cut at it"
)]
fn shares(weights: &[f64], whole: u64) -> Vec<u64> {
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    let mut ends: Vec<u64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            ((sum / total * whole as f64) as u64).min(whole)
        })
        .collect();
    if let Some(last) = ends.last_mut() {
        *last = whole;
    }
    ends
}

fn account(id: u64, seed: u64, names: &Names) -> Account {
    let mut random = Random::new(seed ^ 2, id);
    let mut homes = vec![names.popular_regions[random.zipf(names.popular_regions.len())]];
    for _ in 0..random.below(HOMES) {
        homes.push(names.popular_regions[random.zipf(names.popular_regions.len())]);
    }
    let wanted = PAIRS.0 + random.below(PAIRS.1);
    let mut taken = BTreeSet::new();
    let mut pairs = Vec::new();
    while pairs.len() < wanted {
        let service = names.popular_services[random.zipf(names.popular_services.len())];
        let description = &names.services[service];
        let region = if description.is_global { -1 } else { number(homes[random.zipf(homes.len())]) };
        if taken.insert((region, service)) {
            let instance_type =
                description.has_instances.then(|| number(random.below(names.instance_types.len())));
            pairs.push(Pair {
                region,
                service: number(service),
                instance_type: instance_type.unwrap_or(-1),
                course: random.below(4),
                effective_fifths: if random.below(3) == 0 { 4 } else { 5 },
                first: 0,
                resources: 0,
                seed: random.bits(),
            });
        }
    }
    Account {
        id: id.to_string(),
        order: (id << 16) / ACCOUNT_IDS,
        tags: number(random.below(names.tags.len())),
        currency: i32::from(random.below(20) > 0),
        pairs,
    }
}

fn number(place: usize) -> i32 {
    i32::try_from(place).unwrap_or(i32::MAX)
}
