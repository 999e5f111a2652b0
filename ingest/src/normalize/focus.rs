//! FOCUS (1.0 to 1.2, and 1.3's new names) from AWS, Azure, Google Cloud and others, into ledger lines.
//!
//! Column by column (<https://focus.finops.org/focus-specification/>):
//! - line type: `ChargeCategory` in the words of CUR where they mean the same (`Usage`, `Tax`, `Credit`, and `Fee` for
//!   `Purchase`); usage under a commitment that nobody used is `UnusedCommitment`; `Adjustment` stays.
//! - amount: `ConsumedQuantity` and its unit; where it is null, `PricingQuantity` and its unit.
//! - usage type: `x_UsageType` (AWS), else `SkuMeter`, else `x_SkuMeterName` (Azure), else what `ChargeDescription` says
//!   ([`description`]).
//! - service: `x_ServiceCode` (AWS), else AWS's code for the `ServiceName` ([`service`]), else the `ServiceName`.
//! - instance type: `x_InstanceType`, else after the colon of the usage type.
//!
//! FOCUS has no line id: it is derived ([`super::line_id`]).

pub(super) mod description;
pub(super) mod service;

use std::{borrow::Cow, collections::BTreeMap};

use airshed_domain::schema::column as c;
use arrow::{error::ArrowError, record_batch::RecordBatch};

use super::{
    cur::{Optional, intervals, reject_bad_maps},
    draft::{Columns, Draft, Faults, Kept, Origin},
    line_id::LineIds,
    maps::Maps,
    place::{instance_of_usage_type, region, region_of_zone},
    text::{PerValue, Text, present, text_at, text_from_keys},
};

const BILLED: &str = "billedcost";
const EFFECTIVE: &str = "effectivecost";
const CONSUMED: &str = "consumedquantity";
const PRICED: &str = "pricingquantity";

/// Reads batches of one FOCUS file.
pub(super) struct Focus {
    pub(super) kept: Kept,
    is_usage: PerValue<bool>,
    line_ids: LineIds,
}

fn provider(name: &str) -> Option<Cow<'_, str>> {
    let lower = name.to_ascii_lowercase();
    let known = [(["aws", "amazon"], "aws"), (["microsoft", "azure"], "azure"), (["google", "gcp"], "gcp")];
    let short = known.iter().find(|(words, _)| words.iter().any(|word| lower.contains(word)));
    present(name)
        .map(|_| short.map_or(Cow::Owned(lower.trim().to_owned()), |(_, short)| Cow::Borrowed(*short)))
}

fn line_type(category: &str) -> Option<Cow<'_, str>> {
    present(if category == "Purchase" { "Fee" } else { category })
}

fn unused(status: &str) -> Option<Cow<'_, str>> {
    (status == "Unused").then_some(Cow::Borrowed("UnusedCommitment"))
}

impl Focus {
    pub(super) fn new(columns: Columns) -> Self {
        Self { kept: Kept::new(columns), is_usage: PerValue::default(), line_ids: LineIds::default() }
    }

    pub(super) fn draft(&mut self, batch: &RecordBatch) -> Result<Draft, ArrowError> {
        let rows = batch.num_rows();
        let mut faults = Faults::default();
        let columns = &self.kept.columns;
        let (consumed, priced) = (columns.amounts(batch, CONSUMED)?, columns.amounts(batch, PRICED)?);
        let (billed, effective) = (columns.amounts(batch, BILLED)?, columns.amounts(batch, EFFECTIVE)?);
        let starts = columns.instants(batch, "chargeperiodstart")?;
        let ends = columns.instants(batch, "chargeperiodend")?;
        let bills = columns.instants(batch, "billingperiodstart")?;
        let is_correction = columns.text(batch, "chargeclass")?;

        let cache = &mut self.kept.cache;
        let mut amount = Optional::with_capacity(rows);
        let mut is_consumed = Vec::with_capacity(rows);
        let (mut billed_cost, mut effective_cost) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for row in 0..rows {
            let quantity = faults.amount(row, CONSUMED, &consumed, cache);
            is_consumed.push(quantity.is_some());
            amount.push(quantity.or_else(|| faults.amount(row, PRICED, &priced, cache)));
            for (column, amounts, out) in
                [(BILLED, &billed, &mut billed_cost), (EFFECTIVE, &effective, &mut effective_cost)]
            {
                let cost = faults.amount(row, column, amounts, cache);
                if cost.is_none() {
                    faults.missing(row, column);
                }
                out.push(cost.unwrap_or(0));
            }
        }

        let mut texts = self.texts(batch, &is_consumed)?;
        texts.insert(c::TAGS, self.tags(batch, &mut faults)?);
        faults.require(&texts[c::PROVIDER], "providername");
        faults.require(&texts[c::SERVICE_CODE], "servicename");
        faults.require(&texts[c::LINE_TYPE], "chargecategory");
        faults.require(&texts[c::CURRENCY], "billingcurrency");
        let is_usage = self.is_usage.of(&texts[c::LINE_TYPE], |line_type| line_type == "Usage");
        let line_types = texts[c::LINE_TYPE].keys();
        for (row, _) in amount.valid().iter().enumerate().filter(|(_, valid)| !**valid) {
            let usage =
                usize::try_from(line_types.value(row)).ok().and_then(|key| is_usage.get(key)).copied();
            let corrects = is_correction.as_ref().is_some_and(|class| text_at(class, row).is_some());
            if usage == Some(true) && !corrects {
                faults.missing(row, CONSUMED);
            }
        }

        let (starts, ends, period) = intervals(
            &mut faults,
            &mut self.kept.periods,
            ("chargeperiodstart", &starts),
            ("chargeperiodend", &ends),
            ("billingperiodstart", &bills),
        );
        let wide = |micros: &[i64]| micros.iter().map(|micros| i128::from(*micros)).collect::<Vec<i128>>();
        let described =
            self.kept.text(batch, "chargedescription", vec![Origin::Field("chargedescription")])?;
        let content: Vec<&Text> = texts.values().chain([&described]).collect();
        let numbers: [&[i128]; 5] =
            [&wide(&starts), &wide(&ends), &amount.values, &billed_cost, &effective_cost];
        let line_ids = self.line_ids.complete(None, &content, &numbers, rows);
        Ok(Draft {
            period,
            plain: [(c::LINE_ID, line_ids)].into(),
            instants: [(c::USAGE_START, starts), (c::USAGE_END, ends)].into(),
            optional_instants: BTreeMap::new(),
            decimals: [
                (c::USAGE_AMOUNT, amount.finish()),
                (c::BILLED_COST, (billed_cost, None)),
                (c::EFFECTIVE_COST, (effective_cost, None)),
            ]
            .into(),
            texts,
            faults,
            given_ids: None,
            costs: billed,
        })
    }

