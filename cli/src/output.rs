//! Results on standard output, in the form the user asked for.
//!
//! A result is a stream of record batches; every form prints all of its digits. Decimals are strings in JSON, because a
//! JSON number is a double to most readers. The table form holds back rows beyond [`TABLE_ROWS`] and says so.

mod table;
mod unit;

use std::{
    io::{IsTerminal as _, Write},
    sync::Arc,
};

use airshed_query_api::json_rows;
use anyhow::Context as _;
use arrow::{
    array::{ArrayRef, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
    util::display::{ArrayFormatter, FormatOptions},
};
use parquet::arrow::ArrowWriter;

pub(crate) use self::{
    table::text_table,
    unit::{count, mass, share, with_unit},
};
use crate::{args::Form, failure::Problem};

/// Rows that the table form shows.
pub(crate) const TABLE_ROWS: usize = 1000;

/// Where a result goes.
pub(crate) type Sink = Box<dyn Write + Send>;

/// Writes one result, batch by batch.
pub(crate) struct ResultWriter {
    form: FormWriter,
    rows: usize,
}

enum FormWriter {
    Table { table: table::TableBuilder, sink: Sink },
    Json { first: bool, sink: Sink },
    Ndjson { sink: Sink },
    Csv { writer: arrow_csv::Writer<Sink> },
    Parquet { writer: ArrowWriter<Sink> },
}

impl ResultWriter {
    /// Begins a result with these columns.
    pub(crate) fn new(form: Form, schema: &SchemaRef, mut sink: Sink) -> anyhow::Result<Self> {
        let form = match form {
            Form::Table => FormWriter::Table { table: table::TableBuilder::new(schema), sink },
            Form::Json => {
                sink.write_all(b"[")?;
                FormWriter::Json { first: true, sink }
            }
            Form::Ndjson => FormWriter::Ndjson { sink },
            Form::Csv => {
                let mut writer = arrow_csv::WriterBuilder::new().with_header(true).build(sink);
                writer.write(&RecordBatch::new_empty(Arc::clone(schema)))?;
                FormWriter::Csv { writer }
            }
            Form::Parquet => {
                FormWriter::Parquet { writer: ArrowWriter::try_new(sink, Arc::clone(schema), None)? }
            }
        };
        Ok(Self { form, rows: 0 })
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        self.rows += batch.num_rows();
        match &mut self.form {
            FormWriter::Table { table, .. } => table.add(batch)?,
            FormWriter::Json { first, sink } => {
                for object in json_rows(batch)? {
                    sink.write_all(if *first { b"\n" } else { b",\n" })?;
                    *first = false;
                    sink.write_all(object.as_bytes())?;
                }
            }
            FormWriter::Ndjson { sink } => {
                for object in json_rows(batch)? {
                    sink.write_all(object.as_bytes())?;
                    sink.write_all(b"\n")?;
                }
            }
            FormWriter::Csv { writer } => writer.write(batch)?,
            FormWriter::Parquet { writer } => writer.write(batch)?,
        }
        Ok(())
    }

    /// Ends the result; returns how many rows it has.
    pub(crate) fn finish(self) -> anyhow::Result<usize> {
        let mut sink = match self.form {
            FormWriter::Table { table, mut sink } => {
                let shown = table.shown();
                writeln!(sink, "{}", table.text())?;
                if shown < self.rows {
                    to_stderr(&format!("{shown} of {} rows shown; -o csv has them all", self.rows));
                }
                sink
            }
            FormWriter::Json { mut sink, .. } => {
                sink.write_all(b"\n]\n")?;
                sink
            }
            FormWriter::Ndjson { sink } => sink,
            FormWriter::Csv { writer } => writer.into_inner(),
            FormWriter::Parquet { writer } => writer.into_inner()?,
        };
        sink.flush()?;
        Ok(self.rows)
    }
}

/// Standard output, buffered. Parquet on a terminal helps nobody and is refused.
pub(crate) fn stdout(form: Form) -> anyhow::Result<Sink> {
    let stdout = std::io::stdout();
    if form == Form::Parquet && stdout.is_terminal() {
        let problem = Problem::usage("Parquet is not written to a terminal");
        return Err(problem
            .hint("send it to a file: airshed sql -o parquet \"...\" > result.parquet")
            .into());
    }
    Ok(Box::new(std::io::BufWriter::new(stdout)))
}

/// Writes a small result of text columns to standard output.
pub(crate) fn write_rows(form: Form, columns: &[&str], rows: &[Vec<Option<String>>]) -> anyhow::Result<()> {
    let batch = text_batch(columns, rows)?;
    let mut writer = ResultWriter::new(form, &batch.schema(), stdout(form)?)?;
    writer.write(&batch)?;
    writer.finish()?;
    Ok(())
}

/// Writes one JSON document to standard output: indented as `json`, on one line as `ndjson`.
pub(crate) fn write_json(form: Form, value: &impl serde::Serialize) -> anyhow::Result<()> {
    let text = match form {
        Form::Ndjson => serde_json::to_string(value)?,
        _ => serde_json::to_string_pretty(value)?,
    };
    write_text(&text)
}

/// Writes text and an end of line to standard output.
pub(crate) fn write_text(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}").context("cannot write to standard output")?;
    stdout.flush().context("cannot write to standard output")
}

/// Writes a line to standard error. There is nowhere left to report that this failed.
pub(crate) fn to_stderr(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Whether messages on standard error may be coloured (<https://no-color.org>).
pub(crate) fn colour_on_stderr() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The error for a command whose result is a document and not rows.
pub(crate) fn no_rows(command: &str, form: Form) -> anyhow::Error {
    let form = format!("{form:?}").to_lowercase();
    Problem::usage(format!("`{command}` has no {form} form"))
        .hint("it prints table, json or ndjson; `airshed sql -o csv` has every figure")
        .into()
}

fn text_batch(columns: &[&str], rows: &[Vec<Option<String>>]) -> anyhow::Result<RecordBatch> {
    let fields: Vec<_> = columns.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    let column = |index: usize| {
        let values = rows.iter().map(|row| row.get(index).and_then(Option::as_deref));
        Arc::new(values.collect::<StringArray>()) as ArrayRef
    };
    let arrays = (0..columns.len()).map(column).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

/// Formatters of every column, nulls as an empty text.
fn formatters(batch: &RecordBatch) -> anyhow::Result<Vec<ArrayFormatter<'_>>> {
    const OPTIONS: FormatOptions<'static> = FormatOptions::new().with_null("");
    let formatter = |array| ArrayFormatter::try_new(array, &OPTIONS);
    Ok(batch.columns().iter().map(|array| formatter(array.as_ref())).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests;
