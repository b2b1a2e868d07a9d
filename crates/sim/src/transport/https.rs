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

/// The largest body that is read: ARM's own limit is 4 MB.
const LARGEST_BODY: usize = 4 * 1024 * 1024;
/// How long open requests may take to end after the shutdown.
const GRACE: Duration = Duration::from_secs(5);
/// How long a client may take to greet.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A listener on that port of the loopback interface, or on `address` if one is given. Port 0 takes a free one.
///
/// # Errors
///
/// When the port is taken or may not be used.
pub async fn bind(address: Option<IpAddr>, port: u16) -> io::Result<TcpListener> {
    let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    TcpListener::bind(SocketAddr::new(address, port)).await
}

/// Serves the simulator over HTTPS, HTTP/1.1 and HTTP/2, until `shutdown` ends; then lets open requests finish.
///
/// # Errors
///
/// None after the start: a connection that fails concerns its client alone.
pub async fn serve(
    listener: TcpListener,
    tls: Tls,
    simulator: Simulator,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let simulator = simulator.answering_together();
    let acceptor = TlsAcceptor::from(tls.config);
    let graceful = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
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
        () = tokio::time::sleep(GRACE) => tracing::warn!("gave up on requests that did not end"),
    }
    Ok(())
}

async fn connect(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    simulator: Simulator,
    watcher: hyper_util::server::graceful::Watcher,
) {
    // Small answers must not wait for each other.
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => return tracing::debug!("TLS handshake took too long"),
    };
    let service = service_fn(move |request| {
        let simulator = simulator.clone();
        async move { answer(&simulator, request).await }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder.http2().timer(TokioTimer::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(%error, "connection ended badly");
    }
}

/// A connection that a fault breaks ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the schedule of faults broke the connection")]
struct Broken;

async fn answer(
    simulator: &Simulator,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Broken> {
    let Ok(request) = read(request).await else {
        return Ok(plain(400));
    };
    let Some(request) = request else {
        return Ok(plain(405));
    };
    let response = simulator.send(request).await.map_err(|_| Broken)?;
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

/// The request as the world reads it; `None` for a method that ARM does not know.
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
    read.body = Limited::new(body, LARGEST_BODY)
        .collect()
        .await?
        .to_bytes()
        .to_vec();
    Ok(Some(read))
}

#[cfg(test)]
mod tests;
