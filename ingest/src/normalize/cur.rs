//! AWS Cost and Usage Reports, 2.0 and older, into ledger lines.
//!
//! `billed_cost` is the unblended cost, what the invoice shows. Net columns (after private discounts) are left out:
//! few exports have them, and mixing both would make months incomparable. `effective_cost` spreads commitments over
//! what they cover, by the rule that AWS publishes for amortised cost
//! (<https://docs.aws.amazon.com/cur/latest/userguide/cur-sp.html>,
//! <https://docs.aws.amazon.com/cur/latest/userguide/reservation-columns.html>, and the `sum_line_item_amortized_cost`
//! expression of AWS's CUR Query Library):
//!
//! | line type | effective cost |
//! |---|---|
//! | `SavingsPlanCoveredUsage` | Savings Plan effective cost |
//! | `SavingsPlanRecurringFee` | total commitment to date - used commitment |
//! | `SavingsPlanNegation`, `SavingsPlanUpfrontFee` | 0 |
//! | `DiscountedUsage` | reservation effective cost |
//! | `RIFee` | unused amortised upfront fee + unused recurring fee |
//! | `Fee` of a reservation or plan (its upfront payment) | 0 |
//! | all else | unblended cost |
//!
//! Where the export lacks the column that the rule names, or leaves it empty, the unblended cost stands in. A line of
//! split cost allocation (one with a parent resource) whose cost is empty costs nothing: its parent's line is billed.

use std::collections::BTreeMap;

use airshed_domain::schema::column as c;
use arrow::{array::Array as _, buffer::NullBuffer, error::ArrowError, record_batch::RecordBatch};

use super::{
    amount::Amounts,
    draft::{Columns, Draft, Faults, Kept, Origin, plain_text},
    line_id::LineIds,
    maps::{BAD_GROUP, Maps},
    place::{instance_of_usage_type, region, region_of_zone},
    text::{PerValue, Text, account, always, text_at},
    time::{Instant, Instants, Periods},
};
use crate::{
    format::{CUR_CATEGORY_PREFIX, CUR_TAG_PREFIX},
    reject::Reason,
};

const COST: &str = "line_item_unblended_cost";
const AMOUNT: &str = "line_item_usage_amount";
const START: &str = "line_item_usage_start_date";
const END: &str = "line_item_usage_end_date";
const PERIOD: &str = "bill_billing_period_start_date";
const RATIO: &str = "split_line_item_split_usage_ratio";
const PARENT: &str = "split_line_item_parent_resource_id";

/// How a line type's effective cost is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Unblended,
    Usage,
    Reserved,
    Planned,
    UnusedReservation,
    UnusedPlan,
    Fee,
    Nothing,
}

fn rule(line_type: &str) -> Rule {
    match line_type {
        "Usage" => Rule::Usage,
        "DiscountedUsage" => Rule::Reserved,
        "SavingsPlanCoveredUsage" => Rule::Planned,
        "SavingsPlanNegation" | "SavingsPlanUpfrontFee" => Rule::Nothing,
        "RIFee" => Rule::UnusedReservation,
        "SavingsPlanRecurringFee" => Rule::UnusedPlan,
        "Fee" => Rule::Fee,
        _ => Rule::Unblended,
    }
}

/// Reads batches of one CUR file.
pub(super) struct Cur {
    pub(super) kept: Kept,
    product: Maps,
    rules: PerValue<Rule>,
    line_ids: LineIds,
}

/// The numeric columns behind the costs.
struct Costs {
    unblended: Amounts,
    reserved: Amounts,
    planned: Amounts,
    unused_upfront: Amounts,
    unused_recurring: Amounts,
    commitment: Amounts,
    used: Amounts,
}

impl Cur {
    pub(super) fn new(columns: Columns) -> Self {
        Self {
            kept: Kept::new(columns),
            product: Maps::default(),
            rules: PerValue::default(),
            line_ids: LineIds::default(),
        }
    }

