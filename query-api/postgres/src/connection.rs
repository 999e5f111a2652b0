//! One connection after its login: its messages, in order, and the state between them.
//!
//! Reading and working go side by side, so that a client which goes away stops its statement. Messages wait in a short
//! queue: a client that sends on without reading is not read from either.

mod extended;
mod note;
mod pinned;
mod simple;

use std::{
    collections::HashMap,
    io,
    sync::{Arc, PoisonError, RwLock},
};

use airshed_query_api::{ErrorKind, Exceeded, access::Principal};
use datafusion_postgres::pgwire::{
    error::PgWireError,
    messages::{
        PgWireBackendMessage as Backend, PgWireFrontendMessage as Frontend,
        response::{CommandComplete, ReadyForQuery, TransactionStatus},
        startup::ParameterStatus,
    },
};
use futures::StreamExt as _;
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use self::{
    extended::{Portal, Prepared},
    pinned::Pinned,
};
use crate::{
    answer::Answer,
    cancel::Place,
    catalog::Person,
    failure::{Failure, code},
    login::LoggedIn,
    server::Shared,
    settings::Changed,
    wire::Outgoing,
};

/// Messages that are read ahead. A driver sends five at once for one statement.
const AHEAD: usize = 8;

type Incoming = Result<Frontend, PgWireError>;

