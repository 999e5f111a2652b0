//! The tables, column by column: here those of lines, runs and figures from elsewhere; rollups are in [`rollups`] and
//! [`summaries`], what collectors alone write in [`collected`].

mod collected;
mod rollups;
mod summaries;

use arrow::datatypes::DataType::{self, Float64, Int32, Int64, Utf8};

pub use self::{collected::*, rollups::*, summaries::*};
use super::{Column, Table, column as c, timestamp_type};
use crate::fixed::{MONEY, MONEY_SUM, QUANTITY, QUANTITY_SUM};

fn required(name: &'static str, data_type: DataType, comment: &'static str) -> Column {
    Column { name, data_type, nullable: false, comment }
}

fn optional(name: &'static str, data_type: DataType, comment: &'static str) -> Column {
    Column { name, data_type, nullable: true, comment }
}

fn table(name: &'static str, grain: &'static str, columns: Vec<Column>, partitions: Vec<Column>) -> Table {
    let count = partitions.len();
    Table { name, grain, columns: columns.into_iter().chain(partitions).collect(), partitions: count }
}

fn period() -> Column {
    required(c::PERIOD, Utf8, "Billing period, YYYY-MM")
}

fn run_id() -> Column {
    required(c::RUN_ID, Utf8, "The run that wrote the row")
}

/// Columns that name a billed line, shared by `billing_lines` and `emissions`.
fn line_keys() -> Vec<Column> {
    vec![
        required(
            c::LINE_SEQ,
            Int64,
            "Position of the line in its delivery's canonical order; joins the line tables",
        ),
        required(
            c::LINE_ID,
            Utf8,
            "The provider's id of the line, or a hash of its content where there is none",
        ),
        required(c::PROVIDER, Utf8, "aws, azure, gcp or what the export names"),
        optional(c::BILLING_ACCOUNT_ID, Utf8, "Account that pays (AWS: payer account)"),
        optional(c::ACCOUNT_ID, Utf8, "Account that used (AWS: usage account)"),
        optional(c::REGION, Utf8, "Provider's region code; null for global services"),
        optional(c::AVAILABILITY_ZONE, Utf8, "Availability zone"),
        required(c::SERVICE_CODE, Utf8, "Provider's service code, such as AmazonEC2"),
        optional(c::USAGE_TYPE, Utf8, "Provider's usage type, region prefix included"),
        optional(c::OPERATION, Utf8, "Provider's operation, such as RunInstances"),
        optional(c::INSTANCE_TYPE, Utf8, "Instance or node type as billed, such as db.m5.large"),
        optional(c::RESOURCE_ID, Utf8, "Resource id or ARN"),
        required(c::LINE_TYPE, Utf8, "Line item type, such as Usage, DiscountedUsage, Tax"),
        required(c::USAGE_START, timestamp_type(), "Start of the interval that the line bills, UTC"),
        required(c::USAGE_END, timestamp_type(), "End of that interval, exclusive, UTC"),
        optional(c::USAGE_AMOUNT, MONEY, "Billed amount in usage_unit"),
        optional(c::USAGE_UNIT, Utf8, "Unit of usage_amount, as billed"),
        required(c::BILLED_COST, MONEY, "Cost on the invoice, in currency"),
        required(
            c::EFFECTIVE_COST,
            MONEY,
            "Cost after commitments are spread over what they cover, in currency",
        ),
        required(c::CURRENCY, Utf8, "ISO 4217 code of both costs"),
    ]
}

