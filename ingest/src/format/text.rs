//! CSV objects, plain or gzip: a stream of raw batches in bounded memory.
//!
//! The object is read in pieces, inflated and split into fields as the bytes come; nothing but the current row, the
//! current batch and one piece is held. A row that cannot be split, or is no UTF-8, becomes a reject of its own and
//! the next rows are read on. Columns stand in any order; only those that the ledger uses are kept.

mod rows;
pub(crate) mod split;

use std::{io::Write as _, sync::Arc};

use ::arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures::{StreamExt as _, stream, stream::BoxStream};

use self::{rows::RowBuilder, split::Splitter};
use super::{
    Format, RawBatch, ReadError, name,
    object::StoredObject,
    reader::{Opened, RawReader, Source, missing_column},
};
use crate::reject::{Reason, Reject};

/// First bytes of a gzip object.
pub(crate) const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
/// Bytes fetched at once.
const FETCH_BYTES: u64 = 8 * 1024 * 1024;
/// Compressed bytes inflated at once: gzip makes at most some 1,030 bytes of one.
const INFLATE_BYTES: usize = 32 * 1024;
/// Longest header that is looked at, bytes.
const HEADER_LIMIT: usize = 4 * 1024 * 1024;

/// A CSV object whose header has been read.
#[derive(Clone)]
pub(super) struct TextSource {
    object: StoredObject,
    gzip: bool,
    format: Format,
    header_fields: usize,
    columns: Arc<[rows::Column]>,
}

/// Reads the header and tells what the object is.
pub(super) async fn open(object: StoredObject, gzip: bool) -> Result<Opened, object_store::Error> {
    let mut bytes = Pieces::new(object.clone());
    let mut inflate = Inflate::new(gzip);
    let mut splitter = Splitter::new(HEADER_LIMIT);
    let mut header: Option<Vec<String>> = None;
    let mut seen = 0;
    while header.is_none() && seen < HEADER_LIMIT {
        let Some(piece) = bytes.next().await? else {
            splitter.finish(|row| {
                header.get_or_insert_with(|| names(&row));
            });
            break;
        };
        for piece in piece.chunks(INFLATE_BYTES) {
            let text = match inflate.push(piece) {
                Ok(text) => text,
                Err(error) if object.path().as_ref().contains(".csv") => return Ok(broken_gzip(&error)),
                Err(error) => return Ok(Opened::NotBilling(format!("damaged gzip: {error}"))),
            };
            seen += text.len();
            splitter.feed(&text, |row| {
                header.get_or_insert_with(|| names(&row));
            });
            if header.is_some() {
                break;
            }
        }
    }
    let Some(header) = header else {
        return Ok(Opened::NotBilling("no header line".to_owned()));
    };
    let Some(format) = name::detect(&header.iter().map(String::as_str).collect::<Vec<_>>()) else {
        return Ok(Opened::NotBilling("its first line is not a header of a billing export".to_owned()));
    };
    let columns: Arc<[rows::Column]> = header
        .iter()
        .enumerate()
        .filter(|(_, name)| format.uses(&format.canonical(name)))
        .map(|(field, name)| rows::Column { field, plain: name::is_plain(&format.canonical(name)) })
        .collect();
    let fields: Vec<Field> = columns
        .iter()
        .map(|c| {
            Field::new(&header[c.field], if c.plain { DataType::Utf8 } else { rows::dictionary_type() }, true)
        })
        .collect();
    let schema = Arc::new(Schema::new(fields));
    if let Some(reject) = missing_column(format, &schema) {
        return Ok(Opened::Rejected(Box::new(reject)));
    }
    let source = TextSource { object, gzip, format, header_fields: header.len(), columns };
    Ok(Opened::Export(RawReader { format, schema, source: Source::Text(source) }))
}

fn names(row: &split::Row<'_>) -> Vec<String> {
    (0..row.fields()).map(|i| String::from_utf8_lossy(row.field(i)).trim().to_owned()).collect()
}

