//! CloudWatch's calls in JSON.
//!
//! CloudWatch speaks CBOR, JSON and the query protocol; the SDK speaks CBOR alone. Servers that stand in for AWS on
//! loopback, moto's for one, know JSON, as boto3 does, but not CBOR. So that the same binary works with both, the calls
//! that the collectors make go out in JSON, everywhere. Signing, endpoints, timeouts and errors stay the SDK's: an
//! interceptor puts this serializer and deserializer in place of its own.
//!
//! Sources: <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html>; the prefix of the target is that of the
//! service model, <https://github.com/aws/api-models-aws/tree/main/models/cloudwatch/service/2010-08-01>.

use std::{error::Error, fmt::Debug, marker::PhantomData};

use aws_sdk_cloudwatch::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        http::{HttpRequest, HttpResponse},
        interceptors::BeforeSerializationInterceptorContextMut,
    },
    error::{BoxError, ErrorMetadata},
    operation::{
        get_metric_data::{GetMetricDataError, GetMetricDataInput, GetMetricDataOutput},
        list_metrics::{ListMetricsError, ListMetricsInput, ListMetricsOutput},
    },
    types::{Dimension, MessageData, Metric, MetricDataResult, MetricStat, ScanBy},
};
use aws_smithy_runtime_api::client::{
    interceptors::context,
    orchestrator::OrchestratorError,
    ser_de::{DeserializeResponse, SerializeRequest, SharedRequestSerializer, SharedResponseDeserializer},
};
use aws_smithy_types::{DateTime, body::SdkBody};
use serde_json::{Value, json};

use crate::json_error;

const TARGET: &str = "GraniteServiceVersion20100801";
const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// Where the code of an error stands that older clients of the query protocol know, followed by whose fault it is.
const QUERY_ERROR: &str = "x-amzn-query-error";

/// A call and its shapes. A member that the collectors do not use is not carried.
pub(super) trait Operation: Debug + Send + Sync + 'static {
    const NAME: &'static str;
    type Input: Debug + Send + Sync + 'static;
    type Output: Debug + Send + Sync + 'static;
    type Error: Error + Send + Sync + 'static;

    fn body(input: &Self::Input) -> Value;
    /// None where the answer is not of the shape.
    fn output(body: &Value) -> Option<Self::Output>;
    fn error(metadata: ErrorMetadata) -> Self::Error;
}

/// The interceptor, and what it puts in place.
#[derive(Debug)]
pub(super) struct Json<O>(PhantomData<O>);

impl<O> Json<O> {
    pub(super) fn new(_: O) -> Self {
        Self(PhantomData)
    }
}

impl<O: Operation> Intercept for Json<O> {
    fn name(&self) -> &'static str {
        "Json"
    }

    fn modify_before_serialization(
        &self,
        _: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let state = config.interceptor_state();
        state.store_put(SharedRequestSerializer::new(Self(PhantomData)));
        state.store_put(SharedResponseDeserializer::new(Self(PhantomData)));
        Ok(())
    }
}

impl<O: Operation> SerializeRequest for Json<O> {
    fn serialize_input(&self, input: context::Input, _: &mut ConfigBag) -> Result<HttpRequest, BoxError> {
        let input = input.downcast::<O::Input>().map_err(|_| format!("not an input of {}", O::NAME))?;
        let body = O::body(&input).to_string();
        let length = body.len();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST")?;
        request.set_uri("/")?;
        let headers = request.headers_mut();
        headers.insert("content-type", CONTENT_TYPE);
        headers.insert("content-length", length.to_string());
        headers.insert("x-amz-target", format!("{TARGET}.{}", O::NAME));
        Ok(request)
    }
}

impl<O: Operation> DeserializeResponse for Json<O> {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        _: &ConfigBag,
    ) -> Result<context::Output, OrchestratorError<context::Error>> {
        let body = response.body().bytes().unwrap_or_default();
        let parsed = serde_json::from_slice::<Value>(body);
        if !response.status().is_success() {
            let metadata = json_error::metadata(parsed.ok().as_ref(), response.headers().get(QUERY_ERROR));
            return Err(OrchestratorError::operation(context::Error::erase(O::error(metadata))));
        }
        let parsed = parsed.map_err(|error| OrchestratorError::response(error.into()))?;
        let odd = || OrchestratorError::response(format!("not an answer of {}", O::NAME).into());
        O::output(&parsed).map(context::Output::erase).ok_or_else(odd)
    }
}

