//! One Delta table: what it holds now, and how that changes.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use airshed_domain::schema::Table;
use arrow::datatypes::{Field, Schema};
use datafusion::{catalog::TableProvider, prelude::SessionContext};
use deltalake::{
    DeltaTable, DeltaTableBuilder, DeltaTableError,
    kernel::{
        Action, Add, StructType, Transaction,
        engine::arrow_conversion::TryIntoKernel as _,
        transaction::{CommitBuilder, CommitProperties},
    },
    operations::create::CreateBuilder,
    protocol::{DeltaOperation, SaveMode},
};
use object_store::{ObjectStoreExt as _, PutPayload, path::Path};

use crate::{
    bounds::{self, Bounds},
    data_file::{DataFile, EncodedFile, is_content_hash},
    error::{Context as _, Error, Result},
    location::Location,
    log_store,
};

/// Values of some or all partition columns.
pub type PartitionValues = BTreeMap<String, String>;

/// Says which files of a table to read.
pub type FileFilter<'a> = dyn Fn(&DataFile) -> bool + Send + Sync + 'a;

/// A table of the lake, at the version it had when it was opened or last published to.
#[derive(Debug, Clone)]
pub struct LakeTable {
    table: Table,
    location: Location,
    delta: DeltaTable,
}

impl LakeTable {
    pub(crate) async fn open(location: Location, table: &Table) -> Result<Option<Self>> {
        let delta = handle(&location).context(|| format!("cannot open table `{}`", table.name))?;
        let exists = delta
            .verify_deltatable_existence()
            .await
            .context(|| format!("cannot look for table `{}`", table.name))?;
        if !exists {
            return Ok(None);
        }
        let mut this = Self { table: table.clone(), location, delta };
        this.refresh().await?;
        Ok(Some(this))
    }

    pub(crate) async fn open_or_create(location: Location, table: &Table) -> Result<Self> {
        loop {
            if let Some(open) = Self::open(location.clone(), table).await? {
                return Ok(open);
            }
            match create(&location, table).await {
                Ok(()) => {}
                // Another process may have created it in between: then it opens now.
                Err(error) => {
                    return Self::open(location, table).await?.ok_or(error);
                }
            }
        }
    }

    /// The table's description.
    pub fn description(&self) -> &Table {
        &self.table
    }

    /// The version this handle reads.
    pub fn version(&self) -> u64 {
        self.delta.version().unwrap_or_default()
    }

    /// Moves to the newest version.
    pub async fn refresh(&mut self) -> Result<()> {
        self.delta.load().await.context(|| format!("cannot read table `{}`", self.table.name))
    }

    /// Moves to a version of the past.
    pub async fn at_version(&self, version: u64) -> Result<Self> {
        let mut delta = self.delta.clone();
        delta
            .load_version(version)
            .await
            .context(|| format!("cannot read version {version} of table `{}`", self.table.name))?;
        Ok(Self { table: self.table.clone(), location: self.location.clone(), delta })
    }