    fn texts(
        &mut self,
        batch: &RecordBatch,
        is_consumed: &[bool],
    ) -> Result<BTreeMap<&'static str, Text>, ArrowError> {
        use Origin::{Field, Mapped};
        let consumed_unit =
            self.kept.columns.text(batch, "consumedunit")?.map(|unit| only(&unit, is_consumed));
        let usage_unit =
            consumed_unit.map(|unit| Origin::Text(unit, None)).into_iter().chain([Field("pricingunit")]);
        let sources: Vec<(&'static str, Vec<Origin>)> = vec![
            (c::PROVIDER, vec![Mapped("providername", provider), Mapped("serviceprovidername", provider)]),
            (c::BILLING_ACCOUNT_ID, vec![Field("billingaccountid")]),
            (c::ACCOUNT_ID, vec![Field("subaccountid")]),
            (c::REGION, vec![Mapped("regionid", region), Mapped("availabilityzone", region_of_zone)]),
            (c::AVAILABILITY_ZONE, vec![Field("availabilityzone")]),
            (c::SERVICE_CODE, vec![Field("x_servicecode"), Mapped("servicename", service::code)]),
            (
                c::USAGE_TYPE,
                vec![
                    Field("x_usagetype"),
                    Field("skumeter"),
                    Field("x_skumetername"),
                    Mapped("chargedescription", description::usage_type),
                ],
            ),
            (c::OPERATION, vec![Field("x_operation")]),
            (c::RESOURCE_ID, vec![Field("resourceid")]),
            (
                c::LINE_TYPE,
                vec![Mapped("commitmentdiscountstatus", unused), Mapped("chargecategory", line_type)],
            ),
            (c::USAGE_UNIT, usage_unit.collect()),
            (c::CURRENCY, vec![Field("billingcurrency")]),
            (c::INVOICE_ID, vec![Field("invoiceid"), Field("x_invoiceid")]),
            (c::COMMITMENT_ID, vec![Field("commitmentdiscountid")]),
        ];
        let mut texts = BTreeMap::new();
        for (column, sources) in sources {
            texts.insert(column, self.kept.text(batch, column, sources)?);
        }
        let of_usage_type = Origin::Text(texts[c::USAGE_TYPE].clone(), Some(instance_of_usage_type));
        let instance =
            self.kept.text(batch, c::INSTANCE_TYPE, vec![Field("x_instancetype"), of_usage_type])?;
        texts.insert(c::INSTANCE_TYPE, instance);
        Ok(texts)
    }

    fn tags(&mut self, batch: &RecordBatch, faults: &mut Faults) -> Result<Text, ArrowError> {
        let kept = &mut self.kept;
        let mut groups = |maps: &mut Maps, name: &'static str| {
            maps.trim();
            let Some(array) = kept.columns.array(batch, name) else { return Ok(vec![-1; batch.num_rows()]) };
            let groups = maps.groups(array)?;
            reject_bad_maps(&groups, name, &kept.columns, batch, faults)?;
            Ok::<_, ArrowError>(groups)
        };
        let tags = groups(&mut kept.tags, "tags")?;
        let categories = groups(&mut kept.categories, "x_costcategories")?;
        kept.tag_text.column((&kept.tags, tags.as_slice()), (&kept.categories, categories.as_slice()))
    }
}

/// The text of the chosen rows, null elsewhere.
fn only(text: &Text, chosen: &[bool]) -> Text {
    let keys = text.keys().iter().zip(chosen).map(|(key, chosen)| key.filter(|_| *chosen).unwrap_or(-1));
    text_from_keys(keys.collect(), std::sync::Arc::clone(text.values()))
}
