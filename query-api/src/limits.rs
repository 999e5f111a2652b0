//! What one statement may use, and the stream that holds it to that.

use std::time::Duration;

use arrow::array::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::{Stream, StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, ErrorKind, Exceeded, Result};

/// What one statement may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Threads.
    pub threads: usize,
    /// Memory, bytes; what sorts and groups need beyond it goes to disk, and what cannot, fails.
    pub memory_bytes: usize,
    /// Time from its begin to its last row.
    pub timeout: Option<Duration>,
    /// Rows of its answer.
    pub rows: Option<u64>,
}

impl Limits {
    /// Threads and memory alone.
    pub fn new(threads: usize, memory_bytes: usize) -> Self {
        Self { threads: threads.max(1), memory_bytes, timeout: None, rows: None }
    }

    /// When a statement that begins now must have ended.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        Instant::now().checked_add(self.timeout?)
    }
}

/// The answer as far as the limits let it go; then an error, and nothing after it.
pub(crate) fn limited(
    answer: SendableRecordBatchStream,
    limits: Limits,
    deadline: Option<Instant>,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    let begin = Some((answer, 0_u64));
    stream::unfold(begin, move |state| async move {
        let (mut answer, rows) = state?;
        let next = match deadline {
            Some(deadline) => match timeout_at(deadline, answer.next()).await {
                Ok(next) => next,
                Err(_) => return Some((Err(timed_out(limits)), None)),
            },
            None => answer.next().await,
        };
        match next? {
            Ok(batch) => {
                let rows = rows + batch.num_rows() as u64;
                match limits.rows {
                    Some(most) if rows > most => Some((Err(too_many_rows(most)), None)),
                    _ => Some((Ok(batch), Some((answer, rows)))),
                }
            }
            Err(error) => Some((Err(Error::from_engine(error)), None)),
        }
    })
}

pub(crate) fn timed_out(limits: Limits) -> Error {
    let seconds = limits.timeout.unwrap_or_default().as_secs_f64();
    let message = format!("the statement took longer than {seconds} s and was stopped");
    Error::new(ErrorKind::Limit(Exceeded::Time), message)
}

fn too_many_rows(most: u64) -> Error {
    let message = format!("the answer has more than {most} rows; add a LIMIT or sum up");
    Error::new(ErrorKind::Limit(Exceeded::Rows), message)
}
