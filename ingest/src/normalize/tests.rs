//! Raw rows in, lines and rejects out. Totals over the published sample files were calculated with Python's `decimal`.

use std::collections::BTreeMap;

use airshed_domain::fixed::decimal_from_str;
use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, Decimal128Array, Float64Array, StringArray},
    compute::{cast, concat_batches},
    datatypes::{Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType},
};

use super::*;
use crate::format::{
    Opened, RawReader, StoredObject,
    tests::{CUR_HEADER, cur2, gzip, parquet, read, read_reader},
};

struct Outcome {
    lines: RecordBatch,
    rejects: Vec<Reject>,
    rows: usize,
}

fn normalize_all(whole: &crate::format::tests::Whole) -> Outcome {
    let mut normalizer = Normalizer::new(whole.format, &whole.schema).unwrap();
    let schema = normalized_schema(whole.format.destination());
    let (mut lines, mut rejects, mut rows) = (Vec::new(), Vec::new(), 0);
    for raw in &whole.batches {
        let became = normalizer.normalize(raw);
        assert_eq!(became.lines.schema(), schema);
        assert_eq!(raw.batch.num_rows(), became.lines.num_rows() + became.rejects.len());
        rows += raw.batch.num_rows();
        lines.push(became.lines);
        rejects.extend(became.rejects);
    }
    Outcome { lines: concat_batches(&schema, &lines).unwrap(), rejects, rows }
}

async fn normalize(name: &str, bytes: &[u8]) -> Outcome {
    normalize_all(&read(name, bytes).await)
}

impl Outcome {
    fn column(&self, name: &str) -> &ArrayRef {
        self.lines.column_by_name(name).unwrap()
    }

    fn text(&self, name: &str, row: usize) -> Option<String> {
        let text = cast(self.column(name), &DataType::Utf8).unwrap();
        let text = text.as_string::<i32>();
        text.is_valid(row).then(|| text.value(row).to_owned())
    }

    fn decimals(&self, name: &str) -> &Decimal128Array {
        self.column(name).as_primitive::<Decimal128Type>()
    }

    /// A decimal as text without trailing zeros.
    fn decimal(&self, name: &str, row: usize) -> Option<String> {
        let decimals = self.decimals(name);
        let text = decimals.is_valid(row).then(|| decimals.value_as_string(row))?;
        Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
    }

    fn sum(&self, name: &str) -> i128 {
        self.decimals(name).iter().flatten().sum()
    }

    fn reasons(&self) -> Vec<(i64, &'static str, Option<&str>)> {
        self.rejects.iter().map(|r| (r.row_number, r.reason.as_str(), r.column.as_deref())).collect()
    }
}

/// A row of CUR in CSV: id, line type, start, end, amount, currency, cost.
fn cur_row(parts: [&str; 7]) -> String {
    let [id, line_type, start, end, amount, currency, cost] = parts;
    format!(
        "{id},123456789012,{line_type},{start},{end},AmazonEC2,USW2-BoxUsage:m5.large,{amount},{currency},{cost}"
    )
}

const START: &str = "2026-10-01T00:00:00Z";
const END: &str = "2026-10-01T01:00:00Z";

