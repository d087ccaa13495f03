//! What `http.send` asks of the host: one exchange with a server, in plain data.

use std::time::Duration;

/// A request. Where it goes has been allowed already.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HttpRequest {
    /// The method, as it is sent.
    pub method: String,
    /// With TLS.
    pub secure: bool,
    /// The machine: a name, or an address without brackets.
    pub host: String,
    /// The port, if it is not that of the scheme.
    pub port: Option<u16>,
    /// Path and query, as they are sent.
    pub target: String,
    /// The value of the `Host` header.
    pub authority: String,
    /// All other headers. The host adds those of the transfer: length, compression, connection.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The path of a Unix socket to use instead of the network.
    pub socket: Option<String>,
    /// How to talk TLS.
    pub tls: HttpTls,
    /// After how long the exchange fails; `None` is never.
    pub timeout: Option<Duration>,
}

/// How to talk TLS.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HttpTls {
    /// The name that the server's certificate must have, if it is not the machine's.
    pub server_name: Option<String>,
    /// Any certificate will do.
    pub skip_verification: bool,
    /// Trusts the roots of the machine beside `roots`; without any `roots` they are trusted anyway.
    pub system_roots: bool,
    /// Certificates to trust.
    pub roots: Vec<Roots>,
    /// What the client can show.
    pub identities: Vec<Identity>,
}

/// Certificates to trust, as PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roots {
    /// The text.
    pub pem: Vec<u8>,
    /// What to say if there is no certificate in it.
    pub failure: String,
}

/// A certificate of the client with its key, both as PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The chain of certificates.
    pub certificates: Vec<u8>,
    /// The private key.
    pub key: Vec<u8>,
    /// What to put before the text of an error.
    pub context: String,
}

/// The head of a response.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HttpHead {
    /// The number of the status.
    pub code: u16,
    /// Number and reason as the server wrote them: `200 OK`.
    pub status: String,
    /// The headers, in the order they came in.
    pub headers: Vec<(String, String)>,
}

/// Who asked: takes the response in parts, and can end the exchange.
pub trait HttpSink {
    /// False if the exchange must end now. Asked at least every 20 milliseconds.
    fn goes_on(&mut self) -> bool;

    /// Takes the head; false if the body is not wanted.
    fn head(&mut self, head: HttpHead) -> bool;

    /// Takes a part of the body; false if the exchange must end.
    fn body(&mut self, part: &[u8]) -> bool;
}

/// Why an exchange failed. The texts are those of Go, where it has some.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HttpFailure {
    /// Before anything was sent: keys and certificates that are none.
    Setup(String),
    /// The time was over before the head had come.
    TimedOut,
    /// No head came.
    Connection(String),
    /// The head came, but not the whole body.
    Body(String),
    /// The sink ended it.
    Stopped,
}
