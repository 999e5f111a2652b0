//! Column names: one spelling for what the formats spell in several ways.
//!
//! CUR has named one column `lineItem/UsageAmount` (CSV), `line_item_usage_amount` (Athena and CUR 2.0) and FOCUS has
//! been seen in PascalCase and in lower case. [`canonical`] follows the rule by which AWS itself makes Athena names
//! (an underscore before each capital, then lower case;
//! <https://docs.aws.amazon.com/cur/latest/userguide/create-manually-table.html>); FOCUS names are compared without
//! regard to case.

use std::collections::HashMap;

use arrow::datatypes::Schema;

use super::{FocusVersion, Format};

/// Column names of CUR as the ledger reads them, in canonical spelling.
const CUR_FIELDS: &[&str] = &[
    "identity_line_item_id",
    "bill_payer_account_id",
    "bill_invoice_id",
    "bill_billing_period_start_date",
    "line_item_usage_account_id",
    "line_item_line_item_type",
    "line_item_usage_start_date",
    "line_item_usage_end_date",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_operation",
    "line_item_availability_zone",
    "line_item_resource_id",
    "line_item_usage_amount",
    "line_item_currency_code",
    "line_item_unblended_cost",
    "pricing_unit",
    "product",
    "product_region_code",
    "product_region",
    "product_instance_type",
    "product_product_family",
    "product_servicecode",
    "product_vcpu",
    "product_transfer_type",
    "product_from_region_code",
    "product_to_region_code",
    "reservation_reservation_a_r_n",
    "reservation_effective_cost",
    "reservation_unused_amortized_upfront_fee_for_billing_period",
    "reservation_unused_recurring_fee",
    "savings_plan_savings_plan_a_r_n",
    "savings_plan_savings_plan_effective_cost",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
    "split_line_item_parent_resource_id",
    "split_line_item_split_usage_ratio",
    "resource_tags",
    "cost_category",
];

/// The line id of CUR, the one text that differs on every row.
pub(super) const LINE_ID: &str = "identity_line_item_id";

/// Prefixes of CUR columns that hold one tag or one cost category each.
pub(crate) const CUR_TAG_PREFIX: &str = "resource_tags_";
/// As [`CUR_TAG_PREFIX`], for cost categories.
pub(crate) const CUR_CATEGORY_PREFIX: &str = "cost_category_";

/// Column names of FOCUS and of the providers' additions that the ledger reads, in lower case.
const FOCUS_FIELDS: &[&str] = &[
    "availabilityzone",
    "billedcost",
    "billingaccountid",
    "billingcurrency",
    "billingperiodstart",
    "chargecategory",
    "chargeclass",
    "chargedescription",
    "chargeperiodend",
    "chargeperiodstart",
    "commitmentdiscountid",
    "commitmentdiscountstatus",
    "consumedquantity",
    "consumedunit",
    "effectivecost",
    "invoiceid",
    "pricingquantity",
    "pricingunit",
    "providername",
    "serviceprovidername",
    "regionid",
    "resourceid",
    "servicename",
    "skumeter",
    "subaccountid",
    "tags",
    "x_costcategories",
    "x_instancetype",
    "x_invoiceid",
    "x_operation",
    "x_servicecode",
    "x_serviceid",
    "x_skumetername",
    "x_usagetype",
];

/// Column names of AWS's CARBON_EMISSIONS export that the ledger reads.
const CARBON_FIELDS: &[&str] = &[
    "last_refresh_timestamp",
    "location",
    "model_version",
    "payer_account_id",
    "product_code",
    "region_code",
    "total_lbm_emissions_unit",
    "total_lbm_emissions_value",
    "total_mbm_emissions_unit",
    "total_mbm_emissions_value",
    "total_scope_1_emissions_unit",
    "total_scope_1_emissions_value",
    "total_scope_2_lbm_emissions_unit",
    "total_scope_2_lbm_emissions_value",
    "total_scope_2_mbm_emissions_unit",
    "total_scope_2_mbm_emissions_value",
    "total_scope_3_lbm_emissions_unit",
    "total_scope_3_lbm_emissions_value",
    "total_scope_3_mbm_emissions_unit",
    "total_scope_3_mbm_emissions_value",
    "usage_account_id",
    "usage_period_end",
    "usage_period_start",
];