/// `billing_lines`: what was billed, in canonical order.
pub fn billing_lines() -> Table {
    let mut columns = line_keys();
    columns.extend([
        optional(c::INVOICE_ID, Utf8, "Invoice; null while the month is not final"),
        optional(c::PRODUCT_FAMILY, Utf8, "Provider's product family"),
        optional(c::PRODUCT_VCPU, Utf8, "vCPU count that the export states"),
        optional(c::TRANSFER_TYPE, Utf8, "Kind of data transfer that the export states"),
        optional(c::FROM_REGION, Utf8, "Region that data left"),
        optional(c::TO_REGION, Utf8, "Region that data reached"),
        optional(c::COMMITMENT_ID, Utf8, "Reservation or Savings Plan that covers the line"),
        optional(c::SPLIT_PARENT_RESOURCE_ID, Utf8, "Resource whose cost this line splits"),
        optional(c::SPLIT_USAGE_RATIO, MONEY, "Share of the parent that this line split off, 0 to 1"),
        optional(c::TAGS, Utf8, "Resource tags and cost categories as a JSON object with sorted keys"),
    ]);
    table(
        "billing_lines",
        "one line of a billing export",
        columns,
        vec![
            period(),
            required(c::DELIVERY_ID, Utf8, "The export folder that delivered the line"),
            required(c::BATCH_ID, Utf8, "The reading of that folder that wrote the row"),
        ],
    )
}

/// `emissions`: one row per billed line, in the order of `billing_lines`.
pub fn emissions() -> Table {
    let mut columns = line_keys();
    columns.extend([
        optional(c::TAGS, Utf8, "Resource tags and cost categories as a JSON object with sorted keys"),
        required(c::STATUS, Utf8, "estimated, unmapped or excluded"),
        optional(c::REASON, Utf8, "Why the line is unmapped or excluded"),
        required(c::USAGE_FAMILY, Utf8, "Kind of physical thing that the line uses"),
        optional(c::UTILIZATION, Float64, "Processor utilisation used, 0 to 1"),
        optional(c::UTILIZATION_SOURCE, Utf8, "measured, partly_measured or default"),
        optional(c::ENERGY_CPU_KWH, QUANTITY, "Processors, before PUE, kWh"),
        optional(c::ENERGY_MEMORY_KWH, QUANTITY, "Memory, before PUE, kWh"),
        optional(c::ENERGY_ACCELERATOR_KWH, QUANTITY, "GPUs and other accelerators, before PUE, kWh"),
        optional(c::ENERGY_STORAGE_KWH, QUANTITY, "Local and network storage, before PUE, kWh"),
        optional(c::ENERGY_NETWORK_KWH, QUANTITY, "Network, before PUE, kWh"),
        optional(c::ENERGY_PLATFORM_KWH, QUANTITY, "Rest of the server, before PUE, kWh"),
        optional(c::ENERGY_KWH, QUANTITY, "Electricity at the meter of the facility, PUE included, kWh"),
        optional(c::ENERGY_KWH_LOW, QUANTITY, "Low bound of energy_kwh"),
        optional(c::ENERGY_KWH_HIGH, QUANTITY, "High bound of energy_kwh"),
        optional(c::PUE, Float64, "Power usage effectiveness of the region"),
        optional(c::GRID_ZONE, Utf8, "Grid zone whose factor was used"),
        optional(c::GRID_BASIS, Utf8, "hourly or yearly: how fine the grid factor was"),
        optional(c::GRID_INTENSITY_G_PER_KWH, Float64, "Location-based grid intensity, gCO2e/kWh"),
        optional(c::MARKET_INTENSITY_G_PER_KWH, Float64, "Market-based intensity, gCO2e/kWh"),
        optional(c::CO2E_LOCATION_G, QUANTITY, "Operational emissions, location-based, gCO2e"),
        optional(c::CO2E_LOCATION_G_LOW, QUANTITY, "Low bound of co2e_location_g"),
        optional(c::CO2E_LOCATION_G_HIGH, QUANTITY, "High bound of co2e_location_g"),
        optional(c::CO2E_MARKET_G, QUANTITY, "Operational emissions, market-based, gCO2e"),
        optional(c::CO2E_EMBODIED_G, QUANTITY, "Embodied emissions of the hardware, gCO2e"),
        optional(c::CO2E_EMBODIED_G_LOW, QUANTITY, "Low bound of co2e_embodied_g"),
        optional(c::CO2E_EMBODIED_G_HIGH, QUANTITY, "High bound of co2e_embodied_g"),
        optional(
            c::CO2E_UPSTREAM_G,
            QUANTITY,
            "Fuel supply behind the electricity (scope 3 category 3), gCO2e",
        ),
        optional(
            c::CO2E_T_AND_D_G,
            QUANTITY,
            "Transmission and distribution losses (scope 3 category 3), gCO2e",
        ),
        optional(c::WATER_L, QUANTITY, "Water consumed, cooling and electricity together, litres"),
        optional(c::WATER_COOLING_L, QUANTITY, "Water consumed for cooling on site, litres"),
        required(c::METHOD, Utf8, "Method profile"),
        required(c::FACTOR_SET, Utf8, "Content-addressed id of the factor set"),
        optional(c::FACTORS, Utf8, "Ids of the factors used, separated by `; `"),
        optional(c::QUALITY, Utf8, "measured, modelled, proxy or spend"),
    ]);
    table("emissions", "one billed line with its estimate", columns, vec![period(), run_id()])
}

