//! A small legacy-style export with lines of many kinds, written as CSV.

use std::{fmt::Write as _, path::Path};

/// Columns of the file.
const HEADER: &str = "identity/LineItemId,bill/PayerAccountId,bill/BillingPeriodStartDate,lineItem/UsageAccountId,\
lineItem/LineItemType,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/ProductCode,lineItem/UsageType,\
lineItem/Operation,lineItem/ResourceId,lineItem/UsageAmount,lineItem/UnblendedCost,lineItem/CurrencyCode,\
pricing/unit,product/instanceType,product/region,resourceTags/user:team";

/// Kinds of line: line type, service, usage type, operation, unit, instance type, region, amount, cost.
const KINDS: &[[&str; 9]] = &[
    [
        "Usage",
        "AmazonEC2",
        "BoxUsage:m5.xlarge",
        "RunInstances",
        "Hrs",
        "m5.xlarge",
        "us-east-1",
        "1",
        "0.192",
    ],
    [
        "Usage",
        "AmazonEC2",
        "EU-BoxUsage:t3.medium",
        "RunInstances",
        "Hrs",
        "t3.medium",
        "eu-west-1",
        "0.75",
        "0.0342",
    ],
    [
        "Usage",
        "AmazonEC2",
        "EU-EBS:VolumeUsage.gp3",
        "CreateVolume-Gp3",
        "GB-Mo",
        "",
        "eu-west-1",
        "0.1344086022",
        "0.0107526882",
    ],
    [
        "Usage",
        "AmazonS3",
        "TimedStorage-ByteHrs",
        "StandardStorage",
        "GB-Mo",
        "",
        "us-east-1",
        "12.5",
        "0.2875",
    ],
    [
        "Usage",
        "AWSLambda",
        "Lambda-GB-Second",
        "Invoke",
        "Lambda-GB-Second",
        "",
        "us-east-1",
        "1000.123456789",
        "0.0166669",
    ],
    [
        "Usage",
        "AmazonEC2",
        "DataTransfer-Out-Bytes",
        "RunInstances",
        "GB",
        "",
        "us-east-1",
        "3.3333333333",
        "0.3",
    ],
    [
        "Usage",
        "AmazonEC2",
        "BoxUsage:m99x.large",
        "RunInstances",
        "Hrs",
        "m99x.large",
        "us-east-1",
        "1",
        "0.5",
    ],
    ["Usage", "AWSTeleport", "Beam-Hours", "Beam", "Hrs", "", "us-east-1", "2", "7.77"],
    ["Tax", "AmazonEC2", "", "", "", "", "", "1", "0.81"],
    ["Credit", "AmazonEC2", "BoxUsage:m5.xlarge", "RunInstances", "Hrs", "", "us-east-1", "1", "-0.1"],
    [
        "Usage",
        "AmazonEC2",
        "BoxUsage:c5.large",
        "RunInstances",
        "Hrs",
        "c5.large",
        "us-east-1",
        "-0.5",
        "-0.0425",
    ],
];

/// Lines of an export, without the header. Two of them cannot be read.
pub(crate) fn lines(hours: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for hour in 0..hours {
        for (k, kind) in KINDS.iter().enumerate() {
            let [line_type, service, usage_type, operation, unit, instance, region, amount, cost] = kind;
            let (day, of_day) = (1 + hour / 24, hour % 24);
            let (next_day, next) = (1 + (hour + 1) / 24, (hour + 1) % 24);
            lines.push(format!(
                "line{k}x{hour},111122223333,2026-10-01T00:00:00Z,{account},{line_type},\
                 2026-10-{day:02}T{of_day:02}:00:00Z,2026-10-{next_day:02}T{next:02}:00:00Z,{service},{usage_type},\
                 {operation},res-{k},{amount},{cost},USD,{unit},{instance},{region},team-{team}",
                account = 222_233_334_000_u64 + (k % 3) as u64,
                team = k % 2,
            ));
        }
    }
    lines.push(lines[0].replace(",1,0.192,", ",NaN,0.192,").replace("line0x0", "bad-amount"));
    lines.push(
        lines[0]
            .replace("2026-10-01T00:00:00Z,2026-10-01T01", "yesterday,2026-10-01T01")
            .replace("line0x0", "bad-start"),
    );
    lines
}

/// Writes lines as one CSV file.
pub(crate) fn write(folder: &Path, name: &str, lines: &[String]) {
    let mut text = String::from(HEADER);
    text.push('\n');
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
}
