//! Sending a request: every hop of its redirects is checked before it is made, and what failed is tried again.

use std::time::Duration;

use regovm_core::builtin::{BuiltinError, Call, Meter, StopReason};
use regovm_core::host::{HttpFailure, HttpHead, HttpRequest, HttpSink};
use regovm_core::value::Arena;

use super::headers::{Headers, is_token_text, is_value};
use super::request::{Request, basic_authorization, check_host, quoted};
use super::response::Response;
use super::send::Failure;
use crate::go::url::Url;

/// Work of a hop, beside its bytes.
const HOP: u64 = 200;

/// Bytes of a body per unit of work.
const BYTES_PER_UNIT: usize = 64;

/// Waits between attempts, in milliseconds: from, to, and how they grow.
const SHORTEST_WAIT_MS: f64 = 100.0;
const LONGEST_WAIT_MS: f64 = 60_000.0;
const GROWTH: f64 = 1.6;
const JITTER: f64 = 0.2;

/// Sends a request, again if it fails. The inner failure is that of a body whose head had come: that is not tried again.
pub(super) fn run(
    cx: &mut Call<'_, '_>,
    request: &Request,
    retries: u64,
) -> Result<Result<Response, Failure>, Failure> {
    let mut attempt = 0;
    loop {
        let failure = match once(cx, request) {
            Err(failure @ Failure::Network { .. }) if attempt < retries => failure,
            outcome => return outcome,
        };
        drop(failure);
        wait(cx, attempt)?;
        attempt += 1;
    }
}

/// Waits before the next attempt; the first one comes at once.
fn wait(cx: &mut Call<'_, '_>, attempt: u64) -> Result<(), BuiltinError> {
    cx.charge(HOP)?;
    cx.meter.look()?;
    if attempt == 0 {
        return Ok(());
    }
    let exponent = i32::try_from(attempt).unwrap_or(i32::MAX);
    let wait = (SHORTEST_WAIT_MS * GROWTH.powi(exponent)).min(LONGEST_WAIT_MS);
    let mut chance = [0x80];
    cx.host.random(&mut chance);
    let [chance] = chance;
    let wait = wait * (1.0 + JITTER * (f64::from(chance) / 128.0 - 1.0));
    let mut stop = None;
    let meter = &mut *cx.meter;
    let mut goes_on = || {
        stop = meter.look().err();
        stop.is_none()
    };
    cx.host
        .pause(Duration::from_millis(wait as u64), &mut goes_on);
    stop.map_or(Ok(()), |reason| Err(BuiltinError::Stop(reason)))
}

/// Which headers a redirect takes along.
struct Redirect {
    method: String,
    with_body: bool,
    /// The machine is another one than the first: it must not see secrets.
    strips_secrets: bool,
    referer: Option<String>,
    host: Option<String>,
}