/// `coverage`: what was estimated and what was not, and why.
pub fn coverage() -> Table {
    table(
        "coverage",
        "status x reason x service x usage family x currency",
        vec![
            required(c::STATUS, Utf8, "estimated, unmapped or excluded; rejected rows are in `rejects`"),
            optional(c::REASON, Utf8, "Why the lines have no estimate"),
            optional(c::SERVICE_CODE, Utf8, "Provider's service code"),
            optional(c::USAGE_FAMILY, Utf8, "Kind of physical thing"),
            optional(c::QUALITY, Utf8, "measured, modelled, proxy or spend"),
            optional(c::CURRENCY, Utf8, "ISO 4217 code of the costs"),
            required(c::LINES, Int64, "Billed lines"),
            required(c::BILLED_COST, MONEY_SUM, "Sum of billed_cost, in currency"),
            required(c::EFFECTIVE_COST, MONEY_SUM, "Sum of effective_cost, in currency"),
        ],
        vec![period(), run_id()],
    )
}

/// `line_sources`: where in which object each billed line stood.
pub fn line_sources() -> Table {
    table(
        "line_sources",
        "one line of a billing export",
        vec![
            required(c::LINE_SEQ, Int64, "The line, as in billing_lines"),
            required(c::OBJECT_URI, Utf8, "The object it was read from"),
            required(c::ROW_GROUP, Int32, "Row group in a Parquet object, from 0; 0 for text"),
            required(
                c::ROW_NUMBER,
                Int64,
                "Row in the row group (Parquet) or data row in the file (text), from 0",
            ),
        ],
        vec![
            period(),
            required(c::DELIVERY_ID, Utf8, "The export folder that delivered the line"),
            required(c::BATCH_ID, Utf8, "The reading of that folder that wrote the row"),
        ],
    )
}

/// How the delivery ids of `rejects` begin that collectors wrote; no import brought those.
pub const COLLECTED_PREFIX: &str = "collect-";

/// `rejects`: rows that could not be read, with the reason.
pub fn rejects() -> Table {
    table(
        "rejects",
        "one rejected row of a billing export or of a utilisation file",
        vec![
            required(c::OBJECT_URI, Utf8, "The object it was read from"),
            required(c::ROW_GROUP, Int32, "Row group in a Parquet object, from 0; -1 for the whole object"),
            required(c::ROW_NUMBER, Int64, "Row, from 0; -1 for the whole object"),
            optional(c::COLUMN, Utf8, "The column at fault"),
            required(c::REASON, Utf8, "Why, as a short code"),
            required(c::DETAIL, Utf8, "Why, in a sentence"),
            optional(c::VALUE, Utf8, "The value at fault, cut to 200 characters"),
            optional(c::LINE_ID, Utf8, "The provider's id of the line, where it could be read"),
            optional(c::BILLED_COST, Utf8, "Its cost as it stood in the file, where it could be read"),
        ],
        vec![
            required(c::PERIOD, Utf8, "Billing period, or `unknown`"),
            required(c::DELIVERY_ID, Utf8, "The export folder that delivered the row"),
            required(c::BATCH_ID, Utf8, "The reading of that folder"),
        ],
    )
}

