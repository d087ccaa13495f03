//! The outside world for policies: the machine's clock, chance, environment, files, names and network.
//!
//! The engine reads none of these by itself. A program that wants them gives a [`SystemHost`] to its sessions;
//! the `regovm` command does. Nothing may be reached over the network unless it was allowed by name.
//!
//! ```
//! use regovm_core::host::Host;
//! use regovm_host::{Network, SystemHost};
//!
//! let mut host = SystemHost::new().with_network(Network::Only(vec!["example.com".to_owned()]));
//! assert!(host.now_ns().is_some());
//! assert!(host.allows_network("example.com") && !host.allows_network("10.0.0.1"));
//! ```

mod failure;
#[cfg(feature = "http")]
mod http;

use std::net::{IpAddr, ToSocketAddrs};
#[cfg(feature = "http")]
use std::time::Duration;
use std::time::SystemTime;

use regovm_core::Constant;
use regovm_core::host::Host;
#[cfg(feature = "http")]
use regovm_core::host::{HttpFailure, HttpRequest, HttpSink};

/// Which machines policies may talk to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Network {
    /// None.
    #[default]
    Nothing,
    /// Those with these names or addresses, spelled as policies spell them.
    Only(Vec<String>),
    /// All.
    Everything,
}

/// Where the lines of `print` go.
type Sink = Box<dyn FnMut(&str, Option<&str>) + Send>;

/// The machine that the program runs on.
#[derive(Default)]
pub struct SystemHost {
    network: Network,
    runtime: Option<Constant>,
    print: Option<Sink>,
}

impl SystemHost {
    /// A host with clock, chance, environment and files, without network.
    pub fn new() -> SystemHost {
        SystemHost::default()
    }

    /// Opens the network to some machines.
    pub fn with_network(mut self, network: Network) -> SystemHost {
        self.network = network;
        self
    }

    /// What `opa.runtime()` gives.
    pub fn with_runtime(mut self, runtime: Constant) -> SystemHost {
        self.runtime = Some(runtime);
        self
    }

    /// Where the lines of `print` go; without one they are dropped.
    pub fn with_print(self, mut sink: impl FnMut(&str) + Send + 'static) -> SystemHost {
        self.with_located_print(move |line, _| sink(line))
    }

    /// As [`SystemHost::with_print`], with the place of the call if it is known.
    pub fn with_located_print(
        mut self,
        sink: impl FnMut(&str, Option<&str>) + Send + 'static,
    ) -> SystemHost {
        self.print = Some(Box::new(sink));
        self
    }
}

impl Host for SystemHost {
    fn print(&mut self, line: &str) {
        self.print_at(line, None);
    }

    fn print_at(&mut self, line: &str, place: Option<&str>) {
        if let Some(sink) = &mut self.print {
            sink(line, place);
        }
    }

    fn now_ns(&mut self) -> Option<i64> {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()?;
        i64::try_from(since.as_nanos()).ok()
    }

    fn random(&mut self, buffer: &mut [u8]) -> bool {
        getrandom::fill(buffer).is_ok()
    }

    fn runtime(&mut self) -> Option<Constant> {
        self.runtime.clone()
    }

    fn variable(&mut self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&mut self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|error| format!("open {path}: {}", failure::go_text(&error)))
    }

    fn allows_network(&mut self, machine: &str) -> bool {
        match &self.network {
            Network::Nothing => false,
            Network::Only(machines) => machines.iter().any(|allowed| allowed == machine),
            Network::Everything => true,
        }
    }

    fn lookup(&mut self, name: &str) -> Result<Vec<IpAddr>, String> {
        let addresses = (name, 0)
            .to_socket_addrs()
            .map_err(|_| format!("lookup {name}: no such host"))?;
        Ok(addresses.map(|address| address.ip()).collect())
    }

    #[cfg(feature = "http")]
    fn http(
        &mut self,
        request: &HttpRequest,
        sink: &mut dyn HttpSink,
    ) -> Result<Duration, HttpFailure> {
        http::exchange(request, sink, &|name| std::env::var(name).ok())
    }

    #[cfg(feature = "http")]
    fn pause(&mut self, time: Duration, goes_on: &mut dyn FnMut() -> bool) {
        http::pause(time, goes_on);
    }
}
