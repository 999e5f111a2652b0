//! What an object's bytes are known by, and which of them the ledger holds.
//!
//! A local file is known by the SHA-256 of its bytes. An object of a store is known by its entity tag and size, as
//! `etag:<tag>:<size>`, because hashing it would mean to fetch it twice; equal tags and sizes mean equal bytes, the
//! other way round is not sure, and then the object is read once more than needed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read as _,
    path::Path,
};

use airshed_domain::{
    id::{BatchId, DeliveryId},
    schema::{self, Table, column as c},
};
use airshed_lake::Lake;
use arrow::{
    array::{AsArray as _, StringArray},
    compute::cast,
    datatypes::DataType,
};
use datafusion::{
    error::DataFusionError,
    prelude::{Expr, SessionContext, col, lit},
};
use futures::{StreamExt as _, TryStreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::Duplicate;
use crate::{
    discover::{DataObject, Delivery, IgnoreReason, IgnoredObject},
    error::{Context as _, Error, Result},
};

/// Raised when the same objects would give other lines, so that they are read anew.
const IMPORTER_VERSION: u32 = 1;
/// Format of utilisation files in the `objects` table.
pub(crate) const UTILIZATION_FORMAT: &str = "utilization";
/// Hex digits of a batch id.
const BATCH_ID_DIGITS: usize = 16;
/// Bytes read at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// The fingerprint of each object, in order.
pub(crate) async fn fingerprints(
    objects: &[DataObject],
    threads: usize,
    cancel: &CancellationToken,
) -> Result<Vec<String>> {
    let one = |object: DataObject| {
        let cancel = cancel.clone();
        async move {
            match object.local {
                None => Ok(format!("etag:{}:{}", object.version_tag.trim_matches('"'), object.size_bytes)),
                Some(file) => tokio::task::spawn_blocking(move || sha256(&file, &cancel))
                    .await
                    .context(|| "hashing a file was broken off".to_owned())?
                    .map_err(|error| error.on(&object.uri)),
            }
        }
    };
    futures::stream::iter(objects.to_vec()).map(one).buffered(threads.max(1)).try_collect().await
}

fn sha256(file: &Path, cancel: &CancellationToken) -> Result<String> {
    let context = || "cannot read the object".to_owned();
    let mut file = File::open(file).context(context)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        if cancel.is_cancelled() {
            return Err(Error::cancelled());
        }
        match file.read(&mut chunk).context(context)? {
            0 => return Ok(crate::hex(&hash.finalize())),
            length => hash.update(&chunk[..length]),
        }
    }
}

/// The id of a reading of these objects: equal for equal names and bytes, whatever their order.
pub(crate) fn batch_id(delivery: &DeliveryId, objects: &[(DataObject, String)]) -> BatchId {
    let named: BTreeMap<&str, &str> =
        objects.iter().map(|(object, fingerprint)| (object.name.as_str(), fingerprint.as_str())).collect();
    let mut hash = Sha256::new();
    hash.update(format!("airshed import {IMPORTER_VERSION}\n{delivery}\n"));
    for (name, fingerprint) in named {
        hash.update(format!("{name}\0{fingerprint}\n"));
    }
    let mut hex = crate::hex(&hash.finalize());
    hex.truncate(BATCH_ID_DIGITS);
    BatchId::new(hex)
}

/// Columns of text of the rows of a table that fit; nothing when the table does not exist.
pub(crate) async fn texts<const N: usize>(
    lake: &Lake,
    table: &Table,
    fits: Expr,
    columns: [&str; N],
) -> Result<Vec<[String; N]>> {
    let context = || "cannot read what the ledger holds".to_owned();
    let Some(open) = lake.existing_table(table).await.context(context)? else { return Ok(Vec::new()) };
    let bug = |error: DataFusionError| Error::bug(context()).caused_by(error);
    let provider = open.provider(&|_| true).await.context(context)?;
    let frame = SessionContext::new().read_table(provider).and_then(|frame| frame.filter(fits));
    let frame = frame.and_then(|frame| frame.select_columns(&columns)).map_err(bug)?;
    let mut rows = Vec::new();
    for batch in frame.collect().await.map_err(bug)? {
        let columns = batch
            .columns()
            .iter()
            .map(|column| cast(column, &DataType::Utf8).context(context))
            .collect::<Result<Vec<_>>>()?;
        rows.extend((0..batch.num_rows()).map(|row| {
            std::array::from_fn(|column| {
                let column: &StringArray = columns[column].as_string();
                column.value(row).to_owned()
            })
        }));
    }
    Ok(rows)
}

/// What objects hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holding {
    /// Billing rows, or the provider's own figures.
    Billing,
    /// Measured utilisation.
    Utilization,
}

/// The objects that the ledger holds: fingerprint to the deliveries and URIs that brought it.
pub(crate) struct KnownObjects {
    objects: BTreeMap<String, BTreeSet<(DeliveryId, String)>>,
    batches: BTreeSet<(DeliveryId, BatchId)>,
    /// Objects that were rejected, whole or from some place on.
    unreadable: BTreeSet<(DeliveryId, String)>,
}

