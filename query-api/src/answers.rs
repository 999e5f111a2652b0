//! Small answers, kept as long as the ledger stays as it is, and equal questions asked once.
//!
//! A dashboard that many people look at asks the same again and again. A ledger at a revision answers a statement of a
//! scope always alike, so its rows can be kept, and whoever asks what is being found out already waits for that. Only
//! statements whose answer nothing but the ledger decides may be asked here: none with the time of day or with chance.

use std::sync::Arc;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{execution::SendableRecordBatchStream, physical_plan::stream::RecordBatchStreamAdapter};
use futures::{StreamExt as _, stream};
use moka::future::Cache;

use crate::{
    error::{Error, Result},
    scope::Scope,
    session::Session,
};

/// Largest answer that is kept, bytes in memory. A larger one is made for each who asks, as it is sent.
const ANSWER_BYTES: usize = 4 << 20;

/// The answers of one process.
pub struct Answers {
    kept: Cache<Question, Kept>,
}

/// What decides an answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Question {
    /// Of the ledger.
    revision: String,
    scope: Scope,
    sql: String,
}

/// Nothing, where the answer is too large.
type Kept = Option<Arc<Answer>>;

struct Answer {
    schema: SchemaRef,
    rows: Vec<RecordBatch>,
    bytes: usize,
}

impl Answers {
    /// No answers yet; those that are kept take up to `bytes` of memory.
    pub fn new(bytes: usize) -> Self {
        let weigh = |question: &Question, kept: &Kept| {
            let rows = kept.as_ref().map_or(0, |answer| answer.bytes);
            u32::try_from(size_of::<Question>() + question.sql.len() + rows).unwrap_or(u32::MAX)
        };
        Self { kept: Cache::builder().weigher(weigh).max_capacity(bytes as u64).build() }
    }

    /// The rows of a statement at a revision of the ledger, in a scope; `session` is of both.
    ///
    /// # Errors
    /// As of [`Session::query`]. Who waited for another's answer is told the other's error.
    pub async fn rows(
        &self,
        revision: &str,
        scope: &Scope,
        session: &Session,
        sql: &str,
    ) -> Result<SendableRecordBatchStream> {
        let question = Question { revision: revision.to_owned(), scope: scope.clone(), sql: sql.to_owned() };
        let mut large = None;
        let find = async {
            Ok(match read(session.query(sql).await?).await? {
                Read::Whole(answer) => Some(Arc::new(answer)),
                Read::Large(rows) => {
                    large = Some(rows);
                    None
                }
            })
        };
        match self.kept.try_get_with(question, find).await {
            Ok(Some(answer)) => {
                let rows = stream::iter(answer.rows.clone().into_iter().map(Ok));
                Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&answer.schema), rows)))
            }
            Ok(None) => match large {
                Some(rows) => Ok(rows),
                None => session.query(sql).await,
            },
            Err(error) => Err(Arc::try_unwrap(error).unwrap_or_else(|other| Error::of_another(&other))),
        }
    }
}

enum Read {
    Whole(Answer),
    /// All rows, of which the first were read.
    Large(SendableRecordBatchStream),
}

async fn read(mut rows: SendableRecordBatchStream) -> Result<Read> {
    let schema = rows.schema();
    let (mut read, mut bytes) = (Vec::new(), 0);
    while let Some(batch) = rows.next().await.transpose().map_err(Error::from_engine)? {
        bytes += batch.get_array_memory_size();
        read.push(batch);
        if bytes > ANSWER_BYTES {
            let all = stream::iter(read.into_iter().map(Ok)).chain(rows);
            return Ok(Read::Large(Box::pin(RecordBatchStreamAdapter::new(schema, all))));
        }
    }
    Ok(Read::Whole(Answer { schema, rows: read, bytes }))
}

#[cfg(test)]
mod tests;
