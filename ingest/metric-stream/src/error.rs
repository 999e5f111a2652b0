//! The crate's error: the object could not be read at all. Damaged content is no error but a
//! [`Reject`](crate::Reject).

use arrow::error::ArrowError;

/// Why decoding stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source could not be read; what it holds is not known. Worth another try.
    #[error("cannot read the object")]
    Read(#[source] std::io::Error),
    /// A batch could not be built: a defect of ours.
    #[error("cannot build a batch")]
    Batch(#[from] ArrowError),
    /// A batch does not have the columns of data points: a defect of ours.
    #[error("the batch has no column `{0}` of the type of data points")]
    Column(&'static str),
}