impl KnownObjects {
    /// Objects of billing exports, or, when asked for, of utilisation files: the two do not know of each other.
    pub(crate) async fn load(lake: &Lake, holding: Holding) -> Result<Self> {
        let mut this =
            Self { objects: BTreeMap::new(), batches: BTreeSet::new(), unreadable: BTreeSet::new() };
        let format = col(c::OBJECT_FORMAT);
        let held = match holding {
            Holding::Billing => format.not_eq(lit(UTILIZATION_FORMAT)),
            Holding::Utilization => format.eq(lit(UTILIZATION_FORMAT)),
        };
        let columns = [c::OBJECT_SHA256, c::OBJECT_URI, c::DELIVERY_ID, c::BATCH_ID];
        for [fingerprint, uri, delivery, batch] in texts(lake, &schema::objects(), held, columns).await? {
            let delivery = DeliveryId::new(delivery);
            this.objects.entry(fingerprint).or_default().insert((delivery.clone(), uri));
            this.batches.insert((delivery, BatchId::new(batch)));
        }
        let of_object = col(c::ROW_NUMBER).lt(lit(0));
        for [delivery, uri] in
            texts(lake, &schema::rejects(), of_object, [c::DELIVERY_ID, c::OBJECT_URI]).await?
        {
            this.unreadable.insert((DeliveryId::new(delivery), uri));
        }
        Ok(this)
    }

    /// Objects of the delivery that could not be read, or not to their end.
    pub(crate) fn unreadable(&self, delivery: &DeliveryId) -> impl Iterator<Item = &str> {
        self.unreadable.iter().filter(move |(of, _)| of == delivery).map(|(_, uri)| uri.as_str())
    }

    /// Whether this reading of the delivery is complete in the ledger.
    pub(crate) fn holds_batch(&self, delivery: &DeliveryId, batch: &BatchId) -> bool {
        self.batches.contains(&(delivery.clone(), batch.clone()))
    }

    /// Objects of a complete delivery that are not in the ledger, as they hold no billing rows.
    pub(crate) fn not_billing<'a>(
        &'a self,
        delivery: &'a DeliveryId,
        objects: &'a [(DataObject, String)],
    ) -> impl Iterator<Item = IgnoredObject> + 'a {
        let is_held = move |fingerprint: &str, uri: &str| {
            let holders = self.objects.get(fingerprint).into_iter().flatten();
            holders.into_iter().any(|(holder, held)| holder == delivery && held == uri)
        };
        let others = objects.iter().filter(move |(object, fingerprint)| !is_held(fingerprint, &object.uri));
        others.map(|(object, _)| IgnoredObject { uri: object.uri.clone(), reason: IgnoreReason::NotBilling })
    }

    /// Whether the ledger holds any reading of the delivery.
    pub(crate) fn holds_delivery(&self, delivery: &DeliveryId) -> bool {
        self.batches.iter().any(|(known, _)| known == delivery)
    }

    /// The objects to read, with their fingerprints, and those that another delivery, or an object before them in this
    /// one, brought already.
    pub(crate) fn split(
        &self,
        delivery: &DeliveryId,
        objects: &[DataObject],
        fingerprints: &[String],
    ) -> (Vec<(DataObject, String)>, Vec<Duplicate>) {
        let mut kept: Vec<(DataObject, String)> = Vec::new();
        let mut duplicates = Vec::new();
        let mut here: BTreeMap<&str, &str> = BTreeMap::new();
        for (object, fingerprint) in objects.iter().zip(fingerprints) {
            let elsewhere = self
                .objects
                .get(fingerprint)
                .and_then(|holders| holders.iter().find(|(holder, _)| holder != delivery))
                .map(|(_, uri)| uri.as_str());
            if let Some(first) = elsewhere.or_else(|| here.get(fingerprint.as_str()).copied()) {
                duplicates.push(Duplicate { uri: object.uri.clone(), duplicate_of: first.to_owned() });
            } else {
                here.insert(fingerprint, &object.uri);
                kept.push((object.clone(), fingerprint.clone()));
            }
        }
        (kept, duplicates)
    }

    /// Whether nobody holds the bytes of one of the objects that were left out of the delivery as duplicates: their
    /// holder gave them up after the delivery was looked at.
    pub(crate) fn lacks_duplicates(
        &self,
        delivery: &Delivery,
        fingerprints: &[String],
        duplicates: &[Duplicate],
    ) -> bool {
        let is_duplicate =
            |object: &DataObject| duplicates.iter().any(|duplicate| duplicate.uri == object.uri);
        delivery.objects.iter().zip(fingerprints).any(|(object, fingerprint)| {
            self.objects.get(fingerprint).is_none_or(BTreeSet::is_empty) && is_duplicate(object)
        })
    }

    /// Where the objects of a delivery came from.
    pub(crate) fn uris(&self, delivery: &DeliveryId) -> impl Iterator<Item = &str> {
        let holders = self.objects.values().flatten();
        holders.filter(move |(holder, _)| holder == delivery).map(|(_, uri)| uri.as_str())
    }

    /// Notes that the delivery now holds these objects and no others.
    pub(crate) fn replace(
        &mut self,
        delivery: &DeliveryId,
        batch: &BatchId,
        objects: &[(DataObject, String)],
    ) {
        self.batches.retain(|(known, _)| known != delivery);
        self.batches.insert((delivery.clone(), batch.clone()));
        for holders in self.objects.values_mut() {
            holders.retain(|(holder, _)| holder != delivery);
        }
        for (object, fingerprint) in objects {
            self.objects
                .entry(fingerprint.clone())
                .or_default()
                .insert((delivery.clone(), object.uri.clone()));
        }
    }
}