/// Why the work on a message ended early.
enum Broken {
    /// Told to the client.
    Failed(Failure),
    /// Nobody is there to be told.
    Gone(io::Error),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

/// A connection.
struct Connection {
    shared: Arc<Shared>,
    who: Principal,
    person: Person,
    place: Place,
    out: Outgoing,
    /// The server's end.
    shutdown: CancellationToken,
    /// Stops the statement that runs.
    stop: CancellationToken,
    pinned: Option<Pinned>,
    /// Whether what is pinned stays: within a transaction, or the messages up to the next Sync.
    is_settled: bool,
    transaction: TransactionStatus,
    /// After a failure, messages are skipped up to the next Sync.
    skips: bool,
    statements: HashMap<String, Arc<Prepared>>,
    portals: HashMap<String, Portal>,
}

/// Serves a connection to its end.
pub(crate) async fn serve(logged_in: LoggedIn, shared: Arc<Shared>, shutdown: CancellationToken) {
    let LoggedIn { messages, who, settings, place } = logged_in;
    let (sink, mut stream) = messages.split();
    let person = Person {
        name: who.name.as_str().into(),
        number: place.number,
        settings: Arc::new(RwLock::new(settings)),
    };
    let mut connection = Connection {
        out: Outgoing::new(sink, shared.options.stall_timeout),
        stop: shutdown.child_token(),
        shared,
        who,
        person,
        place,
        shutdown,
        pinned: None,
        is_settled: false,
        transaction: TransactionStatus::Idle,
        skips: false,
        statements: HashMap::new(),
        portals: HashMap::new(),
    };
    let (queue, queued) = mpsc::channel::<Incoming>(AHEAD);
    let read = async move {
        while let Some(message) = stream.next().await {
            let is_last = matches!(message, Ok(Frontend::Terminate(_)));
            let is_broken = message.is_err();
            if is_last || queue.send(message).await.is_err() {
                return;
            }
            if is_broken {
                // The client is told, and then the work ends.
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = read => {}
        worked = connection.work(queued) => if let Err(error) = worked {
            tracing::debug!(%error, "a connection broke off");
        }
    }
}

impl Connection {
    async fn work(&mut self, mut queued: mpsc::Receiver<Incoming>) -> io::Result<()> {
        // An `airshed.as_of` of the start-up message is looked at before the first statement relies on it.
        if let Err(failure) = self.pin().await {
            return self.end(Failure { is_fatal: true, ..failure }).await;
        }
        self.ready().await?;
        loop {
            let next = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return self.end(shutting_down()).await,
                next = timeout(self.shared.options.idle_timeout, queued.recv()) => next,
            };
            let worked = match next {
                Ok(Some(Ok(message))) => Box::pin(self.message(message)).await,
                Ok(Some(Err(error))) => Err(Broken::Failed(Failure { is_fatal: true, ..error.into() })),
                Ok(None) => return Ok(()),
                Err(_) => {
                    let message = "the connection was idle for too long";
                    return self.end(Failure::fatal(code::IDLE, message)).await;
                }
            };
            match worked {
                Ok(()) => {}
                Err(Broken::Failed(failure)) if failure.is_fatal => return self.end(failure).await,
                Err(Broken::Failed(failure)) => self.failed(failure).await?,
                Err(Broken::Gone(error)) => return Err(error),
            }
        }
    }

    async fn message(&mut self, message: Frontend) -> Result<(), Broken> {
        if self.skips && !matches!(message, Frontend::Sync(_) | Frontend::Query(_)) {
            return Ok(());
        }
        match message {
            Frontend::Query(query) => {
                self.skips = false;
                if let Err(broken) = Box::pin(self.simple(&query.query)).await {
                    match broken {
                        Broken::Failed(failure) if !failure.is_fatal => self.failed(failure).await?,
                        broken => return Err(broken),
                    }
                }
                self.ready().await?;
                return Ok(());
            }
            Frontend::Sync(_) => {
                self.skips = false;
                self.ready().await?;
                return Ok(());
            }
            Frontend::Flush(_) => {
                self.out.flush().await?;
                return Ok(());
            }
            // Left over from a COPY that was refused.
            Frontend::CopyData(_) | Frontend::CopyDone(_) | Frontend::CopyFail(_) => return Ok(()),
            _ => {}
        }
        let worked = match message {
            Frontend::Parse(parse) => self.parse(parse).await,
            Frontend::Bind(bind) => self.bind(&bind).await,
            Frontend::Describe(describe) => self.describe(&describe).await,
            Frontend::Execute(execute) => self.execute(&execute).await,
            Frontend::Close(close) => self.close(&close).await,
            _ => Err(Failure::fatal(code::PROTOCOL, "the message does not belong here").into()),
        };
        if matches!(worked, Err(Broken::Failed(_))) {
            self.skips = true;
        }
        worked
    }

    /// Ends what belongs together, and tells the client that it may go on.
    async fn ready(&mut self) -> io::Result<()> {
        if self.transaction == TransactionStatus::Idle {
            self.is_settled = false;
            self.portals.clear();
        }
        self.out.feed(Backend::ReadyForQuery(ReadyForQuery::new(self.transaction))).await?;
        self.out.flush().await
    }

    async fn failed(&mut self, failure: Failure) -> io::Result<()> {
        if self.transaction == TransactionStatus::Transaction {
            self.transaction = TransactionStatus::Error;
            self.portals.clear();
        }
        self.out.feed(Backend::ErrorResponse(failure.into_response())).await
    }

    async fn end(&mut self, failure: Failure) -> io::Result<()> {
        self.out.feed(Backend::ErrorResponse(failure.into_response())).await?;
        self.out.flush().await
    }

    /// Begins a statement, that a request to cancel or the server's end can stop.
    fn begin(&mut self) {
        self.stop = self.shutdown.child_token();
        self.place.slot.begin(self.stop.clone());
    }

    /// Sends rows: all, or as many as are asked for. Returns how many, and whether it stopped at that number.
    async fn send_rows(&mut self, answer: &mut Answer, most: Option<usize>) -> Result<(usize, bool), Broken> {
        let mut sent = 0;
        while most.is_none_or(|most| sent < most) {
            let next = unless_stopped(&self.stop, &self.shutdown, async { answer.next().await.transpose() });
            let Some(row) = next.await? else { return Ok((sent, false)) };
            self.out.feed(Backend::DataRow(row)).await?;
            sent += 1;
        }
        Ok((sent, true))
    }

    async fn complete(&mut self, tag: impl Into<String>) -> io::Result<()> {
        self.out.feed(Backend::CommandComplete(CommandComplete::new(tag.into()))).await
    }

    async fn tell(&mut self, changed: Changed) -> io::Result<()> {
        if let Some(notice) = changed.notice {
            self.out.feed(Backend::NoticeResponse(Failure::notice(notice))).await?;
        }
        if let Some((name, value)) = changed.told {
            self.out.feed(Backend::ParameterStatus(ParameterStatus::new(name.to_owned(), value))).await?;
        }
        Ok(())
    }

    fn settings<T>(&self, read: impl FnOnce(&crate::settings::Settings) -> T) -> T {
        read(&self.person.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn settings_mut<T>(&self, change: impl FnOnce(&mut crate::settings::Settings) -> T) -> T {
        change(&mut self.person.settings.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The work on a statement, unless it is stopped.
async fn unless_stopped<T>(
    stop: &CancellationToken,
    shutdown: &CancellationToken,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(if shutdown.is_cancelled() { shutting_down() } else { stopped() }),
        done = work => done,
    }
}

fn stopped() -> Failure {
    let kind = ErrorKind::Limit(Exceeded::Time);
    Failure { kind, ..Failure::new(code::CANCELLED, "the statement was stopped as the user asked") }
}

fn shutting_down() -> Failure {
    Failure { kind: ErrorKind::Retry, ..Failure::fatal(code::SHUTDOWN, "the server is shutting down") }
}
