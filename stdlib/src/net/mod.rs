//! Blocks of Internet addresses, and the addresses of names.

#[cfg(feature = "net")]
mod blocks;
#[cfg(feature = "net")]
mod merge;

use regovm_core::builtin::{Builtin, Call, Cost};
use regovm_core::value::{SetBuilder, Value};

use crate::declare::builtin;
use crate::operand::{Outcome, failed, operands, string};

const CATEGORIES: &[&str] = &["net"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "net.cidr_contains",
        feature: "net",
        signature: "(cidr: str, cidr_or_ip: str) -> result: bool",
        doc: "Whether all addresses of a block, or one address, are in a block.",
        cost: Cost::Constant,
        examples: [
            (r#"net.cidr_contains("10.0.0.0/8", "10.1.0.0/16")"#, "true"),
            (r#"net.cidr_contains("10.0.0.0/8", "11.0.0.1")"#, "false"),
            (r#"net.cidr_contains("2001:db8::/32", "2001:db8::1")"#, "true"),
            (r#"net.cidr_contains("10.0.0.0/8", "x")"#, ""),
        ],
        body: blocks::contains,
    },
    builtin! {
        name: "net.cidr_contains_matches",
        feature: "net",
        since: (0, 19),
        signature: "(cidrs: str|[str|[any]]|obj<str=>str|[any]>|{str|[any]}, cidrs_or_ips: str|[str|[any]]|obj<str=>str|[any]>|{str|[any]}) -> output: {[any,any]}",
        doc: "The pairs of a block of the first operand and a block or address of the second one that is in it. A match is the indexes or keys of both; elements of sets and single texts stand for themselves. Of elements that are arrays the first element counts.",
        cost: Cost::Superlinear("blocks of both"),
        examples: [
            (
                r#"net.cidr_contains_matches(["1.1.0.0/16", "2.0.0.0/8"], {"a": "1.1.1.1", "b": ["2.1.0.0/16", "x"]})"#,
                r#"{[0, "a"], [1, "b"]}"#
            ),
            (r#"net.cidr_contains_matches("1.0.0.0/8", {"1.2.3.4"})"#, r#"{["1.0.0.0/8", "1.2.3.4"]}"#),
        ],
        body: blocks::contains_matches,
    },
    builtin! {
        name: "net.cidr_expand",
        feature: "net",
        signature: "(cidr: str) -> hosts: {str}",
        doc: "All addresses of a block.",
        cost: Cost::Linear("addresses"),
        examples: [(r#"net.cidr_expand("10.0.0.6/31")"#, r#"{"10.0.0.6", "10.0.0.7"}"#)],
        body: blocks::expand,
    },
    builtin! {
        name: "net.cidr_intersects",
        feature: "net",
        signature: "(cidr1: str, cidr2: str) -> result: bool",
        doc: "Whether two blocks have addresses in common.",
        cost: Cost::Constant,
        examples: [
            (r#"net.cidr_intersects("10.0.0.0/8", "10.1.0.0/16")"#, "true"),
            (r#"net.cidr_intersects("10.0.0.0/16", "10.1.0.0/16")"#, "false"),
        ],
        body: blocks::intersects,
    },
    builtin! {
        name: "net.cidr_is_valid",
        feature: "net",
        since: (0, 46),
        signature: "(cidr: str) -> result: bool",
        doc: "Whether the value is a string that spells a block of addresses.",
        cost: Cost::Constant,
        examples: [(r#"net.cidr_is_valid("10.0.0.1/8")"#, "true"), (r#"net.cidr_is_valid("10.0.0.1")"#, "false")],
        body: blocks::is_valid,
    },
    builtin! {
        name: "net.cidr_merge",
        feature: "net",
        since: (0, 24),
        signature: "(addrs: [any<str>]|{str}) -> output: {str}",
        doc: "The fewest blocks that have the same addresses. Addresses of version 6 need a prefix length; those of version 4 without one stand for the block of their class.",
        cost: Cost::Linear("blocks"),
        examples: [
            (r#"net.cidr_merge(["10.0.0.0/25", "10.0.0.128/25", "10.0.0.5/32"])"#, r#"{"10.0.0.0/24"}"#),
            (r#"net.cidr_merge({"2001:db8::/33", "2001:db8:8000::/33", "1.0.0.0/8"})"#, r#"{"2001:db8::/32", "1.0.0.0/8"}"#),
        ],
        body: merge::merge,
    },
    builtin! {
        name: "net.cidr_overlap",
        feature: "net",
        deprecated: true,
        signature: "(str, str) -> bool",
        doc: "The old name of net.cidr_contains.",
        cost: Cost::Constant,
        examples: [(r#"net.cidr_overlap("10.0.0.0/8", "10.1.0.0/16")"#, "true")],
        body: blocks::contains,
    },
    builtin! {
        name: "net.lookup_ip_addr",
        feature: "net",
        since: (0, 35),
        purity: Nondeterministic,
        signature: "(name: str) -> addrs: {str}",
        doc: "The addresses of a name, as the host resolves it.",
        cost: Cost::Constant,
        examples: [(r#"net.lookup_ip_addr("a.example")"#, "")],
        body: lookup_ip_addr,
    },
];

#[cfg_attr(not(feature = "net"), allow(dead_code))]
fn lookup_ip_addr<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [name] = operands(arguments)?;
    let name = string(name, 1)?;
    cx.charge(1000)?;
    if !cx.host.allows_network(name) {
        return Err(failed(format!("disallowed host: {name}")));
    }
    let found = cx.host.lookup(name).map_err(failed)?;
    let mut addresses = SetBuilder::new();
    for address in found {
        let text = address.to_canonical().to_string();
        addresses.insert(cx.arena, cx.arena.string(&text))?;
    }
    Ok(Some(addresses.finish(cx.arena)))
}
