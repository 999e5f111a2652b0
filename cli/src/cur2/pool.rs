//! The pool: every resource's meter, with the columns that do not change from hour to hour.
//!
//! A billing export has many rows and few distinct texts. Each text column is kept as codes into its own list of
//! distinct values; a batch of rows is then made by looking codes up, and no text is copied per row.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use airshed_domain::period::BillingPeriod;
use arrow::array::{ArrayRef, StringArray};

use super::{
    catalog::region,
    meter::{LineType, Meter},
    random::{Random, hash},
};

/// The payer of every line.
pub(crate) const PAYER: (&str, &str) = ("111122223333", "acme-payer");
const PAYER_LEGAL_ENTITY: &str = "Amazon Web Services, Inc.";
const SAVINGS_PLAN: &str =
    "arn:aws:savingsplans::111122223333:savingsplan/3f6e0e2a-8d1b-4c55-9a52-0c7f2a9b1d44";
/// What the enterprise agreement leaves of a cost.
pub(crate) const NET_SHARE: f64 = 0.95;
/// Rate of the Savings Plan relative to on-demand.
pub(crate) const SAVINGS_PLAN_SHARE: f64 = 0.66;
/// Rate of reservations relative to on-demand.
pub(crate) const RESERVATION_SHARE: f64 = 0.62;

/// An account of the company.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// Twelve digits.
    pub(crate) id: String,
    /// Name.
    pub(crate) name: String,
}

/// A meter that belongs to an account and a resource.
#[derive(Debug)]
pub(crate) struct PooledLine<'a> {
    /// What is metered.
    pub(crate) meter: &'a Meter,
    /// The usage account.
    pub(crate) account: &'a Account,
    /// Resource id, empty when there is none.
    pub(crate) resource_id: &'a str,
    /// `resource_tags`, keys as in CUR 2.0 (`user_team`).
    pub(crate) tags: &'a [(String, String)],
    /// Line item type.
    pub(crate) line_type: LineType,
    /// The letter of the availability zone.
    pub(crate) zone: char,
    /// For split lines, the instance that was split.
    pub(crate) split_parent: Option<&'a str>,
    /// Text of the line; made from the meter when absent.
    pub(crate) description: Option<&'a str>,
}

/// The numbers of a pooled line that its rows are computed from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    /// On-demand rate, USD per unit.
    pub(crate) list: f64,
    /// Billed rate, USD per unit.
    pub(crate) unblended: f64,
    /// Effective rate under a commitment, USD per unit.
    pub(crate) effective: f64,
    /// Normalisation units per unit.
    pub(crate) normalization: f64,
    /// USD of the parent per unit of a split line.
    pub(crate) split: Option<f64>,
    /// Line item type.
    pub(crate) line_type: LineType,
}

/// Distinct texts of one column and, per line, which of them it holds.
#[derive(Debug, Default)]
pub(crate) struct TextColumn {
    index: HashMap<String, i32>,
    values: Vec<String>,
    codes: Vec<Option<i32>>,
}

/// Key-value pairs per line, as codes.
#[derive(Debug, Default)]
pub(crate) struct MapColumn {
    keys: TextColumn,
    values: TextColumn,
    entries: Vec<(i32, i32)>,
    ends: Vec<usize>,
}

/// Every line that rows may be drawn from.
#[derive(Debug)]
pub(crate) struct Pool {
    /// The billing period of every line.
    pub(crate) period: BillingPeriod,
    seed: u64,
    /// Per line, the numbers.
    pub(crate) rates: Vec<Rates>,
    /// Text columns that hold something, by name.
    pub(crate) texts: Vec<(&'static str, TextColumn)>,
    /// `product`
    pub(crate) product: MapColumn,
    /// `resource_tags`
    pub(crate) tags: MapColumn,
    /// `cost_category`
    pub(crate) categories: MapColumn,
}

impl Pool {
    /// An empty pool of a billing period.
    pub(crate) fn new(period: BillingPeriod, seed: u64) -> Self {
        let (rates, texts) = (Vec::new(), Vec::new());
        let (product, tags, categories) = (MapColumn::default(), MapColumn::default(), MapColumn::default());
        Self { period, seed, rates, texts, product, tags, categories }
    }