    pub(super) fn draft(&mut self, batch: &RecordBatch) -> Result<Draft, ArrowError> {
        let rows = batch.num_rows();
        let mut faults = Faults::default();
        let mut texts = self.texts(batch)?;
        texts.insert(c::TAGS, self.tags(batch, &mut faults)?);
        faults.require(&texts[c::SERVICE_CODE], "line_item_product_code");
        faults.require(&texts[c::LINE_TYPE], "line_item_line_item_type");
        faults.require(&texts[c::CURRENCY], "line_item_currency_code");

        let (starts, ends, period) = self.interval(batch, &mut faults)?;
        let amounts = self.kept.columns.amounts(batch, AMOUNT)?;
        let ratios = self.kept.columns.amounts(batch, RATIO)?;
        let costs = self.costs(batch)?;
        let rules = self.rules.of(&texts[c::LINE_TYPE], rule);
        let line_types = texts[c::LINE_TYPE].keys();
        let parents = &texts[c::SPLIT_PARENT_RESOURCE_ID];
        let commitments = &texts[c::COMMITMENT_ID];
        let cache = &mut self.kept.cache;

        let mut usage = Optional::with_capacity(rows);
        let mut ratio = Optional::with_capacity(rows);
        let (mut billed, mut effective) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for row in 0..rows {
            let key = usize::try_from(line_types.value(row)).unwrap_or(usize::MAX);
            let rule = rules.get(key).copied().unwrap_or(Rule::Unblended);
            let is_split = parents.is_valid(row);

            let amount = faults.amount(row, AMOUNT, &amounts, cache);
            if amount.is_none() && matches!(rule, Rule::Usage | Rule::Reserved | Rule::Planned) {
                faults.missing(row, AMOUNT);
            }
            usage.push(amount);
            ratio.push(if is_split { faults.amount(row, RATIO, &ratios, cache) } else { None });

            let cost = faults.amount(row, COST, &costs.unblended, cache);
            if cost.is_none() && !is_split {
                faults.missing(row, COST);
            }
            let cost = cost.unwrap_or(0);
            billed.push(cost);
            let mut read = |column, amounts| faults.amount(row, column, amounts, cache);
            effective.push(match rule {
                Rule::Unblended | Rule::Usage => cost,
                Rule::Nothing => 0,
                Rule::Fee => {
                    if commitments.is_valid(row) {
                        0
                    } else {
                        cost
                    }
                }
                Rule::Reserved => read("reservation_effective_cost", &costs.reserved).unwrap_or(cost),
                Rule::Planned => {
                    read("savings_plan_savings_plan_effective_cost", &costs.planned).unwrap_or(cost)
                }
                Rule::UnusedReservation => {
                    let upfront = read(
                        "reservation_unused_amortized_upfront_fee_for_billing_period",
                        &costs.unused_upfront,
                    );
                    let recurring = read("reservation_unused_recurring_fee", &costs.unused_recurring);
                    if upfront.is_none() && recurring.is_none() {
                        cost
                    } else {
                        upfront.unwrap_or(0) + recurring.unwrap_or(0)
                    }
                }
                Rule::UnusedPlan => {
                    let commitment = read("savings_plan_total_commitment_to_date", &costs.commitment);
                    let used = read("savings_plan_used_commitment", &costs.used);
                    commitment.map_or(cost, |commitment| commitment - used.unwrap_or(0))
                }
            });
        }

        let given_ids =
            self.kept.columns.array(batch, "identity_line_item_id").map(plain_text).transpose()?;
        let content: Vec<&Text> = texts.values().collect();
        let instants = [&starts, &ends].map(|instants| instants.iter().map(|micros| i128::from(*micros)));
        let line_ids = if given_ids.as_ref().is_some_and(is_complete) {
            given_ids.clone().unwrap_or_else(|| arrow::array::StringArray::new_null(rows))
        } else {
            let [starts, ends] = instants.map(Iterator::collect::<Vec<i128>>);
            self.line_ids.complete(
                given_ids.as_ref(),
                &content,
                &[&starts, &ends, &usage.values, &billed],
                rows,
            )
        };
        Ok(Draft {
            period,
            plain: [(c::LINE_ID, line_ids)].into(),
            instants: [(c::USAGE_START, starts), (c::USAGE_END, ends)].into(),
            optional_instants: BTreeMap::new(),
            decimals: [
                (c::USAGE_AMOUNT, usage.finish()),
                (c::SPLIT_USAGE_RATIO, ratio.finish()),
                (c::BILLED_COST, (billed, None)),
                (c::EFFECTIVE_COST, (effective, None)),
            ]
            .into(),
            texts,
            faults,
            given_ids,
            costs: costs.unblended,
        })
    }

