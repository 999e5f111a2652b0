//! Which deliveries an input holds.
//!
//! An input is a folder, a file or an S3 prefix, laid out by AWS Data Exports, legacy Cost and Usage Reports, Azure or
//! FOCUS exports, or by hand. A delivery is the folder of one billing period of one export: it is delivered, and
//! replaced, as one thing. Its id is a hash of its URI.
//!
//! Where there is a manifest, only the files that it lists belong; the latest manifest of the period wins. Without one
//! every data file of the folder belongs, save that of several version folders only the latest counts. What is left
//! out is listed with the reason, so that nothing is dropped in silence.

mod layout;
pub(crate) mod listing;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use airshed_domain::id::DeliveryId;
use airshed_lake::{Location, StoreOptions};
use object_store::{ObjectMeta, path::Path};
use sha2::{Digest as _, Sha256};
use url::Url;

use self::layout::{Place, VersionRank};
use crate::{
    error::{Context as _, Error, Result},
    manifest::{Manifest, is_manifest_name},
};

/// Hex digits of a delivery id.
const DELIVERY_ID_DIGITS: usize = 12;
/// Endings of the files that may hold billing rows.
const DATA_ENDINGS: &[&str] = &[".parquet", ".csv", ".csv.gz"];

/// What an input holds.
#[derive(Debug)]
pub struct Discovery {
    /// The deliveries, in the order of their URIs.
    pub deliveries: Vec<Delivery>,
    /// What is left out, in the order of the URIs.
    pub ignored: Vec<IgnoredObject>,
}

/// The folder of one billing period of one export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The first 12 hex digits of the SHA-256 of `uri`.
    pub id: DeliveryId,
    /// Canonical URI of the folder, or of the file where a single file was given.
    pub uri: String,
    /// Its objects, in the order of their names.
    pub objects: Vec<DataObject>,
    /// Files that the manifest lists and that are not there. Such a delivery must not be imported.
    pub missing: Vec<String>,
}

/// One file of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataObject {
    /// Path below the delivery's folder, or the whole path where it stands elsewhere.
    pub name: String,
    /// Where it is.
    pub uri: String,
    /// Where it is in its store.
    pub path: Path,
    /// Its file, when the store is the local file system.
    pub local: Option<PathBuf>,
    /// Size in bytes.
    pub size_bytes: u64,
    /// The store's tag of its content (S3), or its time of change where there is no tag.
    pub version_tag: String,
    /// The store's tag of this version, where it has tags: reads ask for no other version.
    pub e_tag: Option<String>,
}

/// An object that is left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IgnoredObject {
    /// Where it is.
    pub uri: String,
    /// Why it is left out.
    pub reason: IgnoreReason,
}

/// Why an object is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IgnoreReason {
    /// Its name is not that of a Parquet or CSV file.
    NotData,
    /// It is, or is in, a folder whose name starts with a dot or an underscore.
    Hidden,
    /// It is a manifest.
    Manifest,
    /// It belongs to a Delta table.
    DeltaTable,
    /// The manifest of its period does not list it.
    NotInManifest,
    /// A later version of the same period stands beside it.
    Superseded,
    /// Its columns are not those of a billing export.
    NotBilling,
}

impl IgnoreReason {
    /// The reason as people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotData => "not a Parquet or CSV file",
            Self::Hidden => "hidden",
            Self::Manifest => "a manifest",
            Self::DeltaTable => "part of a Delta table",
            Self::NotInManifest => "not in the manifest",
            Self::Superseded => "superseded by a later version",
            Self::NotBilling => "not a billing export",
        }
    }
}

impl std::fmt::Display for IgnoreReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Opens an input given as a local path, a `file://` URL or an `s3://bucket/prefix` URI. Symbolic links of a local
/// path are followed, so that one folder has one delivery id.
pub fn open_input(text: &str, options: &StoreOptions) -> Result<Location> {
    let context = || format!("cannot open input `{text}`");
    let path = match text.split_once("://") {
        None => PathBuf::from(text),
        Some(("file", _)) => Url::parse(text)
            .map_err(|error| Error::input(context()).caused_by(error))?
            .to_file_path()
            .map_err(|()| Error::input(format!("`{text}` does not name a local path")))?,
        Some(_) => return Location::parse(text, options).context(context),
    };
    let canonical = std::fs::canonicalize(&path).context(context)?;
    let url = Url::from_file_path(&canonical)
        .map_err(|()| Error::input(format!("`{}` is not a usable path", canonical.display())))?;
    Location::parse(url.as_str(), options).context(context)
}