    /// Adds a line and says where it stands.
    pub(crate) fn add(&mut self, line: &PooledLine<'_>) -> usize {
        let rates = rates_of(line);
        let texts = self.line_texts(line, rates);
        if self.texts.is_empty() {
            self.texts = texts.iter().map(|(name, _)| (*name, TextColumn::default())).collect();
        }
        for ((_, column), (_, text)) in self.texts.iter_mut().zip(&texts) {
            column.push(text.as_deref());
        }
        let name = service_name(line.meter.product_code);
        let facts = [("product_name", name), ("servicename", name), ("region", line.meter.region.code)];
        let attributes = line.meter.attributes.iter().map(|(key, value)| (*key, value.as_str()));
        self.product.push(facts.into_iter().chain(attributes));
        self.tags.push(line.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        let team = line.tags.iter().find(|(key, _)| key == "user_team");
        self.categories.push(team.map(|(_, team)| ("business_unit", team.as_str())));
        self.rates.push(rates);
        self.rates.len() - 1
    }

    /// The texts of a line, always the same columns in the same order.
    fn line_texts<'a>(
        &self,
        line: &'a PooledLine<'_>,
        rates: Rates,
    ) -> Vec<(&'static str, Option<Cow<'a, str>>)> {
        let PooledLine { meter, account, line_type, .. } = *line;
        let fixed = |text: &'static str| Some(Cow::Borrowed(text));
        let usage = line_type.is_usage() || line_type == LineType::SavingsPlanNegation;
        let in_usage = |text: Cow<'a, str>| usage.then_some(text);
        let sku = Random::stream(self.seed, &format!("{}/{}", meter.usage_type, meter.operation)).base36(16);
        let rate = |value: f64| Some(Cow::Owned(format!("{value:.10}")));
        let planned = matches!(line_type, LineType::SavingsPlanCoveredUsage | LineType::SavingsPlanNegation);
        let reserved = line_type == LineType::DiscountedUsage;
        let plan = |text: &'static str| planned.then_some(Cow::Borrowed(text));
        let reservation = |text: &'static str| reserved.then_some(Cow::Borrowed(text));
        let location = |code: &'static str| region(code).map_or(code, |known| known.location);
        let end_type = |code: &'static str| if region(code).is_some() { "AWS Region" } else { "Other" };
        let stated = meter.region_stated && usage;
        let term = match line_type {
            LineType::SavingsPlanCoveredUsage => Some("SavingsPlan"),
            LineType::DiscountedUsage => Some("Reserved"),
            LineType::Usage if !meter.spot && meter.split_usd_per_unit.is_none() => Some("OnDemand"),
            _ => None,
        };
        let described = || {
            let Meter { price, unit, usage_type, region, .. } = meter;
            Cow::Owned(format!("${price} per {unit} - {usage_type} ({})", region.location))
        };
        let fee = !usage && meter.usage_type.is_empty();
        let usage_type = (!fee).then_some(Cow::Borrowed(meter.usage_type.as_str()));
        let reservation_id = reserved.then(|| {
            let part = hash(&meter.usage_type) & 0xffff_ffff;
            let (region, id) = (meter.region.code, &account.id);
            format!("arn:aws:ec2:{region}:{id}:reserved-instances/{part:08x}-4e0c-4d55-8d55-b2f8b1f3aa10")
        });
        vec![
            ("bill_bill_type", fixed("Anniversary")),
            ("bill_billing_entity", fixed("AWS")),
            ("bill_invoicing_entity", fixed(PAYER_LEGAL_ENTITY)),
            ("bill_payer_account_id", fixed(PAYER.0)),
            ("bill_payer_account_name", fixed(PAYER.1)),
            (
                "line_item_availability_zone",
                (meter.zonal && usage).then(|| Cow::Owned(format!("{}{}", meter.region.code, line.zone))),
            ),
            ("line_item_currency_code", fixed("USD")),
            ("line_item_legal_entity", fixed(PAYER_LEGAL_ENTITY)),
            ("line_item_line_item_type", fixed(line_type.as_str())),
            ("line_item_operation", in_usage(Cow::Borrowed(&meter.operation))),
            ("line_item_product_code", fixed(meter.product_code)),
            ("line_item_resource_id", Some(Cow::Borrowed(line.resource_id))),
            ("line_item_usage_account_id", Some(Cow::Borrowed(&account.id))),
            ("line_item_usage_account_name", Some(Cow::Borrowed(&account.name))),
            ("line_item_usage_type", usage_type.clone()),
            ("line_item_tax_type", (line_type == LineType::Tax).then_some(Cow::Borrowed("USSalesTax"))),
            ("line_item_unblended_rate", rate(rates.unblended)),
            ("line_item_blended_rate", rate(rates.unblended)),
            ("line_item_net_unblended_rate", rate(rates.unblended * NET_SHARE)),
            ("line_item_line_item_description", Some(line.description.map_or_else(described, Cow::Borrowed))),
            ("pricing_currency", fixed("USD")),
            ("pricing_term", term.map(Cow::Borrowed)),
            ("pricing_unit", in_usage(Cow::Borrowed(meter.unit))),
            ("pricing_rate_id", Some(Cow::Owned((hash(&sku) % 10_000_000_000).to_string()))),
            ("pricing_rate_code", Some(Cow::Owned(format!("{sku}.JRTCKXETXF.6YS6EN2CT7")))),
            ("pricing_public_on_demand_rate", usage.then(|| Cow::Owned(format!("{:.10}", rates.list)))),
            ("pricing_lease_contract_length", reservation("1yr")),
            ("pricing_offering_class", reservation("standard")),
            ("pricing_purchase_option", reservation("No Upfront")),
            ("product_instance_family", meter.instance_family.map(Cow::Borrowed)),
            ("product_instance_type", meter.instance_type.as_deref().map(Cow::Borrowed)),
            ("product_instancesku", meter.instance_type.is_some().then(|| sku.chars().rev().collect())),
            ("product_operation", in_usage(Cow::Borrowed(&meter.operation))),
            ("product_product_family", meter.family.map(Cow::Borrowed)),
            ("product_pricing_unit", in_usage(Cow::Borrowed(meter.unit))),
            ("product_servicecode", fixed(meter.service_code)),
            ("product_sku", Some(Cow::Owned(sku))),
            ("product_usagetype", usage.then_some(usage_type).flatten()),
            ("product_location", stated.then_some(Cow::Borrowed(meter.region.location))),
            ("product_location_type", stated.then_some(Cow::Borrowed("AWS Region"))),
            ("product_region_code", stated.then_some(Cow::Borrowed(meter.region.code))),
            ("product_from_location", meter.from.map(|code| Cow::Borrowed(location(code)))),
            ("product_from_location_type", meter.from.map(|code| Cow::Borrowed(end_type(code)))),
            ("product_from_region_code", meter.from.filter(|code| region(code).is_some()).map(Cow::Borrowed)),
            ("product_to_location", meter.to.map(|code| Cow::Borrowed(location(code)))),
            ("product_to_location_type", meter.to.map(|code| Cow::Borrowed(end_type(code)))),
            ("product_to_region_code", meter.to.filter(|code| region(code).is_some()).map(Cow::Borrowed)),
            ("reservation_reservation_a_r_n", reservation_id.map(Cow::Owned)),
            ("reservation_subscription_id", reserved.then(|| Cow::Owned(hash(&account.id).to_string()))),
            ("reservation_start_time", reservation("2026-01-15T00:00:00.000Z")),
            ("reservation_end_time", reservation("2027-01-14T23:59:59.000Z")),
            ("reservation_number_of_reservations", reservation("4")),
            ("reservation_units_per_reservation", reservation("744")),
            ("savings_plan_savings_plan_a_r_n", plan(SAVINGS_PLAN)),
            ("savings_plan_offering_type", plan("ComputeSavingsPlans")),
            ("savings_plan_payment_option", plan("No Upfront")),
            ("savings_plan_purchase_term", plan("1yr")),
            ("savings_plan_start_time", plan("2026-02-01T00:00:00.000Z")),
            ("savings_plan_end_time", plan("2027-01-31T23:59:59.000Z")),
            (
                "split_line_item_parent_resource_id",
                line.split_parent.map(|parent| Cow::Owned(parent.to_owned())),
            ),
        ]
    }
}

impl TextColumn {
    fn push(&mut self, text: Option<&str>) {
        let code = text.map(|text| self.code_of(text));
        self.codes.push(code);
    }