    fn texts(&mut self, batch: &RecordBatch) -> Result<BTreeMap<&'static str, Text>, ArrowError> {
        use Origin::{Field, Mapped};
        self.product.trim();
        let groups = match self.kept.columns.array(batch, "product") {
            Some(product) => Some(self.product.groups(product)?),
            None => None,
        };
        let product = &self.product;
        let attribute =
            |name: &str| groups.as_ref().map(|groups| Origin::Text(product.attribute(name, groups), None));
        let with = |sources: Vec<Origin>, extra: &[&str]| -> Vec<Origin> {
            sources.into_iter().chain(extra.iter().filter_map(|name| attribute(name))).collect()
        };
        let mut regions = with(
            vec![
                Mapped("product_region_code", region),
                Mapped("product_region", region),
                Field("product_from_region_code"),
            ],
            &["region"],
        );
        regions.push(Mapped("line_item_availability_zone", region_of_zone));
        let mut instance = with(vec![Field("product_instance_type")], &["instance_type"]);
        instance.push(Mapped("line_item_usage_type", instance_of_usage_type));
        let sources: Vec<(&'static str, Vec<Origin>)> = vec![
            (c::BILLING_ACCOUNT_ID, vec![Mapped("bill_payer_account_id", account)]),
            (c::ACCOUNT_ID, vec![Mapped("line_item_usage_account_id", account)]),
            (c::REGION, regions),
            (c::AVAILABILITY_ZONE, vec![Field("line_item_availability_zone")]),
            (c::SERVICE_CODE, vec![Field("line_item_product_code"), Field("product_servicecode")]),
            (c::USAGE_TYPE, vec![Field("line_item_usage_type")]),
            (c::OPERATION, vec![Field("line_item_operation")]),
            (c::INSTANCE_TYPE, instance),
            (c::RESOURCE_ID, vec![Field("line_item_resource_id")]),
            (c::LINE_TYPE, vec![Field("line_item_line_item_type")]),
            (c::USAGE_UNIT, vec![Field("pricing_unit")]),
            (c::CURRENCY, vec![Field("line_item_currency_code")]),
            (c::INVOICE_ID, vec![Field("bill_invoice_id")]),
            (c::PRODUCT_FAMILY, with(vec![Field("product_product_family")], &["product_family"])),
            (c::PRODUCT_VCPU, with(vec![Field("product_vcpu")], &["vcpu"])),
            (c::TRANSFER_TYPE, with(vec![Field("product_transfer_type")], &["transfer_type"])),
            (c::FROM_REGION, with(vec![Field("product_from_region_code")], &["from_region_code"])),
            (c::TO_REGION, with(vec![Field("product_to_region_code")], &["to_region_code"])),
            (
                c::COMMITMENT_ID,
                vec![Field("savings_plan_savings_plan_a_r_n"), Field("reservation_reservation_a_r_n")],
            ),
            (c::SPLIT_PARENT_RESOURCE_ID, vec![Field(PARENT)]),
        ];
        let mut texts = BTreeMap::new();
        texts.insert(c::PROVIDER, always("aws", batch.num_rows()));
        for (column, sources) in sources {
            texts.insert(column, self.kept.text(batch, column, sources)?);
        }
        Ok(texts)
    }

    fn tags(&mut self, batch: &RecordBatch, faults: &mut Faults) -> Result<Text, ArrowError> {
        let tags =
            groups(&mut self.kept.tags, &self.kept.columns, batch, "resource_tags", CUR_TAG_PREFIX, faults)?;
        let categories = groups(
            &mut self.kept.categories,
            &self.kept.columns,
            batch,
            "cost_category",
            CUR_CATEGORY_PREFIX,
            faults,
        )?;
        self.kept
            .tag_text
            .column((&self.kept.tags, tags.as_slice()), (&self.kept.categories, categories.as_slice()))
    }

    fn costs(&self, batch: &RecordBatch) -> Result<Costs, ArrowError> {
        let amounts = |name| self.kept.columns.amounts(batch, name);
        Ok(Costs {
            unblended: amounts(COST)?,
            reserved: amounts("reservation_effective_cost")?,
            planned: amounts("savings_plan_savings_plan_effective_cost")?,
            unused_upfront: amounts("reservation_unused_amortized_upfront_fee_for_billing_period")?,
            unused_recurring: amounts("reservation_unused_recurring_fee")?,
            commitment: amounts("savings_plan_total_commitment_to_date")?,
            used: amounts("savings_plan_used_commitment")?,
        })
    }

    /// Starts, ends and periods. The period is the bill's month; without one, the month in which the usage starts.
    fn interval(&mut self, batch: &RecordBatch, faults: &mut Faults) -> Result<Intervals, ArrowError> {
        let columns = &self.kept.columns;
        let (starts, ends) = (columns.instants(batch, START)?, columns.instants(batch, END)?);
        let bills = columns.instants(batch, PERIOD)?;
        Ok(intervals(faults, &mut self.kept.periods, (START, &starts), (END, &ends), (PERIOD, &bills)))
    }
}

