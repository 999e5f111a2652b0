//! Samples of both formats, made after the ones that AWS documents, with figures of our own:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-json.html>
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-opentelemetry-100.html>
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-opentelemetry.html>

use airshed_metric_stream::{Decoder, Format, LeftOut, Options};

use super::{Whole, cpu_point, gzip, instance, messages, otlp, request};

/// With percentiles and a trimmed mean, which are passed over. 1780281600 is 2026-06-01T02:40:00Z.
const JSON: &str = r#"{"metric_stream_name":"fleet","account_id":"210987654321","region":"eu-north-1","namespace":"AWS/EC2","metric_name":"NetworkIn","dimensions":{"InstanceId":"i-0aaaabbbbccccdddd"},"timestamp":1780281600000,"value":{"count":5.0,"sum":1250.0,"max":400.0,"min":100.0,"p99":399.5,"p99.9":399.95,"TM(25%:75%)":240.5},"unit":"Bytes"}
{"metric_stream_name":"fleet","account_id":"210987654321","region":"eu-north-1","namespace":"AWS/ES","metric_name":"CPUUtilization","dimensions":{"DomainName":"logs","ClientId":"210987654321"},"timestamp":1780281660000,"value":{"max":9.0,"min":3.0,"sum":12.0,"count":2.0},"unit":"Percent"}
{"metric_stream_name":"fleet","account_id":"210987654321","region":"eu-north-1","namespace":"AWS/EC2","metric_name":"NetworkIn","dimensions":{"InstanceType":"m5.large"},"timestamp":1780281600000,"value":{"max":1.0,"min":1.0,"sum":1.0,"count":1.0},"unit":"Bytes"}
"#;

const JSON_ROWS: [&str; 2] = [
    "2026-06-01T02:40:00Z 2026-06-01T02:41:00Z 210987654321 eu-north-1 AWS/EC2 NetworkIn i-0aaaabbbbccccdddd Bytes 100.0 400.0 1250.0 5.0 250.0 0",
    "2026-06-01T02:41:00Z 2026-06-01T02:42:00Z 210987654321 eu-north-1 AWS/ES CPUUtilization logs Percent 3.0 9.0 12.0 2.0 6.0 1",
];

#[test]
fn json_records_become_data_points() {
    for (name, object) in [("plain", JSON.as_bytes().to_vec()), ("gzip", gzip(JSON.as_bytes()))] {
        let whole = Whole::of(object.as_slice(), 100);
        assert_eq!(whole.rows(), JSON_ROWS, "{name}");
        assert_eq!(whole.rejects, [], "{name}");
        assert_eq!(whole.left_out, LeftOut { no_resource: 1, ..LeftOut::default() }, "{name}");
    }
}

#[test]
fn records_need_no_newline_and_gzip_may_have_members() {
    let joined = JSON.replace('\n', "");
    assert_eq!(Whole::of(joined.as_bytes(), 100).rows(), JSON_ROWS);
    let members: Vec<u8> = JSON.lines().flat_map(|line| gzip(line.as_bytes())).collect();
    assert_eq!(Whole::of(members.as_slice(), 100).rows(), JSON_ROWS);
    let spread = JSON.replace("\":", "\" : \n").replace('{', "{\n  ");
    assert_eq!(Whole::of(spread.as_bytes(), 100).rows(), JSON_ROWS);
}

/// The documented sample has two data points of a table; ours has other values, an aggregate, and a zero sum, which is
/// not on the wire.
fn table_request() -> messages::Request {
    let attributes = |dimensions: &[(&str, &str)]| {
        messages::attributes("AWS/DynamoDB", "ConsumedReadCapacityUnits", dimensions)
    };
    let orders = [("TableName", "orders")];
    let by_operation = [("TableName", "orders"), ("Operation", "Query")];
    let data_points = vec![
        messages::DataPoint {
            start_time_unix_nano: 1_780_281_600_000_000_000,
            time_unix_nano: 1_780_281_660_000_000_000,
            count: 4,
            sum: 10.0,
            quantile_values: messages::quantiles(&[(0.0, 1.0), (0.95, 3.5), (0.99, 3.9), (1.0, 4.0)]),
            attributes: attributes(&orders),
            ..messages::DataPoint::default()
        },
        messages::DataPoint {
            start_time_unix_nano: 1_780_281_660_000_000_000,
            time_unix_nano: 1_780_281_960_000_000_000,
            count: 1,
            quantile_values: messages::quantiles(&[(0.0, 0.0)]),
            attributes: attributes(&orders),
            ..messages::DataPoint::default()
        },
        messages::DataPoint {
            start_time_unix_nano: 1_780_281_660_000_000_000,
            time_unix_nano: 1_780_281_720_000_000_000,
            count: 1,
            attributes: attributes(&by_operation),
            ..messages::DataPoint::default()
        },
    ];
    request("amazonaws.com/AWS/DynamoDB/ConsumedReadCapacityUnits", "NoneTranslated", data_points)
}

