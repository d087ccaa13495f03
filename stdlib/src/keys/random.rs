//! The chance of the host, for crates that ask for a generator.

use std::fmt;

use regovm_core::host::Host;
use rsa::rand_core::{TryCryptoRng, TryRng};

/// Random bytes that the host gives.
pub(crate) struct HostRandom<'h> {
    host: &'h mut dyn Host,
}

impl<'h> HostRandom<'h> {
    pub(crate) fn new(host: &'h mut dyn Host) -> HostRandom<'h> {
        HostRandom { host }
    }

    /// If the host has random bytes at all.
    pub(crate) fn gives(&mut self) -> bool {
        self.host.random(&mut [0])
    }
}

/// The host has no random bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoRandom;

impl fmt::Display for NoRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host gives no random bytes")
    }
}

impl std::error::Error for NoRandom {}

impl TryRng for HostRandom<'_> {
    type Error = NoRandom;

    fn try_next_u32(&mut self) -> Result<u32, NoRandom> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, NoRandom> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), NoRandom> {
        if self.host.random(bytes) {
            Ok(())
        } else {
            Err(NoRandom)
        }
    }
}

impl TryCryptoRng for HostRandom<'_> {}