/// `objects`: every object that was imported.
pub fn objects() -> Table {
    table(
        "objects",
        "one object of a delivery",
        vec![
            required(c::OBJECT_URI, Utf8, "Where it was read"),
            required(c::OBJECT_SIZE_BYTES, Int64, "Its size in bytes"),
            required(
                c::OBJECT_SHA256,
                Utf8,
                "SHA-256 of its bytes; `etag:` with tag and size of an object in S3",
            ),
            required(c::OBJECT_FORMAT, Utf8, "Format that was recognised"),
            required(c::OBJECT_ROWS, Int64, "Data rows read from it, rejects included"),
            required(c::ROWS_REJECTED, Int64, "Rows of it that were rejected"),
            required(c::IMPORTED_AT, timestamp_type(), "When it was imported, UTC"),
        ],
        vec![
            required(c::DELIVERY_ID, Utf8, "The export folder"),
            required(c::BATCH_ID, Utf8, "The reading of that folder"),
        ],
    )
}

/// `runs`: every calculation that was completed.
pub fn runs() -> Table {
    table(
        "runs",
        "one run of one billing period",
        vec![
            required(c::RUN_ID, Utf8, "Hash of inputs, factor set, method, configuration and code version"),
            required(c::PERIOD, Utf8, "Billing period, YYYY-MM"),
            required(c::METHOD, Utf8, "Method profile"),
            required(c::FACTOR_SET, Utf8, "Content-addressed id of the factor set"),
            required(c::CODE_VERSION, Utf8, "Version of the calculation"),
            required(c::CONFIG, Utf8, "The configuration that the tables of the run depend on"),
            required(c::CONFIG_SHA256, Utf8, "SHA-256 of that configuration"),
            required(c::INPUTS_SHA256, Utf8, "SHA-256 over the content of the billing lines"),
            required(c::INPUTS, Utf8, "The batches read, as JSON"),
            required(c::BILLING_VERSION, Int64, "Version of the billing_lines table that was read"),
            required(c::ROWS_IN, Int64, "Rows delivered, rejects included"),
            required(c::ROWS_ESTIMATED, Int64, "Rows with an estimate"),
            required(c::ROWS_UNMAPPED, Int64, "Rows that no model fits"),
            required(c::ROWS_EXCLUDED, Int64, "Rows excluded by rule"),
            required(c::ROWS_REJECTED, Int64, "Rows that could not be read"),
            optional(c::ENERGY_KWH, QUANTITY_SUM, "Total energy, kWh"),
            optional(c::CO2E_LOCATION_G, QUANTITY_SUM, "Total operational emissions, location-based, gCO2e"),
            optional(c::CO2E_MARKET_G, QUANTITY_SUM, "Total operational emissions, market-based, gCO2e"),
            optional(c::CO2E_EMBODIED_G, QUANTITY_SUM, "Total embodied emissions, gCO2e"),
            required(c::PUBLISHED_AT, timestamp_type(), "When the run was completed, UTC"),
        ],
        vec![],
    )
}

/// `periods`: which run is current for which period. The row with the highest `seq` of a period wins.
pub fn periods() -> Table {
    table(
        "periods",
        "one change of the current run of a billing period",
        vec![
            required(c::PERIOD, Utf8, "Billing period, YYYY-MM"),
            required(c::SEQ, Int64, "Running number of the change within the period, from 1"),
            required(c::RUN_ID, Utf8, "The run that became current"),
            optional(c::SUPERSEDES, Utf8, "The run that was current before"),
            required(c::PUBLISHED_AT, timestamp_type(), "When it became current, UTC"),
        ],
        vec![],
    )
}

