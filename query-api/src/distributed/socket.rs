//! Connections that come in, with TLS where it is asked for.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig, server::TlsStream};
use tokio_util::{either::Either, sync::CancellationToken};
use tonic::transport::server::Connected;

/// How long TLS may take to come about.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long nothing is accepted after it failed.
const PAUSE: Duration = Duration::from_millis(50);

/// A connection.
pub(super) struct Socket(Either<TcpStream, Box<TlsStream<TcpStream>>>);

/// Accepts connections until cancelled, or until nobody takes them. A handshake does not keep others waiting.
pub(super) async fn accept(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    taken: mpsc::Sender<io::Result<Socket>>,
    cancel: &CancellationToken,
) {
    let acceptor = tls.map(TlsAcceptor::from);
    let mut handshakes = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = cancel.cancelled() => return,
            () = taken.closed() => return,
            Some(_) = handshakes.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let (acceptor, taken) = (acceptor.clone(), taken.clone());
        handshakes.spawn(async move {
            let socket = match acceptor {
                None => Either::Left(socket),
                Some(acceptor) => match timeout(HANDSHAKE, acceptor.accept(socket)).await {
                    Ok(Ok(socket)) => Either::Right(Box::new(socket)),
                    Ok(Err(error)) => return tracing::debug!(%peer, %error, "no TLS came about"),
                    Err(_) => return tracing::debug!(%peer, "no TLS came about in time"),
                },
            };
            if taken.send(Ok(Socket(socket))).await.is_err() {
                tracing::debug!(%peer, "the worker ends");
            }
        });
    }
}

impl Connected for Socket {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
