//! The simulator as an HTTPS server, for any ARM client.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::tls::Tls;
use crate::http::{Method, Request};
use crate::simulator::Simulator;

/// The largest request body that ARM accepts.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// The time that open requests have to finish after the shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// The time that a client has for the TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Listens on a port of `address`, which defaults to the loopback interface. Port 0 selects a free port.
///
/// # Errors
///
/// If the port is in use or not permitted.
pub async fn bind(address: Option<IpAddr>, port: u16) -> io::Result<TcpListener> {
    let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    TcpListener::bind(SocketAddr::new(address, port)).await
}

/// Serves the simulator over HTTPS with HTTP/1.1 and HTTP/2 until `shutdown` completes. Then waits for open requests.
///
/// # Errors
///
/// Currently none: a failed connection affects only its client.
pub async fn serve(
    listener: TcpListener,
    tls: Tls,
    simulator: Simulator,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let simulator = simulator.with_batches();
    let acceptor = TlsAcceptor::from(tls.config);
    let graceful = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let connection = connect(
            stream,
            acceptor.clone(),
            simulator.clone(),
            graceful.watcher(),
        );
        tokio::spawn(connection);
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(SHUTDOWN_TIMEOUT) => tracing::warn!("open requests did not finish in time"),
    }
    Ok(())
}

async fn connect(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    simulator: Simulator,
    watcher: hyper_util::server::graceful::Watcher,
) {
    // Without this option, small responses are delayed.
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => return tracing::debug!("TLS handshake timed out"),
    };
    let service = service_fn(move |request| {
        let simulator = simulator.clone();
        async move { respond(&simulator, request).await }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder.http2().timer(TokioTimer::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(%error, "connection failed");
    }
}

/// Makes hyper close the connection without a response.
#[derive(Debug, thiserror::Error)]
#[error("a scheduled fault broke the connection")]
struct ScheduledDisconnect;

async fn respond(
    simulator: &Simulator,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, ScheduledDisconnect> {
    let Ok(request) = read(request).await else {
        return Ok(plain(400));
    };
    let Some(request) = request else {
        return Ok(plain(405));
    };
    let response = simulator
        .send(request)
        .await
        .map_err(|_| ScheduledDisconnect)?;
    let mut built = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        built = built.header(name, value);
    }
    Ok(built
        .body(Full::from(response.body))
        .unwrap_or_else(|_| plain(500)))
}

fn plain(status: u16) -> hyper::Response<Full<Bytes>> {
    let mut response = hyper::Response::new(Full::default());
    if let Ok(status) = hyper::StatusCode::from_u16(status) {
        *response.status_mut() = status;
    }
    response
}

/// Converts the request; `None` if ARM does not support its method.
async fn read(
    request: hyper::Request<Incoming>,
) -> Result<Option<Request>, Box<dyn std::error::Error + Send + Sync>> {
    let (parts, body) = request.into_parts();
    let Some(method) = Method::parse(parts.method.as_str()) else {
        return Ok(None);
    };
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let mut read = Request::new(method, target);
    // HTTP/2 carries the host in the URI.
    if let Some(authority) = parts.uri.authority() {
        read = read.with_header("host", authority.as_str());
    }
    for (name, value) in &parts.headers {
        if let Ok(value) = value.to_str() {
            read = read.with_header(name.as_str(), value);
        }
    }
    read.body = Limited::new(body, MAX_BODY)
        .collect()
        .await?
        .to_bytes()
        .to_vec();
    Ok(Some(read))
}

#[cfg(test)]
mod tests;