/// CloudWatch ListMetrics.
#[derive(Debug)]
pub(super) struct ListMetrics;

impl Operation for ListMetrics {
    const NAME: &'static str = "ListMetrics";
    type Input = ListMetricsInput;
    type Output = ListMetricsOutput;
    type Error = ListMetricsError;

    fn body(input: &ListMetricsInput) -> Value {
        without_null(json!({ "Namespace": input.namespace(), "NextToken": input.next_token() }))
    }

    fn output(body: &Value) -> Option<ListMetricsOutput> {
        let metrics = list(&body["Metrics"], |metric| {
            let dimensions = list(&metric["Dimensions"], |dimension| {
                let built = Dimension::builder().set_name(owned(&dimension["Name"]));
                Some(built.set_value(owned(&dimension["Value"])).build())
            })?;
            let built = Metric::builder().set_namespace(owned(&metric["Namespace"]));
            Some(built.set_metric_name(owned(&metric["MetricName"])).set_dimensions(Some(dimensions)).build())
        })?;
        let output = ListMetricsOutput::builder().set_metrics(Some(metrics));
        Some(output.set_next_token(owned(&body["NextToken"])).build())
    }

    fn error(metadata: ErrorMetadata) -> ListMetricsError {
        ListMetricsError::generic(metadata)
    }
}

/// CloudWatch GetMetricData.
#[derive(Debug)]
pub(super) struct GetMetricData;

impl Operation for GetMetricData {
    const NAME: &'static str = "GetMetricData";
    type Input = GetMetricDataInput;
    type Output = GetMetricDataOutput;
    type Error = GetMetricDataError;

    fn body(input: &GetMetricDataInput) -> Value {
        let queries = input.metric_data_queries().iter().map(|query| {
            let stat = query.metric_stat();
            let metric = stat.and_then(|stat| stat.metric());
            let dimensions = metric.map(Metric::dimensions).unwrap_or_default().iter();
            let dimensions: Vec<_> = dimensions
                .map(|dimension| json!({ "Name": dimension.name(), "Value": dimension.value() }))
                .collect();
            json!({
                "Id": query.id(),
                "MetricStat": {
                    "Metric": {
                        "Namespace": metric.and_then(|metric| metric.namespace()),
                        "MetricName": metric.and_then(|metric| metric.metric_name()),
                        "Dimensions": dimensions,
                    },
                    "Period": stat.and_then(MetricStat::period),
                    "Stat": stat.and_then(|stat| stat.stat()),
                },
            })
        });
        without_null(json!({
            "MetricDataQueries": queries.collect::<Vec<_>>(),
            "StartTime": input.start_time().map(DateTime::secs),
            "EndTime": input.end_time().map(DateTime::secs),
            "ScanBy": input.scan_by().map(ScanBy::as_str),
            "NextToken": input.next_token(),
        }))
    }

    fn output(body: &Value) -> Option<GetMetricDataOutput> {
        let results = list(&body["MetricDataResults"], |result| {
            let built = MetricDataResult::builder()
                .set_id(owned(&result["Id"]))
                .set_status_code(result["StatusCode"].as_str().map(Into::into))
                .set_timestamps(Some(list(&result["Timestamps"], |time| {
                    time.as_f64().map(DateTime::from_secs_f64)
                })?))
                .set_values(Some(list(&result["Values"], number)?))
                .set_messages(Some(messages(&result["Messages"])?));
            Some(built.build())
        })?;
        let output = GetMetricDataOutput::builder()
            .set_metric_data_results(Some(results))
            .set_messages(Some(messages(&body["Messages"])?));
        Some(output.set_next_token(owned(&body["NextToken"])).build())
    }

    fn error(metadata: ErrorMetadata) -> GetMetricDataError {
        GetMetricDataError::generic(metadata)
    }
}

fn messages(value: &Value) -> Option<Vec<MessageData>> {
    let message = |message: &Value| {
        MessageData::builder().set_code(owned(&message["Code"])).set_value(owned(&message["Value"])).build()
    };
    list(value, |one| Some(message(one)))
}

/// The items of a list; none of them where it is left out.
fn list<T>(value: &Value, item: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    match value {
        Value::Null => Some(Vec::new()),
        _ => value.as_array()?.iter().map(item).collect(),
    }
}

fn owned(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// A number; those that JSON does not have are text.
fn number(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some(_) => None,
        None => value.as_f64(),
    }
}

fn without_null(mut body: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    body
}
