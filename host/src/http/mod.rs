//! One exchange over HTTP/1.1: plain sockets and rustls.
//!
//! Every wait is short, so that the one who asked can end the exchange at any time. A connection serves one exchange.

mod body;
mod connect;
mod head;
mod proxy;
mod tls;
mod wire;

use std::io::{self, Write};
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use regovm_core::host::{HttpFailure, HttpRequest, HttpSink};

use self::body::{Body, Framing};
use self::head::Head;
use self::wire::{Polled, Wire};

/// How long one wait may take before the one who asked is asked again.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// Bytes of a body that are handed on at once.
const PART: usize = 16 << 10;

/// Looks up a variable of the environment.
pub(crate) type Variables<'v> = &'v dyn Fn(&str) -> Option<String>;

/// Who asked, and until when.
pub(crate) struct Patience<'s> {
    pub(crate) sink: &'s mut dyn HttpSink,
    pub(crate) deadline: Option<Instant>,
    /// Why there is none left.
    pub(crate) over: Option<Over>,
}

/// Why an exchange ends before its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Over {
    Stopped,
    TimedOut,
}

impl Patience<'_> {
    /// Fails if the exchange must end.
    pub(crate) fn check(&mut self) -> io::Result<()> {
        if self.over.is_none() && !self.sink.goes_on() {
            self.over = Some(Over::Stopped);
        }
        if self.over.is_none() && self.deadline.is_some_and(|end| Instant::now() >= end) {
            self.over = Some(Over::TimedOut);
        }
        match self.over {
            None => Ok(()),
            Some(_) => Err(io::Error::other("the exchange is over")),
        }
    }

    /// The time that is left, or the longest that something may take.
    pub(crate) fn left(&self, most: Duration) -> Duration {
        let left = self
            .deadline
            .map(|end| end.saturating_duration_since(Instant::now()));
        left.map_or(most, |left| left.min(most))
    }
}

/// Sends a request and hands the response to the sink. Gives the time that it took.
pub(crate) fn exchange(
    request: &HttpRequest,
    sink: &mut dyn HttpSink,
    variables: Variables<'_>,
) -> Result<Duration, HttpFailure> {
    let start = Instant::now();
    let tls = match request.secure && request.socket.is_none() {
        true => Some(tls::config(&request.tls)?),
        // Wrong certificates are refused even if they are not needed, as OPA does.
        false => {
            tls::check(&request.tls)?;
            None
        }
    };
    let mut patience = Patience {
        sink,
        deadline: request.timeout.and_then(|time| start.checked_add(time)),
        over: None,
    };
    let (socket, proxy) = match connect::connect(request, &mut patience, variables) {
        Ok(connected) => connected,
        Err(text) => return Err(failed(&patience, HttpFailure::Connection(text))),
    };
    let polled = Polled::new(socket, patience);
    let mut wire = match tls {
        None => Wire::plain(polled),
        Some(config) => match wire::secured(polled, config, request) {
            Ok(wire) => wire,
            Err((polled, text)) => {
                return Err(failed(&polled.patience, HttpFailure::Connection(text)));
            }
        },
    };
    let outcome = talk(&mut wire, request, proxy.as_ref());
    outcome.map_err(|failure| failed(&wire.polled().patience, failure))?;
    Ok(start.elapsed())
}

/// What a failure means, if the exchange was ended.
fn failed(patience: &Patience<'_>, failure: HttpFailure) -> HttpFailure {
    match (patience.over, failure) {
        (Some(Over::Stopped), _) => HttpFailure::Stopped,
        (_, failure @ HttpFailure::Stopped) => failure,
        (Some(Over::TimedOut), HttpFailure::Body(_)) => HttpFailure::Body(
            "context deadline exceeded (Client.Timeout or context cancellation while reading body)"
                .to_owned(),
        ),
        (Some(Over::TimedOut), _) => HttpFailure::TimedOut,
        (None, failure) => failure,
    }
}