/// Lists an input into deliveries.
///
/// # Errors
/// [`ErrorKind::Input`](crate::ErrorKind::Input) when there is nothing at all at the location,
/// [`ErrorKind::Retry`](crate::ErrorKind::Retry) when the store fails.
pub async fn discover(location: &Location) -> Result<Discovery> {
    let listing = listing::list(location).await?;
    let mut plan = Plan::new(location, &listing);
    let mut manifests = Vec::new();
    for object in &listing.objects {
        if plan.admits(object) && is_manifest_name(object.location.filename().unwrap_or_default()) {
            plan.ignore(object, IgnoreReason::Manifest);
            let bytes = listing::read(location, object).await?;
            manifests.extend(Manifest::parse(&bytes).map(|manifest| (object, manifest)));
        }
    }
    Ok(plan.finish(manifests))
}

/// The id of the delivery at a canonical URI.
fn delivery_id(uri: &str) -> DeliveryId {
    let mut hex = crate::hex(&Sha256::digest(uri.as_bytes()));
    hex.truncate(DELIVERY_ID_DIGITS);
    DeliveryId::new(hex)
}

/// Sorts a listing into deliveries and the rest.
struct Plan<'a> {
    location: &'a Location,
    listing: &'a listing::Listing,
    delta_tables: BTreeSet<&'a str>,
    ignored: BTreeSet<IgnoredObject>,
}

/// The files of a delivery's folder, sorted out by manifests.
#[derive(Default)]
struct Listed {
    files: BTreeSet<String>,
    missing: Vec<String>,
}

impl<'a> Plan<'a> {
    fn new(location: &'a Location, listing: &'a listing::Listing) -> Self {
        let delta_tables = listing
            .objects
            .iter()
            .filter_map(|object| object.location.as_ref().split_once("_delta_log/").map(|(table, _)| table))
            .collect();
        Self { location, listing, delta_tables, ignored: BTreeSet::new() }
    }

    fn ignore(&mut self, object: &ObjectMeta, reason: IgnoreReason) {
        self.ignored.insert(IgnoredObject { uri: self.location.uri_of(&object.location), reason });
    }

    /// Whether an object may be data or manifest; if not, it is noted as left out.
    fn admits(&mut self, object: &ObjectMeta) -> bool {
        let path = object.location.as_ref();
        let below_root = path.strip_prefix(self.location.path.as_ref()).unwrap_or(path);
        let name = object.location.filename().unwrap_or_default().to_ascii_lowercase();
        let is_data = DATA_ENDINGS.iter().any(|ending| name.ends_with(ending));
        let reason = if self.listing.single_file {
            (!is_data).then_some(IgnoreReason::NotData)
        } else if self.delta_tables.iter().any(|table| path.starts_with(table)) {
            Some(IgnoreReason::DeltaTable)
        } else if below_root.split('/').any(|part| part.starts_with('.') || part.starts_with('_')) {
            Some(IgnoreReason::Hidden)
        } else if !is_data && !is_manifest_name(&name) {
            Some(IgnoreReason::NotData)
        } else {
            None
        };
        if let Some(reason) = reason {
            self.ignore(object, reason);
        }
        reason.is_none()
    }

