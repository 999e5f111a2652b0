//! Splits bytes into CSV rows as they come (RFC 4180 quoting; a byte order mark is dropped).

use csv_core::{ReadRecordResult, Reader};

/// Longest row that is held, bytes. One cell of ten megabytes (tags) must fit.
pub(super) const ROW_LIMIT: usize = 64 * 1024 * 1024;
/// Most fields of a row that are counted.
const FIELD_LIMIT: usize = 16 * 1024;
/// Bytes of a row that a reject may show.
const START_BYTES: usize = 1024;

/// Splits text into rows of fields.
pub(crate) struct Splitter {
    reader: Reader,
    /// Kept until three bytes are there, so that a byte order mark is seen whole.
    start: Option<Vec<u8>>,
    limit: usize,
    bytes: Vec<u8>,
    bytes_len: usize,
    ends: Vec<usize>,
    ends_len: usize,
    too_long: bool,
}

/// One row, split.
pub(crate) struct Row<'a> {
    bytes: &'a [u8],
    ends: &'a [usize],
    /// It was longer than the limit; its fields are not here.
    pub(crate) too_long: bool,
}

impl Row<'_> {
    pub(crate) fn fields(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn field(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }

    /// The start of the row with commas between its fields, for a reject.
    pub(crate) fn start(&self) -> String {
        let end = self.bytes.len().min(START_BYTES);
        let mut cuts = vec![0];
        cuts.extend(self.ends.iter().copied().take_while(|cut| *cut < end));
        cuts.push(end);
        let fields: Vec<_> =
            cuts.windows(2).map(|cut| String::from_utf8_lossy(&self.bytes[cut[0]..cut[1]])).collect();
        fields.join(",")
    }
}

impl Splitter {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            reader: Reader::new(),
            start: Some(Vec::new()),
            limit,
            bytes: vec![0; 4096],
            bytes_len: 0,
            ends: vec![0; 256],
            ends_len: 0,
            too_long: false,
        }
    }

    /// Takes more text and gives out each row that it completes.
    pub(crate) fn feed(&mut self, text: &[u8], mut row: impl FnMut(Row<'_>)) {
        if let Some(mut start) = self.start.take() {
            start.extend_from_slice(text);
            if start.len() < 3 {
                self.start = Some(start);
            } else {
                self.run(&start, &mut row);
            }
        } else {
            self.run(text, &mut row);
        }
    }

    /// Gives out the last row, when it does not end in a line break.
    pub(crate) fn finish(&mut self, mut row: impl FnMut(Row<'_>)) {
        if let Some(start) = self.start.take() {
            self.run(&start, &mut row);
        }
        self.step_to_end(&mut row);
    }

    fn run(&mut self, mut text: &[u8], row: &mut impl FnMut(Row<'_>)) {
        while !text.is_empty() {
            let used = self.step(text, row).1;
            text = &text[used..];
        }
    }

    fn step_to_end(&mut self, row: &mut impl FnMut(Row<'_>)) {
        while self.step(&[], row).0 != ReadRecordResult::End {}
    }

    fn step(&mut self, text: &[u8], row: &mut impl FnMut(Row<'_>)) -> (ReadRecordResult, usize) {
        let (result, used, written, ended) =
            self.reader.read_record(text, &mut self.bytes[self.bytes_len..], &mut self.ends[self.ends_len..]);
        self.bytes_len += written;
        self.ends_len += ended;
        match result {
            ReadRecordResult::OutputFull if self.bytes.len() < self.limit => {
                self.bytes.resize((self.bytes.len() * 2).min(self.limit), 0);
            }
            ReadRecordResult::OutputEndsFull if self.ends.len() < FIELD_LIMIT => {
                self.ends.resize(self.ends.len() * 2, 0);
            }
            // Too long to hold: what follows is split, and dropped.
            ReadRecordResult::OutputFull => {
                self.too_long = true;
                self.bytes_len = 0;
            }
            ReadRecordResult::OutputEndsFull => {
                self.too_long = true;
                self.ends_len = 0;
            }
            ReadRecordResult::Record => {
                let ends = if self.too_long { &[][..] } else { &self.ends[..self.ends_len] };
                row(Row { bytes: &self.bytes[..self.bytes_len], ends, too_long: self.too_long });
                self.bytes_len = 0;
                self.ends_len = 0;
                self.too_long = false;
            }
            ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
        }
        (result, used)
    }
}
