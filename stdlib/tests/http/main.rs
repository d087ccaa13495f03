//! `http.send` against servers that the test starts on this machine.

#![cfg(feature = "http")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests open sockets and look at clocks"
)]

mod caches;
mod client;
mod exchanges;
mod limits;
mod secure;
mod server;