    fn finish(mut self, manifests: Vec<(&'a ObjectMeta, Manifest)>) -> Discovery {
        let data: Vec<&ObjectMeta> = self
            .listing
            .objects
            .iter()
            .filter(|object| !is_manifest_name(object.location.filename().unwrap_or_default()))
            .filter(|object| self.admits(object))
            .collect();
        let mut listed = listed_files(manifests, &data);
        let mut folders: BTreeMap<String, Vec<(&ObjectMeta, Place)>> = BTreeMap::new();
        for object in data {
            let place = if self.listing.single_file {
                Place::single(object.location.as_ref())
            } else {
                Place::of(object.location.as_ref())
            };
            folders.entry(place.folder.clone()).or_default().push((object, place));
        }
        for folder in listed.keys() {
            folders.entry(folder.clone()).or_default();
        }
        let mut deliveries = Vec::new();
        for (folder, objects) in folders {
            let by_manifest = listed.remove(&folder);
            let kept = match &by_manifest {
                Some(listed) => self.keep_listed(objects, listed),
                None => self.keep_latest(objects),
            };
            let uri = self.location.uri_of(&folder.split('/').collect::<Path>());
            let missing = by_manifest.map_or_else(Vec::new, |listed| listed.missing);
            if kept.is_empty() && missing.is_empty() {
                continue;
            }
            let objects = kept.into_iter().map(|object| self.data_object(object, &folder)).collect();
            deliveries.push(Delivery { id: delivery_id(&uri), uri, objects, missing });
        }
        deliveries.sort_by(|a, b| a.uri.cmp(&b.uri));
        Discovery { deliveries, ignored: self.ignored.into_iter().collect() }
    }

    fn keep_listed(&mut self, objects: Vec<(&'a ObjectMeta, Place)>, listed: &Listed) -> Vec<&'a ObjectMeta> {
        let (kept, rest): (Vec<_>, Vec<_>) =
            objects.into_iter().partition(|(object, _)| listed.files.contains(object.location.as_ref()));
        for (object, _) in rest {
            self.ignore(object, IgnoreReason::NotInManifest);
        }
        kept.into_iter().map(|(object, _)| object).collect()
    }

    /// Of several version folders only the latest counts; files that stand in no version folder are older than all.
    fn keep_latest(&mut self, objects: Vec<(&'a ObjectMeta, Place)>) -> Vec<&'a ObjectMeta> {
        let rank = |(object, place): &(&ObjectMeta, Place)| {
            place.version_folder().map(|name| VersionRank::new(name, object.last_modified.timestamp_millis()))
        };
        let latest = objects
            .iter()
            .filter_map(|entry| Some((rank(entry)?, entry.1.version_folder()?.to_owned())))
            .max()
            .map(|(_, name)| name);
        let Some(latest) = latest else {
            return objects.into_iter().map(|(object, _)| object).collect();
        };
        let (kept, rest): (Vec<_>, Vec<_>) =
            objects.into_iter().partition(|(_, place)| place.version_folder() == Some(latest.as_str()));
        for (object, _) in rest {
            self.ignore(object, IgnoreReason::Superseded);
        }
        kept.into_iter().map(|(object, _)| object).collect()
    }

    fn data_object(&self, object: &ObjectMeta, folder: &str) -> DataObject {
        let path = object.location.as_ref();
        let name = path
            .strip_prefix(folder)
            .map(|rest| rest.trim_start_matches('/'))
            .filter(|rest| !rest.is_empty());
        DataObject {
            name: name.unwrap_or(path).to_owned(),
            uri: self.location.uri_of(&object.location),
            path: object.location.clone(),
            local: listing::local_file(self.location, &object.location),
            size_bytes: object.size,
            version_tag: object.e_tag.clone().unwrap_or_else(|| object.last_modified.to_rfc3339()),
            e_tag: object.e_tag.clone(),
        }
    }
}

/// For each delivery's folder the files that its latest manifest lists.
fn listed_files(manifests: Vec<(&ObjectMeta, Manifest)>, data: &[&ObjectMeta]) -> BTreeMap<String, Listed> {
    let existing: BTreeSet<&str> = data.iter().map(|object| object.location.as_ref()).collect();
    // One manifest for each period folder and manifest name: the latest.
    let mut latest: BTreeMap<(String, String), (VersionRank, &ObjectMeta, Manifest)> = BTreeMap::new();
    for (object, manifest) in manifests {
        let place = Place::of(object.location.as_ref());
        let rank = VersionRank::of_manifest(&place, object.last_modified.timestamp_millis());
        let key = (place.folder, place.name);
        let is_later = latest.get(&key).is_none_or(|(known, other, _)| {
            (&rank, object.location.as_ref()) > (known, other.location.as_ref())
        });
        if is_later {
            latest.insert(key, (rank, object, manifest));
        }
    }
    let mut folders: BTreeMap<String, Listed> = BTreeMap::new();
    for ((manifest_folder, _), (_, object, manifest)) in latest {
        let path = object.location.as_ref();
        let own_folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let (found, missing): (Vec<_>, Vec<_>) =
            manifest.resolve(own_folder, &existing).into_iter().partition(Result::is_ok);
        let found: Vec<String> = found.into_iter().filter_map(Result::ok).collect();
        let missing: Vec<String> = missing.into_iter().filter_map(Result::err).collect();
        let folder = match found.first() {
            Some(file) => Place::of(file).folder,
            None => layout::data_folder_of(&manifest_folder),
        };
        let listed = folders.entry(folder).or_default();
        listed.files.extend(found);
        listed.missing.extend(missing);
    }
    folders
}

#[cfg(test)]
mod tests;
