//! Connections: taken up to a limit, encrypted where the server is, and cut when they must end.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
    time::{Sleep, sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::{
    either::Either,
    sync::{CancellationToken, WaitForCancellationFutureOwned},
};
use tonic::{Extensions, transport::server::Connected};

/// After a failed accept, as when there are no more file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// What connections are taken with.
pub(crate) struct Acceptor {
    pub(crate) tls: Option<TlsAcceptor>,
    /// Most connections at the same time.
    pub(crate) connections: usize,
    /// How long a client may take to be let in.
    pub(crate) startup_timeout: Duration,
    /// Cuts every connection.
    pub(crate) cut: CancellationToken,
}

impl Acceptor {
    /// Takes connections until cancelled. Without room nobody is taken: they wait in the system's queue.
    pub(crate) async fn accept(
        self,
        listener: TcpListener,
        taken: mpsc::Sender<io::Result<Connection>>,
        cancel: CancellationToken,
    ) {
        let acceptor = Arc::new(self);
        let room = Arc::new(Semaphore::new(acceptor.connections));
        let mut handshakes = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                Some(ended) = handshakes.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a handshake broke off by a defect");
                    }
                    continue;
                }
                accepted = next(&listener, &room) => accepted,
            };
            match accepted {
                Ok((socket, place)) => {
                    let (acceptor, taken) = (Arc::clone(&acceptor), taken.clone());
                    handshakes.spawn(async move {
                        if let Some(connection) = acceptor.begin(socket, place).await {
                            // Nobody takes it when the server is ending.
                            _ = taken.send(Ok(connection)).await;
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "no connection can be taken");
                    sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }

    async fn begin(&self, socket: TcpStream, place: OwnedSemaphorePermit) -> Option<Connection> {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a connection has no TCP_NODELAY");
        }
        let startup = Box::pin(sleep(self.startup_timeout));
        let socket = match &self.tls {
            None => Either::Left(socket),
            Some(tls) => match timeout(self.startup_timeout, tls.accept(socket)).await {
                Ok(Ok(socket)) => Either::Right(Box::new(socket)),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "no TLS came about");
                    return None;
                }
                Err(_) => {
                    tracing::debug!("no TLS came about in time");
                    return None;
                }
            },
        };
        let cut = Box::pin(self.cut.clone().cancelled_owned());
        Some(Connection { socket, startup, cut, let_in: LetIn::default(), _place: place })
    }
}

async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let (socket, _) = listener.accept().await?;
    Ok((socket, place))
}

/// Whether somebody was let in on a connection. Requests carry it.
#[derive(Clone, Default)]
pub(crate) struct LetIn(Arc<AtomicBool>);

impl LetIn {
    /// Somebody was.
    pub(crate) fn mark(extensions: &Extensions) {
        if let Some(Self(is_let_in)) = extensions.get::<Self>() {
            is_let_in.store(true, Ordering::Relaxed);
        }
    }
}

/// One connection. It ends when nobody was let in for too long, or the server cuts it.
pub(crate) struct Connection {
    socket: Either<TcpStream, Box<TlsStream<TcpStream>>>,
    startup: Pin<Box<Sleep>>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    let_in: LetIn,
    /// Given back when the connection is dropped.
    _place: OwnedSemaphorePermit,
}

impl Connected for Connection {
    type ConnectInfo = LetIn;

    fn connect_info(&self) -> LetIn {
        self.let_in.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if !self.let_in.0.load(Ordering::Relaxed) && self.startup.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
