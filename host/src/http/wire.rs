//! A connection that never waits long: a socket, with or without TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use regovm_core::host::HttpRequest;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::{Patience, TICK, tls};
use crate::failure::go_text;

/// A connected socket.
pub(crate) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    /// Makes waits short.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        match self {
            Socket::Tcp(socket) => {
                socket.set_nodelay(true)?;
                socket.set_read_timeout(Some(TICK))?;
                socket.set_write_timeout(Some(TICK))
            }
            #[cfg(unix)]
            Socket::Unix(socket) => {
                socket.set_read_timeout(Some(TICK))?;
                socket.set_write_timeout(Some(TICK))
            }
        }
    }
}

/// A socket whose reads and writes ask every tick whether to go on.
pub(crate) struct Polled<'s> {
    socket: Socket,
    pub(crate) patience: Patience<'s>,
    /// The first bytes that came: they tell what the server speaks.
    first: Vec<u8>,
}

impl<'s> Polled<'s> {
    pub(crate) fn new(socket: Socket, patience: Patience<'s>) -> Polled<'s> {
        Polled {
            socket,
            patience,
            first: Vec::new(),
        }
    }

    /// Repeats what would wait until it has happened.
    fn retry(
        &mut self,
        mut act: impl FnMut(&mut Socket) -> io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            self.patience.check()?;
            match act(&mut self.socket) {
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                outcome => return outcome,
            }
        }
    }
}

impl Read for Polled<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.retry(|socket| match socket {
            Socket::Tcp(socket) => socket.read(buffer),
            #[cfg(unix)]
            Socket::Unix(socket) => socket.read(buffer),
        })?;
        if self.first.len() < 5 {
            self.first.extend_from_slice(&buffer[..n.min(5)]);
        }
        Ok(n)
    }
}

impl Write for Polled<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.retry(|socket| match socket {
            Socket::Tcp(socket) => socket.write(bytes),
            #[cfg(unix)]
            Socket::Unix(socket) => socket.write(bytes),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What requests are written to and responses are read from.
pub(crate) enum Wire<'s> {
    Plain(Polled<'s>),
    Tls(Box<StreamOwned<ClientConnection, Polled<'s>>>),
}

impl<'s> Wire<'s> {
    pub(crate) fn plain(polled: Polled<'s>) -> Wire<'s> {
        Wire::Plain(polled)
    }

    pub(crate) fn polled(&mut self) -> &mut Polled<'s> {
        match self {
            Wire::Plain(polled) => polled,
            Wire::Tls(stream) => &mut stream.sock,
        }
    }
}

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(polled) => polled.read(buffer),
            // A server that closes without saying so has ended all the same.
            Wire::Tls(stream) => match stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
                outcome => outcome,
            },
        }
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(polled) => polled.write(bytes),
            Wire::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Plain(polled) => polled.flush(),
            Wire::Tls(stream) => stream.flush(),
        }
    }
}

/// Puts TLS on a connection. What fails gives the connection back, with the text of the error.
pub(crate) fn secured<'s>(
    mut polled: Polled<'s>,
    config: Arc<ClientConfig>,
    request: &HttpRequest,
) -> Result<Wire<'s>, (Polled<'s>, String)> {
    let name = request.tls.server_name.as_ref().unwrap_or(&request.host);
    let mut connection = match tls::connection(config, name, request.tls.skip_verification) {
        Ok(connection) => connection,
        Err(text) => return Err((polled, text)),
    };
    while connection.is_handshaking() {
        if let Err(error) = connection.complete_io(&mut polled) {
            let text = match error
                .get_ref()
                .and_then(|e| e.downcast_ref::<rustls::Error>())
            {
                Some(rustls::Error::InvalidMessage(_)) if polled.first.starts_with(b"HTTP/") => {
                    "http: server gave HTTP response to HTTPS client".to_owned()
                }
                _ => text(&error),
            };
            return Err((polled, text));
        }
    }
    Ok(Wire::Tls(Box::new(StreamOwned::new(connection, polled))))
}

/// The text of an error of a connection, as Go writes it.
pub(crate) fn text(error: &io::Error) -> String {
    match error
        .get_ref()
        .and_then(|e| e.downcast_ref::<rustls::Error>())
    {
        Some(error) => tls::text(error),
        None if error.kind() == ErrorKind::UnexpectedEof => "EOF".to_owned(),
        None => go_text(error),
    }
}
