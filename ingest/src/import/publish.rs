//! Writes what a delivery holds into the tables and publishes it.
//!
//! Files are put first and belong to no table yet; [`Publication::check`] then compares what came in with what is about
//! to go out; [`Publication::commit`] makes the files of each table the whole of what it holds of the delivery.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use airshed_domain::{
    id::{BatchId, DeliveryId},
    schema::{self, Table, column as c},
};
use airshed_lake::{DataFile, EncodedFile, FileEncoder, Lake, LakeTable, PartitionValues};
use arrow::{
    array::{
        ArrayRef, AsArray as _, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
        TimestampMicrosecondArray,
    },
    compute::{SortColumn, cast, concat_batches, filter_record_batch, lexsort_to_indices, take_record_batch},
    datatypes::Int32Type,
};
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{CostSum, PeriodReport, read::ObjectReading};
use crate::{
    discover::DataObject,
    error::{Context as _, Error, Result},
    normalize::billing_period,
    reject::Reject,
    shard::{self, ShardSpec},
    shuffle::{Costs, Shuffled},
};

/// Partition value of rejects whose billing period could not be read.
const UNKNOWN_PERIOD: &str = "unknown";
/// Recorded in the commits.
const OPERATION: &str = "import";

/// The files of one delivery, put and not yet published.
pub(super) struct Publication {
    delivery: DeliveryId,
    batch: BatchId,
    lines: Target,
    sources: Target,
    rejects: Target,
    provider_reported: Target,
    objects: Target,
    costs_out: BTreeMap<i32, Costs>,
}

/// One table and the files that are to be what it holds of the delivery.
struct Target {
    table: LakeTable,
    files: Vec<DataFile>,
}

impl Target {
    async fn open(lake: &Lake, table: &Table) -> Result<Self> {
        let table = lake.table(table).await.context(|| format!("cannot open table `{}`", table.name))?;
        Ok(Self { table, files: Vec::new() })
    }

    async fn put(&mut self, partition: &PartitionValues, name: &str, file: EncodedFile) -> Result<()> {
        let context = || "cannot put a file into the lake".to_owned();
        self.files.push(self.table.put(partition, name, file).await.context(context)?);
        Ok(())
    }

    fn rows(&self, period: &str) -> u64 {
        let of_period = |file: &&DataFile| file.partition.get(c::PERIOD).is_some_and(|value| value == period);
        self.files.iter().filter(of_period).map(|file| file.rows).sum()
    }
}

impl Publication {
    pub(super) async fn open(lake: &Lake, delivery: &DeliveryId, batch: &BatchId) -> Result<Self> {
        Ok(Self {
            delivery: delivery.clone(),
            batch: batch.clone(),
            lines: Target::open(lake, &schema::billing_lines()).await?,
            sources: Target::open(lake, &schema::line_sources()).await?,
            rejects: Target::open(lake, &schema::rejects()).await?,
            provider_reported: Target::open(lake, &schema::provider_reported()).await?,
            objects: Target::open(lake, &schema::objects()).await?,
            costs_out: BTreeMap::new(),
        })
    }

    /// Encodes the shards on worker threads and puts their files.
    pub(super) async fn put_shards(
        &mut self,
        shuffled: &Arc<Shuffled>,
        shards: Vec<ShardSpec>,
        objects: &[(DataObject, String)],
        threads: usize,
        cancel: &CancellationToken,
    ) -> Result<()> {
        let uris: ArrayRef =
            Arc::new(StringArray::from_iter_values(objects.iter().map(|(object, _)| &object.uri)));
        let mut waiting: VecDeque<ShardSpec> = shards.into();
        let mut encoding = JoinSet::new();
        loop {
            while encoding.len() < threads
                && let Some(spec) = waiting.pop_front()
            {
                let (shuffled, uris) = (Arc::clone(shuffled), Arc::clone(&uris));
                encoding.spawn_blocking(move || {
                    shard::encode(&shuffled, &spec, &uris).map(|encoded| (spec, encoded))
                });
            }
            let Some(done) = encoding.join_next().await else { break };
            let (spec, encoded) = done.context(|| "a worker thread was broken off".to_owned())??;
            if cancel.is_cancelled() {
                return Err(Error::cancelled());
            }
            let partition = self.partition(Some(&period_text(spec.period)?));
            let name = format!("part-{:05}", spec.number);
            self.lines.put(&partition, &name, encoded.lines).await?;
            self.sources.put(&partition, &name, encoded.sources).await?;
            let costs = self.costs_out.entry(spec.period).or_default();
            for (currency, cost) in encoded.costs {
                *costs.entry(currency).or_default() += cost;
            }
        }
        Ok(())
    }

    /// The table of lines as it is live, and the files of this delivery that were put.
    pub(super) fn lines(&self) -> (&LakeTable, &[DataFile]) {
        (&self.lines.table, &self.lines.files)
    }

