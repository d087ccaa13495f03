//! The fewest blocks that have the same addresses as others.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Subnets};
use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::{SetBuilder, Value};

use super::blocks::{bits, canonical, parse_block};
use crate::go::address::plain_address;
use crate::operand::{Outcome, elements, failed, operands};

/// Addresses from one to another, those of version 4 mapped into version 6.
struct Range {
    last: u128,
    first: u128,
    /// The block, until the range is merged with another: blocks stay as they were written.
    block: Option<IpNet>,
}

/// The first and the last address of version 4.
const FIRST_OF_V4: u128 = 0xffff_0000_0000;
const LAST_OF_V4: u128 = 0xffff_ffff_ffff;

pub(super) fn merge<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [addresses] = operands(arguments)?;
    let elements = elements(addresses).ok_or_else(|| failed("operand must be an array"))?;
    cx.reserve(elements.len() * size_of::<Range>())?;
    let mut blocks = SetBuilder::new();
    let mut ranges = Vec::with_capacity(elements.len());
    for element in elements {
        cx.charge(4)?;
        let block = block_of(*element)?;
        if matches!((block, canonical(block)), (IpNet::V6(_), IpNet::V4(_))) {
            // OPA does not compare blocks of mapped addresses with others.
            let text = canonical(block).to_string();
            blocks.insert(cx.arena, cx.arena.string(&text))?;
            continue;
        }
        ranges.push(Range {
            first: bits(block.network()),
            last: bits(block.broadcast()),
            block: Some(block),
        });
    }
    for range in joined(ranges) {
        for block in range.blocks() {
            cx.charge(1)?;
            blocks.insert(cx.arena, cx.arena.string(&block.to_string()))?;
        }
    }
    Ok(Some(blocks.finish(cx.arena)))
}

/// A block, or an address of version 4 as the block of its class.
fn block_of(element: Value<'_>) -> Result<IpNet, BuiltinError> {
    let text = element
        .as_str()
        .ok_or_else(|| failed("element must be string"))?;
    match plain_address(text).map(|address| address.to_canonical()) {
        None => Ok(parse_block(text)?.trunc()),
        Some(IpAddr::V6(_)) => Err(failed("IPv6 invalid: needs prefix length")),
        Some(IpAddr::V4(address)) => {
            let prefix = match address.octets()[0] {
                ..0x80 => 8,
                0x80..0xc0 => 16,
                _ => 24,
            };
            let block = Ipv4Net::new(address, prefix);
            block
                .map(IpNet::V4)
                .map_err(|error| failed(error.to_string()))
        }
    }
}

/// Merges ranges that overlap or touch.
fn joined(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_by_key(|range| (range.last, range.first));
    let mut joined: Vec<Range> = Vec::new();
    // From the greatest on, so that each one meets the ranges that it may reach down to.
    while let Some(range) = ranges.pop() {
        match joined.last_mut() {
            Some(above) if before(above.first) <= range.last => {
                above.first = above.first.min(range.first);
                above.block = None;
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// The address before; the first one of each family has none.
fn before(address: u128) -> u128 {
    match address {
        0 | FIRST_OF_V4 => address,
        _ => address - 1,
    }
}

impl Range {
    fn blocks(&self) -> Box<dyn Iterator<Item = IpNet>> {
        if let Some(block) = self.block {
            return Box::new(std::iter::once(block));
        }
        let (first, last) = (
            Ipv6Addr::from_bits(self.first),
            Ipv6Addr::from_bits(self.last),
        );
        match (first.to_ipv4_mapped(), last.to_ipv4_mapped()) {
            (Some(first), Some(last)) if self.last <= LAST_OF_V4 => {
                Box::new(Ipv4Subnets::new(first, last, 0).map(IpNet::V4))
            }
            _ => Box::new(Ipv6Subnets::new(first, last, 0).map(IpNet::V6)),
        }
    }
}
