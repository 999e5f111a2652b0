//! A data point, or a piece of an object, that could not be decoded, and why.
//!
//! The codes are those of the table `rejects`.

/// Longest value that a reject carries, in characters.
const VALUE_LIMIT: usize = 200;

/// Why something was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The bytes are damaged or end too early.
    Damaged,
    /// A record or message longer than a reader may hold.
    TooLong,
    /// A value that every data point needs is not there.
    MissingRequired,
    /// A value of another type than it must have.
    WrongType,
    /// Text that is not UTF-8.
    NotUtf8,
    /// NaN or an infinity.
    NotFinite,
    /// A number outside its range.
    OutOfRange,
    /// Not an instant of the years 1970 to 2261.
    BadTimestamp,
    /// The interval ends before it starts, or is longer than a day.
    BadInterval,
}

impl Reason {
    /// The short code that stands in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::TooLong => "row_too_long",
            Self::MissingRequired => "missing_required",
            Self::WrongType => "wrong_type",
            Self::NotUtf8 => "not_utf8",
            Self::NotFinite => "not_finite",
            Self::OutOfRange => "out_of_range",
            Self::BadTimestamp => "bad_timestamp",
            Self::BadInterval => "bad_interval",
        }
    }
}

/// One rejected data point, or one piece of an object that holds an unknown number of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Its number among the records of the object, from 0: data points, left out ones and rejects count alike.
    pub record: u64,
    /// Where its record (JSON) or message (OpenTelemetry) starts, in bytes of the uncompressed object. Nothing for one
    /// that was rejected after decoding.
    pub offset: Option<u64>,
    /// Why.
    pub reason: Reason,
    /// Why, in a sentence.
    pub detail: String,
    /// The value at fault, or the start of the record, cut to 200 characters.
    pub value: Option<String>,
}

impl Reject {
    pub(crate) fn new(record: u64, offset: u64, fault: Fault) -> Self {
        let Fault { reason, detail, value } = fault;
        Self { record, offset: Some(offset), reason, detail, value }
    }
}

/// What is wrong, before it is known where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
    pub(crate) value: Option<String>,
}

impl Fault {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), value: None }
    }

    pub(crate) fn with_value(mut self, value: &impl ToString) -> Self {
        self.value = Some(value.to_string().chars().take(VALUE_LIMIT).collect());
        self
    }

    /// With the start of the bytes at fault, what is no UTF-8 replaced.
    pub(crate) fn with_bytes(self, bytes: &[u8]) -> Self {
        let start = &bytes[..bytes.len().min(VALUE_LIMIT)];
        self.with_value(&String::from_utf8_lossy(start))
    }
}
