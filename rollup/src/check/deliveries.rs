//! Every row of a delivery became a line, a reject or a figure of the provider.

use std::collections::{BTreeMap, BTreeSet};

use airshed_domain::schema::{self, Table, column as c};
use airshed_lake::Lake;

use super::{Check, answer};
use crate::{
    error::{Error, Result},
    session::Resources,
};

/// Format of utilisation files in `objects`: their rows are measurements, which a month's end may cut in two.
const UTILIZATION_FORMAT: &str = "utilization";

/// Checks every delivery of billing rows: rows in its objects = billing lines + rejects + `provider_reported` rows.
pub async fn deliveries(lake: &Lake, resources: &Resources) -> Result<Vec<Check>> {
    let objects = schema::objects();
    let of_utilization = format!("{} = '{UTILIZATION_FORMAT}'", c::OBJECT_FORMAT);
    let measured = by_delivery(lake, &objects, "1", &format!("WHERE {of_utilization}"), resources).await?;
    let rows_in = format!("CAST({} AS BIGINT)", c::OBJECT_ROWS);
    let read =
        by_delivery(lake, &objects, &rows_in, &format!("WHERE NOT ({of_utilization})"), resources).await?;
    let mut arrived: BTreeMap<String, u64> = BTreeMap::new();
    for table in [schema::billing_lines(), schema::rejects(), schema::provider_reported()] {
        for (delivery, rows) in by_delivery(lake, &table, "1", "", resources).await? {
            *arrived.entry(delivery).or_default() += rows;
        }
    }
    // Rejects of collectors are of no delivery.
    arrived.retain(|delivery, _| {
        let is_imported = !delivery.starts_with(schema::COLLECTED_PREFIX);
        is_imported && (read.contains_key(delivery) || !measured.contains_key(delivery))
    });
    let all: BTreeSet<&String> = read.keys().chain(arrived.keys()).collect();
    let of = |rows: &BTreeMap<String, u64>, delivery: &str| {
        rows.get(delivery).copied().unwrap_or_default().to_string()
    };
    let check = |delivery: &String| Check {
        run_id: None,
        name: format!(
            "delivery {delivery}: rows in its objects = billing lines + rejects + provider_reported"
        ),
        expected: of(&read, delivery),
        actual: of(&arrived, delivery),
    };
    Ok(all.into_iter().map(check).collect())
}

/// A sum over the rows of a table, by delivery; nothing when the table does not exist.
async fn by_delivery(
    lake: &Lake,
    table: &Table,
    summed: &str,
    condition: &str,
    resources: &Resources,
) -> Result<BTreeMap<String, u64>> {
    let Some(open) = lake.existing_table(table).await? else { return Ok(BTreeMap::new()) };
    let provider = open.provider(&|_| true).await?;
    let delivery = c::DELIVERY_ID;
    let sql = format!("SELECT {delivery}, sum({summed}) FROM checked {condition} GROUP BY {delivery}");
    let parse = |row: Vec<String>| match row.as_slice() {
        [delivery, rows] => match rows.parse() {
            Ok(rows) => Ok((delivery.clone(), rows)),
            Err(error) => {
                Err(Error::query(format!("rows of delivery {delivery} in `{}`", table.name), error))
            }
        },
        _ => Err(Error::corrupt("a sum by delivery has other columns")),
    };
    answer(&provider, &sql, resources).await?.into_iter().map(parse).collect()
}
