//! The world outside, as the host of an evaluation gives it to built-ins.

use std::net::IpAddr;
use std::time::Duration;

use crate::constant::Constant;
pub use crate::http::{HttpFailure, HttpHead, HttpRequest, HttpSink, HttpTls, Identity, Roots};

/// What the world gives to built-ins that look outside. Every method has a default that gives
/// nothing, so that a host takes only what it needs.
///
/// Built-ins that ask here are declared nondeterministic: the evaluator keeps their results for the rest of
/// the query, so that a host may answer anew each time.
pub trait Host {
    /// A line of `print`.
    fn print(&mut self, line: &str) {
        let _ = line;
    }

    /// A line of `print` with the place of the call (`policy.rego:3`), if it is known. Without a body of its own it is
    /// [`Host::print`].
    fn print_at(&mut self, line: &str, place: Option<&str>) {
        let _ = place;
        self.print(line);
    }

    /// A note of `trace`.
    fn note(&mut self, text: &str) {
        let _ = text;
    }

    /// A case of a test with several begins: the keys that lead to it.
    fn test_case(&mut self, path: &[String]) {
        let _ = path;
    }

    /// Nanoseconds since 1970; `None` if the host has no clock.
    fn now_ns(&mut self) -> Option<i64> {
        None
    }

    /// Fills a buffer with random bytes; false if the host has none.
    fn random(&mut self, buffer: &mut [u8]) -> bool {
        let _ = buffer;
        false
    }

    /// The object that `opa.runtime()` gives; `None` is an empty one.
    fn runtime(&mut self) -> Option<Constant> {
        None
    }

    /// A variable of the environment.
    fn variable(&mut self, name: &str) -> Option<String> {
        let _ = name;
        None
    }

    /// The bytes of a file that a policy names: keys and certificates of `http.send`.
    fn file(&mut self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("open {path}: the host gives no files"))
    }

    /// Whether policies may talk to a machine, given by name or address without port.
    fn allows_network(&mut self, machine: &str) -> bool {
        let _ = machine;
        false
    }

    /// The addresses of a name. Called only for names that [`Host::allows_network`] allows.
    fn lookup(&mut self, name: &str) -> Result<Vec<IpAddr>, String> {
        Err(format!("lookup {name}: the host has no network"))
    }

    /// One exchange over HTTP, with a machine that [`Host::allows_network`] allows. Gives the time that it took.
    ///
    /// While it waits it asks the sink at least every 20 milliseconds whether to go on. It follows no redirects.
    fn http(
        &mut self,
        request: &HttpRequest,
        sink: &mut dyn HttpSink,
    ) -> Result<Duration, HttpFailure> {
        let _ = (request, sink);
        Err(HttpFailure::Connection(
            "the host has no network".to_owned(),
        ))
    }

    /// Waits, asking the sink at least every 20 milliseconds whether to go on. A host without a clock does not wait.
    fn pause(&mut self, time: Duration, goes_on: &mut dyn FnMut() -> bool) {
        let _ = (time, goes_on);
    }
}

/// A host that gives nothing.
#[derive(Clone, Copy, Default, Debug)]
pub struct NoHost;

impl Host for NoHost {}