const OTLP_ROWS: [&str; 2] = [
    "2026-06-01T02:40:00Z 2026-06-01T02:41:00Z 123456789012 eu-west-1 AWS/DynamoDB ConsumedReadCapacityUnits orders None 1.0 4.0 10.0 4.0 2.5 0",
    "2026-06-01T02:41:00Z 2026-06-01T02:46:00Z 123456789012 eu-west-1 AWS/DynamoDB ConsumedReadCapacityUnits orders None 0.0 - 0.0 1.0 0.0 1",
];

#[test]
fn messages_of_opentelemetry_1_0_become_data_points() {
    let object = otlp(&[table_request()]);
    for (name, object) in [("gzip", gzip(&object)), ("plain", object)] {
        let whole = Whole::of(object.as_slice(), 100);
        assert_eq!(whole.rows(), OTLP_ROWS, "{name}");
        assert_eq!(whole.rejects, [], "{name}");
        assert_eq!(whole.left_out, LeftOut { part_of_resource: 1, ..LeftOut::default() }, "{name}");
    }
}

#[test]
fn opentelemetry_0_7_differs_in_the_attributes_alone() {
    let mut request = table_request();
    let points =
        &mut request.resource_metrics[0].scope_metrics[0].metrics[0].summary.as_mut().unwrap().data_points;
    points.truncate(2);
    for point in points {
        let label =
            |key: &str, value: &str| messages::StringKeyValue { key: key.into(), value: value.into() };
        point.labels = vec![
            label("Namespace", "AWS/DynamoDB"),
            label("MetricName", "ConsumedReadCapacityUnits"),
            label("TableName", "orders"),
        ];
        point.attributes = vec![];
    }
    assert_eq!(Whole::of(otlp(&[request]).as_slice(), 100).rows(), OTLP_ROWS);
}

#[test]
fn the_format_is_told_from_the_content() {
    let format = |object: &[u8]| {
        let mut decoder = Decoder::new(object, Options::default());
        decoder.next_batch().unwrap();
        decoder.format().unwrap()
    };
    assert_eq!(format(JSON.as_bytes()), Format::Json);
    assert_eq!(format(b"\n \r\n{ \"account_id\": 1}"), Format::Json);
    assert_eq!(format(b""), Format::Json);
    assert_eq!(format(&otlp(&[table_request()])), Format::Otlp);
    // A message of 123 bytes begins with a brace.
    let mut short = request("", "", vec![]);
    short.resource_metrics[0].resource =
        Some(messages::Resource { attributes: vec![messages::text("k", "")] });
    let length = prost::Message::encoded_len(&short);
    let filler = "x".repeat(123 - length);
    short.resource_metrics[0].resource =
        Some(messages::Resource { attributes: vec![messages::text("k", &filler)] });
    let object = otlp(&[short]);
    assert_eq!((object[0], object.len()), (b'{', 124));
    assert_eq!(format(&object), Format::Otlp);
}

#[test]
fn batches_are_cut_at_their_size_and_hold_the_same() {
    let json: String =
        (0..100).map(|n| instance(&format!("i-{n}"), 1_780_281_600_000, 1.0, 1.0) + "\n").collect();
    let whole = Whole::of(json.as_bytes(), 7);
    assert!(whole.batches.iter().all(|batch| batch.num_rows() <= 7));
    assert_eq!(whole.rows(), Whole::of(json.as_bytes(), 1000).rows());
    let requests: Vec<_> = (0..100u64)
        .map(|n| {
            request(
                "m",
                "%",
                (0..n % 5).map(|p| cpu_point(&format!("i-{p}"), 1_780_281_600 + n, 3.0)).collect(),
            )
        })
        .collect();
    let object = otlp(&requests);
    let cut = Whole::of(object.as_slice(), 7);
    assert!(cut.batches.iter().all(|batch| batch.num_rows() < 7 + 5));
    assert_eq!(cut.rows(), Whole::of(object.as_slice(), 1000).rows());
    assert_eq!(cut.points(), 200);
}
