//! Blocks of addresses: which contain which.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};
use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::{SetBuilder, Value, View};

use crate::go::address::plain_address;
use crate::operand::{Outcome, failed, operands, string};

/// `10.0.0.0/8`, as it is written: the address need not be the first one of the block.
pub(super) fn parse_block(text: &str) -> Result<IpNet, BuiltinError> {
    let parse = || {
        let (address, prefix) = text.split_once('/')?;
        let address = plain_address(address)?;
        if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let significant = prefix.trim_start_matches('0');
        let prefix = match significant {
            "" => 0,
            digits => digits.parse().ok()?,
        };
        IpNet::new(address, prefix).ok()
    };
    parse().ok_or_else(|| failed(format!("invalid CIDR address: {text}")))
}

/// The block as Go compares it: one of version 6 that maps version 4 is one of version 4.
pub(super) fn canonical(block: IpNet) -> IpNet {
    let block = block.trunc();
    let mapped = match block {
        IpNet::V6(block) => block
            .network()
            .to_ipv4_mapped()
            .zip(Some(block.prefix_len())),
        IpNet::V4(_) => None,
    };
    mapped
        .and_then(|(address, prefix)| Ipv4Net::new(address, prefix.saturating_sub(96)).ok())
        .map_or(block, IpNet::V4)
}

fn charged_block(cx: &mut Call<'_, '_>, value: Value<'_>) -> Result<IpNet, BuiltinError> {
    let text = string(value, 1)?;
    cx.charge(text.len() as u64 / 32 + 1)?;
    parse_block(text)
}

/// Whether a block contains an address of the same family.
fn holds(block: IpNet, address: IpAddr) -> bool {
    canonical(block).contains(&address.to_canonical())
}

fn contains_pair<'a>(
    cx: &mut Call<'a, '_>,
    block: Value<'a>,
    inner: Value<'a>,
) -> Result<bool, BuiltinError> {
    let block = charged_block(cx, block)?;
    let text = string(inner, 1)?;
    cx.charge(text.len() as u64 / 32 + 1)?;
    if let Some(address) = plain_address(text) {
        return Ok(holds(block, address));
    }
    let inner = parse_block(text).map_err(|_| {
        failed(format!(
            "not a valid textual representation of an IP address or CIDR: {text}"
        ))
    })?;
    Ok(match (canonical(block), canonical(inner)) {
        (block @ IpNet::V6(_), inner @ IpNet::V6(_)) => block.contains(&inner),
        (block, _) => {
            let inner = inner.trunc();
            holds(block, inner.network()) && holds(block, inner.broadcast())
        }
    })
}

pub(super) fn contains<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [block, inner] = operands(arguments)?;
    Ok(Some(Value::boolean(contains_pair(cx, block, inner)?)))
}

pub(super) fn intersects<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [a, b] = operands(arguments)?;
    let (a, b) = (charged_block(cx, a)?.trunc(), charged_block(cx, b)?.trunc());
    Ok(Some(Value::boolean(
        holds(a, b.network()) || holds(b, a.network()),
    )))
}

pub(super) fn is_valid<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [block] = operands(arguments)?;
    let Some(text) = block.as_str() else {
        return Ok(Some(Value::FALSE));
    };
    cx.charge(text.len() as u64 / 32 + 1)?;
    Ok(Some(Value::boolean(parse_block(text).is_ok())))
}

pub(super) fn expand<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [block] = operands(arguments)?;
    let block = canonical(charged_block(cx, block)?);
    let (first, last) = match (block.network(), block.broadcast()) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            (u128::from(first.to_bits()), u128::from(last.to_bits()))
        }
        (first, last) => (bits(first), bits(last)),
    };
    let mut addresses = SetBuilder::new();
    for address in first..=last {
        cx.charge(1)?;
        let text = match block {
            IpNet::V4(_) => Ipv4Addr::from_bits(address as u32).to_string(),
            IpNet::V6(_) => Ipv6Addr::from_bits(address).to_string(),
        };
        addresses.insert(cx.arena, cx.arena.string(&text))?;
    }
    Ok(Some(addresses.finish(cx.arena)))
}

/// The address as one of version 6: those of version 4 are mapped.
pub(super) fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// An element of a collection: what names it in a match, and the block or address.
type Named<'a> = (Value<'a>, Value<'a>);

/// Calls `each` with the elements of an operand. What is no collection and no text has none.
fn each_named<'a>(
    cx: &mut Call<'a, '_>,
    position: usize,
    operand: Value<'a>,
    each: &mut dyn FnMut(&mut Call<'a, '_>, Named<'a>) -> Result<(), BuiltinError>,
) -> Result<(), BuiltinError> {
    let block = |element: Value<'a>| match element.view() {
        View::String(_) => Ok(element),
        View::Array(array) if !array.is_empty() => Ok(array.as_slice()[0]),
        _ => Err(failed(format!(
            "operand {position}: element must be string or non-empty array"
        ))),
    };
    match operand.view() {
        View::String(_) => each(cx, (operand, operand)),
        View::Array(array) => {
            for (i, element) in array.iter().enumerate() {
                let index = cx.arena.integer(i as i64);
                each(cx, (index, block(element)?))?;
            }
            Ok(())
        }
        View::Set(set) => {
            for element in set.iter() {
                each(cx, (element, block(element)?))?;
            }
            Ok(())
        }
        View::Object(object) => {
            for (key, element) in object.iter() {
                each(cx, (key, block(element)?))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

pub(super) fn contains_matches<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [outer, inner] = operands(arguments)?;
    let mut matches = SetBuilder::new();
    each_named(cx, 1, outer, &mut |cx, (outer_name, block)| {
        each_named(cx, 2, inner, &mut |cx, (inner_name, candidate)| {
            if contains_pair(cx, block, candidate)? {
                let pair = cx.arena.array(&[outer_name, inner_name]);
                matches.insert(cx.arena, pair)?;
            }
            Ok(())
        })
    })?;
    Ok(Some(matches.finish(cx.arena)))
}