    /// Puts the rejects, one file for each billing period.
    pub(super) async fn put_rejects(
        &mut self,
        rejects: &[(usize, Reject)],
        objects: &[(DataObject, String)],
    ) -> Result<()> {
        let mut periods: BTreeMap<String, Vec<(&str, &Reject)>> = BTreeMap::new();
        for (object, reject) in rejects {
            periods.entry(reject_period(reject)).or_default().push((&objects[*object].0.uri, reject));
        }
        for (period, rejects) in periods {
            let file = encode_rejects(&rejects)?;
            let partition = self.partition(Some(&period));
            self.rejects.put(&partition, "part-00000", file).await?;
        }
        Ok(())
    }

    /// Puts the provider's own figures, sorted by all their columns, one file for each billing period.
    pub(super) async fn put_provider_reported(&mut self, batches: &[RecordBatch]) -> Result<()> {
        let Some(first) = batches.first() else { return Ok(()) };
        let context = || "cannot sort the provider's figures".to_owned();
        let all = concat_batches(first.schema_ref(), batches).context(context)?;
        let numbers = all.column(0).as_primitive::<Int32Type>();
        let periods: BTreeSet<i32> = numbers.values().iter().copied().collect();
        let table = schema::provider_reported();
        let file_schema = table.file_schema();
        for period in periods {
            let chosen: BooleanArray =
                numbers.values().iter().map(|&number| Some(number == period)).collect();
            let rows = filter_record_batch(&all, &chosen).context(context)?;
            let columns = file_schema
                .fields()
                .iter()
                .enumerate()
                .map(|(index, field)| cast(rows.column(index + 1), field.data_type()).context(context))
                .collect::<Result<Vec<_>>>()?;
            let rows = RecordBatch::try_new(Arc::clone(&file_schema), columns).context(context)?;
            let by_all: Vec<SortColumn> = rows
                .columns()
                .iter()
                .map(|values| SortColumn { values: Arc::clone(values), options: None })
                .collect();
            let order = lexsort_to_indices(&by_all, None).context(context)?;
            let sorted = take_record_batch(&rows, &order).context(context)?;
            let file = encode(&table, sorted.columns().to_vec())?;
            let partition = self.partition(Some(&period_text(period)?));
            self.provider_reported.put(&partition, "part-00000", file).await?;
        }
        Ok(())
    }

