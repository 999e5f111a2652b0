//! Rows of the table `utilization`.

use airshed_domain::schema;
use airshed_metric_stream::{Decoder, Options, utilization};
use arrow::{array::AsArray as _, datatypes::Int32Type};

use super::{cpu_point, instance, messages, otlp, request, rows};

const START_MS: i64 = 1_780_281_600_000;

fn convert(object: &[u8]) -> utilization::Converted {
    let mut decoder = Decoder::new(object, Options::default());
    let piece = decoder.next_batch().expect("a slice does not fail").expect("records");
    assert_eq!(piece.rejects, []);
    let points = piece.points.num_rows();
    let converted = utilization::convert(&piece.points, |_| true).expect("columns of data points");
    let parts = converted.rows.num_rows()
        + converted.rejects.len()
        + usize::try_from(converted.not_taken).expect("small");
    assert_eq!(points, parts);
    assert_eq!(converted.rows.schema(), schema::utilization().coded_file_schema());
    converted
}

#[test]
fn percent_become_shares_and_other_metrics_their_own_names() {
    let json = [
        instance("i-1", START_MS, 85.0, 2.0),
        instance("i-2", START_MS, 7.0, 1.5),
        instance("i-3", START_MS, 10.0, 1.0)
            .replace("CPUUtilization", "NetworkIn")
            .replace("Percent", "Bytes"),
        instance("i-4", START_MS, 10.0, 1.0).replace("CPUUtilization", "StatusCheckFailed"),
    ];
    let converted = convert(json.join("\n").as_bytes());
    assert_eq!(
        rows(&converted.rows),
        [
            "2026-06-01T02:40:00Z 2026-06-01T02:41:00Z 123456789012 eu-west-1 i-1 cpu_utilization 0.425 0.85 2",
            // A fractional number of samples, of weighted ones, is not known as a count: 7 / 1.5 percent.
            "2026-06-01T02:40:00Z 2026-06-01T02:41:00Z 123456789012 eu-west-1 i-2 cpu_utilization 0.04666666666666667 0.07 -",
            "2026-06-01T02:40:00Z 2026-06-01T02:41:00Z 123456789012 eu-west-1 i-3 network_in_bytes 10.0 10.0 1",
        ]
    );
    assert_eq!((converted.rejects.len(), converted.not_taken), (0, 1));
}

#[test]
fn both_formats_make_the_same_rows() {
    let json = convert(instance("i-1", START_MS, 40.0, 2.0).as_bytes());
    let otlp = convert(&otlp(&[request("m", "%", vec![cpu_point("i-1", 1_780_281_600, 40.0)])]));
    assert_eq!(rows(&json.rows), rows(&otlp.rows));
    assert_eq!(rows(&json.rows).len(), 1);
}

#[test]
fn a_meter_a_little_above_full_load_reads_full_load_and_more_is_rejected() {
    let json = [
        instance("i-1", START_MS, 100.9, 1.0),
        instance("i-2", START_MS, 101.5, 1.0),
        instance("i-3", START_MS, -0.1, 1.0),
        instance("i-4", START_MS, 0.5, 1.0).replace("Percent", "Count"),
        instance("i-5", START_MS, 400.0, 8.0),
    ];
    let converted = convert(json.join("\n").as_bytes());
    assert_eq!(
        rows(&converted.rows),
        ["2026-06-01T02:40:00Z 2026-06-01T02:41:00Z 123456789012 eu-west-1 i-1 cpu_utilization 1.0 1.0 1"]
    );
    let reasons: Vec<_> = converted.rejects.iter().map(|r| (r.record, r.reason.as_str())).collect();
    assert_eq!(reasons, [(1, "out_of_range"), (2, "out_of_range"), (3, "wrong_type"), (4, "out_of_range")]);
}

