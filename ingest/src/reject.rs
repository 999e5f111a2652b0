//! A row, or a whole object, that could not become a ledger line, and why.
//!
//! A bad row is data, not an exception: it goes to the `rejects` table with its place, a short reason code, the column
//! and value at fault and, where they could be read, its line id and cost. An object that cannot be read, or lacks a
//! column that every line needs, gives one reject with row group -1 and row -1.

/// Longest value that a reject carries, in characters.
pub const VALUE_LIMIT: usize = 200;

/// Why a row or an object was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Text where a number must be.
    NotANumber,
    /// NaN or an infinity.
    NotFinite,
    /// More digits than the column holds.
    Overflow,
    /// A number outside the range of its column.
    OutOfRange,
    /// Not an instant of the years 1970 to 2261.
    BadTimestamp,
    /// The interval ends before it starts.
    BadInterval,
    /// The resource was measured at that time already.
    Overlap,
    /// Not a billing period of the years 1970 to 2261.
    BadPeriod,
    /// A value, or a column, that every line needs is not there.
    MissingRequired,
    /// The column has a type that cannot be read as what it must hold.
    WrongType,
    /// A row of text with more or fewer fields than the header.
    WrongFieldCount,
    /// Text that is not UTF-8.
    NotUtf8,
    /// A row of text longer than a reader may hold.
    RowTooLong,
    /// The object ends too early or its bytes are damaged.
    Damaged,
    /// The object is not of the kind its name says.
    WrongMagic,
    /// The object is compressed in a way that is not read.
    UnsupportedCompression,
}

impl Reason {
    /// The short code that stands in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotANumber => "not_a_number",
            Self::NotFinite => "not_finite",
            Self::Overflow => "overflow",
            Self::OutOfRange => "out_of_range",
            Self::BadTimestamp => "bad_timestamp",
            Self::BadInterval => "bad_interval",
            Self::Overlap => "overlap",
            Self::BadPeriod => "bad_period",
            Self::MissingRequired => "missing_required",
            Self::WrongType => "wrong_type",
            Self::WrongFieldCount => "wrong_field_count",
            Self::NotUtf8 => "not_utf8",
            Self::RowTooLong => "row_too_long",
            Self::Damaged => "damaged",
            Self::WrongMagic => "wrong_magic",
            Self::UnsupportedCompression => "unsupported_compression",
        }
    }
}

/// One rejected row, or one rejected object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Row group in a Parquet object, from 0; 0 for text; -1 for the whole object.
    pub row_group: i32,
    /// Row in the row group (Parquet) or data row in the file (text), from 0; -1 for the whole object.
    pub row_number: i64,
    /// The column at fault, as the file spells it.
    pub column: Option<String>,
    /// Why.
    pub reason: Reason,
    /// Why, in a sentence.
    pub detail: String,
    /// The value at fault, cut to [`VALUE_LIMIT`] characters.
    pub value: Option<String>,
    /// The provider's id of the line, where it could be read.
    pub line_id: Option<String>,
    /// The line's cost as it stood in the file, where it could be read.
    pub billed_cost: Option<String>,
    /// The line's billing period, as months since year 0 (`year * 12 + month - 1`), where it could be read.
    pub period: Option<i32>,
}

impl Reject {
    /// A reject of a whole object.
    pub fn of_object(reason: Reason, detail: impl Into<String>) -> Self {
        Self::of_row(-1, -1, reason, detail)
    }

    /// A reject of one row.
    pub fn of_row(row_group: i32, row_number: i64, reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            row_group,
            row_number,
            column: None,
            reason,
            detail: detail.into(),
            value: None,
            line_id: None,
            billed_cost: None,
            period: None,
        }
    }

    /// The same reject, naming the column.
    #[must_use]
    pub fn in_column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }

    /// The same reject with the value at fault, cut to [`VALUE_LIMIT`] characters.
    #[must_use]
    pub fn with_value(mut self, value: &str) -> Self {
        self.value = Some(value.chars().take(VALUE_LIMIT).collect());
        self
    }

    /// Where in its object and why, in words: `row group 0, row 17, column x: not a decimal number ("lots")`.
    pub fn in_words(&self) -> String {
        let row =
            (!self.is_of_object()).then(|| format!("row group {}, row {}", self.row_group, self.row_number));
        let column = self.column.as_ref().map(|column| format!("column {column}"));
        let place: Vec<String> = row.into_iter().chain(column).collect();
        let why = match &self.value {
            Some(value) => format!("{} ({value:?})", self.detail),
            None => self.detail.clone(),
        };
        if place.is_empty() { why } else { format!("{}: {why}", place.join(", ")) }
    }

    /// Whether the whole object, not one row, was rejected.
    pub fn is_of_object(&self) -> bool {
        self.row_number < 0
    }
}
