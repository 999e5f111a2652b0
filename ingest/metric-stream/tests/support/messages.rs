//! The OpenTelemetry messages that metric streams deliver, encoded and decoded by `prost`: a second opinion on the wire
//! format. Field numbers: <https://github.com/open-telemetry/opentelemetry-proto/tree/v1.0.0>.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Request {
    #[prost(message, repeated, tag = "1")]
    pub(crate) resource_metrics: Vec<ResourceMetrics>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ResourceMetrics {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) scope_metrics: Vec<ScopeMetrics>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub(crate) attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ScopeMetrics {
    #[prost(message, repeated, tag = "2")]
    pub(crate) metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Metric {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "3")]
    pub(crate) unit: String,
    /// Another kind of metric than metric streams deliver.
    #[prost(message, optional, tag = "5")]
    pub(crate) gauge: Option<Summary>,
    #[prost(message, optional, tag = "11")]
    pub(crate) summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub(crate) data_points: Vec<DataPoint>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DataPoint {
    /// Format 0.7.
    #[prost(message, repeated, tag = "1")]
    pub(crate) labels: Vec<StringKeyValue>,
    #[prost(fixed64, tag = "2")]
    pub(crate) start_time_unix_nano: u64,
    #[prost(fixed64, tag = "3")]
    pub(crate) time_unix_nano: u64,
    #[prost(fixed64, tag = "4")]
    pub(crate) count: u64,
    #[prost(double, tag = "5")]
    pub(crate) sum: f64,
    #[prost(message, repeated, tag = "6")]
    pub(crate) quantile_values: Vec<ValueAtQuantile>,
    /// Format 1.0.
    #[prost(message, repeated, tag = "7")]
    pub(crate) attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ValueAtQuantile {
    #[prost(double, tag = "1")]
    pub(crate) quantile: f64,
    #[prost(double, tag = "2")]
    pub(crate) value: f64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StringKeyValue {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyValue {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnyValue {
    #[prost(string, optional, tag = "1")]
    pub(crate) string_value: Option<String>,
    #[prost(message, optional, tag = "6")]
    pub(crate) kvlist_value: Option<KeyValueList>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    pub(crate) values: Vec<KeyValue>,
}

/// An attribute with a text.
pub(crate) fn text(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { string_value: Some(value.to_owned()), kvlist_value: None };
    KeyValue { key: key.to_owned(), value: Some(value) }
}

/// The attributes of a data point of format 1.0.
pub(crate) fn attributes(namespace: &str, metric: &str, dimensions: &[(&str, &str)]) -> Vec<KeyValue> {
    let values = dimensions.iter().map(|(key, value)| text(key, value)).collect();
    let list = AnyValue { string_value: None, kvlist_value: Some(KeyValueList { values }) };
    vec![
        text("Namespace", namespace),
        text("MetricName", metric),
        KeyValue { key: "Dimensions".to_owned(), value: Some(list) },
    ]
}

/// The resource attributes that AWS documents.
pub(crate) fn resource(account: &str, region: &str) -> Resource {
    Resource {
        attributes: vec![
            text("cloud.provider", "aws"),
            text("cloud.account.id", account),
            text("cloud.region", region),
            text("aws.exporter.arn", &format!("arn:aws:cloudwatch:{region}:{account}:metric-stream/fleet")),
        ],
    }
}

/// Minimum, further percentiles and maximum.
pub(crate) fn quantiles(values: &[(f64, f64)]) -> Vec<ValueAtQuantile> {
    values.iter().map(|(quantile, value)| ValueAtQuantile { quantile: *quantile, value: *value }).collect()
}
