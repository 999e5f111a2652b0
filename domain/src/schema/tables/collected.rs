//! Tables that collectors write: what there is, what was read, and how it went.

use arrow::datatypes::DataType::{Boolean, Float64, Int32, Int64, Utf8};

use super::{optional, period, required, table};
use crate::schema::{Table, column as c, timestamp_type};

/// `accounts`: versions of the accounts of an organisation.
pub fn accounts() -> Table {
    table(
        "accounts",
        "account version",
        vec![
            required(c::ACCOUNT_ID, Utf8, "Account id, 12 digits"),
            optional(
                c::ORGANIZATION_ID,
                Utf8,
                "The organisation; null for accounts that are configured by id",
            ),
            optional(c::ACCOUNT_NAME, Utf8, "Its name; null for accounts that are configured by id"),
            optional(
                c::ACCOUNT_STATUS,
                Utf8,
                "ACTIVE, SUSPENDED, PENDING_CLOSURE or CLOSED; null for accounts that are configured by id",
            ),
            optional(
                c::ORGANIZATIONAL_UNIT,
                Utf8,
                "Names from the root down, such as Root/Prod/Web; null where the tree may not be read",
            ),
            optional(
                c::ORGANIZATIONAL_UNIT_IDS,
                Utf8,
                "Ids from the root down, such as r-ab12/ou-ab12-11111111; null where the tree may not be read",
            ),
            optional(c::JOINED_AT, timestamp_type(), "When it joined the organisation, UTC"),
            optional(
                c::TAGS,
                Utf8,
                "Tags as a JSON object with sorted keys; null where they may not be read",
            ),
            required(c::COLLECTED, Boolean, "Whether the collectors visit it"),
            optional(c::REASON, Utf8, "Why they do not"),
            required(c::VALID_FROM, timestamp_type(), "When this version was first seen, UTC"),
            optional(
                c::VALID_TO,
                timestamp_type(),
                "When it was first seen otherwise or not at all, UTC; null while it holds",
            ),
        ],
        vec![],
    )
}

/// `resources`: versions of the resources of the collected accounts.
pub fn resources() -> Table {
    table(
        "resources",
        "resource version",
        vec![
            required(c::ACCOUNT_ID, Utf8, "Account of the resource"),
            required(c::REGION, Utf8, "Region of the resource; `global` for services without one"),
            required(c::RESOURCE_TYPE, Utf8, "CloudFormation's name of the type, such as AWS::EC2::Instance"),
            required(
                c::RESOURCE_ID,
                Utf8,
                "The resource as bills and `utilization` name it: an id or an ARN",
            ),
            required(c::RESOURCE_ARN, Utf8, "Its ARN"),
            optional(
                c::TAGS,
                Utf8,
                "Tags as a JSON object with sorted keys; null where no source that answered tells them",
            ),
            optional(
                c::CONFIGURATION,
                Utf8,
                "What else the source tells, as a JSON object with sorted keys; null where it tells nothing",
            ),
            required(c::SOURCE, Utf8, "Where this version was found: config, list or tagging"),
            required(c::VALID_FROM, timestamp_type(), "When this version was first seen, UTC"),
            optional(
                c::VALID_TO,
                timestamp_type(),
                "When it was first seen otherwise or not at all, UTC; null while it holds",
            ),
        ],
        vec![],
    )
}

/// `collected_objects`: every object of a metric stream that was landed.
pub fn collected_objects() -> Table {
    table(
        "collected_objects",
        "one object of a metric stream",
        vec![
            required(c::STREAM, Utf8, "The stream, as the configuration names it"),
            required(c::OBJECT_URI, Utf8, "Where it was read"),
            required(c::OBJECT_E_TAG, Utf8, "Its ETag"),
            required(c::OBJECT_SIZE_BYTES, Int64, "Its size in bytes"),
            required(c::OBJECT_FORMAT, Utf8, "json, otlp, or unknown where nothing of it could be read"),
            required(c::ROWS, Int64, "Rows of `utilization` that it brought"),
            required(c::ROWS_REJECTED, Int64, "Data points that were rejected"),
            required(c::ROWS_LEFT_OUT, Int64, "Data points of other metrics, accounts or resources"),
            required(c::LANDED_AT, timestamp_type(), "When it was landed, UTC"),
        ],
        vec![],
    )
}

/// `collector_health`: what the collectors did, and how far they are.
pub fn collector_health() -> Table {
    table(
        "collector_health",
        "one piece of work of a collector",
        vec![
            required(c::AT, timestamp_type(), "When it ended, UTC"),
            required(c::COLLECTOR, Utf8, "The process"),
            required(c::SHARD, Int32, "The shard of the work"),
            required(c::UNIT, Utf8, "What was worked on: organization, an account, a stream, an export"),
            required(c::WORK, Utf8, "organization, inventory, polling, stream, billing or provider_reported"),
            optional(c::ACCOUNT_ID, Utf8, "The account, where the work is in one"),
            optional(c::REGION, Utf8, "The region, where the work is in one"),
            required(c::STATUS, Utf8, "ok, partial, denied, throttled, failed"),
            optional(c::DETAIL, Utf8, "Why it is not ok"),
            optional(c::WATERMARK, timestamp_type(), "Everything before this instant was taken, UTC"),
            optional(c::LAG_S, Float64, "Age of the newest data when it was landed, seconds"),
            required(c::ROWS, Int64, "Rows that it brought"),
            required(c::ROWS_REJECTED, Int64, "Rows that were rejected"),
            required(c::ROWS_LEFT_OUT, Int64, "Rows that the ledger does not take"),
            required(c::CALLS, Int64, "Calls of AWS's API, retries included"),
            required(c::THROTTLES, Int64, "Calls that were throttled"),
            required(c::RETRIES, Int64, "Calls that were made again"),
            required(c::API_COST_USD, Float64, "List price of the calls, US dollars"),
        ],
        vec![],
    )
}

/// `utilization_estimates`: means and totals over kinds of resources of which a sample was measured.
pub fn utilization_estimates() -> Table {
    table(
        "utilization_estimates",
        "account x region x resource type x metric x interval",
        vec![
            required(c::USAGE_START, timestamp_type(), "Start of the interval, UTC"),
            required(c::USAGE_END, timestamp_type(), "End of the interval, exclusive, UTC"),
            required(c::ACCOUNT_ID, Utf8, "Account of the resources"),
            required(c::REGION, Utf8, "Region of the resources"),
            required(c::RESOURCE_TYPE, Utf8, "CloudFormation's name of their type"),
            required(c::METRIC, Utf8, "Metric, as in utilization"),
            required(c::POPULATION, Int64, "Resources of the type"),
            required(c::SAMPLED, Int64, "Resources in the sample"),
            required(c::MEASURED, Int64, "Resources of the sample with a data point in the interval"),
            required(c::MEAN, Float64, "Estimated mean over the resources"),
            required(c::TOTAL, Float64, "Estimated total over the resources"),
            optional(c::STANDARD_ERROR, Float64, "Standard error of the total; null for a sample of one"),
            optional(c::TOTAL_LOW, Float64, "Low end of the 95 % interval of the total"),
            optional(c::TOTAL_HIGH, Float64, "High end of the 95 % interval of the total"),
            required(c::SEED, Utf8, "Seed of the sample"),
        ],
        vec![period()],
    )
}