    /// The files of this version, in the order of their paths.
    pub fn files(&self) -> Result<Vec<DataFile>> {
        let snapshot =
            self.delta.snapshot().context(|| format!("table `{}` is not loaded", self.table.name))?;
        let mut files = snapshot
            .log_data()
            .iter()
            .map(|view| {
                let rows = view.num_records().ok_or_else(|| {
                    Error::corrupt(format!("a file of `{}` has no row count", self.table.name))
                })?;
                Ok(DataFile {
                    path: view.path().into_owned(),
                    size: u64::try_from(view.size()).unwrap_or_default(),
                    rows: rows as u64,
                    partition: view
                        .partition_values_map()
                        .into_iter()
                        .filter_map(|(name, value)| Some((name, value?)))
                        .collect(),
                    bounds: view.stats().map(|stats| Bounds::of_stats(&stats)).unwrap_or_default(),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// The files of this version in one (part of a) partition, in the order of their paths.
    pub fn partition_files(&self, partition: &PartitionValues) -> Result<Vec<DataFile>> {
        Ok(self.files()?.into_iter().filter(|file| within(file, partition)).collect())
    }

    /// Puts a file into the table's folder. It is not part of the table until it is published.
    ///
    /// `name` comes before the hash in the file's name: `part-00000` gives `part-00000-<hash>.parquet`.
    pub async fn put(&self, partition: &PartitionValues, name: &str, file: EncodedFile) -> Result<DataFile> {
        let (path, target) = self.place(partition, name, file.content_hash())?;
        let size = file.bytes.len() as u64;
        self.location
            .store
            .put(&target, PutPayload::from(file.bytes))
            .await
            .context(|| format!("cannot write `{target}`"))?;
        Ok(DataFile { path, size, rows: file.rows, partition: partition.clone(), bounds: file.bounds })
    }

    /// The file that another process [`put`](Self::put), by the hash of its content; nothing when it is not there. Of its
    /// bytes the footer is read.
    pub async fn put_elsewhere(
        &self,
        partition: &PartitionValues,
        name: &str,
        content_hash: &str,
        rows: u64,
    ) -> Result<Option<DataFile>> {
        if !is_content_hash(content_hash) {
            return Err(Error::corrupt(format!("`{content_hash}` is not the hash of a file")));
        }
        let (path, target) = self.place(partition, name, content_hash)?;
        let size = match self.location.store.head(&target).await {
            Ok(found) => found.size,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error).context(|| format!("cannot look for `{target}`")),
        };
        let bounds = bounds::of_file(&self.location.store, &target, size).await?;
        Ok(Some(DataFile { path, size, rows, partition: partition.clone(), bounds }))
    }

    /// Where a file of a partition goes: below the table's folder, and in the store.
    fn place(&self, partition: &PartitionValues, name: &str, content_hash: &str) -> Result<(String, Path)> {
        let folder = self
            .table
            .partition_columns()
            .into_iter()
            .map(|column| {
                partition.get(column).map(|value| format!("{column}={value}/")).ok_or_else(|| {
                    Error::corrupt(format!("`{}` needs partition `{column}`", self.table.name))
                })
            })
            .collect::<Result<String>>()?;
        let path = format!("{folder}{name}-{content_hash}.parquet");
        let target = Path::parse(format!("{}/{path}", self.location.path))
            .map_err(|e| Error::corrupt(format!("`{path}` is not a path: {e}")))?;
        Ok((path, target))
    }

    /// Makes `files` the whole content of a (part of a) partition, in one atomic commit.
    ///
    /// When the partition already holds just these files nothing is committed, so a repeated call is harmless.
    /// Returns whether the table changed.
    pub async fn replace_partition(
        &mut self,
        partition: &PartitionValues,
        files: &[DataFile],
        operation: &str,
    ) -> Result<bool> {
        self.replace(&|file| within(file, partition), files, operation).await
    }

    /// Makes `files` the whole of what `selected` accepts, in one atomic commit; as [`Self::replace_partition`].
    pub async fn replace(
        &mut self,
        selected: &FileFilter<'_>,
        files: &[DataFile],
        operation: &str,
    ) -> Result<bool> {
        self.refresh().await?;
        self.replace_in_place(selected, files, Vec::new(), operation).await
    }

    /// As [`Self::replace`], of the version that this handle reads. When another writer that names the same sequence has
    /// committed since, it is refused with [`crate::ErrorKind::Retry`] and nothing changes: what was decided from that
    /// version holds, or has no effect.
    pub async fn replace_in_sequence(
        &mut self,
        selected: &FileFilter<'_>,
        files: &[DataFile],
        sequence: &str,
        operation: &str,
    ) -> Result<bool> {
        let last = self.last_number(sequence).await?;
        let next = Transaction::new(sequence, last.map_or(1, |last| last + 1));
        self.replace_in_place(selected, files, vec![next], operation).await
    }

    async fn replace_in_place(
        &mut self,
        selected: &FileFilter<'_>,
        files: &[DataFile],
        transactions: Vec<Transaction>,
        operation: &str,
    ) -> Result<bool> {
        let current: Vec<DataFile> = self.files()?.into_iter().filter(|file| selected(file)).collect();
        let is_new = |file: &&DataFile| !current.iter().any(|c| c.path == file.path);
        let is_gone = |file: &&DataFile| !files.iter().any(|f| f.path == file.path);
        let added: Vec<_> = files.iter().filter(is_new).collect();
        let removed: Vec<_> = current.iter().filter(is_gone).collect();
        if added.is_empty() && removed.is_empty() {
            return Ok(false);
        }
        let changes = Changes { added: &added, removed: &removed, data_change: true };
        self.commit(changes, transactions, operation).await
    }

    /// Puts the rows of `old` into `new`, in one atomic commit, of the version that this handle reads. Writers that add or
    /// replace other files are not disturbed.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Retry`] when another writer that names the same sequence has committed since, or removed files
    /// of the table; nothing changes then.
    pub async fn rewrite_in_sequence(
        &mut self,
        old: &[DataFile],
        new: &[DataFile],
        sequence: &str,
        operation: &str,
    ) -> Result<()> {
        let last = self.last_number(sequence).await?;
        let next = Transaction::new(sequence, last.map_or(1, |last| last + 1));
        let (old, new): (Vec<_>, Vec<_>) = (old.iter().collect(), new.iter().collect());
        // Where files are said to hold no other data than before, an append from an older version is not refused.
        let changes = Changes { added: &new, removed: &old, data_change: false };
        self.commit(changes, vec![next], operation).await.map(drop)
    }

    /// Adds one file to a table that only grows. When a file of the same path is there, nothing is committed.
    pub async fn append(&mut self, file: &DataFile, operation: &str) -> Result<bool> {
        self.refresh().await?;
        let known = self.files()?.iter().any(|f| f.path == file.path);
        if known { Ok(false) } else { self.commit(Changes::adding(&[file]), Vec::new(), operation).await }
    }

    /// Adds one file under a number of a sequence. Of two writers that hold the same number, one is refused with
    /// [`crate::ErrorKind::Retry`].
    pub async fn append_numbered(
        &mut self,
        file: &DataFile,
        sequence: &str,
        number: i64,
        operation: &str,
    ) -> Result<()> {
        let taken = self.last_number(sequence).await?;
        if taken.is_some_and(|last| last >= number) {
            return Err(Error::retry(format!("number {number} of `{sequence}` was taken by another writer")));
        }
        let next = Transaction::new(sequence, number);
        self.commit(Changes::adding(&[file]), vec![next], operation).await.map(drop)
    }

    /// The last number of a sequence that this version holds.
    pub async fn last_number(&self, sequence: &str) -> Result<Option<i64>> {
        let context = || format!("cannot read table `{}`", self.table.name);
        let snapshot = self.delta.snapshot().context(context)?;
        snapshot
            .transaction_version(self.delta.log_store().as_ref(), sequence.to_owned())
            .await
            .context(context)
    }

    /// Adds files in one commit, under a number in each of several sequences.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Retry`] when another writer has taken a number of one of the sequences since the version that
    /// this handle reads; nothing changes then.
    pub async fn append_under(
        &mut self,
        files: &[DataFile],
        numbers: &[(String, i64)],
        operation: &str,
    ) -> Result<()> {
        let transactions = numbers.iter().map(|(sequence, number)| Transaction::new(sequence, *number));
        let files: Vec<_> = files.iter().collect();
        self.commit(Changes::adding(&files), transactions.collect(), operation).await.map(drop)
    }

    /// A DataFusion table over the files of this version that `filter` accepts.
    pub async fn provider(&self, filter: &FileFilter<'_>) -> Result<Arc<dyn TableProvider>> {
        let selected: Vec<String> =
            self.files()?.iter().filter(|f| filter(f)).map(|f| f.path.clone()).collect();
        self.delta
            .table_provider()
            .with_file_paths(selected)
            .await
            .context(|| format!("cannot read table `{}`", self.table.name))
    }

    /// Registers the files that `filter` accepts under the table's name.
    pub async fn register(&self, context: &SessionContext, filter: &FileFilter<'_>) -> Result<()> {
        let provider = self.provider(filter).await?;
        context
            .register_table(self.table.name, provider)
            .map(drop)
            .context(|| format!("cannot register table `{}`", self.table.name))
    }

    /// The bytes of a file.
    pub async fn fetch(&self, file: &DataFile) -> Result<bytes::Bytes> {
        let path = self.object_path(file)?;
        let answer = self.location.store.get(&path).await.context(|| format!("cannot read `{path}`"))?;
        answer.bytes().await.context(|| format!("cannot read `{path}`"))
    }

    /// Full path of a file of this table in the lake's store.
    fn object_path(&self, file: &DataFile) -> Result<Path> {
        Path::parse(format!("{}/{}", self.location.path, file.path))
            .map_err(|e| Error::corrupt(format!("`{}` is not a path: {e}", file.path)))
    }

    async fn commit(
        &mut self,
        Changes { added, removed, data_change }: Changes<'_>,
        transactions: Vec<Transaction>,
        operation: &str,
    ) -> Result<bool> {
        if added.is_empty() && removed.is_empty() && transactions.is_empty() {
            return Ok(false);
        }
        let context = || format!("cannot commit to table `{}`", self.table.name);
        let mut actions: Vec<Action> =
            added.iter().map(|file| Action::Add(add_action(file, data_change))).collect();
        let removed: HashSet<&str> = removed.iter().map(|file| file.path.as_str()).collect();
        let snapshot = self.delta.snapshot().context(context)?;
        actions.extend(
            snapshot
                .log_data()
                .iter()
                .filter(|view| removed.contains(view.path().as_ref()))
                .map(|view| Action::Remove(view.remove_action(data_change))),
        );
        let delta_operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(self.table.partition_columns().into_iter().map(str::to_owned).collect()),
            predicate: None,
        };
        let properties = CommitProperties::default()
            .with_application_transactions(transactions)
            .with_metadata([("airshed.operation".to_owned(), serde_json::Value::from(operation))]);
        CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(snapshot), self.delta.log_store(), delta_operation)
            .await
            .context(context)?;
        self.refresh().await?;
        Ok(true)
    }
}

/// What a commit does to the files of a table.
struct Changes<'a> {
    added: &'a [&'a DataFile],
    removed: &'a [&'a DataFile],
    /// Whether rows come or go; else they only stand in other files.
    data_change: bool,
}