/// The metric of `utilization` that drives processor power: average processor use, 0 to 1.
pub const CPU_UTILIZATION: &str = "cpu_utilization";

/// `utilization`: measured use of resources.
pub fn utilization() -> Table {
    table(
        "utilization",
        "resource x metric x interval",
        vec![
            required(c::USAGE_START, timestamp_type(), "Start of the interval, UTC"),
            required(c::USAGE_END, timestamp_type(), "End of the interval, exclusive, UTC"),
            optional(c::ACCOUNT_ID, Utf8, "Account of the resource"),
            optional(c::REGION, Utf8, "Region of the resource"),
            required(c::RESOURCE_ID, Utf8, "Resource id or ARN"),
            required(c::METRIC, Utf8, "Metric, such as cpu_utilization"),
            required(c::AVG, Float64, "Average over the interval, 0 to 1 for utilisations"),
            optional(c::MAX, Float64, "Maximum over the interval"),
            optional(c::SAMPLES, Int64, "Samples behind the average"),
        ],
        vec![period()],
    )
}

/// `provider_reported`: the provider's own figures, by model version.
pub fn provider_reported() -> Table {
    table(
        "provider_reported",
        "account x region x service x month x model version",
        vec![
            required(c::PROVIDER, Utf8, "aws"),
            required(c::MODEL_VERSION, Utf8, "Version of the provider's model"),
            optional(c::LAST_REFRESH, timestamp_type(), "When the provider last refreshed the row, UTC"),
            required(c::PAYER_ACCOUNT_ID, Utf8, "Payer account"),
            required(c::ACCOUNT_ID, Utf8, "Usage account"),
            optional(c::REGION, Utf8, "Region code"),
            optional(c::LOCATION, Utf8, "Location, `Global` for services without a region"),
            required(c::SERVICE_CODE, Utf8, "Product code"),
            required(c::USAGE_PERIOD_START, timestamp_type(), "Start of the month, UTC"),
            required(c::USAGE_PERIOD_END, timestamp_type(), "End of the month, UTC"),
            optional(c::TOTAL_LOCATION_G, QUANTITY_SUM, "Total, location-based, gCO2e"),
            optional(c::TOTAL_MARKET_G, QUANTITY_SUM, "Total, market-based, gCO2e"),
            optional(c::SCOPE_1_G, QUANTITY_SUM, "Scope 1, gCO2e"),
            optional(c::SCOPE_2_LOCATION_G, QUANTITY_SUM, "Scope 2, location-based, gCO2e"),
            optional(c::SCOPE_2_MARKET_G, QUANTITY_SUM, "Scope 2, market-based, gCO2e"),
            optional(c::SCOPE_3_LOCATION_G, QUANTITY_SUM, "Scope 3, location-based, gCO2e"),
            optional(c::SCOPE_3_MARKET_G, QUANTITY_SUM, "Scope 3, market-based, gCO2e"),
        ],
        vec![
            period(),
            required(c::DELIVERY_ID, Utf8, "The export folder that delivered the row"),
            required(c::BATCH_ID, Utf8, "The reading of that folder"),
        ],
    )
}

/// Every table of the ledger.
pub fn all() -> Vec<Table> {
    vec![
        billing_lines(),
        line_sources(),
        rejects(),
        objects(),
        emissions(),
        emissions_hourly(),
        emissions_daily(),
        emissions_monthly(),
        emissions_resource_daily(),
        emissions_service_daily(),
        emissions_account_daily(),
        emissions_region_hourly(),
        emissions_service_hourly(),
        emissions_account_hourly(),
        emissions_tag_hourly(),
        emissions_instance_hourly(),
        emissions_tag_daily(),
        emissions_instance_daily(),
        emissions_tag_service_daily(),
        coverage(),
        runs(),
        periods(),
        utilization(),
        provider_reported(),
        accounts(),
        resources(),
        utilization_estimates(),
        collected_objects(),
        collector_health(),
    ]
}