/// Starts, ends (microseconds) and period numbers of the rows of a batch.
pub(super) type Intervals = (Vec<i64>, Vec<i64>, Vec<i32>);

/// Starts, ends and period numbers of the rows, with their faults.
pub(super) fn intervals(
    faults: &mut Faults,
    periods: &mut Periods,
    (start_name, starts): (&'static str, &Instants),
    (end_name, ends): (&'static str, &Instants),
    (bill_name, bills): (&'static str, &Instants),
) -> Intervals {
    let rows = starts.rows();
    let mut out = (Vec::with_capacity(rows), Vec::with_capacity(rows), Vec::with_capacity(rows));
    for row in 0..rows {
        let start = faults.instant(row, start_name, starts);
        let end = faults.instant(row, end_name, ends);
        let period = match bills.get(row) {
            Instant::At(bill) => periods.of(bill),
            Instant::Null => periods.of(start),
            Instant::Bad => None,
        };
        if period.is_none() {
            let value = bills.as_it_stands(row).map(str::to_owned);
            faults.add(
                row,
                Reason::BadPeriod,
                bill_name,
                "not a billing period of the years 1970 to 2261",
                value,
            );
        }
        if end < start {
            faults.add(row, Reason::BadInterval, end_name, "the interval ends before it starts", None);
        }
        out.0.push(start);
        out.1.push(end);
        out.2.push(period.unwrap_or(0));
    }
    out
}

/// Groups of a map column, or of the flat columns that stand for it.
fn groups(
    maps: &mut Maps,
    columns: &Columns,
    batch: &RecordBatch,
    name: &'static str,
    prefix: &'static str,
    faults: &mut Faults,
) -> Result<Vec<i32>, ArrowError> {
    maps.trim();
    if let Some(array) = columns.array(batch, name) {
        let groups = maps.groups(array)?;
        reject_bad_maps(&groups, name, columns, batch, faults)?;
        return Ok(groups);
    }
    let mut flat: Vec<(String, Text)> = Vec::new();
    for (position, canonical, spelled) in columns.fields.with_prefix(prefix) {
        // `resourceTags/user:Name` keeps its own key, `resource_tags_user_name` has only this one.
        let key = spelled.split_once('/').map_or(&canonical[prefix.len()..], |(_, key)| key);
        flat.push((key.to_owned(), super::text::text_of(batch.column(position))?));
    }
    if flat.is_empty() {
        Ok(vec![-1; batch.num_rows()])
    } else {
        maps.groups_of_flat(&flat, batch.num_rows())
    }
}

/// Faults of the rows whose map could not be read.
pub(super) fn reject_bad_maps(
    groups: &[i32],
    name: &'static str,
    columns: &Columns,
    batch: &RecordBatch,
    faults: &mut Faults,
) -> Result<(), ArrowError> {
    if !groups.contains(&BAD_GROUP) {
        return Ok(());
    }
    let text = columns.text(batch, name)?;
    for row in (0..groups.len()).filter(|row| groups[*row] == BAD_GROUP) {
        let value =
            text.as_ref().and_then(|text| text_at(text, row)).map(|value| value.chars().take(200).collect());
        faults.add(row, Reason::WrongType, name, "not a JSON object", value);
    }
    Ok(())
}

fn is_complete(ids: &arrow::array::StringArray) -> bool {
    ids.null_count() == 0 && ids.iter().all(|id| id != Some(""))
}

/// A decimal column that may be null.
pub(super) struct Optional {
    pub(super) values: Vec<i128>,
    valid: Vec<bool>,
    nulls: usize,
}

impl Optional {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), valid: Vec::with_capacity(rows), nulls: 0 }
    }

    /// Which rows have a value.
    pub(super) fn valid(&self) -> &[bool] {
        &self.valid
    }

    #[inline]
    pub(super) fn push(&mut self, value: Option<i128>) {
        self.nulls += usize::from(value.is_none());
        self.values.push(value.unwrap_or(0));
        self.valid.push(value.is_some());
    }

    pub(super) fn finish(self) -> (Vec<i128>, Option<NullBuffer>) {
        let nulls = (self.nulls > 0).then(|| NullBuffer::from(self.valid));
        (self.values, nulls)
    }
}