impl<'a> Changes<'a> {
    fn adding(added: &'a [&'a DataFile]) -> Self {
        Self { added, removed: &[], data_change: true }
    }
}

fn within(file: &DataFile, partition: &PartitionValues) -> bool {
    partition.iter().all(|(column, value)| file.partition.get(column) == Some(value))
}

/// The URL of a location as a folder, with a slash at the end.
fn directory(location: &Location) -> url::Url {
    let mut url = location.url.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push("");
    }
    url
}

/// delta-rs's handle on a table that may not exist.
fn handle(location: &Location) -> Result<DeltaTable, DeltaTableError> {
    log_store::register(&location.url);
    DeltaTableBuilder::from_url(directory(location))?
        .with_storage_backend(Arc::clone(&location.store), directory(location))
        .build()
}

async fn create(location: &Location, table: &Table) -> Result<()> {
    let context = || format!("cannot create table `{}`", table.name);
    let delta = handle(location).context(context)?;
    let fields = table.columns.iter().map(|column| {
        Field::new(column.name, column.data_type.clone(), column.nullable)
            .with_metadata([("comment".to_owned(), column.comment.to_owned())].into())
    });
    let schema: StructType = (&Schema::new(fields.collect::<Vec<_>>()))
        .try_into_kernel()
        .map_err(|e| Error::corrupt(format!("table `{}` has no Delta schema: {e}", table.name)))?;
    CreateBuilder::new()
        .with_log_store(delta.log_store())
        .with_table_name(table.name)
        .with_comment(table.grain)
        .with_columns(schema.fields().cloned())
        .with_partition_columns(table.partition_columns())
        .await
        .map(drop)
        .context(context)
}

fn add_action(file: &DataFile, data_change: bool) -> Add {
    Add {
        path: file.path.clone(),
        partition_values: file.partition.iter().map(|(k, v)| (k.clone(), Some(v.clone()))).collect(),
        size: i64::try_from(file.size).unwrap_or(i64::MAX),
        modification_time: 0,
        data_change,
        stats: Some(file.bounds.to_stats(file.rows)),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}

#[cfg(test)]
mod tests;
