//! The columns of a CUR 2.0 export, in the order of an hourly export with resource ids and split cost allocation.
//!
//! Names and types are facts of AWS's table dictionary
//! (<https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html>): strings, doubles, timestamps and the
//! four maps `cost_category`, `discount`, `product`, `resource_tags`. Data Exports writes instants as 64-bit
//! milliseconds. Every column exists in what we write; those we have nothing to say in are null.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use Kind::{Number, NumberMap, Text, TextMap, Time};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A string.
    Text,
    /// A double.
    Number,
    /// An instant, milliseconds since 1970 in UTC.
    Time,
    /// A map from string to string.
    TextMap,
    /// A map from string to double.
    NumberMap,
}

impl Kind {
    /// Its type in AWS's table dictionary and in manifests.
    pub(crate) fn aws_name(self) -> &'static str {
        match self {
            Text => "string",
            Number => "double",
            Time => "timestamp",
            TextMap => "map <string, string>",
            NumberMap => "map <string, double>",
        }
    }

    /// The Arrow type that the writer is given; strings are dictionary-coded in memory, never in the file.
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Text => dictionary(),
            Number => DataType::Float64,
            Time => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            TextMap => map(dictionary()),
            NumberMap => map(DataType::Float64),
        }
    }
}

/// Every column: name and kind.
pub(crate) const COLUMNS: [(&str, Kind); 125] = [
    ("bill_bill_type", Text),
    ("bill_billing_entity", Text),
    ("bill_billing_period_end_date", Time),
    ("bill_billing_period_start_date", Time),
    ("bill_invoice_id", Text),
    ("bill_invoicing_entity", Text),
    ("bill_payer_account_id", Text),
    ("bill_payer_account_name", Text),
    ("cost_category", TextMap),
    ("discount", NumberMap),
    ("discount_bundled_discount", Number),
    ("discount_total_discount", Number),
    ("identity_line_item_id", Text),
    ("identity_time_interval", Text),
    ("line_item_availability_zone", Text),
    ("line_item_blended_cost", Number),
    ("line_item_blended_rate", Text),
    ("line_item_currency_code", Text),
    ("line_item_legal_entity", Text),
    ("line_item_line_item_description", Text),
    ("line_item_line_item_type", Text),
    ("line_item_net_unblended_cost", Number),
    ("line_item_net_unblended_rate", Text),
    ("line_item_normalization_factor", Number),
    ("line_item_normalized_usage_amount", Number),
    ("line_item_operation", Text),
    ("line_item_product_code", Text),
    ("line_item_resource_id", Text),
    ("line_item_tax_type", Text),
    ("line_item_unblended_cost", Number),
    ("line_item_unblended_rate", Text),
    ("line_item_usage_account_id", Text),
    ("line_item_usage_account_name", Text),
    ("line_item_usage_amount", Number),
    ("line_item_usage_end_date", Time),
    ("line_item_usage_start_date", Time),
    ("line_item_usage_type", Text),
    ("pricing_currency", Text),
    ("pricing_lease_contract_length", Text),
    ("pricing_offering_class", Text),
    ("pricing_public_on_demand_cost", Number),
    ("pricing_public_on_demand_rate", Text),
    ("pricing_purchase_option", Text),
    ("pricing_rate_code", Text),
    ("pricing_rate_id", Text),
    ("pricing_term", Text),
    ("pricing_unit", Text),
    ("product", TextMap),
    ("product_comment", Text),
    ("product_fee_code", Text),
    ("product_fee_description", Text),
    ("product_from_location", Text),
    ("product_from_location_type", Text),
    ("product_from_region_code", Text),
    ("product_instance_family", Text),
    ("product_instance_type", Text),
    ("product_instancesku", Text),
    ("product_location", Text),
    ("product_location_type", Text),
    ("product_operation", Text),
    ("product_pricing_unit", Text),
    ("product_product_family", Text),
    ("product_region_code", Text),
    ("product_servicecode", Text),
    ("product_sku", Text),
    ("product_to_location", Text),
    ("product_to_location_type", Text),
    ("product_to_region_code", Text),
    ("product_usagetype", Text),
    ("reservation_amortized_upfront_cost_for_usage", Number),
    ("reservation_amortized_upfront_fee_for_billing_period", Number),
    ("reservation_availability_zone", Text),
    ("reservation_effective_cost", Number),
    ("reservation_end_time", Text),
    ("reservation_modification_status", Text),
    ("reservation_net_amortized_upfront_cost_for_usage", Number),
    ("reservation_net_amortized_upfront_fee_for_billing_period", Number),
    ("reservation_net_effective_cost", Number),
    ("reservation_net_recurring_fee_for_usage", Number),
    ("reservation_net_unused_amortized_upfront_fee_for_billing_period", Number),
    ("reservation_net_unused_recurring_fee", Number),
    ("reservation_net_upfront_value", Number),
    ("reservation_normalized_units_per_reservation", Text),
    ("reservation_number_of_reservations", Text),
    ("reservation_recurring_fee_for_usage", Number),
    ("reservation_reservation_a_r_n", Text),
    ("reservation_start_time", Text),
    ("reservation_subscription_id", Text),
    ("reservation_total_reserved_normalized_units", Text),
    ("reservation_total_reserved_units", Text),
    ("reservation_units_per_reservation", Text),
    ("reservation_unused_amortized_upfront_fee_for_billing_period", Number),
    ("reservation_unused_normalized_unit_quantity", Number),
    ("reservation_unused_quantity", Number),
    ("reservation_unused_recurring_fee", Number),
    ("reservation_upfront_value", Number),
    ("resource_tags", TextMap),
    ("savings_plan_amortized_upfront_commitment_for_billing_period", Number),
    ("savings_plan_end_time", Text),
    ("savings_plan_instance_type_family", Text),
    ("savings_plan_net_amortized_upfront_commitment_for_billing_period", Number),
    ("savings_plan_net_recurring_commitment_for_billing_period", Number),
    ("savings_plan_net_savings_plan_effective_cost", Number),
    ("savings_plan_offering_type", Text),
    ("savings_plan_payment_option", Text),
    ("savings_plan_purchase_term", Text),
    ("savings_plan_recurring_commitment_for_billing_period", Number),
    ("savings_plan_region", Text),
    ("savings_plan_savings_plan_a_r_n", Text),
    ("savings_plan_savings_plan_effective_cost", Number),
    ("savings_plan_savings_plan_rate", Number),
    ("savings_plan_start_time", Text),
    ("savings_plan_total_commitment_to_date", Number),
    ("savings_plan_used_commitment", Number),
    ("split_line_item_actual_usage", Number),
    ("split_line_item_net_split_cost", Number),
    ("split_line_item_net_unused_cost", Number),
    ("split_line_item_parent_resource_id", Text),
    ("split_line_item_public_on_demand_split_cost", Number),
    ("split_line_item_public_on_demand_unused_cost", Number),
    ("split_line_item_reserved_usage", Number),
    ("split_line_item_split_cost", Number),
    ("split_line_item_split_usage", Number),
    ("split_line_item_split_usage_ratio", Number),
    ("split_line_item_unused_cost", Number),
];

/// The column that holds a different text in every row.
pub(crate) const LINE_ID: &str = "identity_line_item_id";

/// Columns that hold another value in nearly every row: a dictionary would only cost time.
pub(crate) const WITHOUT_DICTIONARY: [&str; 8] = [
    LINE_ID,
    "discount_total_discount",
    "line_item_blended_cost",
    "line_item_net_unblended_cost",
    "line_item_normalized_usage_amount",
    "line_item_unblended_cost",
    "line_item_usage_amount",
    "pricing_public_on_demand_cost",
];

/// The Arrow schema that the writer is given.
pub(crate) fn schema() -> SchemaRef {
    let field = |(name, kind): &(&str, Kind)| {
        let data_type = if *name == LINE_ID { DataType::Utf8 } else { kind.data_type() };
        Field::new(*name, data_type, true)
    };
    Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>()))
}

/// The fields of a map's entries.
pub(crate) fn entry_fields(value: DataType) -> Fields {
    Fields::from(vec![Field::new("key", dictionary(), false), Field::new("value", value, true)])
}

fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn map(value: DataType) -> DataType {
    DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entry_fields(value)), false)), false)
}