/// How many of the telling columns a header must have to be taken for a format, so that an export that lacks one
/// required column is still recognised and rejected by that column's name.
const TELLING_ENOUGH: usize = 3;

impl Format {
    /// Columns that every line needs, in canonical spelling.
    pub fn required(self) -> &'static [&'static str] {
        match self {
            Self::Cur2 | Self::CurLegacy => &[
                "line_item_usage_account_id",
                "line_item_line_item_type",
                "line_item_usage_start_date",
                "line_item_usage_end_date",
                "line_item_product_code",
                "line_item_usage_type",
                "line_item_usage_amount",
                "line_item_currency_code",
                "line_item_unblended_cost",
            ],
            Self::Focus { .. } => &[
                "billedcost",
                "billingcurrency",
                "chargecategory",
                "chargeperiodend",
                "chargeperiodstart",
                "effectivecost",
                "servicename",
            ],
            Self::CarbonExport => &[
                "model_version",
                "payer_account_id",
                "product_code",
                "total_mbm_emissions_value",
                "usage_account_id",
                "usage_period_end",
                "usage_period_start",
            ],
        }
    }

    /// Whether the ledger reads a column of this name (as a CUR export in Parquet spells it; lower case for FOCUS).
    pub fn uses(self, name: &str) -> bool {
        match self {
            Self::Cur2 | Self::CurLegacy => {
                CUR_FIELDS.contains(&name)
                    || name.starts_with(CUR_TAG_PREFIX)
                    || name.starts_with(CUR_CATEGORY_PREFIX)
            }
            Self::Focus { .. } => FOCUS_FIELDS.contains(&name),
            Self::CarbonExport => CARBON_FIELDS.contains(&name),
        }
    }

    /// The canonical spelling of a column name in this format.
    pub(crate) fn canonical(self, name: &str) -> String {
        match self {
            Self::Focus { .. } => name.trim().to_ascii_lowercase(),
            _ => canonical(name),
        }
    }
}

