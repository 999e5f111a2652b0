//! Recognises what an object holds by its column names, and reads it as raw batches.
//!
//! The name of an object says nothing sure, so the columns decide: AWS CUR 2.0, the older CUR (names with slashes, or
//! with underscores as Athena writes them), FOCUS, and AWS's own CARBON_EMISSIONS export. Anything else is not
//! billing, which is reported and is no error. Columns may be missing, more, in another order or of another type; only
//! what no line can do without must be there (see [`Format::required`]).

mod name;
mod object;
pub(crate) mod parquet;
mod reader;
pub(crate) mod text;

use arrow::datatypes::Schema;

pub use object::StoredObject;
pub use reader::{Opened, RawBatch, RawReader, ReadError};

pub(crate) use name::{CUR_CATEGORY_PREFIX, CUR_TAG_PREFIX, Fields, Holds, holds};

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// AWS Cost and Usage Report 2.0 (Data Exports): product, tags and cost categories are maps.
    Cur2,
    /// The Cost and Usage Report before 2.0: product attributes and tags are columns of their own.
    CurLegacy,
    /// FOCUS, from any provider.
    Focus {
        /// Version of the specification, by the columns that are there.
        version: FocusVersion,
    },
    /// AWS's own carbon figures (Data Exports table CARBON_EMISSIONS).
    CarbonExport,
}

/// Versions of FOCUS, told apart by the columns that each added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FocusVersion {
    /// 1.0, June 2024.
    V1_0,
    /// 1.1, November 2024.
    V1_1,
    /// 1.2, May 2025.
    V1_2,
    /// 1.3, December 2025, or later.
    V1_3,
}

/// Which table the rows of a format go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Destination {
    /// `billing_lines`.
    BillingLines,
    /// `provider_reported`.
    ProviderReported,
}

impl Format {
    /// The format that the columns show, or `None` when it is not a billing export.
    pub fn detect(schema: &Schema) -> Option<Self> {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        name::detect(&names)
    }

    /// Its name in the `objects` table, such as `cur2` or `focus_1.2`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cur2 => "cur2",
            Self::CurLegacy => "cur_legacy",
            Self::Focus { version: FocusVersion::V1_0 } => "focus_1.0",
            Self::Focus { version: FocusVersion::V1_1 } => "focus_1.1",
            Self::Focus { version: FocusVersion::V1_2 } => "focus_1.2",
            Self::Focus { version: FocusVersion::V1_3 } => "focus_1.3",
            Self::CarbonExport => "carbon_emissions",
        }
    }

    /// Which table its rows go to.
    pub fn destination(self) -> Destination {
        match self {
            Self::CarbonExport => Destination::ProviderReported,
            _ => Destination::BillingLines,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