fn broken_gzip(error: &std::io::Error) -> Opened {
    Opened::Rejected(Box::new(Reject::of_object(Reason::Damaged, format!("gzip: {error}"))))
}

impl TextSource {
    pub(super) fn stream(&self, schema: Arc<Schema>) -> BoxStream<'static, Result<RawBatch, ReadError>> {
        let state = TextStream {
            bytes: Pieces::new(self.object.clone()),
            inflate: Some(Inflate::new(self.gzip)),
            splitter: Splitter::new(split::ROW_LIMIT),
            rows: RowBuilder::new(schema, Arc::clone(&self.columns), self.header_fields, self.format),
            failure: None,
        };
        stream::unfold(state, |mut state| async move { state.next().await.map(|item| (item, state)) }).boxed()
    }
}

/// An object's bytes, piece by piece.
struct Pieces {
    object: StoredObject,
    position: u64,
}

impl Pieces {
    fn new(object: StoredObject) -> Self {
        Self { object, position: 0 }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, object_store::Error> {
        let size = self.object.size_bytes();
        if self.position >= size {
            return Ok(None);
        }
        let end = size.min(self.position + FETCH_BYTES);
        let piece = self.object.read(self.position..end).await?;
        self.position = end;
        Ok(Some(piece))
    }
}

/// Undoes compression, piece by piece.
enum Inflate {
    Plain,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
}

impl Inflate {
    fn new(gzip: bool) -> Self {
        if gzip { Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))) } else { Self::Plain }
    }

    fn push(&mut self, piece: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Plain => Ok(piece.to_vec()),
            Self::Gzip(decoder) => {
                decoder.write_all(piece)?;
                decoder.flush()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
        }
    }

    fn finish(self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Plain => Ok(Vec::new()),
            Self::Gzip(decoder) => decoder.finish(),
        }
    }
}

struct TextStream {
    bytes: Pieces,
    /// `None` once the end was reached.
    inflate: Option<Inflate>,
    splitter: Splitter,
    rows: RowBuilder,
    failure: Option<ReadError>,
}

impl TextStream {
    async fn next(&mut self) -> Option<Result<RawBatch, ReadError>> {
        loop {
            if let Some(batch) = self.rows.take_full() {
                return Some(Ok(batch));
            }
            if self.inflate.is_none() {
                let last = self.rows.take_rest().map(Ok);
                return last.or_else(|| self.failure.take().map(Err));
            }
            match self.bytes.next().await {
                Ok(Some(piece)) => self.push(&piece),
                Ok(None) => self.finish(),
                Err(error) => {
                    // Rows since the last batch are dropped with the stream: the caller reads the object again.
                    self.inflate = None;
                    self.rows.clear();
                    return Some(Err(ReadError::Store(error)));
                }
            }
        }
    }

    fn push(&mut self, piece: &[u8]) {
        for piece in piece.chunks(INFLATE_BYTES) {
            let Some(inflate) = &mut self.inflate else { return };
            match inflate.push(piece) {
                Ok(text) => self.splitter.feed(&text, |row| self.rows.push(&row)),
                Err(error) => return self.fail(&error),
            }
        }
    }

    fn finish(&mut self) {
        let Some(inflate) = self.inflate.take() else { return };
        match inflate.finish() {
            Ok(text) => {
                self.splitter.feed(&text, |row| self.rows.push(&row));
                self.splitter.finish(|row| self.rows.push(&row));
            }
            Err(error) => self.fail(&error),
        }
    }

    /// The bytes are damaged: whole rows so far stand, the half row at the end is given up.
    fn fail(&mut self, error: &std::io::Error) {
        self.inflate = None;
        let detail = format!("gzip ends or breaks after {} whole rows: {error}", self.rows.rows());
        self.failure = Some(ReadError::Damaged(Box::new(Reject::of_object(Reason::Damaged, detail))));
    }
}
