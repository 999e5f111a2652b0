//! Units: the names of CloudWatch for the UCUM codes that the OpenTelemetry formats carry.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-metric-streams-formats-opentelemetry-translation-100.html>

/// UCUM code and CloudWatch name. `NoneTranslated` stands in AWS's own sample.
const NAMES: &[(&str, &str)] = &[
    ("%", "Percent"),
    ("{Count}", "Count"),
    ("By", "Bytes"),
    ("1", "None"),
    ("NoneTranslated", "None"),
    ("s", "Seconds"),
    ("ms", "Milliseconds"),
    ("us", "Microseconds"),
    ("kBy", "Kilobytes"),
    ("MBy", "Megabytes"),
    ("GBy", "Gigabytes"),
    ("TBy", "Terabytes"),
    ("bit", "Bits"),
    ("kbit", "Kilobits"),
    ("MBit", "Megabits"),
    ("GBit", "Gigabits"),
    ("Tbit", "Terabits"),
    ("{Count}/s", "Count/Second"),
    ("By/s", "Bytes/Second"),
    ("kBy/s", "Kilobytes/Second"),
    ("MBy/s", "Megabytes/Second"),
    ("GBy/s", "Gigabytes/Second"),
    ("TBy/s", "Terabytes/Second"),
    ("bit/s", "Bits/Second"),
    ("kbit/s", "Kilobits/Second"),
    ("MBit/s", "Megabits/Second"),
    ("GBit/s", "Gigabits/Second"),
    ("Tbit/s", "Terabits/Second"),
];

/// The CloudWatch name of a unit; a code that is not documented stays as it is.
pub(crate) fn cloudwatch_from_ucum(code: &str) -> &str {
    NAMES.iter().find(|(known, _)| *known == code).map_or(code, |(_, name)| name)
}