#[tokio::test]
async fn a_cur_2_line_is_read_from_parquet() {
    let out = normalize("cur.parquet", &parquet(&cur2(5), 3)).await;
    assert_eq!((out.lines.num_rows(), out.rejects.len()), (5, 0));
    assert_eq!(out.column("period").as_primitive::<Int32Type>().value(0), 2026 * 12 + 9);
    for (column, value) in [
        ("line_id", "id4"),
        ("provider", "aws"),
        ("account_id", "123456789012"),
        ("region", "us-east-1"),
        ("service_code", "AmazonEC2"),
        ("instance_type", "m5.large"),
        ("tags", r#"{"user_team":"blue"}"#),
    ] {
        assert_eq!(out.text(column, 4).as_deref(), Some(value), "{column}");
    }
    assert_eq!(out.decimal("billed_cost", 4).as_deref(), Some("0.096"));
    assert_eq!(out.column("row_group").as_primitive::<Int32Type>().values(), &[0, 0, 0, 1, 1]);
    assert_eq!(out.column("row_number").as_primitive::<Int64Type>().values(), &[0, 1, 2, 0, 1]);
    // 2026-10-01T00:00:00Z is 1790812800 (date -d).
    let start = out.column("usage_start").as_primitive::<TimestampMicrosecondType>().value(0);
    assert_eq!(start, 1_790_812_800_000_000);
    assert_eq!(out.text("resource_id", 0), None);
}

/// Every column as text, or the numbers as decimals, or maps as JSON: the same lines.
#[tokio::test]
async fn types_may_drift() {
    let batch = cur2(4);
    let plain = normalize("a.parquet", &parquet(&batch, 10)).await;
    let retyped = |change: &dyn Fn(&str, &ArrayRef) -> ArrayRef| {
        let columns = batch
            .schema()
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(f, a)| (f.name().clone(), change(f.name(), a)))
            .collect::<Vec<_>>();
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let tags = |array: &ArrayRef| -> ArrayRef {
        Arc::new(StringArray::from(vec![r#"{"user_team": "blue"}"#; array.len()]))
    };
    let to = |array: &ArrayRef, data_type: &DataType| cast(array, data_type).unwrap();
    let all_text = retyped(&|name, array| {
        if name == "resource_tags" { tags(array) } else { to(array, &DataType::LargeUtf8) }
    });
    let others = retyped(&|name, array| match name {
        "resource_tags" => tags(array),
        "line_item_unblended_cost" => to(array, &DataType::Decimal128(20, 4)),
        "line_item_usage_amount" => to(array, &DataType::Int32),
        "line_item_usage_account_id" => to(array, &DataType::Int64),
        "line_item_usage_start_date" | "line_item_usage_end_date" => {
            to(array, &DataType::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, None))
        }
        _ => to(array, &DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Utf8))),
    });
    for batch in [all_text, others] {
        let out = normalize("a.parquet", &parquet(&batch, 10)).await;
        assert_eq!(out.rejects, []);
        for field in plain.lines.schema().fields() {
            let (a, b) = (plain.column(field.name()), out.column(field.name()));
            let flat = |array: &ArrayRef| match array.data_type() {
                DataType::Dictionary(..) => cast(array, &DataType::Utf8).unwrap(),
                _ => Arc::clone(array),
            };
            assert_eq!(&flat(a), &flat(b), "{}", field.name());
        }
    }
}

#[test]
fn types_that_cannot_be_read_reject_the_object() {
    let batch = cur2(1);
    let tags = batch.column_by_name("resource_tags").unwrap();
    for (column, reason) in
        [("line_item_usage_amount", "wrong_type"), ("line_item_usage_start_date", "wrong_type")]
    {
        let schema = batch.schema();
        let fields = schema.fields().iter().zip(batch.columns()).map(|(f, a)| {
            (f.name().clone(), if f.name() == column { Arc::clone(tags) } else { Arc::clone(a) })
        });
        let schema = RecordBatch::try_from_iter(fields.collect::<Vec<_>>()).unwrap().schema();
        let reject = Normalizer::new(Format::Cur2, &schema).err().unwrap();
        assert_eq!((reject.reason.as_str(), reject.column.as_deref()), (reason, Some(column)));
        assert!(reject.is_of_object());
    }
}

#[tokio::test]
async fn bad_rows_are_rejected_with_their_reason() {
    let rows = [
        cur_row(["a", "Usage", START, END, "1", "USD", "0.1"]),
        cur_row(["b", "Usage", START, END, "NaN", "USD", "0.2"]),
        cur_row(["c", "Usage", START, END, "1", "USD", "inf"]),
        cur_row(["d", "Usage", START, END, "1", "USD", "much"]),
        cur_row(["e", "Usage", "yesterday", END, "1", "USD", "0.5"]),
        cur_row(["f", "Usage", "", END, "1", "USD", "0.6"]),
        cur_row(["g", "Usage", END, START, "1", "USD", "0.7"]),
        cur_row(["h", "Usage", START, END, "1", "", "0.8"]),
        cur_row(["i", "Usage", START, END, "1", "USD", ""]),
        cur_row(["j", "Usage", START, END, "1", "USD", "1e17"]),
        cur_row(["k", "", START, END, "1", "USD", "1.1"]),
        cur_row(["l", "Usage", START, END, "", "USD", "1.2"]),
        cur_row(["m", "Tax", START, END, "", "USD", "1.3"]),
        cur_row(["n", "Usage", "12026-10-01T00:00:00Z", END, "1", "USD", "1.4"]),
        "too,few".to_owned(),
        cur_row(["p", "Usage", START, END, "-2", "EUR", "-1.5"]),
    ];
    let out = normalize("cur.csv", format!("{CUR_HEADER}\n{}\n", rows.join("\n")).as_bytes()).await;
    let (amount, cost) = (Some("line_item_usage_amount"), Some("line_item_unblended_cost"));
    let start = Some("line_item_usage_start_date");
    assert_eq!(
        out.reasons(),
        [
            (1, "not_finite", amount),
            (2, "not_finite", cost),
            (3, "not_a_number", cost),
            (4, "bad_timestamp", start),
            (5, "missing_required", start),
            (6, "bad_interval", Some("line_item_usage_end_date")),
            (7, "missing_required", Some("line_item_currency_code")),
            (8, "missing_required", cost),
            (9, "overflow", cost),
            (10, "missing_required", Some("line_item_line_item_type")),
            (11, "missing_required", amount),
            (13, "bad_timestamp", start),
            (14, "wrong_field_count", None),
        ]
    );
    let ids: Vec<_> = (0..3).map(|row| out.text("line_id", row).unwrap()).collect();
    assert_eq!(ids, ["a", "m", "p"]);
    assert_eq!(out.rejects[3].value.as_deref(), Some("yesterday"));
    assert_eq!(out.rejects[3].line_id.as_deref(), Some("e"));
    assert_eq!(out.rejects[3].billed_cost.as_deref(), Some("0.5"));
    assert_eq!(out.rejects[0].period, Some(2026 * 12 + 9));
    assert_eq!(
        (out.decimal("usage_amount", 2), out.text("currency", 2)),
        (Some("-2".into()), Some("EUR".into()))
    );
}

/// Doubles that are no numbers, in Parquet.
#[tokio::test]
async fn doubles_that_are_not_finite_are_rejected() {
    let batch = cur2(4);
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    let cost = batch.schema().index_of("line_item_unblended_cost").unwrap();
    columns[cost] = Arc::new(Float64Array::from(vec![f64::NAN, 1e300, f64::NEG_INFINITY, 0.1]));
    let batch = RecordBatch::try_new(batch.schema(), columns).unwrap();
    let out = normalize("a.parquet", &parquet(&batch, 10)).await;
    let reasons: Vec<&str> = out.rejects.iter().map(|r| r.reason.as_str()).collect();
    assert_eq!(reasons, ["not_finite", "overflow", "not_finite"]);
    assert_eq!(out.sum("billed_cost"), 100_000_000_000);
}

#[tokio::test]
async fn lines_of_a_future_beyond_nanoseconds_are_rejects() {
    let last = cur_row(["a", "Usage", "2261-12-31T22:00:00Z", "2261-12-31T23:00:00Z", "1", "USD", "1"]);
    let late = cur_row(["b", "Usage", "2262-01-01T00:00:00Z", "2262-01-01T01:00:00Z", "1", "USD", "1"]);
    let far = cur_row(["c", "Usage", "2999-12-31T23:00:00Z", "3000-01-01T00:00:00Z", "1", "USD", "1"]);
    let out = normalize("cur.csv", format!("{CUR_HEADER}\n{last}\n{late}\n{far}").as_bytes()).await;
    assert_eq!(out.column("period").as_primitive::<Int32Type>().values(), &[2261 * 12 + 11]);
    let rejects: Vec<_> = out.rejects.iter().map(|r| (r.row_number, r.reason.as_str())).collect();
    assert_eq!(rejects, [(1, "bad_timestamp"), (2, "bad_timestamp")]);
    assert_eq!(billing_period(2261 * 12 + 11).unwrap().to_string(), "2261-12");
    assert_eq!(billing_period(-1), None);
}

/// The rule that AWS publishes for amortised cost, line type by line type.
#[tokio::test]
async fn effective_cost_follows_the_line_type() {
    let header = format!(
        "{CUR_HEADER},reservation_effective_cost,savings_plan_savings_plan_effective_cost,\
         reservation_unused_amortized_upfront_fee_for_billing_period,reservation_unused_recurring_fee,\
         savings_plan_total_commitment_to_date,savings_plan_used_commitment,reservation_reservation_a_r_n"
    );
    let types = [
        ("Usage", "", "10"),
        ("DiscountedUsage", "", "2"),
        ("SavingsPlanCoveredUsage", "", "3"),
        ("SavingsPlanNegation", "", "0"),
        ("SavingsPlanUpfrontFee", "", "0"),
        ("RIFee", "", "9"),
        ("SavingsPlanRecurringFee", "", "1.5"),
        ("Fee", "", "10"),
        ("Fee", "arn:aws:ec2:reservation", "0"),
        ("Tax", "", "10"),
    ];
    let rows: Vec<String> = types
        .iter()
        .map(|(kind, arn, _)| {
            cur_row(["a", kind, START, END, "1", "USD", "10"]) + &format!(",2,3,4,5,6.5,5,{arn}")
        })
        .collect();
    let out = normalize("cur.csv", format!("{header}\n{}", rows.join("\n")).as_bytes()).await;
    for (row, (kind, _, expected)) in types.iter().enumerate() {
        let found = out.decimal("effective_cost", row).unwrap();
        let same = decimal_from_str(&found, 12) == decimal_from_str(expected, 12);
        assert!(same, "{kind}: {found}, expected {expected}");
        assert_eq!(out.sum("billed_cost"), 100 * 10i128.pow(12));
    }
}

#[tokio::test]
async fn tags_are_canonical_whatever_their_form() {
    let cell = |json: &str| format!("\"{}\"", json.replace('"', "\"\""));
    let rows = [
        (r#"{"b": "2", "a": "1\n"}"#, r#"{"unit": "x"}"#),
        (r#"{"a": "1\n", "b": "2"}"#, r#"{"unit": "x"}"#),
        ("{}", ""),
        (r#"{"n": 5, "z": null}"#, "{}"),
        ("[1, 2]", ""),
    ];
    let rows: Vec<String> = rows
        .iter()
        .map(|(tags, categories)| {
            cur_row(["a", "Usage", START, END, "1", "USD", "1"])
                + &format!(",{},{}", cell(tags), cell(categories))
        })
        .collect();
    let text = format!("{CUR_HEADER},resource_tags,cost_category\n{}", rows.join("\n"));
    let out = normalize("cur.csv", text.as_bytes()).await;
    let expected = r#"{"a":"1\n","b":"2","cost_category/unit":"x"}"#;
    assert_eq!(out.text("tags", 0).as_deref(), Some(expected));
    assert_eq!(out.text("tags", 1).as_deref(), Some(expected));
    assert_eq!(out.text("tags", 2), None);
    assert_eq!(out.text("tags", 3).as_deref(), Some(r#"{"n":"5","z":null}"#));
    assert_eq!(out.reasons(), [(4, "wrong_type", Some("resource_tags"))]);
}

#[tokio::test]
async fn legacy_columns_with_slashes_are_read() {
    let header = "lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,lineItem/UsageEndDate,\
        lineItem/ProductCode,lineItem/UsageType,lineItem/UsageAmount,lineItem/CurrencyCode,lineItem/UnblendedCost,\
        lineItem/AvailabilityZone,product/region,product/vcpu,resourceTags/user:Team,resourceTags/aws:createdBy";
    let row =
        "1234,Usage,2018-10-01T00:00:00Z,2018-10-01T01:00:00Z,AmazonEC2,BoxUsage:t2.micro,1.0,USD,0.0116,";
    let text =
        format!("{header}\n{row}us-west-2b,,1,blue,\n{row},global,,,\n{row},eu-west-1,,\"a\"\"b\",root\n");
    let out = normalize("cur.csv", text.as_bytes()).await;
    assert_eq!(out.rejects, []);
    assert_eq!(out.text("account_id", 0).as_deref(), Some("000000001234"));
    let regions: Vec<Option<String>> = (0..3).map(|row| out.text("region", row)).collect();
    assert_eq!(regions, [Some("us-west-2".to_owned()), None, Some("eu-west-1".to_owned())]);
    assert_eq!(out.text("product_vcpu", 0).as_deref(), Some("1"));
    assert_eq!(out.text("tags", 0).as_deref(), Some(r#"{"user:Team":"blue"}"#));
    assert_eq!(out.text("tags", 1), None);
    assert_eq!(out.text("tags", 2).as_deref(), Some(r#"{"aws:createdBy":"root","user:Team":"a\"b"}"#));
}

const FOCUS_HEADER: &str = "BilledCost,EffectiveCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,\
    BillingPeriodStart,ServiceName,ProviderName,ConsumedQuantity,ConsumedUnit,PricingQuantity,PricingUnit,RegionId,\
    ChargeDescription,CommitmentDiscountStatus,Tags";

fn focus_row(
    cost: &str,
    category: &str,
    service: &str,
    provider: &str,
    consumed: &str,
    rest: &str,
) -> String {
    format!(
        "{cost},0.5,USD,{category},2024-09-18 22:00:00,2024-09-18 23:00:00,2024-09-01 00:00:00,{service},{provider},\
         {consumed},{rest}"
    )
}

#[tokio::test]
async fn focus_lines_speak_the_words_of_cur() {
    let rows = [
        focus_row(
            "1",
            "Usage",
            "Amazon Elastic Compute Cloud",
            "AWS",
            "2,Hours",
            "3,Hrs,us-west-2,$1 per On Demand Linux m5.large Instance Hour,NULL,",
        ),
        focus_row(
            "2",
            "Usage",
            "Virtual Machines",
            "Microsoft",
            "NULL,NULL",
            "3,1 Hour,eastus,D2 v3,NULL,\"{\"\"a\"\": \"\"b\"\"}\"",
        ),
        focus_row("3", "Purchase", "Amazon Elastic Compute Cloud", "Amazon Web Services", ",", ",,global,,,"),
        focus_row("4", "Usage", "Compute Engine", "Google Cloud", ",", "1,h,,,Unused,"),
        focus_row("5", "Tax", "COMPUTE", "Oracle", ",", ",,,,,"),
        focus_row("6", "Usage", "COMPUTE", "Oracle", ",", ",,,,,"),
    ];
    let text = format!("{FOCUS_HEADER}\n{}\n", rows.join("\n"));
    let out = normalize("focus.csv", text.as_bytes()).await;
    assert_eq!(out.reasons(), [(5, "missing_required", Some("ConsumedQuantity"))]);
    let column = |name: &str| (0..5).map(|row| out.text(name, row).unwrap_or_default()).collect::<Vec<_>>();
    assert_eq!(column("provider"), ["aws", "azure", "aws", "gcp", "oracle"]);
    assert_eq!(column("line_type"), ["Usage", "Usage", "Fee", "UnusedCommitment", "Tax"]);
    assert_eq!(
        column("service_code"),
        ["AmazonEC2", "Virtual Machines", "AmazonEC2", "Compute Engine", "COMPUTE"]
    );
    assert_eq!(column("usage_type"), ["BoxUsage:m5.large", "", "", "", ""]);
    assert_eq!(column("instance_type"), ["m5.large", "", "", "", ""]);
    assert_eq!(column("usage_unit"), ["Hours", "1 Hour", "", "h", ""]);
    assert_eq!(column("region"), ["us-west-2", "eastus", "", "", ""]);
    assert_eq!(column("tags"), ["", r#"{"a":"b"}"#, "", "", ""]);
    let amounts: Vec<Option<i128>> = out.decimals("usage_amount").iter().collect();
    assert_eq!(amounts[..3], [Some(2 * 10i128.pow(12)), Some(3 * 10i128.pow(12)), None]);

    // The same rows in another order, compressed: the same ids.
    let backwards: Vec<String> = rows.iter().rev().cloned().collect();
    let other =
        normalize("focus.csv.gz", &gzip(format!("{FOCUS_HEADER}\n{}", backwards.join("\n")).as_bytes()))
            .await;
    let ids = |out: &Outcome| (0..5).map(|row| out.text("line_id", row).unwrap()).collect::<Vec<_>>();
    let mut reversed = ids(&other);
    reversed.reverse();
    assert_eq!(ids(&out), reversed);
    assert!(ids(&out).iter().all(|id| id.len() == 27 && id.starts_with('x')));
    assert_eq!(ids(&out).iter().collect::<std::collections::BTreeSet<_>>().len(), 5);
}

#[tokio::test]
async fn awss_own_focus_columns_come_first() {
    let header = format!("{FOCUS_HEADER},x_ServiceCode,x_UsageType,x_Operation,SkuMeter");
    let row = focus_row(
        "1",
        "Usage",
        "Amazon Relational Database Service",
        "AWS",
        "2,Hours",
        "3,Hrs,us-west-2,words,,",
    );
    let text =
        format!("{header}\n{row},AmazonRDS,USW2-InstanceUsage:db.r6g.2xlarge,CreateDBInstance:0014,other\n");
    let out = normalize("focus.csv", text.as_bytes()).await;
    for (column, value) in [
        ("service_code", "AmazonRDS"),
        ("usage_type", "USW2-InstanceUsage:db.r6g.2xlarge"),
        ("operation", "CreateDBInstance:0014"),
        ("instance_type", "db.r6g.2xlarge"),
    ] {
        assert_eq!(out.text(column, 0).as_deref(), Some(value));
    }
}

#[tokio::test]
async fn awss_carbon_figures_become_exact_grams() {
    let header = "last_refresh_timestamp,location,model_version,payer_account_id,product_code,region_code,\
        total_lbm_emissions_unit,total_lbm_emissions_value,total_mbm_emissions_unit,total_mbm_emissions_value,\
        usage_account_id,usage_period_end,usage_period_start";
    let text = format!(
        "{header}\n2025-11-18T00:00:00Z,US East,v3.0.0,123456789012,AmazonEC2,us-east-1,MTCO2e,0.000123456789,MTCO2e,\
         0,210987654321,2025-11-01,2025-10-01\n,Global,v3.0.0,123456789012,AmazonCloudFront,,MTCO2e,1,kg,2,\
         210987654321,2025-11-01,2025-10-01\n"
    );
    let out = normalize("carbon.csv", text.as_bytes()).await;
    assert_eq!(out.reasons(), [(1, "wrong_type", Some("total_mbm_emissions_unit"))]);
    assert_eq!(out.column("period").as_primitive::<Int32Type>().value(0), 2025 * 12 + 9);
    assert_eq!(out.decimal("total_location_g", 0).as_deref(), Some("123.456789"));
    assert_eq!(out.decimals("total_market_g").value(0), 0);
    assert_eq!(out.decimal("scope_1_g", 0), None);
    assert_eq!(out.text("region", 0).as_deref(), Some("us-east-1"));
}

/// The published samples, every row of them. Totals: Python, `sum(Decimal(repr(x)).quantize(Decimal('1e-12')))`.
#[expect(clippy::print_stderr, reason = "a test that reads nothing must say so")]
#[tokio::test]
async fn the_published_samples_are_read_to_the_last_row_and_digit() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shared = std::env::var_os("AIRSHED_SHARED").map_or_else(|| root.join("../shared"), Into::into);
    let folder = shared.join("data/billing");
    if !folder.is_dir() {
        eprintln!("SKIPPED: {} is not there (AIRSHED_SHARED names the folder)", folder.display());
        return;
    }
    let expected: BTreeMap<&str, (&str, usize, &str)> = [
        ("aws_workshop_cur_2018-10.snappy.parquet", ("cur_legacy", 119_307, "4064.4831315379")),
        ("aws_workshop_cur_2018-11.snappy.parquet", ("cur_legacy", 124_340, "3505.3269681268")),
        ("focus_1.0_sample_1000.csv.gz", ("focus_1.0", 1_000, "20.52022672899")),
        ("focus_converters_aws_cur_legacy_2023-11.csv.gz", ("cur_legacy", 1_281, "1.6823086974")),
    ]
    .into();
    let store: Arc<dyn object_store::ObjectStore> =
        Arc::new(object_store::local::LocalFileSystem::new_with_prefix(&folder).unwrap());
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let size = entry.metadata().unwrap().len();
        let object = StoredObject::immutable(Arc::clone(&store), name.as_str().into(), size);
        let opened = RawReader::open(object).await.unwrap();
        let Some((format, rows, cost)) = expected.get(name.as_str()) else {
            assert!(matches!(opened, Opened::NotBilling(_)), "{name}");
            continue;
        };
        let Opened::Export(reader) = opened else { panic!("{name} was not opened") };
        let whole = read_reader(&reader).await;
        assert!(whole.errors.is_empty(), "{name}");
        assert_eq!(whole.format.as_str(), *format, "{name}");
        let out = normalize_all(&whole);
        assert_eq!((out.rows, out.rejects.len()), (*rows, 0), "{name}: {:?}", out.rejects.first());
        assert_eq!(out.sum("billed_cost"), decimal_from_str(cost, 12).unwrap(), "{name}");
        seen += 1;
    }
    assert_eq!(seen, expected.len());
}
