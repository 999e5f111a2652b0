//! Fees, taxes and credits; and lines that are odd on purpose.
//!
//! What a pipeline must not lose or misread: an instance type, a region and a service that no factor set knows, an
//! amount that is not a number, a correction below zero, a line without a region.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::cur2::{
    batch::round10,
    catalog::{InstanceType, REGIONS, Region},
    meter::{Amount, LineType, Meter},
    pool::{Account, PAYER},
    services::{compute, network, storage},
};

use super::{
    company,
    estate::{Estate, region_of},
};

/// An instance type that does not exist.
pub(crate) const UNKNOWN_TYPE: &str = "m99x.large";
/// A service that does not exist.
pub(crate) const UNKNOWN_SERVICE: &str = "AmazonTeleport";
/// A region that does not exist.
pub(crate) static UNKNOWN_REGION: Region = Region {
    code: "xx-lunar-1",
    prefix: "XXL1-",
    location: "Moon (Tranquility)",
    weight: 0.0,
    utc_offset_hours: 0,
};

/// Tax, discount, credits, refunds and the fees behind commitments, from what the month's usage came to.
pub(crate) fn fees(estate: &mut Estate) {
    let (mut usage, mut covered, mut reserved) = (BTreeMap::<usize, f64>::new(), 0.0, 0.0);
    let accounts = company::accounts();
    for row in estate.rows() {
        let rates = estate.pool.rates[row.line];
        *usage.entry(estate.owners[row.line]).or_default() += row.cost;
        match rates.line_type {
            LineType::SavingsPlanCoveredUsage => covered += row.amount * rates.effective,
            LineType::DiscountedUsage => reserved += row.amount * rates.effective,
            _ => {}
        }
    }
    let month = (0, estate.hours());
    let cents = |value: f64| (value * 100.0).round() / 100.0;
    for (index, cost) in &usage {
        let account = &accounts[*index].account;
        let mut line = |line_type, description, cost: f64| {
            estate.add_row(
                (account, &fee("AmazonEC2", "")),
                line_type,
                Some(description),
                month,
                (1.0, cents(cost)),
            );
        };
        line(LineType::Tax, "Tax for product code AmazonEC2", cost * 0.06);
        line(LineType::EdpDiscount, "Enterprise discount of 5 %", cost * -0.05);
    }
    let total: f64 = usage.values().sum();
    let payer = Account { id: PAYER.0.to_owned(), name: PAYER.1.to_owned() };
    let support = fee("AWSSupportBusiness", "Dollar");
    let fixed = [
        (LineType::Fee, support, "AWS Support (Business)", total * 0.03),
        (
            LineType::RiFee,
            fee("AmazonEC2", "HeavyUsage:m5.large"),
            "Reserved capacity, no upfront",
            reserved * 1.04,
        ),
        (LineType::Credit, fee("AmazonEC2", ""), "Migration credit", -2500.0),
        (LineType::Refund, fee("AmazonS3", ""), "Refund of a service event", -137.42),
    ];
    for (line_type, meter, description, cost) in fixed {
        estate.add_row((&payer, &meter), line_type, Some(description), month, (1.0, cents(cost)));
    }
    // The plan's commitment is billed every hour, 3 % of it unused.
    let plan = fee("ComputeSavingsPlans", "ComputeSP:1yrNoUpfront");
    let hourly = round10(covered * 1.03 / f64::from(estate.hours()));
    for hour in 0..estate.hours() {
        let description = Some("1 year No Upfront Compute Savings Plan");
        let line_type = LineType::SavingsPlanRecurringFee;
        estate.add_row((&payer, &plan), line_type, description, (hour, 1), (1.0, hourly));
    }
}

/// The odd lines.
pub(crate) fn lines(estate: &mut Estate) -> Result<()> {
    let account = &company::accounts()[0].account;
    let region = region_of("us-east-1")?;
    let known = estate.instance_type("m5.large")?;
    let unknown = InstanceType { name: UNKNOWN_TYPE.to_owned(), ..known.clone() };
    let meter =
        |instance: &InstanceType, region| compute::instance(instance, region, compute::Platform::Linux);
    let service = Meter::new(UNKNOWN_SERVICE, "Beam", "Beam-Hours", ("Hrs", 1.0), Amount::Hour, region);
    let bucket = storage::bucket(0, 500.0, region).without_region();
    let rows = [
        (meter(&unknown, region), 1.0, 0.096),
        (meter(&known, &UNKNOWN_REGION), 1.0, 0.096),
        (service, 2.0, 2.0),
        (meter(&known, region), f64::NAN, 0.096),
        (meter(&known, region), -12.5, -1.2),
        (bucket, 0.5, 0.0115),
        (network::to_internet(false, 1.0, &REGIONS[1]), 0.0, 0.0),
    ];
    for ((meter, amount, cost), hour) in rows.into_iter().zip(30..) {
        estate.add_row((account, &meter), LineType::Usage, None, (hour, 1), (amount, cost));
    }
    Ok(())
}

fn fee(product_code: &'static str, usage_type: &str) -> Meter {
    Meter::new(product_code, "", "", ("", 0.0), Amount::One, &REGIONS[0])
        .usage_type(usage_type.to_owned())
        .without_region()
}
