//! The host of a test: the embedder's, with `print` and the marks of cases kept.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regovm_core::Constant;
use regovm_core::host::{Host, HttpFailure, HttpRequest, HttpSink};

/// What a test said while it ran.
#[derive(Default)]
pub(super) struct Said {
    /// The lines of `print`.
    pub(super) output: String,
    /// The keys of each case that began.
    pub(super) cases: Vec<Vec<String>>,
}

/// [`Said`], shared by a host and the runner that reads it afterwards.
#[derive(Clone, Default)]
pub(super) struct Record(Arc<Mutex<Said>>);

impl Record {
    fn lock(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was said and forgets it.
    pub(super) fn take(&self) -> Said {
        std::mem::take(&mut *self.lock())
    }
}

/// A host that records.
pub(super) struct Capture {
    pub(super) inner: Box<dyn Host + Send>,
    pub(super) record: Record,
}

impl Host for Capture {
    fn print(&mut self, line: &str) {
        let mut said = self.record.lock();
        said.output.push_str(line);
        said.output.push('\n');
    }

    fn test_case(&mut self, path: &[String]) {
        self.record.lock().cases.push(path.to_vec());
    }

    fn note(&mut self, text: &str) {
        self.inner.note(text);
    }

    fn now_ns(&mut self) -> Option<i64> {
        self.inner.now_ns()
    }

    fn random(&mut self, buffer: &mut [u8]) -> bool {
        self.inner.random(buffer)
    }

    fn runtime(&mut self) -> Option<Constant> {
        self.inner.runtime()
    }

    fn variable(&mut self, name: &str) -> Option<String> {
        self.inner.variable(name)
    }

    fn file(&mut self, path: &str) -> Result<Vec<u8>, String> {
        self.inner.file(path)
    }

    fn allows_network(&mut self, machine: &str) -> bool {
        self.inner.allows_network(machine)
    }

    fn lookup(&mut self, name: &str) -> Result<Vec<IpAddr>, String> {
        self.inner.lookup(name)
    }

    fn http(
        &mut self,
        request: &HttpRequest,
        sink: &mut dyn HttpSink,
    ) -> Result<Duration, HttpFailure> {
        self.inner.http(request, sink)
    }

    fn pause(&mut self, time: Duration, goes_on: &mut dyn FnMut() -> bool) {
        self.inner.pause(time, goes_on);
    }
}
