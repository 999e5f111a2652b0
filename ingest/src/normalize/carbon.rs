//! AWS's own figures (Data Exports table CARBON_EMISSIONS) into `provider_reported`.
//!
//! AWS gives metric tons of CO2e as doubles (unit `MTCO2e`,
//! <https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-carbon-emissions.html>); the ledger keeps grams.
//! A double becomes its shortest decimal and then moves by six digits, so that the grams are exact. Both widths are
//! read: the newer with scopes 1, 2 and 3 in both bases, and the older with market-based totals only.

use std::collections::BTreeMap;

use airshed_domain::{
    fixed::{FixedError, QUANTITY_SCALE, decimal_from_f64, decimal_from_str},
    schema::column as c,
};
use arrow::{array::Array as _, error::ArrowError, record_batch::RecordBatch};

use super::{
    amount::Amounts,
    cur::{Optional, intervals},
    draft::{Columns, Draft, Faults, Kept, Origin},
    text::{PerValue, Text, account, always},
    time::{Instant, Instants},
};
use crate::reject::Reason;

/// Digits from tons to steps of the ledger's grams.
const GRAM_STEPS_PER_TON: i8 = 6 + QUANTITY_SCALE;
const UNIT: &str = "MTCO2e";

/// Ledger column, value column, unit column.
const FIGURES: &[(&str, &str, &str)] = &[
    (c::TOTAL_LOCATION_G, "total_lbm_emissions_value", "total_lbm_emissions_unit"),
    (c::TOTAL_MARKET_G, "total_mbm_emissions_value", "total_mbm_emissions_unit"),
    (c::SCOPE_1_G, "total_scope_1_emissions_value", "total_scope_1_emissions_unit"),
    (c::SCOPE_2_LOCATION_G, "total_scope_2_lbm_emissions_value", "total_scope_2_lbm_emissions_unit"),
    (c::SCOPE_2_MARKET_G, "total_scope_2_mbm_emissions_value", "total_scope_2_mbm_emissions_unit"),
    (c::SCOPE_3_LOCATION_G, "total_scope_3_lbm_emissions_value", "total_scope_3_lbm_emissions_unit"),
    (c::SCOPE_3_MARKET_G, "total_scope_3_mbm_emissions_value", "total_scope_3_mbm_emissions_unit"),
];

/// Reads batches of one CARBON_EMISSIONS file.
pub(super) struct Carbon {
    pub(super) kept: Kept,
}

impl Carbon {
    pub(super) fn new(columns: Columns) -> Self {
        Self { kept: Kept::new(columns) }
    }

    pub(super) fn draft(&mut self, batch: &RecordBatch) -> Result<Draft, ArrowError> {
        use Origin::{Field, Mapped};
        let rows = batch.num_rows();
        let mut faults = Faults::default();
        let mut texts: BTreeMap<&'static str, Text> = BTreeMap::new();
        texts.insert(c::PROVIDER, always("aws", rows));
        for (column, source) in [
            (c::MODEL_VERSION, Field("model_version")),
            (c::PAYER_ACCOUNT_ID, Mapped("payer_account_id", account)),
            (c::ACCOUNT_ID, Mapped("usage_account_id", account)),
            (c::REGION, Field("region_code")),
            (c::LOCATION, Field("location")),
            (c::SERVICE_CODE, Field("product_code")),
        ] {
            texts.insert(column, self.kept.text(batch, column, vec![source])?);
        }
        for (column, name) in [
            (c::MODEL_VERSION, "model_version"),
            (c::PAYER_ACCOUNT_ID, "payer_account_id"),
            (c::ACCOUNT_ID, "usage_account_id"),
            (c::SERVICE_CODE, "product_code"),
        ] {
            faults.require(&texts[column], name);
        }
        let columns = &self.kept.columns;
        let starts = columns.instants(batch, "usage_period_start")?;
        let ends = columns.instants(batch, "usage_period_end")?;
        let refreshed = columns.instants(batch, "last_refresh_timestamp")?;
        let mut decimals = BTreeMap::new();
        for (column, value, unit) in FIGURES {
            decimals.insert(*column, grams(columns, batch, value, unit, &mut faults)?.finish());
        }
        let none = Instants::absent(rows);
        let (starts, ends, period) = intervals(
            &mut faults,
            &mut self.kept.periods,
            ("usage_period_start", &starts),
            ("usage_period_end", &ends),
            ("usage_period_start", &none),
        );
        let refreshed_at = (0..rows)
            .map(|row| match refreshed.get(row) {
                Instant::At(micros) => Some(micros),
                Instant::Null => None,
                Instant::Bad => {
                    let value = refreshed.as_it_stands(row).map(str::to_owned);
                    faults.add(row, Reason::BadTimestamp, "last_refresh_timestamp", "not an instant", value);
                    None
                }
            })
            .collect();
        Ok(Draft {
            period,
            plain: BTreeMap::new(),
            instants: [(c::USAGE_PERIOD_START, starts), (c::USAGE_PERIOD_END, ends)].into(),
            optional_instants: [(c::LAST_REFRESH, refreshed_at)].into(),
            decimals,
            texts,
            faults,
            given_ids: None,
            costs: Amounts::Absent,
        })
    }
}

/// Grams of one figure, in the ledger's steps.
fn grams(
    columns: &Columns,
    batch: &RecordBatch,
    value: &'static str,
    unit: &'static str,
    faults: &mut Faults,
) -> Result<Optional, ArrowError> {
    let rows = batch.num_rows();
    let amounts = columns.amounts(batch, value)?;
    let units = columns.text(batch, unit)?;
    let mut is_tons = PerValue::default();
    let mut out = Optional::with_capacity(rows);
    for row in 0..rows {
        let steps = match &amounts {
            Amounts::Absent => None,
            Amounts::Double(values) => {
                values.is_valid(row).then(|| decimal_from_f64(values.value(row), GRAM_STEPS_PER_TON))
            }
            other => other.as_it_stands(row).map(|text| decimal_from_str(&text, GRAM_STEPS_PER_TON)),
        };
        if steps.is_some()
            && let Some(units) = units.as_ref().filter(|units| units.is_valid(row))
        {
            let known = is_tons.of(units, |unit| unit.eq_ignore_ascii_case(UNIT));
            let key = usize::try_from(units.keys().value(row)).unwrap_or(usize::MAX);
            if known.get(key) != Some(&true) {
                let value = super::text::text_at(units, row).map(str::to_owned);
                faults.add(row, Reason::WrongType, unit, "emissions are read in MTCO2e only", value);
            }
        }
        out.push(match steps {
            None => None,
            Some(Ok(steps)) => Some(steps),
            Some(Err(error)) => {
                let reason = match error {
                    FixedError::NotFinite => Reason::NotFinite,
                    FixedError::Overflow => Reason::Overflow,
                    FixedError::NotANumber => Reason::NotANumber,
                };
                faults.add(row, reason, value, "not a number of metric tons", amounts.as_it_stands(row));
                None
            }
        });
    }
    Ok(out)
}
