//! Rows on their way to a client, as fast as the client reads them.
//!
//! A task runs the statement and encodes its rows; a few messages ahead of the client it waits. The task belongs to the
//! answer: a client that goes away drops the one and so the other. A client that stays and does not read loses its
//! statement, as otherwise it would hold memory for as long as it likes.

use std::{pin::Pin, time::Duration};

use airshed_query_api::{Error, ErrorKind, Exceeded, RowStream};
use arrow::{array::RecordBatch, datatypes::SchemaRef};
use arrow_flight::{FlightData, encode::FlightDataEncoderBuilder};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    task::JoinSet,
    time::timeout,
};
use tonic::Status;

use crate::{
    failure::{from_encoder, status, through_encoder},
    note::Note,
    wire,
};

/// Messages that are encoded ahead of the client. Each is of some 2 MiB at most, or of one row.
const AHEAD: usize = 2;

/// The messages of an answer.
pub(crate) type Messages = Pin<Box<dyn Stream<Item = Result<FlightData, Status>> + Send>>;

/// One table that is there already.
pub(crate) fn table(batch: RecordBatch) -> Messages {
    let schema = batch.schema();
    let messages = FlightDataEncoderBuilder::new().with_schema(schema).build(stream::iter([Ok(batch)]));
    messages.map_err(|error| status(&from_encoder(error))).boxed()
}

/// What a running statement holds, to its end.
pub(crate) struct Running {
    /// Its rows.
    pub(crate) rows: RowStream,
    /// The schema under which they are sent.
    pub(crate) schema: SchemaRef,
    /// Its place among those that run at the same time.
    pub(crate) place: OwnedSemaphorePermit,
    /// How long the client may not read.
    pub(crate) stall_timeout: Duration,
    /// What is noted of it.
    pub(crate) note: Note,
}

/// What the task has for the client.
enum Next {
    Message(FlightData),
    Failed(Status),
    End,
}

/// The rows of a running statement.
pub(crate) fn stream(running: Running) -> Messages {
    let stall_timeout = running.stall_timeout;
    let (sender, receiver) = mpsc::channel(AHEAD);
    let mut task = JoinSet::new();
    task.spawn(run(running, sender));
    let messages = stream::unfold(Some((receiver, task)), move |state| async move {
        let (mut receiver, mut task) = state?;
        match receiver.recv().await {
            Some(Next::Message(message)) => Some((Ok(message), Some((receiver, task)))),
            Some(Next::Failed(status)) => Some((Err(status), None)),
            Some(Next::End) => None,
            // The task stopped before the end: what was sent must not pass for everything.
            None => Some((Err(broken_off(task.join_next().await, stall_timeout)), None)),
        }
    });
    Box::pin(messages)
}

fn broken_off(ended: Option<Result<(), tokio::task::JoinError>>, stall_timeout: Duration) -> Status {
    if let Some(Err(error)) = ended {
        tracing::error!(%error, "an answer broke off by a defect");
        return Status::internal("the answer broke off; the server's log says why");
    }
    let seconds = stall_timeout.as_secs_f64();
    Status::deadline_exceeded(format!("the answer was not read for {seconds} s and was stopped"))
}

async fn run(running: Running, sender: mpsc::Sender<Next>) {
    let Running { rows, schema, place, stall_timeout, note } = running;
    let sent = schema.clone();
    let rows = rows.map(move |batch| {
        let batch = batch.map_err(Error::from_engine).and_then(|batch| wire::rows(&batch, &sent));
        batch.map_err(through_encoder)
    });
    let mut messages = FlightDataEncoderBuilder::new().with_schema(schema).build(rows);
    loop {
        let next = match messages.next().await {
            Some(Ok(message)) => Ok(Next::Message(message)),
            None => Ok(Next::End),
            Some(Err(error)) => Err(from_encoder(error)),
        };
        let failed = next.as_ref().err().map(Error::kind);
        let is_last = !matches!(next, Ok(Next::Message(_)));
        let next = next.unwrap_or_else(|error| Next::Failed(status(&error)));
        match timeout(stall_timeout, sender.send(next)).await {
            Ok(Ok(())) if !is_last => {}
            Ok(Ok(())) => {
                match failed {
                    None => note.answered(),
                    Some(kind) => note.failed(kind),
                }
                break;
            }
            // Nobody listens any more, or nobody reads: noted as stopped.
            Ok(Err(_)) | Err(_) => {
                note.failed(ErrorKind::Limit(Exceeded::Time));
                break;
            }
        }
    }
    drop(place);
}

#[cfg(test)]
mod tests;
