//! New files of an account and region: its old ones streamed through, versions ended and begun on the way.
//!
//! Rows stand in the order of resource ids, and of time for one resource. Files are cut at a million rows.

use airshed_domain::schema;
use airshed_lake::{DataFile, EncodedFile, FileEncoder, PartitionValues};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{
    Held,
    entry::{region_of, resource_id},
    merge::{Changes, Content, Fate, order},
    rows::{NewRows, OldRows, Row},
    writer::name_of,
};
use crate::{
    cloud::Scope,
    error::{Context as _, Result},
};

/// Rows of a file.
const FILE_ROWS: u64 = 1_000_000;
/// Rows that are handed to the encoder at a time.
const BATCH_ROWS: usize = 16_384;

/// Writes the files and puts them into the lake.
pub(super) async fn rewrite(held: &Held, changes: Changes, at_us: i64) -> Result<Vec<DataFile>> {
    let context = || format!("cannot write `resources` of {}, {}", held.scope.account, held.scope.region);
    let mut rewriter =
        Rewriter { scope: held.scope.clone(), changes, begun: 0, at_us, output: Output::default() };
    let mut files = Vec::new();
    for file in &held.files {
        let bytes = held.table.fetch(file).await.context(context)?;
        rewriter =
            tokio::task::spawn_blocking(move || rewriter.with_file(bytes)).await.context(context)??;
        put(held, rewriter.output.done.drain(..), &mut files).await?;
    }
    let last = tokio::task::spawn_blocking(move || rewriter.end()).await.context(context)??;
    put(held, last.into_iter(), &mut files).await?;
    Ok(files)
}

async fn put(
    held: &Held,
    encoded: impl Iterator<Item = EncodedFile> + Send,
    files: &mut Vec<DataFile>,
) -> Result<()> {
    for file in encoded {
        let name = name_of(&held.scope, files.len());
        let put = held.table.put(&PartitionValues::new(), &name, file).await;
        files.push(put.context(|| format!("cannot put `{name}`"))?);
    }
    Ok(())
}

struct Rewriter {
    scope: Scope,
    changes: Changes,
    /// New resources that were written.
    begun: usize,
    at_us: i64,
    output: Output,
}

impl Rewriter {
    fn with_file(mut self, file: Bytes) -> Result<Self> {
        let context = || "cannot read a file of `resources`".to_owned();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).context(context)?;
        for batch in reader.build().context(context)? {
            let rows = OldRows::of(&batch.context(context)?)?;
            for row in 0..rows.len() {
                self.begin_before(Some(rows.arn(row)))?;
                self.pass(&rows, row)?;
            }
        }
        Ok(self)
    }

    fn end(mut self) -> Result<Vec<EncodedFile>> {
        self.begin_before(None)?;
        self.output.cut()?;
        Ok(self.output.done)
    }

    /// Writes the new resources that stand before one.
    fn begin_before(&mut self, arn: Option<&str>) -> Result<()> {
        while let Some(pending) = self.changes.fresh.get(self.begun) {
            if arn.is_some_and(|arn| order(&pending.arn, arn).is_ge()) {
                break;
            }
            let content = self.changes.new_content(pending);
            self.output.push(&begins(&self.scope, &pending.arn, content, self.at_us))?;
            self.begun += 1;
        }
        Ok(())
    }

    /// Writes an old row, ended where it ends, and the version that follows it. A version that would hold for no time at
    /// all is left out.
    fn pass(&mut self, rows: &OldRows, row: usize) -> Result<()> {
        let fate = match rows.valid_to(row) {
            Some(_) => Fate::Stays,
            None => self.changes.fate(rows.arn(row)),
        };
        match fate {
            Fate::Stays => self.output.push(&rows.row(row, rows.valid_to(row)))?,
            _ if rows.valid_from(row) >= self.at_us => {}
            _ => self.output.push(&rows.row(row, Some(self.at_us)))?,
        }
        if fate == Fate::Changes {
            let content = self.changes.changed_content(rows, row);
            self.output.push(&begins(&self.scope, rows.arn(row), content, self.at_us))?;
        }
        Ok(())
    }
}

fn begins<'a>(scope: &'a Scope, arn: &'a str, content: Content<'a>, at_us: i64) -> Row<'a> {
    let Content { resource_type, tags, configuration, source } = content;
    let (account, region) = (scope.account.as_str(), region_of(arn, scope));
    let texts = [
        Some(account),
        Some(region),
        Some(resource_type),
        Some(resource_id(arn)),
        Some(arn),
        tags,
        configuration,
        Some(source),
    ];
    Row { texts, from_us: at_us, to_us: None }
}

#[derive(Default)]
struct Output {
    rows: NewRows,
    encoder: Option<FileEncoder>,
    file_rows: u64,
    done: Vec<EncodedFile>,
}

impl Output {
    fn push(&mut self, row: &Row<'_>) -> Result<()> {
        self.rows.push(row);
        self.file_rows += 1;
        if self.file_rows == FILE_ROWS {
            return self.cut();
        }
        if self.rows.len == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let context = || "cannot encode `resources`".to_owned();
        let table = schema::resources();
        let mut encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => FileEncoder::new(&table, table.file_schema()).context(context)?,
        };
        encoder.write(&self.rows.take()?).context(context)?;
        self.encoder = Some(encoder);
        Ok(())
    }

    /// Ends a file, where there is something in it.
    fn cut(&mut self) -> Result<()> {
        if self.file_rows == 0 {
            return Ok(());
        }
        if self.rows.len > 0 {
            self.flush()?;
        }
        if let Some(encoder) = self.encoder.take() {
            self.done.push(encoder.finish().context(|| "cannot encode `resources`".to_owned())?);
        }
        self.file_rows = 0;
        Ok(())
    }
}
