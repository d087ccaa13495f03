//! Connecting: name look-up and connect run on a thread of their own, because the system cannot be asked to stop.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use regovm_core::host::HttpRequest;

use super::proxy::Proxy;
use super::wire::Socket;
use super::{Patience, TICK, Variables};
use crate::failure::go_text;

/// How long connecting may take if the request allows more.
const LONGEST: Duration = Duration::from_secs(30);

/// A connected socket with short waits, and the proxy at its other end.
pub(super) fn connect(
    request: &HttpRequest,
    patience: &mut Patience<'_>,
    variables: Variables<'_>,
) -> Result<(Socket, Option<Proxy>), String> {
    if let Some(path) = &request.socket {
        let socket = connect_unix(path)?;
        prepare(&socket)?;
        return Ok((socket, None));
    }
    let port = request.port.unwrap_or(match request.secure {
        true => 443,
        false => 80,
    });
    let Some(proxy) = Proxy::of(request, port, variables)? else {
        let socket = dial(request.host.clone(), port, patience)?;
        return Ok((socket, None));
    };
    let socket = dial(proxy.host.clone(), proxy.port, patience)
        .map_err(|text| format!("proxyconnect tcp: {text}"))?;
    if request.secure {
        tunnel(&socket, &proxy, &request.host, port, patience)?;
    }
    Ok((socket, Some(proxy)))
}

fn prepare(socket: &Socket) -> Result<(), String> {
    socket.prepare().map_err(|error| go_text(&error))
}

#[cfg(unix)]
fn connect_unix(path: &str) -> Result<Socket, String> {
    let socket = UnixStream::connect(path);
    socket
        .map(Socket::Unix)
        .map_err(|error| format!("dial unix {path}: connect: {}", go_text(&error)))
}

#[cfg(not(unix))]
fn connect_unix(path: &str) -> Result<Socket, String> {
    Err(format!("dial unix {path}: not supported on this system"))
}

/// Connects to a machine. If it must end before it has, the thread is left behind and ends by itself.
fn dial(host: String, port: u16, patience: &mut Patience<'_>) -> Result<Socket, String> {
    let time = patience.left(LONGEST);
    let (sender, receiver) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("regovm-dial".to_owned());
    thread
        .spawn(move || {
            // Nobody may be waiting any more.
            let _ = sender.send(dial_now(&host, port, time));
        })
        .map_err(|error| go_text(&error))?;
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(Ok(socket)) => {
                let socket = Socket::Tcp(socket);
                prepare(&socket)?;
                return Ok(socket);
            }
            Ok(Err(text)) => {
                // It may have failed because the time was over.
                patience.check().map_err(|error| go_text(&error))?;
                return Err(text);
            }
            Err(RecvTimeoutError::Timeout) => patience.check().map_err(|error| go_text(&error))?,
            Err(RecvTimeoutError::Disconnected) => return Err("dial tcp: no answer".to_owned()),
        }
    }
}

fn dial_now(host: &str, port: u16, time: Duration) -> Result<TcpStream, String> {
    let end = Instant::now() + time;
    let no_host = || format!("dial tcp: lookup {host}: no such host");
    let addresses = (host, port).to_socket_addrs().map_err(|_| no_host())?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    let mut first_error = None;
    for (i, address) in addresses.iter().enumerate() {
        // Each address has its share of the time that is left.
        let left = end.saturating_duration_since(Instant::now());
        let others = u32::try_from(addresses.len() - i).unwrap_or(1);
        let share = (left / others).max(Duration::from_millis(1));
        match TcpStream::connect_timeout(address, share) {
            Ok(socket) => return Ok(socket),
            Err(error) => {
                let text = match error.kind() {
                    io::ErrorKind::TimedOut => "i/o timeout".to_owned(),
                    _ => format!("connect: {}", go_text(&error)),
                };
                first_error.get_or_insert(format!("dial tcp {address}: {text}"));
            }
        }
    }
    Err(first_error.unwrap_or_else(no_host))
}

/// Asks a proxy for a connection to the machine.
fn tunnel(
    socket: &Socket,
    proxy: &Proxy,
    host: &str,
    port: u16,
    patience: &mut Patience<'_>,
) -> Result<(), String> {
    let Socket::Tcp(socket) = socket else {
        return Ok(());
    };
    let mut socket = socket;
    let host = match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    let mut head = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(credentials) = proxy.credentials() {
        head.push_str(&format!("Proxy-Authorization: {credentials}\r\n"));
    }
    head.push_str("\r\n");
    let text = |error: io::Error| format!("proxyconnect tcp: {}", go_text(&error));
    socket.write_all(head.as_bytes()).map_err(text)?;
    let mut answer = Vec::new();
    let mut byte = [0];
    // Byte by byte: what follows the head belongs to TLS.
    while !answer.ends_with(b"\r\n\r\n") {
        patience.check().map_err(text)?;
        match socket.read(&mut byte) {
            Ok(0) => return Err("proxyconnect tcp: EOF".to_owned()),
            Ok(_) if answer.len() > 64 << 10 => {
                return Err("proxyconnect tcp: the answer does not end".to_owned());
            }
            Ok(_) => answer.extend_from_slice(&byte),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock
                        | io::ErrorKind::TimedOut
                        | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => return Err(text(error)),
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.lines().next().unwrap_or_default();
    let status = status.split_once(' ').map_or("", |(_, status)| status);
    if status.starts_with("200") {
        return Ok(());
    }
    // Go says only the reason.
    Err(status
        .split_once(' ')
        .map_or(status, |(_, reason)| reason)
        .to_owned())
}