/// Request and response over a connection.
fn talk(
    wire: &mut Wire<'_>,
    request: &HttpRequest,
    proxy: Option<&proxy::Proxy>,
) -> Result<(), HttpFailure> {
    let broken = |error: io::Error| HttpFailure::Connection(wire::text(&error));
    let unzips = accepts_compression(request);
    // A server may answer and close before it has read the whole request: what it says counts.
    let sent = send(wire, request, proxy, unzips);
    if let (Err(_), Some(_)) = (&sent, wire.polled().patience.over) {
        return Err(sent.map_err(broken).err().unwrap_or(HttpFailure::Stopped));
    }
    let mut head = match Head::read(wire) {
        Ok(head) => head,
        Err(text) => {
            return Err(match sent {
                Err(error) => broken(error),
                Ok(()) => HttpFailure::Connection(text),
            });
        }
    };
    let framing = Framing::of(&mut head, &request.method).map_err(HttpFailure::Connection)?;
    let zipped = unzips && head.take_gzip(&framing);
    let buffered = std::mem::take(&mut head.rest);
    if !wire.polled().patience.sink.head(head.head) {
        return match wire.polled().patience.sink.goes_on() {
            true => Ok(()),
            false => Err(HttpFailure::Stopped),
        };
    }
    let body = Body::new(wire, buffered, framing);
    if zipped {
        let mut decoder = MultiGzDecoder::new(body);
        hand_on(&mut decoder, |decoder| decoder.get_mut().wire())
    } else {
        let mut body = body;
        hand_on(&mut body, |body| body.wire())
    }
}

/// Hands a body to the sink, part by part.
fn hand_on<'w, R: io::Read>(
    reader: &mut R,
    wire: impl Fn(&mut R) -> &mut Wire<'w>,
) -> Result<(), HttpFailure> {
    let mut part = vec![0; PART];
    loop {
        match reader.read(&mut part) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                if !wire(reader).polled().patience.sink.body(&part[..n]) {
                    return Err(HttpFailure::Stopped);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(HttpFailure::Body(body::text(&error))),
        }
    }
}

fn has(request: &HttpRequest, name: &str) -> bool {
    let names = request.headers.iter().map(|(name, _)| name);
    names
        .into_iter()
        .any(|other| other.eq_ignore_ascii_case(name))
}

/// Compression is between us and the server, unless the policy speaks of it.
fn accepts_compression(request: &HttpRequest) -> bool {
    !has(request, "Accept-Encoding") && !has(request, "Range") && request.method != "HEAD"
}

fn send(
    wire: &mut Wire<'_>,
    request: &HttpRequest,
    proxy: Option<&proxy::Proxy>,
    unzips: bool,
) -> io::Result<()> {
    let mut out = Vec::with_capacity(512 + request.body.len());
    let target = match proxy {
        Some(_) if !request.secure => format!("http://{}{}", request.authority, request.target),
        _ => request.target.clone(),
    };
    write!(out, "{} {target} HTTP/1.1\r\n", request.method)?;
    write!(out, "Host: {}\r\n", request.authority)?;
    let needs_length = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
    if !request.body.is_empty() || needs_length {
        write!(out, "Content-Length: {}\r\n", request.body.len())?;
    }
    for (name, value) in &request.headers {
        if !value.is_empty() || !name.eq_ignore_ascii_case("User-Agent") {
            write!(out, "{name}: {value}\r\n")?;
        }
    }
    if let Some(credentials) = proxy
        .filter(|_| !request.secure)
        .and_then(proxy::Proxy::credentials)
    {
        write!(out, "Proxy-Authorization: {credentials}\r\n")?;
    }
    if unzips {
        write!(out, "Accept-Encoding: gzip\r\n")?;
    }
    if !has(request, "Connection") {
        write!(out, "Connection: close\r\n")?;
    }
    write!(out, "\r\n")?;
    out.extend_from_slice(&request.body);
    wire.write_all(&out)?;
    wire.flush()
}

/// Waits, asking every tick whether to go on.
pub(crate) fn pause(time: Duration, goes_on: &mut dyn FnMut() -> bool) {
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || !goes_on() {
            return;
        }
        std::thread::sleep(left.min(TICK));
    }
}
