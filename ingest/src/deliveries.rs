//! What the ledger holds of each delivery, and how a delivery leaves it.
//!
//! A delivery is removed table by table, each in one commit, as it came. `objects` goes first, since its rows say that
//! the delivery is complete: killed in between, an import of it does the whole work again, a removal does the rest, and
//! `airshed verify` tells of it until then. `billing_lines`, which readers take as the truth, goes next. Older versions
//! of the tables keep what they held, so that runs of the past can still be repeated.

use std::collections::{BTreeMap, BTreeSet};

use airshed_domain::{
    id::DeliveryId,
    schema::{self, Table, column as c},
};
use airshed_lake::{DataFile, Lake};
use datafusion::prelude::lit;

use crate::{
    error::{Context as _, Error, Result},
    import::fingerprint::{UTILIZATION_FORMAT, texts},
    utilization,
};

/// Recorded in the commits.
const OPERATION: &str = "remove delivery";

/// What the ledger holds of one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldDelivery {
    /// The delivery.
    pub id: DeliveryId,
    /// Whether it measures utilisation; else it bills.
    pub is_utilization: bool,
    /// Its object, or the folder that holds all of them; nothing when its import or removal was broken off.
    pub source: Option<String>,
    /// Objects that were read.
    pub objects: usize,
    /// Billing periods of its rows.
    pub periods: BTreeSet<String>,
    /// Rows that were read, rejects included.
    pub rows: u64,
    /// Billing lines, measurements and figures of the provider in the ledger.
    pub held: u64,
    /// Rejected rows.
    pub rejects: u64,
    /// When it was imported last, RFC 3339 in UTC; nothing when its import or removal was broken off.
    pub imported_at: Option<String>,
}

impl HeldDelivery {
    fn new(id: &str) -> Self {
        Self {
            id: DeliveryId::new(id),
            is_utilization: false,
            source: None,
            objects: 0,
            periods: BTreeSet::new(),
            rows: 0,
            held: 0,
            rejects: 0,
            imported_at: None,
        }
    }
}

/// Every delivery that the ledger holds something of, in the order of their sources.
pub async fn deliveries(lake: &Lake) -> Result<Vec<HeldDelivery>> {
    let mut found: BTreeMap<String, HeldDelivery> = BTreeMap::new();
    let columns = [c::DELIVERY_ID, c::OBJECT_URI, c::OBJECT_FORMAT, c::OBJECT_ROWS, c::IMPORTED_AT];
    for [id, uri, format, rows, imported_at] in texts(lake, &schema::objects(), lit(true), columns).await? {
        let delivery = found.entry(id).or_insert_with_key(|id| HeldDelivery::new(id));
        delivery.is_utilization = format == UTILIZATION_FORMAT;
        delivery.source = Some(match delivery.source.take() {
            Some(source) => common_folder(&source, &uri),
            None => uri,
        });
        delivery.objects += 1;
        delivery.rows += rows.parse::<u64>().map_err(|e| Error::bug("rows of an object").caused_by(e))?;
        delivery.imported_at = delivery.imported_at.take().max(Some(imported_at));
    }
    for table in tables() {
        let context = || format!("cannot list the files of `{}`", table.name);
        let Some(open) = lake.existing_table(&table).await.context(context)? else { continue };
        for file in open.files().context(context)? {
            let Some(id) = holder(&table, &file) else { continue };
            let delivery = found.entry(id.to_owned()).or_insert_with_key(|id| HeldDelivery::new(id));
            delivery.is_utilization |= table.name == schema::utilization().name;
            delivery.periods.extend(file.partition.get(c::PERIOD).cloned());
            if table.name == schema::rejects().name {
                delivery.rejects += file.rows;
            } else if table.name != schema::line_sources().name && table.name != schema::objects().name {
                delivery.held += file.rows;
            }
        }
    }
    let mut deliveries: Vec<_> = found.into_values().collect();
    deliveries.sort_by(|a, b| (&a.source, &a.id).cmp(&(&b.source, &b.id)));
    Ok(deliveries)
}

/// Takes a delivery out of every table. Returns whether the ledger held anything of it.
pub async fn remove_delivery(lake: &Lake, delivery: &DeliveryId) -> Result<bool> {
    let mut changed = false;
    for table in tables() {
        let context = || format!("cannot remove delivery {delivery} from `{}`", table.name);
        let Some(mut open) = lake.existing_table(&table).await.context(context)? else { continue };
        let is_of_delivery = |file: &DataFile| holder(&table, file) == Some(delivery.as_str());
        changed |= open.replace(&is_of_delivery, &[], OPERATION).await.context(context)?;
    }
    Ok(changed)
}

/// The tables that hold something of deliveries, in the order in which they are left.
fn tables() -> [Table; 6] {
    [
        schema::objects(),
        schema::billing_lines(),
        schema::utilization(),
        schema::line_sources(),
        schema::rejects(),
        schema::provider_reported(),
    ]
}

/// The delivery that a file is of; nothing for files of collectors.
fn holder<'a>(table: &Table, file: &'a DataFile) -> Option<&'a str> {
    if table.name == schema::utilization().name {
        return utilization::delivery_of_file(file);
    }
    let delivery = file.partition.get(c::DELIVERY_ID).map(String::as_str);
    delivery.filter(|id| !id.starts_with(schema::COLLECTED_PREFIX))
}

/// The innermost folder of both; of a folder and something in it, the folder.
fn common_folder(a: &str, b: &str) -> String {
    let same = a.split('/').zip(b.split('/')).take_while(|(a, b)| a == b);
    same.map(|(part, _)| part).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests;
