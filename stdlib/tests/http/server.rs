//! Servers of one test: they listen on this machine, answer what the test says, and remember what they were asked.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a server does with a request.
pub enum Reply {
    /// Sends this and closes.
    Send(Vec<u8>),
    /// Sends this and waits until the client goes.
    Hang(Vec<u8>),
    /// Sends the first and then the second again and again, until the client goes.
    Endless(Vec<u8>, Vec<u8>),
}

/// A response with a body and its length.
pub fn response(status: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    Reply::Send((text + "\r\n" + body).into_bytes())
}

pub fn text(text: &str) -> Reply {
    Reply::Send(text.as_bytes().to_vec())
}

type Answer = dyn Fn(usize, &str) -> Reply + Send + Sync;

pub struct Server {
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server that is told the number of the request (from 0) and its text.
    pub fn start(answer: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Server {
        Server::listen(None, answer)
    }

    pub fn secure(
        config: Arc<ServerConfig>,
        answer: impl Fn(usize, &str) -> Reply + Send + Sync + 'static,
    ) -> Server {
        Server::listen(Some(config), answer)
    }

    fn listen(
        config: Option<Arc<ServerConfig>>,
        answer: impl Fn(usize, &str) -> Reply + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen): (Arc<Answer>, _) = (Arc::new(answer), requests.clone());
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (config, answer, seen) = (config.clone(), answer.clone(), seen.clone());
                thread::spawn(move || match config {
                    None => serve(socket, &answer, &seen),
                    Some(config) => {
                        let connection = ServerConnection::new(config).expect("a connection");
                        serve(StreamOwned::new(connection, socket), &answer, &seen);
                    }
                });
            }
        });
        Server { port, requests }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What was asked so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panics").clone()
    }

    pub fn count(&self) -> usize {
        self.requests().len()
    }
}

/// A port on which nobody listens.
pub fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

pub fn serve<S: Read + Write>(mut stream: S, answer: &Arc<Answer>, seen: &Mutex<Vec<String>>) {
    let Some(request) = read_request(&mut stream) else {
        return;
    };
    let number = {
        let mut seen = seen.lock().expect("no panics");
        seen.push(request.clone());
        seen.len() - 1
    };
    match answer(number, &request) {
        Reply::Send(bytes) => {
            let _ = stream.write_all(&bytes);
            let _ = stream.flush();
        }
        Reply::Hang(bytes) => {
            let _ = stream.write_all(&bytes);
            let _ = stream.flush();
            let mut rest = [0; 64];
            while stream.read(&mut rest).is_ok_and(|n| n > 0) {}
        }
        Reply::Endless(first, again) => {
            let _ = stream.write_all(&first);
            while stream.write_all(&again).is_ok() {}
        }
    }
}

/// Head and body of a request; `None` if the client goes before.
fn read_request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut part = [0; 1024];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length = length.map_or(0, |(_, length)| length.parse().expect("a length"));
            if body.len() >= length {
                return Some(text.into_owned());
            }
        }
        match stream.read(&mut part) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&part[..n]),
            _ => return None,
        }
    }
}

/// Serves on a Unix socket, once for each connection.
#[cfg(unix)]
pub fn serve_unix(
    path: &std::path::Path,
    reply: impl Fn(usize, &str) -> Reply + Send + Sync + 'static,
) {
    let listener = std::os::unix::net::UnixListener::bind(path).expect("a socket");
    let answer: Arc<Answer> = Arc::new(reply);
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            serve(socket, &answer, &Mutex::default());
        }
    });
}

/// Nothing but a TCP connection that closes at once.
pub fn closing_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let mut socket: TcpStream = socket;
            let _ = socket.read(&mut [0; 1024]);
        }
    });
    port
}