    fn code_of(&mut self, text: &str) -> i32 {
        if let Some(code) = self.index.get(text) {
            return *code;
        }
        let code = i32::try_from(self.values.len()).unwrap_or(i32::MAX);
        self.index.insert(text.to_owned(), code);
        self.values.push(text.to_owned());
        code
    }

    /// The distinct values.
    pub(crate) fn values(&self) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(&self.values))
    }

    /// What a line holds.
    pub(crate) fn code(&self, line: usize) -> Option<i32> {
        self.codes[line]
    }
}

impl MapColumn {
    fn push<'a>(&mut self, entries: impl IntoIterator<Item = (&'a str, &'a str)>) {
        for (key, value) in entries {
            let entry = (self.keys.code_of(key), self.values.code_of(value));
            self.entries.push(entry);
        }
        self.ends.push(self.entries.len());
    }

    /// The distinct keys and the distinct values.
    pub(crate) fn values(&self) -> (ArrayRef, ArrayRef) {
        (self.keys.values(), self.values.values())
    }

    /// The entries of a line, as codes of key and value.
    pub(crate) fn entries(&self, line: usize) -> &[(i32, i32)] {
        let start = if line == 0 { 0 } else { self.ends[line - 1] };
        &self.entries[start..self.ends[line]]
    }
}