    /// Puts the list of the objects that were read.
    pub(super) async fn put_objects(
        &mut self,
        readings: &[ObjectReading],
        objects: &[(DataObject, String)],
        imported_at: Timestamp,
    ) -> Result<()> {
        let read: Vec<_> = readings
            .iter()
            .zip(objects)
            .filter_map(|(reading, (object, fingerprint))| {
                Some((reading, reading.format?, object, fingerprint))
            })
            .collect();
        if read.is_empty() {
            return Ok(());
        }
        let integers = |value: &dyn Fn(&ObjectReading, &DataObject) -> u64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(read.iter().map(|(r, _, o, _)| value(r, o).cast_signed())))
        };
        let instants = TimestampMicrosecondArray::from_value(imported_at.as_microsecond(), read.len());
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(read.iter().map(|(_, _, object, _)| &object.uri))),
            integers(&|_, object| object.size_bytes),
            Arc::new(StringArray::from_iter_values(read.iter().map(|(_, _, _, fingerprint)| fingerprint))),
            Arc::new(StringArray::from_iter_values(read.iter().map(|(_, format, _, _)| format))),
            integers(&|reading, _| reading.rows),
            integers(&|reading, _| reading.rejected),
            Arc::new(instants.with_timezone("UTC")),
        ];
        let file = encode(&schema::objects(), columns)?;
        let partition = self.partition(None);
        self.objects.put(&partition, "part-00000", file).await
    }

    /// Compares what came in with what is about to go out, to the row and to the last digit.
    pub(super) fn check(
        &self,
        shuffled: &Shuffled,
        rejects: &[(usize, Reject)],
        rows_read: u64,
    ) -> Result<Vec<PeriodReport>> {
        if self.costs_out != shuffled.costs {
            return Err(Error::bug(format!(
                "billed cost changed on the way: {:?} came in, {:?} goes out",
                shuffled.costs, self.costs_out
            )));
        }
        let rejects_out: u64 = self.rejects.files.iter().map(|file| file.rows).sum();
        if rejects_out != rejects.len() as u64 {
            return Err(Error::bug(format!("{} rejects became {rejects_out}", rejects.len())));
        }
        let targets = [&self.lines, &self.sources, &self.provider_reported, &self.rejects];
        let mut names: BTreeSet<String> = BTreeSet::new();
        for file in targets.iter().flat_map(|target| &target.files) {
            names.extend(file.partition.get(c::PERIOD).cloned());
        }
        let mut periods = Vec::new();
        for name in names {
            let number =
                shuffled.counts.keys().copied().find(|&period| period_text(period).is_ok_and(|t| t == name));
            let lines_in: u64 = number
                .and_then(|number| shuffled.counts.get(&number))
                .map_or(0, |counts| counts.iter().sum());
            let (lines, sources) = (self.lines.rows(&name), self.sources.rows(&name));
            if lines != lines_in || sources != lines_in {
                return Err(Error::bug(format!(
                    "{lines_in} lines of {name} became {lines} with {sources} sources"
                )));
            }
            let provider_reported = self.provider_reported.rows(&name);
            let rejects = self.rejects.rows(&name);
            let costs = number.and_then(|number| self.costs_out.get(&number));
            periods.push(PeriodReport {
                period: name.parse().ok(),
                rows_in: lines + provider_reported + rejects,
                lines,
                provider_reported,
                rejects,
                billed_cost: costs.into_iter().flatten().map(|(k, &v)| (k.clone(), CostSum(v))).collect(),
            });
        }
        let rows_out: u64 = periods.iter().map(|period| period.rows_in).sum();
        if rows_out != rows_read {
            return Err(Error::bug(format!("{rows_read} rows came in and {rows_out} go out")));
        }
        Ok(periods)
    }

    /// Publishes, table by table. Each commit replaces all that the table holds of the delivery.
    pub(super) async fn commit(self, cancel: &CancellationToken) -> Result<()> {
        let delivery = PartitionValues::from([(c::DELIVERY_ID.to_owned(), self.delivery.to_string())]);
        for target in [self.sources, self.rejects, self.provider_reported, self.lines, self.objects] {
            if cancel.is_cancelled() {
                return Err(Error::cancelled());
            }
            let Target { mut table, mut files } = target;
            files.sort_by(|a, b| a.path.cmp(&b.path));
            let name = table.description().name;
            table
                .replace_partition(&delivery, &files, OPERATION)
                .await
                .context(|| format!("cannot publish delivery {} to `{name}`", self.delivery))?;
        }
        Ok(())
    }

    fn partition(&self, period: Option<&str>) -> PartitionValues {
        let mut partition = PartitionValues::from([
            (c::DELIVERY_ID.to_owned(), self.delivery.to_string()),
            (c::BATCH_ID.to_owned(), self.batch.to_string()),
        ]);
        partition.extend(period.map(|period| (c::PERIOD.to_owned(), period.to_owned())));
        partition
    }
}

/// A file of `rejects`: the URI of each object with what was rejected of it.
pub(crate) fn encode_rejects(rejects: &[(&str, &Reject)]) -> Result<EncodedFile> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rejects.iter().map(|(uri, _)| Some(*uri)).collect::<StringArray>()),
        Arc::new(Int32Array::from_iter_values(rejects.iter().map(|(_, r)| r.row_group))),
        Arc::new(Int64Array::from_iter_values(rejects.iter().map(|(_, r)| r.row_number))),
        Arc::new(rejects.iter().map(|(_, r)| r.column.as_deref()).collect::<StringArray>()),
        Arc::new(rejects.iter().map(|(_, r)| Some(r.reason.as_str())).collect::<StringArray>()),
        Arc::new(rejects.iter().map(|(_, r)| Some(r.detail.as_str())).collect::<StringArray>()),
        Arc::new(rejects.iter().map(|(_, r)| r.value.as_deref()).collect::<StringArray>()),
        Arc::new(rejects.iter().map(|(_, r)| r.line_id.as_deref()).collect::<StringArray>()),
        Arc::new(rejects.iter().map(|(_, r)| r.billed_cost.as_deref()).collect::<StringArray>()),
    ];
    encode(&schema::rejects(), columns)
}

/// A file of a table from the columns of its file schema.
pub(crate) fn encode(table: &Table, columns: Vec<ArrayRef>) -> Result<EncodedFile> {
    let context = || format!("cannot write a file of `{}`", table.name);
    let batch = RecordBatch::try_new(table.file_schema(), columns).context(context)?;
    let mut encoder = FileEncoder::new(table, table.file_schema()).context(context)?;
    encoder.write(&batch).context(context)?;
    encoder.finish().context(context)
}

fn period_text(period: i32) -> Result<String> {
    let period =
        billing_period(period).ok_or_else(|| Error::bug(format!("{period} is not a billing period")))?;
    Ok(period.to_string())
}

/// Partition value of a reject's billing period.
pub(crate) fn reject_period(reject: &Reject) -> String {
    reject
        .period
        .and_then(billing_period)
        .map_or_else(|| UNKNOWN_PERIOD.to_owned(), |period| period.to_string())
}
