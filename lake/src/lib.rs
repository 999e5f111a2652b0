//! Tables on object storage: what stages read and publish.
//!
//! A lake is a folder or an S3 prefix that holds one Delta table per table of [`airshed_domain::schema`]. Stages write
//! whole Parquet files ([`DataFile`]) whose names carry the SHA-256 of their bytes, then publish them with one atomic
//! commit. Publishing states what a partition *is*, not what to add to it, so doing it twice changes nothing and a
//! crash between writing and committing leaves only unreferenced files.
//!
//! No methodology lives here: the lake does not know what a kilowatt-hour is.

mod bounds;
pub mod control;
mod data_file;
mod error;
mod lake;
mod location;
mod log_store;
mod table;

pub use bounds::{Bound, Bounds};
pub use data_file::{DataFile, EncodedFile, FileEncoder, footer_note};
pub use error::{Error, ErrorKind, Result, is_refusal};
pub use lake::Lake;
pub use location::{Location, StoreOptions};
pub use table::{FileFilter, LakeTable, PartitionValues};