#[test]
fn no_two_metrics_of_a_namespace_share_a_name() {
    for (place, rule) in utilization::RULES.iter().enumerate() {
        let others = &utilization::RULES[..place];
        assert!(
            others.iter().all(|other| (other.namespace, other.metric) != (rule.namespace, rule.metric)
                && (other.namespace, other.cloudwatch_metric) != (rule.namespace, rule.cloudwatch_metric)),
            "{rule:?}"
        );
        // The CloudWatch agent publishes a GPU's utilisation without a unit.
        let of_a_share: &[&str] = if rule.cloudwatch_metric == "nvidia_smi_utilization_gpu" {
            &["Percent", "None"]
        } else {
            &["Percent"]
        };
        assert_eq!(rule.is_share, rule.units == of_a_share, "{rule:?}");
    }
}

#[test]
fn a_batch_of_other_columns_is_refused() {
    let other = arrow::array::RecordBatch::new_empty(schema::utilization().file_schema());
    let error = utilization::convert(&other, |_| true);
    assert!(error.unwrap_err().to_string().contains("`record`"));
}

#[test]
fn what_has_no_resource_never_reaches_the_table() {
    let mut point = cpu_point("i-1", 1_780_281_600, 40.0);
    point.attributes = messages::attributes("AWS/EC2", "CPUUtilization", &[]);
    let object = otlp(&[request("m", "%", vec![point])]);
    let decoded = Decoder::new(object.as_slice(), Options::default()).next_batch().unwrap().unwrap();
    assert_eq!((decoded.points.num_rows(), decoded.left_out.no_resource), (0, 1));
}

#[test]
fn rows_name_resources_as_bills_do() {
    let of = |account: &str, region: &str, namespace: &str, metric: &str, dimension: &str, name: &str| {
        instance(name, START_MS, 10.0, 1.0)
            .replace("123456789012", account)
            .replace("eu-west-1", region)
            .replace("AWS/EC2", namespace)
            .replace("CPUUtilization", metric)
            .replace("InstanceId", dimension)
    };
    let json = [
        of("111111111111", "eu-west-1", "AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", "a"),
        of("111111111111", "cn-north-1", "AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", "a"),
        of("222222222222", "eu-west-1", "AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", "a"),
        of("111111111111", "eu-west-1", "AWS/ElastiCache", "CPUUtilization", "CacheClusterId", "a"),
        of("111111111111", "eu-west-1", "AWS/EC2", "CPUUtilization", "InstanceId", "a"),
        of("111111111111", "eu-west-1", "CWAgent", "mem_used_percent", "InstanceId", "a"),
        of("111111111111", "eu-west-1", "AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", "a"),
    ];
    let converted = convert(json.join("\n").as_bytes());
    let ids: Vec<_> =
        rows(&converted.rows).iter().map(|row| row.split(' ').nth(4).unwrap().to_owned()).collect();
    assert_eq!(
        ids,
        [
            "arn:aws:rds:eu-west-1:111111111111:db:a",
            "arn:aws-cn:rds:cn-north-1:111111111111:db:a",
            "arn:aws:rds:eu-west-1:222222222222:db:a",
            "arn:aws:elasticache:eu-west-1:111111111111:cluster:a",
            "a",
            "a",
            "arn:aws:rds:eu-west-1:111111111111:db:a",
        ]
    );
    // A dictionary holds each id once: two namespaces measure the same instance.
    let ids = converted.rows.column_by_name("resource_id").unwrap();
    assert_eq!(ids.as_dictionary::<Int32Type>().values().len(), 5);
}

#[test]
fn accounts_that_are_not_collected_are_left_out_and_counted() {
    let other = |id: &str| instance(id, START_MS, 10.0, 1.0).replace("123456789012", "999999999999");
    let json = [other("i-1"), instance("i-2", START_MS, 10.0, 1.0), other("i-3").replace("Percent", "Count")];
    let object = json.concat();
    let mut decoder = Decoder::new(object.as_bytes(), Options::default());
    let points = decoder.next_batch().unwrap().unwrap().points;
    let mut asked = Vec::new();
    let converted = utilization::convert(&points, |account| {
        asked.push(account.to_owned());
        account == "123456789012"
    })
    .unwrap();
    assert_eq!((converted.rows.num_rows(), converted.other_accounts, converted.rejects.len()), (1, 2, 0));
    assert_eq!(asked, ["999999999999", "123456789012"]);
}
