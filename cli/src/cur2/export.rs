//! Writing an export: Parquet files of one billing period, and the manifest beside them.
//!
//! The unit of work is a row group. Threads draw, build and encode row groups; the caller's thread appends them to the
//! files in order, so the bytes do not depend on how many threads there are. File names and folders follow
//! <https://docs.aws.amazon.com/cur/latest/userguide/dataexports-export-delivery.html>. That page says what a manifest
//! holds (columns, files with paths, time covered) but not under which keys; ours are readable names for the same.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use airshed_domain::period::BillingPeriod;
use anyhow::{Context as _, Result, anyhow};
use parquet::{
    arrow::{
        ArrowSchemaConverter,
        arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves},
    },
    basic::Compression,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::ColumnPath,
};
use serde_json::json;

use super::{
    batch::{Frame, Row},
    pool::Pool,
    random::Random,
    schema::{COLUMNS, WITHOUT_DICTIONARY, schema},
};

/// Rows of a full row group.
pub(crate) const ROW_GROUP_ROWS: usize = 131_072;

/// How AWS compresses what it delivers, as file names and manifests say it.
const CODEC: &str = "snappy";

/// Where and how an export is written.
#[derive(Debug, Clone)]
pub(crate) struct ExportOptions {
    /// The folder that holds exports; a folder named after the export is made in it.
    pub(crate) out: PathBuf,
    /// Name of the export.
    pub(crate) name: String,
    /// Rows of a full file.
    pub(crate) file_rows: usize,
    /// Threads that encode row groups.
    pub(crate) threads: usize,
    /// Seed of the line ids.
    pub(crate) seed: u64,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// Data files, in order.
    pub(crate) files: Vec<PathBuf>,
    /// The manifest.
    pub(crate) manifest: PathBuf,
    /// Data rows.
    pub(crate) rows: usize,
    /// Bytes of the data files.
    pub(crate) bytes: u64,
}

/// Rows of a row group: which, and how many. Called from several threads.
pub(crate) type Draw<'a> = dyn Fn(usize, usize) -> Vec<Row> + Sync + 'a;

/// Writes `rows` rows of the pool, drawn row group by row group.
pub(crate) fn write(pool: &Pool, rows: usize, draw: &Draw<'_>, options: &ExportOptions) -> Result<Written> {
    let partition = format!("BILLING_PERIOD={}", pool.period);
    let data = options.out.join(&options.name).join("data").join(&partition);
    let metadata = options.out.join(&options.name).join("metadata").join(&partition);
    for folder in [&data, &metadata] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let groups = row_groups(rows, options.file_rows);
    let encoder = Encoder::new(pool, options)?;
    let mut files = Files::new(&data, options);
    thread::scope(|scope| -> Result<()> {
        let (sender, receiver) = mpsc::sync_channel(options.threads.max(1));
        let next = Arc::new(AtomicUsize::new(0));
        for _ in 0..options.threads.max(1) {
            let (sender, next, groups, encoder) = (sender.clone(), Arc::clone(&next), &groups, &encoder);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(group) = groups.get(at) else { break };
                    let chunks = encoder.encode(at, group, draw);
                    if sender.send((at, chunks)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        for (group, at) in groups.iter().zip(0usize..) {
            while !early.contains_key(&at) {
                let (done, chunks) = receiver.recv().context("an encoding thread ended early")?;
                early.insert(done, chunks);
            }
            let chunks = early.remove(&at).ok_or_else(|| anyhow!("row group {at} is missing"))??;
            files.append(group, chunks, &encoder)?;
        }
        Ok(())
    })?;
    let files = files.finish()?;
    let bytes = files.iter().map(|file| fs::metadata(file).map(|m| m.len())).sum::<std::io::Result<u64>>()?;
    let manifest = metadata.join(format!("{}-Manifest.json", options.name));
    write_manifest(&manifest, pool.period, &files, options)?;
    Ok(Written { files, manifest, rows, bytes })
}

/// One row group: its file, its place there, its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Group {
    file: usize,
    place: usize,
    rows: usize,
}

fn row_groups(rows: usize, file_rows: usize) -> Vec<Group> {
    let mut groups = Vec::new();
    for file in 0..rows.div_ceil(file_rows) {
        let in_file = file_rows.min(rows - file * file_rows);
        for place in 0..in_file.div_ceil(ROW_GROUP_ROWS) {
            let rows = ROW_GROUP_ROWS.min(in_file - place * ROW_GROUP_ROWS);
            groups.push(Group { file, place, rows });
        }
    }
    groups
}

/// Encodes row groups; shared by the threads.
struct Encoder<'a> {
    frame: Frame<'a>,
    properties: Arc<WriterProperties>,
    factory: ArrowRowGroupWriterFactory,
    seed: u64,
}

