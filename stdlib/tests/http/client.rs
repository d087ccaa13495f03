//! A session that calls `http.send` over the transport that programs use.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use regovm_core::builtin::{BuiltinError, Caches, Call, Meter, StopReason, Table};
use regovm_core::host::{Host, HttpFailure, HttpRequest, HttpSink};
use regovm_core::json::{self, Style};
use regovm_core::value::Arena;
use regovm_host::{Network, SystemHost};

/// The machine, with a clock and an environment that the test sets.
pub struct World {
    system: SystemHost,
    pub now_ns: Arc<AtomicI64>,
    pub variables: HashMap<String, String>,
    pub pauses: Arc<AtomicUsize>,
}

impl Host for World {
    fn now_ns(&mut self) -> Option<i64> {
        Some(self.now_ns.load(Ordering::Relaxed))
    }

    fn variable(&mut self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn file(&mut self, path: &str) -> Result<Vec<u8>, String> {
        self.system.file(path)
    }

    fn allows_network(&mut self, machine: &str) -> bool {
        self.system.allows_network(machine)
    }

    fn lookup(&mut self, name: &str) -> Result<Vec<IpAddr>, String> {
        self.system.lookup(name)
    }

    fn http(
        &mut self,
        request: &HttpRequest,
        sink: &mut dyn HttpSink,
    ) -> Result<Duration, HttpFailure> {
        self.system.http(request, sink)
    }

    fn pause(&mut self, _: Duration, goes_on: &mut dyn FnMut() -> bool) {
        self.pauses.fetch_add(1, Ordering::Relaxed);
        goes_on();
    }
}

/// Budgets as those of a query.
pub struct Limits {
    pub steps: u64,
    pub cancel: Arc<AtomicBool>,
    pub deadline: Option<Instant>,
}

impl Meter for Limits {
    fn charge(&mut self, units: u64) -> Result<(), StopReason> {
        self.steps = self.steps.checked_sub(units).ok_or(StopReason::Steps)?;
        Ok(())
    }

    fn look(&mut self) -> Result<(), StopReason> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(StopReason::Cancelled);
        }
        match self.deadline {
            Some(end) if Instant::now() >= end => Err(StopReason::Deadline),
            _ => Ok(()),
        }
    }
}

pub struct Client {
    table: Table,
    pub host: World,
    caches: Caches,
    pub limits: Limits,
    pub memory: usize,
}

impl Client {
    pub fn new() -> Client {
        Client::with(Network::Everything)
    }

    pub fn with(network: Network) -> Client {
        Client {
            table: regovm_stdlib::table(),
            host: World {
                system: SystemHost::new().with_network(network),
                now_ns: Arc::new(AtomicI64::new(0)),
                variables: HashMap::new(),
                pauses: Arc::default(),
            },
            caches: Caches::new(),
            limits: Limits {
                steps: u64::MAX,
                cancel: Arc::default(),
                deadline: None,
            },
            memory: 256 << 20,
        }
    }

    /// Begins another query.
    pub fn next_query(&mut self) {
        self.caches.begin_run(&Arena::with_limit(self.memory));
    }

    pub fn set_time(&self, seconds: i64) {
        let now = seconds * 1_000_000_000;
        self.host.now_ns.store(now, Ordering::Relaxed);
    }

    /// One call. The request is JSON; so is the answer.
    pub fn call(&mut self, request: &str) -> Result<String, BuiltinError> {
        let source = Arena::new();
        let request = json::read(request.as_bytes(), &source, Default::default());
        let request = request.expect("a request");
        let arena = Arena::with_limit(self.memory);
        let id = self.table.id("http.send").expect("the built-in");
        let body = self.table.body(id).expect("of this table");
        let place = || "p.rego:3".to_owned();
        let mut call = Call::new(&arena, &mut self.limits, &mut self.host, &mut self.caches);
        call = call.at(&place);
        let answer = body.call(&mut call, &[arena.copy(request)])?;
        Ok(json::to_string(answer.expect("defined"), Style::Compact))
    }

    /// The answer to a request that has one.
    pub fn answer(&mut self, request: &str) -> String {
        match self.call(request) {
            Ok(answer) => answer,
            Err(error) => panic!("{request}: {error:?}"),
        }
    }

    /// A GET of a URL with more keys.
    pub fn get(&mut self, url: &str, more: &str) -> String {
        self.answer(&get(url, more))
    }

    /// Code and text of the error of a request that raises none.
    pub fn error(&mut self, url: &str, more: &str) -> String {
        let comma = if more.is_empty() { "" } else { ", " };
        let answer = self.get(url, &format!("\"raise_error\": false{comma}{more}"));
        let answer = answer
            .strip_prefix(r#"{"error":{"code":"eval_http_send_"#)
            .unwrap_or_else(|| panic!("no error: {answer}"));
        let answer = answer
            .strip_suffix(r#""},"status_code":0}"#)
            .unwrap_or_else(|| panic!("another answer: {answer}"));
        answer.replacen("_error\",\"message\":\"", ": ", 1)
    }
}

pub fn get(url: &str, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    format!(r#"{{"method": "get", "url": "{url}"{comma}{more}}}"#)
}