/// One attempt, with all its redirects.
fn once(cx: &mut Call<'_, '_>, request: &Request) -> Result<Result<Response, Failure>, Failure> {
    let op = operation(&request.method);
    let mut url = request.url.clone();
    let mut spent = Duration::ZERO;
    let mut hop = Redirect {
        method: request.method.clone(),
        with_body: true,
        strips_secrets: false,
        referer: None,
        host: request.host.clone(),
    };
    loop {
        cx.charge(HOP)?;
        cx.meter.look().map_err(Failure::Stop)?;
        let network = |text: String| Failure::Network {
            text: format!("{op} {}: {text}", quoted(&url.without_password())),
            timed_out: None,
        };
        let timed_out = || Failure::Network {
            text: format!(
                "{op} {}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
                quoted(&url.without_password())
            ),
            timed_out: Some(format!(
                "{op} {}: request timed out",
                url.without_password()
            )),
        };
        let mut sent = plain(request, &hop, &url).map_err(network)?;
        sent.timeout = match request.timeout {
            Some(timeout) => match timeout.checked_sub(spent).filter(|left| !left.is_zero()) {
                Some(left) => Some(left),
                None => return Err(timed_out()),
            },
            None => None,
        };
        cx.charge((sent.body.len() / BYTES_PER_UNIT) as u64)?;
        cx.reserve(sent.body.len())?;
        let mut sink = Sink {
            meter: &mut *cx.meter,
            arena: cx.arena,
            follows: request.follows_redirects,
            head: None,
            body: Vec::new(),
            stop: None,
        };
        let outcome = cx.host.http(&sent, &mut sink);
        let Sink {
            head, body, stop, ..
        } = sink;
        if let Some(reason) = stop {
            return Err(Failure::Stop(reason));
        }
        match outcome {
            Ok(took) => spent += took,
            Err(HttpFailure::TimedOut) => return Err(timed_out()),
            Err(HttpFailure::Connection(text)) => return Err(network(text)),
            Err(HttpFailure::Setup(text)) => return Err(Failure::request(text)),
            Err(HttpFailure::Body(text)) => return Ok(Err(Failure::request(text))),
            Err(HttpFailure::Stopped) => return Err(Failure::Stop(StopReason::Cancelled)),
        }
        let Some(head) = head else {
            return Err(network("EOF".to_owned()));
        };
        let mut headers = Headers::default();
        for (name, value) in &head.headers {
            headers.add(name, value);
        }
        let location = match redirect_to(&head, request.follows_redirects) {
            Some(location) => location.to_owned(),
            None => {
                return Ok(Ok(Response {
                    code: head.code,
                    status: head.status,
                    headers,
                    body,
                }));
            }
        };
        let reference = Url::parse(&location).map_err(|why| {
            network(format!(
                "failed to parse Location header {}: {why}",
                quoted(&location)
            ))
        })?;
        let next = url.resolve(&reference);
        if matches!(head.code, 301..=303) {
            hop.with_body = false;
            if hop.method != "HEAD" {
                hop.method = "GET".to_owned();
            }
        }
        hop.strips_secrets |= request.url.host != next.host
            && !is_same_or_below(&next.hostname(), &request.url.hostname());
        hop.referer = referer(&url, &next);
        if !reference.scheme.is_empty() {
            hop.host = None;
        }
        if let Err(why) = check_host(cx, &next) {
            return Err(Failure::Network {
                text: format!("{op} {}: {why}", quoted(&location)),
                timed_out: None,
            });
        }
        url = next;
    }
}

/// The method as Go writes it in errors: `Get`.
fn operation(method: &str) -> String {
    let (first, rest) = method.split_at(method.len().min(1));
    first.to_owned() + &rest.to_ascii_lowercase()
}

/// Where a response sends us, if we follow.
fn redirect_to(head: &HttpHead, follows: bool) -> Option<&str> {
    if !follows || !matches!(head.code, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = head
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("location"));
    location
        .map(|(_, value)| value.as_str())
        .filter(|value| !value.is_empty())
}

fn is_same_or_below(machine: &str, above: &str) -> bool {
    let (machine, above) = (machine.to_ascii_lowercase(), above.to_ascii_lowercase());
    if machine == above {
        return true;
    }
    let is_address = machine.contains([':', '%']) || machine.parse::<std::net::IpAddr>().is_ok();
    !is_address
        && machine
            .strip_suffix(above.as_str())
            .is_some_and(|before| before.ends_with('.'))
}

/// What the next hop says of where it comes from: nothing if that was a secret.
fn referer(last: &Url, next: &Url) -> Option<String> {
    if last.scheme == "https" && next.scheme == "http" {
        return None;
    }
    Some(last.without_user().to_string())
}