/// A CUR column name as Athena spells it.
///
/// `lineItem/UsageAmount` becomes `line_item_usage_amount`, `savingsPlan/SavingsPlanARN`
/// `savings_plan_savings_plan_a_r_n`, `resourceTags/user:Name` `resource_tags_user_name`.
pub(super) fn canonical(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    for ch in name.trim().chars() {
        if ch.is_ascii_uppercase() && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        if ch.is_alphanumeric() {
            out.extend(ch.to_lowercase());
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    out
}

/// What a column holds, whatever type a file gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Text,
    Amount,
    Instant,
    Map,
}

/// What a column of this canonical name holds.
pub(crate) fn holds(name: &str) -> Holds {
    const AMOUNTS: &[&str] = &[
        "line_item_usage_amount",
        "line_item_unblended_cost",
        "reservation_effective_cost",
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        "reservation_unused_recurring_fee",
        "savings_plan_savings_plan_effective_cost",
        "savings_plan_total_commitment_to_date",
        "savings_plan_used_commitment",
        "split_line_item_split_usage_ratio",
        "billedcost",
        "effectivecost",
        "consumedquantity",
        "pricingquantity",
    ];
    const INSTANTS: &[&str] = &[
        "bill_billing_period_start_date",
        "line_item_usage_start_date",
        "line_item_usage_end_date",
        "billingperiodstart",
        "chargeperiodstart",
        "chargeperiodend",
        "usage_period_start",
        "usage_period_end",
        "last_refresh_timestamp",
    ];
    const MAPS: &[&str] = &["product", "resource_tags", "cost_category", "tags", "x_costcategories"];
    match name {
        _ if AMOUNTS.contains(&name) || name.ends_with("_emissions_value") => Holds::Amount,
        _ if INSTANTS.contains(&name) => Holds::Instant,
        _ if MAPS.contains(&name) => Holds::Map,
        _ => Holds::Text,
    }
}

/// Whether nearly every row of a text file has another value in this column, so that a dictionary would only cost.
pub(super) fn is_plain(name: &str) -> bool {
    name == LINE_ID || holds(name) == Holds::Amount
}

/// Which column of a file holds which field.
pub(crate) struct Fields {
    index: HashMap<String, usize>,
    names: Vec<(String, String)>,
}

impl Fields {
    /// The columns of a schema, by canonical name. Of two columns with one canonical name the first counts.
    pub(crate) fn new(format: Format, schema: &Schema) -> Self {
        let names: Vec<(String, String)> =
            schema.fields().iter().map(|f| (format.canonical(f.name()), f.name().clone())).collect();
        let mut index = HashMap::new();
        for (position, (canonical, _)) in names.iter().enumerate() {
            index.entry(canonical.clone()).or_insert(position);
        }
        Self { index, names }
    }

    /// Position of a field.
    pub(crate) fn position(&self, canonical: &str) -> Option<usize> {
        self.index.get(canonical).copied()
    }

    /// Fields whose canonical name starts with the prefix: position, canonical name, name in the file.
    pub(crate) fn with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (usize, &'a str, &'a str)> {
        let all = self.names.iter().enumerate();
        all.filter(move |(position, (canonical, _))| {
            canonical.starts_with(prefix) && self.index.get(canonical) == Some(position)
        })
        .map(|(position, (canonical, name))| (position, canonical.as_str(), name.as_str()))
    }
}

/// The format that a set of column names shows.
pub(super) fn detect(columns: &[&str]) -> Option<Format> {
    const CUR: &[&str] = &[
        "identity_line_item_id",
        "line_item_line_item_type",
        "line_item_product_code",
        "line_item_unblended_cost",
        "line_item_usage_account_id",
        "line_item_usage_amount",
        "line_item_usage_start_date",
        "line_item_usage_type",
    ];
    const FOCUS: &[&str] = &[
        "billedcost",
        "billingcurrency",
        "billingperiodstart",
        "chargecategory",
        "chargeperiodstart",
        "effectivecost",
        "servicename",
    ];
    const CARBON: &[&str] = &[
        "model_version",
        "total_mbm_emissions_value",
        "total_lbm_emissions_value",
        "usage_period_start",
        "total_mbm_emissions_unit",
        "usage_account_id",
    ];
    let snake: Vec<String> = columns.iter().map(|name| canonical(name)).collect();
    let lower: Vec<String> = columns.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
    let count =
        |names: &[String], telling: &[&str]| telling.iter().filter(|t| names.iter().any(|n| n == *t)).count();
    let has = |name: &str| lower.iter().any(|n| n == name);

    if count(&snake, CUR) >= TELLING_ENOUGH {
        let is_snake = |name: &str| snake.iter().any(|n| n == name);
        let maps = ["product", "resource_tags", "cost_category", "line_item_usage_account_name"];
        let flat = snake.iter().any(|n| n.starts_with("resource_tags_")) || is_snake("product_product_name");
        let slashes = columns.iter().any(|name| name.contains('/'));
        let second =
            !slashes && (maps.iter().any(|m| is_snake(m)) || !flat && is_snake("product_region_code"));
        return Some(if second { Format::Cur2 } else { Format::CurLegacy });
    }
    if count(&lower, FOCUS) >= TELLING_ENOUGH {
        let any = |names: &[&str]| names.iter().any(|n| has(n));
        let version = if any(&["serviceprovidername", "hostprovidername", "allocatedmethodid"]) {
            FocusVersion::V1_3
        } else if any(&["invoiceid", "billingaccounttype", "subaccounttype", "pricingcurrency"]) {
            FocusVersion::V1_2
        } else if any(&["skumeter", "servicesubcategory", "capacityreservationid", "skupricedetails"]) {
            FocusVersion::V1_1
        } else {
            FocusVersion::V1_0
        };
        return Some(Format::Focus { version });
    }
    (count(&snake, CARBON) >= TELLING_ENOUGH).then_some(Format::CarbonExport)
}
