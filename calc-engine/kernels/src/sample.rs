//! Billed lines for tests.

use std::sync::{Arc, LazyLock};

use airshed_domain::{
    fixed::{MONEY, MONEY_PRECISION, MONEY_SCALE, decimal_from_f64},
    schema::{self, column as c},
};
use airshed_emission_factors::FactorSet;
use arrow::{
    array::{
        ArrayRef, AsArray as _, Decimal128Array, DictionaryArray, Float64Array, Int64Array, StringArray,
        TimestampMicrosecondArray,
    },
    datatypes::{DataType, Decimal64Type, Field, Int32Type, Schema},
    record_batch::RecordBatch,
};

use crate::{
    estimate::Estimator,
    method::{MethodName, MethodOptions},
};

/// 2026-10-01T00:00:00Z, the first hour of the period of all samples.
pub(crate) const OCTOBER_S: i64 = 1_790_812_800;
pub(crate) const HOUR_S: i64 = 3600;

/// One billed line of an AWS export, in us-east-1 unless it says otherwise.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "the ledger's words")]
pub(crate) struct Line {
    pub(crate) service: &'static str,
    pub(crate) usage_type: &'static str,
    pub(crate) operation: Option<&'static str>,
    pub(crate) unit: Option<&'static str>,
    pub(crate) amount: Option<f64>,
    pub(crate) line_type: &'static str,
    pub(crate) region: Option<&'static str>,
    pub(crate) start_s: i64,
    pub(crate) hours: i64,
    pub(crate) effective_cost: f64,
    pub(crate) currency: &'static str,
    pub(crate) split_parent: Option<&'static str>,
    pub(crate) utilization: Option<f64>,
    /// Share of the line's time that it was measured in.
    pub(crate) cover: f64,
}

impl Line {
    pub(crate) fn new(
        service: &'static str,
        usage_type: &'static str,
        unit: &'static str,
        amount: f64,
    ) -> Self {
        Self {
            service,
            usage_type,
            operation: None,
            unit: Some(unit),
            amount: Some(amount),
            line_type: "Usage",
            region: Some("us-east-1"),
            start_s: OCTOBER_S,
            hours: 1,
            effective_cost: 1.0,
            currency: "USD",
            split_parent: None,
            utilization: None,
            cover: 1.0,
        }
    }
}

/// The shipped factors, read once for all tests.
pub(crate) static FACTORS: LazyLock<Arc<FactorSet>> =
    LazyLock::new(|| Arc::new(FactorSet::embedded().unwrap()));

pub(crate) fn estimator(options: MethodOptions) -> Estimator {
    Estimator::new(MethodName::Airshed, Arc::clone(&FACTORS), options, "2026-10".parse().unwrap())
}

/// The lines as a batch of `billing_lines`, strings as dictionaries or plain.
pub(crate) fn batch(lines: &[Line], dictionaries: bool) -> RecordBatch {
    let strings = |text: &dyn Fn(usize, &Line) -> Option<String>| -> ArrayRef {
        let texts: Vec<Option<String>> =
            lines.iter().enumerate().map(|(row, line)| text(row, line)).collect();
        let texts = texts.iter().map(Option::as_deref);
        if dictionaries {
            Arc::new(texts.collect::<DictionaryArray<Int32Type>>())
        } else {
            Arc::new(texts.collect::<StringArray>())
        }
    };
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let money = |value: &dyn Fn(&Line) -> Option<f64>| -> ArrayRef {
        let values =
            lines.iter().map(|line| value(line).map(|value| decimal_from_f64(value, MONEY_SCALE).unwrap()));
        let array = values.collect::<Decimal128Array>();
        Arc::new(array.with_precision_and_scale(MONEY_PRECISION, MONEY_SCALE).unwrap())
    };
    let instants = |seconds: &dyn Fn(&Line) -> i64| -> ArrayRef {
        let micros = lines.iter().map(|line| seconds(line) * 1_000_000);
        Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC"))
    };
    let file = schema::billing_lines().file_schema();
    let mut fields: Vec<Field> = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for field in file.fields() {
        let array = match field.name().as_str() {
            c::LINE_SEQ => Arc::new(Int64Array::from_iter_values(0..i64::try_from(lines.len()).unwrap())),
            c::LINE_ID => strings(&|row, _| Some(format!("line-{row}"))),
            c::PROVIDER => strings(&|_, _| Some("aws".to_owned())),
            c::SERVICE_CODE => strings(&|_, line| owned(Some(line.service))),
            c::USAGE_TYPE => strings(&|_, line| owned(Some(line.usage_type))),
            c::OPERATION => strings(&|_, line| owned(line.operation)),
            c::USAGE_UNIT => strings(&|_, line| owned(line.unit)),
            c::LINE_TYPE => strings(&|_, line| owned(Some(line.line_type))),
            c::REGION => strings(&|_, line| owned(line.region)),
            c::CURRENCY => strings(&|_, line| owned(Some(line.currency))),
            c::SPLIT_PARENT_RESOURCE_ID => strings(&|_, line| owned(line.split_parent)),
            c::USAGE_START => instants(&|line| line.start_s),
            c::USAGE_END => instants(&|line| line.start_s + line.hours * HOUR_S),
            c::USAGE_AMOUNT => money(&|line| line.amount),
            c::EFFECTIVE_COST => money(&|line| Some(line.effective_cost)),
            _ if *field.data_type() == MONEY => money(&|_| Some(0.0)),
            _ => {
                assert_eq!(*field.data_type(), DataType::Utf8, "{}", field.name());
                strings(&|_, _| None)
            }
        };
        fields.push(Field::new(field.name(), array.data_type().clone(), true));
        arrays.push(array);
    }
    fields.push(Field::new(c::UTILIZATION, DataType::Float64, true));
    arrays.push(Arc::new(lines.iter().map(|line| line.utilization).collect::<Float64Array>()));
    fields.push(Field::new(c::UTILIZATION_COVER, DataType::Float64, true));
    let cover = |line: &Line| line.utilization.map(|_| line.cover);
    arrays.push(Arc::new(lines.iter().map(cover).collect::<Float64Array>()));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

/// A quantity of a row in its unit; `None` for null.
pub(crate) fn quantity(emissions: &RecordBatch, column: &str, row: usize) -> Option<f64> {
    use arrow::array::Array as _;
    let decimals = emissions.column_by_name(column).unwrap().as_primitive::<Decimal64Type>();
    decimals.is_valid(row).then(|| decimals.value(row) as f64 / 1e8)
}

/// A word of a row; `None` for null.
pub(crate) fn word(emissions: &RecordBatch, column: &str, row: usize) -> Option<String> {
    use arrow::array::Array as _;
    let array = emissions.column_by_name(column).unwrap().as_dictionary::<Int32Type>();
    array.is_valid(row).then(|| {
        let values = array.values().as_string::<i32>();
        values.value(usize::try_from(array.keys().value(row)).unwrap()).to_owned()
    })
}