fn rates_of(line: &PooledLine<'_>) -> Rates {
    let Meter { price: list, normalization, split_usd_per_unit: split, .. } = *line.meter;
    let (unblended, effective) = match line.line_type {
        LineType::SavingsPlanNegation => (-list, list * SAVINGS_PLAN_SHARE),
        LineType::SavingsPlanCoveredUsage => (list, list * SAVINGS_PLAN_SHARE),
        // The fee of a no-upfront reservation stands in its RIFee line; covered hours are billed at 0.
        LineType::DiscountedUsage => (0.0, list * RESERVATION_SHARE),
        _ => (list, list),
    };
    Rates { list, unblended, effective, normalization, split, line_type: line.line_type }
}

/// The service's name in the `product` map, as far as it differs from its code.
fn service_name(product_code: &'static str) -> &'static str {
    match product_code {
        "AmazonEC2" => "Amazon Elastic Compute Cloud",
        "AmazonS3" => "Amazon Simple Storage Service",
        "AmazonRDS" => "Amazon Relational Database Service",
        "AWSLambda" => "AWS Lambda",
        "AmazonECS" => "Amazon EC2 Container Service",
        "AmazonEKS" => "Amazon Elastic Container Service for Kubernetes",
        "AmazonElastiCache" => "Amazon ElastiCache",
        "AmazonES" => "Amazon OpenSearch Service",
        "AmazonVPC" => "Amazon Virtual Private Cloud",
        "AWSELB" => "Elastic Load Balancing",
        "AWSQueueService" => "Amazon Simple Queue Service",
        "awskms" => "AWS Key Management Service",
        "AmazonMSK" => "Amazon Managed Streaming for Apache Kafka",
        "ElasticMapReduce" => "Amazon Elastic MapReduce",
        "AmazonSNS" => "Amazon Simple Notification Service",
        other => other,
    }
}
