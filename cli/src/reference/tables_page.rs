//! `docs/tables.md`, from the schemas of the ledger.

use std::fmt::Write as _;

use airshed_domain::schema;
use arrow::datatypes::DataType;

pub(super) fn text() -> String {
    let mut text = String::from(
        "# Tables\n\nThis page is generated from the schemas; `make docs` rewrites it.\n\nEvery table is a Delta table in a \
         folder of its own name. Quantities (kWh, g, L) are `decimal(18, 8)` in a row and `decimal(38, 8)` in a sum, money is \
         `decimal(28, 12)` and `decimal(38, 12)`; see [ADR 4](adr/0004-fixed-point.md). `airshed sql` shows the rows of \
         current runs; a tool that reads the files itself keeps to the newest row of each period in `periods`.\n",
    );
    for table in schema::all() {
        write!(text, "\n## {}\n\nOne row: {}.", table.name, table.grain).unwrap();
        let partitions = table.partition_columns();
        if !partitions.is_empty() {
            write!(text, " Partitioned by {}.", partitions.join(", ")).unwrap();
        }
        text.push_str("\n\n| Column | Type | Null | Meaning |\n|---|---|---|---|\n");
        for column in &table.columns {
            let null = if column.nullable { "yes" } else { "" };
            let kind = type_name(&column.data_type);
            writeln!(text, "| `{}` | {kind} | {null} | {} |", column.name, column.comment).unwrap();
        }
    }
    text
}

fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 => "text".to_owned(),
        DataType::Int32 | DataType::Int64 => "integer".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision}, {scale})"),
        DataType::Timestamp(..) => "timestamp, UTC".to_owned(),
        other => other.to_string().to_lowercase(),
    }
}
