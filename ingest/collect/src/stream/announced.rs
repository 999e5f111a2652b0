//! The queue's side: messages are received, worked, and deleted once everything that they announce has landed.

use std::{
    collections::HashMap,
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    Until,
    event::announced,
    queue::{Message, Queue},
    unless,
    work::{End, Object, Origin, Work, ended_well},
};
use crate::{
    cloud::Answer,
    error::{CallErrorKind, Error, Result},
};

/// Messages that were received and are not deleted yet. SQS lets 120,000 be so.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MOST_MESSAGES: usize = 16_384;
/// Messages of one deletion.
const DELETED_AT_ONCE: usize = 10;
/// Longest wait for a message that SQS offers.
const LONG_WAIT: Duration = Duration::from_secs(20);
/// Wait for a message that may be the last. Any wait at all asks all of SQS's servers.
const SHORT_WAIT: Duration = Duration::from_secs(1);
/// Empty answers that are believed.
const BELIEVED: u32 = 2;
/// Wait after a call that failed; doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest such wait.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// Failures in a row after which a worker that is to end gives up.
const ATTEMPTS: u32 = 8;

/// The newest receipts of messages in work, by their id.
#[derive(Debug, Default)]
struct Receipts(Mutex<HashMap<String, String>>);

impl Receipts {
    /// Notes a message; false when it is in work already.
    fn note(&self, message: &Message) -> bool {
        self.receipts().insert(message.id.clone(), message.receipt.clone()).is_none()
    }

    fn receipts(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Works a queue.
pub(super) async fn run(
    work: &Arc<Work>,
    queue: &Arc<dyn Queue>,
    until: Until,
    (stop, cancel): (&CancellationToken, &CancellationToken),
) -> Result<()> {
    let receipts = Arc::new(Receipts::default());
    let (done, finished) = mpsc::channel(DELETED_AT_ONCE * 10);
    let receiver = receive(work, queue, &receipts, done, until, (stop, cancel));
    let deleter = delete(work, queue, &receipts, finished, cancel);
    tokio::try_join!(receiver, deleter).map(drop)
}

async fn receive(
    work: &Arc<Work>,
    queue: &Arc<dyn Queue>,
    receipts: &Arc<Receipts>,
    done: mpsc::Sender<String>,
    until: Until,
    (stop, cancel): (&CancellationToken, &CancellationToken),
) -> Result<()> {
    let waiting = Arc::new(Semaphore::new(MOST_MESSAGES));
    let wait = if until == Until::Empty { SHORT_WAIT } else { LONG_WAIT };
    let mut tasks: JoinSet<Result<()>> = JoinSet::new();
    let mut empty = 0;
    let receive = || queue.receive(wait);
    let mut receiving = pin!(patiently(work, until, cancel, receive));
    while until == Until::Cancelled || empty < BELIEVED {
        // A receipt that is under way is not dropped: its messages would be hidden for nothing.
        let messages = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Error::cancelled()),
            () = stop.cancelled() => break,
            Some(ended) = tasks.join_next() => {
                ended_well(ended)?;
                continue;
            }
            received = &mut receiving => received,
        };
        let messages = match messages {
            Ok(messages) => messages,
            Err(error) => {
                work.finish(&mut tasks, cancel).await?;
                return Err(error);
            }
        };
        empty = if messages.is_empty() { empty + 1 } else { 0 };
        for message in messages {
            if !receipts.note(&message) {
                continue;
            }
            let slot = unless(cancel, Arc::clone(&waiting).acquire_owned()).await?;
            let slot = slot.map_err(|_| Error::cancelled())?;
            let place = work.place(cancel).await?;
            let (work, receipts, done) = (Arc::clone(work), Arc::clone(receipts), done.clone());
            let cancel = cancel.clone();
            tasks.spawn(async move {
                let end = work_message(&work, &message, place, &cancel).await;
                if end.as_ref().is_ok_and(|end| *end == End::Done) {
                    unless(&cancel, done.send(message.id)).await?.map_err(|_| Error::cancelled())?;
                } else {
                    receipts.receipts().remove(&message.id);
                }
                drop(slot);
                end.map(drop)
            });
        }
        receiving.set(patiently(work, until, cancel, receive));
    }
    work.finish(&mut tasks, cancel).await
}

/// Works what a message announces.
async fn work_message(
    work: &Work,
    message: &Message,
    place: OwnedSemaphorePermit,
    cancel: &CancellationToken,
) -> Result<End> {
    let origin = Origin { body: Some(&message.body), received: message.received };
    let objects = match announced(&message.body) {
        Ok(objects) => objects,
        Err(reason) => {
            let object = Object {
                uri: format!("message {}", message.id),
                e_tag: String::new(),
                size_bytes: message.body.len() as u64,
                place: Err(reason),
            };
            return work.collect(object, origin, place, cancel).await;
        }
    };
    let (mut first, mut end) = (Some(place), End::Done);
    for announced in objects {
        let place = match first.take() {
            Some(place) => place,
            None => work.place(cancel).await?,
        };
        let ended = match work.identify(announced, cancel).await {
            Ok(object) => work.collect(object, origin, place, cancel).await?,
            Err(error) => work.leave(error, cancel).await?,
        };
        if ended == End::Left {
            end = End::Left;
        }
    }
    Ok(end)
}

/// Deletes messages that are finished, until there can be no more of them.
async fn delete(
    work: &Work,
    queue: &Arc<dyn Queue>,
    receipts: &Receipts,
    mut finished: mpsc::Receiver<String>,
    cancel: &CancellationToken,
) -> Result<()> {
    let mut ids = Vec::new();
    while unless(cancel, finished.recv_many(&mut ids, DELETED_AT_ONCE)).await? > 0 {
        let newest: Vec<String> = {
            let receipts = receipts.receipts();
            ids.iter().filter_map(|id| receipts.get(id).cloned()).collect()
        };
        let deleted = patiently(work, Until::Empty, cancel, || queue.delete(&newest)).await;
        for id in ids.drain(..) {
            receipts.receipts().remove(&id);
        }
        if let Err(error) = deleted {
            // They come again, and are known.
            work.leave(error, cancel).await?;
        }
    }
    Ok(())
}

/// Makes a call, again where that helps. A watcher goes on for ever, and tells what keeps it; whoever is to end gives up
/// after some attempts.
async fn patiently<T, A>(
    work: &Work,
    until: Until,
    cancel: &CancellationToken,
    call: impl Fn() -> A,
) -> Result<T>
where
    A: Future<Output = Answer<T>>,
{
    let (mut attempt, mut wait) = (1, FIRST_WAIT);
    loop {
        let error = match unless(cancel, call()).await? {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let passes = matches!(
            error.kind,
            CallErrorKind::Throttled | CallErrorKind::Transient | CallErrorKind::Expired
        );
        if until == Until::Empty && (!passes || attempt == ATTEMPTS) {
            return Err(error.into());
        }
        if !passes {
            work.leave(error.into(), cancel).await?;
            wait = LONGEST_WAIT;
        }
        unless(cancel, work.parts.clock.sleep(wait)).await?;
        attempt += 1;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}