/// A hop in plain data; the error is one that Go has before it connects.
fn plain(request: &Request, hop: &Redirect, url: &Url) -> Result<HttpRequest, String> {
    let mut headers = request.headers.clone();
    if hop.strips_secrets {
        for name in [
            "Authorization",
            "Www-Authenticate",
            "Cookie",
            "Cookie2",
            "Proxy-Authorization",
            "Proxy-Authenticate",
        ] {
            headers.remove(name);
        }
    }
    if !hop.with_body {
        for name in [
            "Content-Encoding",
            "Content-Language",
            "Content-Location",
            "Content-Type",
        ] {
            headers.remove(name);
        }
    }
    if let Some(referer) = &hop.referer
        && headers.first("Referer").is_none_or(str::is_empty)
    {
        headers.set("Referer", referer);
    }
    if headers.first("Authorization").is_none_or(str::is_empty)
        && let Some(value) = basic_authorization(url)
    {
        headers.set("Authorization", &value);
    }
    // These are the transfer's own.
    for name in ["Content-Length", "Transfer-Encoding", "Trailer"] {
        headers.remove(name);
    }
    let secure = match url.scheme.as_str() {
        "http" => false,
        "https" => true,
        scheme => return Err(format!("unsupported protocol scheme {}", quoted(scheme))),
    };
    let mut pairs = Vec::new();
    for (name, values) in headers.iter() {
        if !is_token_text(name) {
            return Err(format!(
                "net/http: invalid header field name {}",
                quoted(name)
            ));
        }
        for value in values {
            if !is_value(value) {
                return Err(format!(
                    "net/http: invalid header field value for {}",
                    quoted(name)
                ));
            }
            pairs.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
        }
    }
    if url.host.is_empty() {
        return Err("http: no Host in request URL".to_owned());
    }
    let port = match url.port().filter(|port| !port.is_empty()) {
        None => None,
        Some(port) => match port.parse() {
            Ok(port) => Some(port),
            Err(_) => return Err(format!("dial tcp: address {port}: invalid port")),
        },
    };
    let authority = match &hop.host {
        Some(host) => host.clone(),
        None => String::from_utf8_lossy(&url.host).into_owned(),
    };
    if !is_value(&authority) || authority.contains([' ', '/']) {
        return Err("http: invalid Host header".to_owned());
    }
    Ok(HttpRequest {
        method: hop.method.clone(),
        secure,
        host: url.hostname(),
        port,
        target: url.target(),
        authority: authority.trim_end_matches(':').to_owned(),
        headers: pairs,
        body: if hop.with_body {
            request.body.clone()
        } else {
            Vec::new()
        },
        socket: request.socket.clone(),
        tls: request.tls.clone(),
        timeout: None,
    })
}

/// Takes a response within the budgets of the query.
struct Sink<'c> {
    meter: &'c mut dyn Meter,
    arena: &'c Arena,
    follows: bool,
    head: Option<HttpHead>,
    body: Vec<u8>,
    stop: Option<StopReason>,
}

impl Sink<'_> {
    fn paid(&mut self, bytes: usize, kept: usize) -> bool {
        let paid = self
            .meter
            .charge((bytes / BYTES_PER_UNIT) as u64 + 1)
            .and_then(|()| self.meter.look());
        // Twice: a body is copied into the arena in the end.
        let fits = self
            .arena
            .check()
            .and_then(|()| self.arena.reserve(kept * 2));
        self.stop = match (paid, fits) {
            (Err(reason), _) => Some(reason),
            (_, Err(_)) => Some(StopReason::Memory),
            _ => None,
        };
        self.stop.is_none()
    }
}

impl HttpSink for Sink<'_> {
    fn goes_on(&mut self) -> bool {
        self.stop = self.stop.or_else(|| self.meter.look().err());
        self.stop.is_none()
    }

    fn head(&mut self, head: HttpHead) -> bool {
        let texts = head.headers.iter();
        let bytes = texts.map(|(name, value)| name.len() + value.len() + 64);
        let bytes = bytes.sum();
        let wanted = redirect_to(&head, self.follows).is_none();
        self.head = Some(head);
        self.paid(bytes, bytes) && wanted
    }

    fn body(&mut self, part: &[u8]) -> bool {
        if !self.paid(part.len(), self.body.len() + part.len()) {
            return false;
        }
        self.body.extend_from_slice(part);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_with_their_machine() {
        for (machine, above, same) in [
            ("a.com", "a.com", true),
            ("b.a.com", "A.com", true),
            ("ba.com", "a.com", false),
            ("a.com", "b.a.com", false),
            ("1.127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "0.0.1", false),
            ("::1", "1", false),
        ] {
            assert_eq!(is_same_or_below(machine, above), same, "{machine} {above}");
        }
    }

    #[test]
    fn methods_in_errors() {
        assert_eq!(operation("GET"), "Get");
        assert_eq!(operation("X"), "X");
        assert_eq!(operation(""), "");
    }
}