impl<'a> Encoder<'a> {
    fn new(pool: &'a Pool, options: &ExportOptions) -> Result<Self> {
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("airshed sample data".to_owned());
        for column in WITHOUT_DICTIONARY {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(column), false);
        }
        let properties = Arc::new(properties.build());
        let factory = ArrowRowGroupWriterFactory::new(&file_writer(std::io::sink(), &properties)?, schema());
        Ok(Self { frame: Frame::new(pool, schema()), properties, factory, seed: options.seed })
    }

    fn encode(&self, at: usize, group: &Group, draw: &Draw<'_>) -> Result<Vec<ArrowColumnChunk>> {
        let rows = draw(at, group.rows);
        let mut random = Random::stream(self.seed, &format!("line ids of row group {at}"));
        let batch = self.frame.batch(&rows, &mut random)?;
        let mut writers = self.factory.create_column_writers(group.place)?.into_iter();
        let mut chunks = Vec::new();
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            for leaf in compute_leaves(field, column)? {
                let mut writer = writers.next().ok_or_else(|| anyhow!("no writer for {}", field.name()))?;
                writer.write(&leaf)?;
                chunks.push(writer.close()?);
            }
        }
        Ok(chunks)
    }
}

/// The files of an export, one open at a time.
struct Files<'a> {
    folder: &'a Path,
    options: &'a ExportOptions,
    paths: Vec<PathBuf>,
    open: Option<SerializedFileWriter<BufWriter<File>>>,
}

impl<'a> Files<'a> {
    fn new(folder: &'a Path, options: &'a ExportOptions) -> Self {
        Self { folder, options, paths: Vec::new(), open: None }
    }

    fn append(&mut self, group: &Group, chunks: Vec<ArrowColumnChunk>, encoder: &Encoder<'_>) -> Result<()> {
        if group.place == 0 {
            self.close()?;
            let name = &self.options.name;
            let path = self.folder.join(format!("{name}-{:05}.{CODEC}.parquet", group.file + 1));
            let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
            self.open = Some(file_writer(BufWriter::new(file), &encoder.properties)?);
            self.paths.push(path);
        }
        let writer = self.open.as_mut().ok_or_else(|| anyhow!("no open file"))?;
        let mut row_group = writer.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut row_group)?;
        }
        row_group.close()?;
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        if let Some(writer) = self.open.take() {
            writer.close()?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<PathBuf>> {
        self.close()?;
        Ok(self.paths)
    }
}

fn file_writer<W: std::io::Write + Send>(
    sink: W,
    properties: &Arc<WriterProperties>,
) -> Result<SerializedFileWriter<W>> {
    let descriptor = ArrowSchemaConverter::new().convert(&schema())?;
    Ok(SerializedFileWriter::new(sink, descriptor.root_schema_ptr(), Arc::clone(properties))?)
}

fn write_manifest(
    path: &Path,
    period: BillingPeriod,
    files: &[PathBuf],
    options: &ExportOptions,
) -> Result<()> {
    let key = |file: &PathBuf| {
        let relative = file.strip_prefix(&options.out).unwrap_or(file);
        relative.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
    };
    let columns: Vec<_> =
        COLUMNS.iter().map(|(name, kind)| json!({"name": name, "type": kind.aws_name()})).collect();
    let manifest = json!({
        "exportName": options.name,
        "table": "COST_AND_USAGE_REPORT",
        "account": super::pool::PAYER.0,
        "billingPeriod": {"start": period.to_string(), "end": period.next().to_string()},
        "contentType": "Parquet",
        "compression": CODEC,
        "columns": columns,
        "dataFiles": files.iter().map(key).collect::<Vec<_>>(),
        "additionalOutputFiles": [],
    });
    fs::write(path, format!("{manifest:#}\n")).with_context(|| format!("cannot write {}", path.display()))
}
