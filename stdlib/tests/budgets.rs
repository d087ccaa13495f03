//! Calls that would take for ever or all memory stop within their budgets: of steps, of which they are charged before
//! they do the work, and of memory.

mod common;

use regovm_core::builtin::{BuiltinError, Caches, Call, Meter, StopReason};
use regovm_core::host::NoHost;
use regovm_core::value::{Arena, Value};

struct Limited(u64);

impl Meter for Limited {
    fn charge(&mut self, units: u64) -> Result<(), StopReason> {
        self.0 = self.0.checked_sub(units).ok_or(StopReason::Steps)?;
        Ok(())
    }
}

const STEPS: u64 = 2_000_000;
const MEMORY: usize = 32 << 20;

fn stops(name: &str, arguments: impl for<'a> FnOnce(&'a Arena) -> Vec<Value<'a>>) {
    // The operands come from elsewhere and are within bounds.
    let source = Arena::new();
    let operands = arguments(&source);
    let arena = Arena::with_limit(MEMORY);
    let table = regovm_stdlib::table();
    let id = table
        .id(name)
        .unwrap_or_else(|| panic!("no built-in {name}"));
    let body = table.body(id).expect("of this table");
    let (mut meter, mut host, mut caches) = (Limited(STEPS), NoHost, Caches::new());
    let got = body.call(
        &mut Call::new(&arena, &mut meter, &mut host, &mut caches),
        &operands,
    );
    assert!(
        matches!(got, Err(BuiltinError::Stop(_))),
        "{name} was not stopped: {:?}",
        got.is_ok()
    );
    assert!(
        arena.used() <= MEMORY + (1 << 20),
        "{name} took {} bytes",
        arena.used()
    );
}

fn number<'a>(arena: &'a Arena, text: &str) -> Value<'a> {
    arena.number_text(text).expect("a number")
}

#[test]
fn ranges() {
    stops("numbers.range", |arena| {
        vec![arena.integer(1), number(arena, "1000000000000")]
    });
    stops("numbers.range", |arena| {
        vec![number(arena, "-1e30"), number(arena, "1e30")]
    });
    stops("numbers.range_step", |arena| {
        vec![arena.integer(0), number(arena, "1e18"), arena.integer(3)]
    });
}

#[test]
fn numbers() {
    let many_shifts = |count: &'static str| {
        let arena = Arena::new();
        let table = regovm_stdlib::table();
        let operands = [arena.integer(1), number(&arena, count)];
        common::run(&table, &arena, "bits.lsh", &operands).is_ok()
    };
    // Beyond what can be written down in a moment they are refused at once.
    assert!(!many_shifts("1000000000000"));
    assert!(!many_shifts("100000000"));
    assert!(many_shifts("500000"));
    stops("product", |arena| {
        let large = number(arena, &"9".repeat(1000));
        vec![arena.array(&vec![large; 3000])]
    });
    stops("mul", |arena| {
        vec![number(arena, "1e90000"), number(arena, "1e90000")]
    });
}

#[test]
fn texts() {
    stops("sprintf", |arena| {
        vec![
            arena.string(&"%1000000d".repeat(1000)),
            arena.array(&vec![arena.integer(1); 1000]),
        ]
    });
    stops("sprintf", |arena| {
        vec![
            arena.string(&"%.1000000f".repeat(1000)),
            arena.array(&vec![number(arena, "1.5"); 1000]),
        ]
    });
    let replacement = "b".repeat(10_000);
    stops("replace", |arena| {
        vec![
            arena.string(&"a".repeat(10_000)),
            arena.string("a"),
            arena.string(&replacement),
        ]
    });
    stops("replace", |arena| {
        vec![
            arena.string(&"a".repeat(10_000)),
            arena.string(""),
            arena.string(&replacement),
        ]
    });
    stops("strings.replace_n", |arena| {
        let patterns = arena.object_from([(arena.string("a"), arena.string(&replacement))]);
        vec![patterns, arena.string(&"a".repeat(10_000))]
    });
    stops("concat", |arena| {
        let delimiter = arena.string(&replacement);
        vec![delimiter, arena.array(&vec![arena.string("x"); 10_000])]
    });
    stops("indexof_n", |arena| {
        vec![arena.string(&"a".repeat(30_000_000)), arena.string("a")]
    });
    stops("split", |arena| {
        vec![arena.string(&"a".repeat(10_000_000)), arena.string("")]
    });
    stops("upper", |arena| {
        vec![arena.string(&"a".repeat(100_000_000))]
    });
    stops("trim", |arena| {
        let set: String = (0x4e00..0x7e00).filter_map(char::from_u32).collect();
        vec![arena.string(&"a".repeat(1_000_000)), arena.string(&set)]
    });
}

#[test]
fn patterns() {
    stops("regex.match", |arena| {
        vec![
            arena.string(r"(\pL{500}){2}\pL{1000}\pL{1000}0"),
            arena.string(&"a".repeat(100_000)),
        ]
    });
    stops("regex.match", |arena| {
        let text = arena.string(&"b".repeat(100_000));
        vec![arena.string(&(r"[^a]{1000}".repeat(200) + "a")), text]
    });
    stops("regex.replace", |arena| {
        vec![
            arena.string(&"a".repeat(10_000)),
            arena.string("a"),
            arena.string(&"$0".repeat(10_000)),
        ]
    });
    // Every search looks through all of the rest.
    stops("regex.find_n", |arena| {
        vec![
            arena.string(".*z|b"),
            arena.string(&"b".repeat(1_000_000)),
            arena.integer(-1),
        ]
    });
    stops("regex.split", |arena| {
        vec![arena.string(""), arena.string(&"a".repeat(10_000_000))]
    });
}

#[test]
fn collections() {
    stops("object.subset", |arena| {
        let ones = vec![arena.integer(1); 40_000];
        let mut part = vec![arena.integer(1); 20_000];
        part.push(arena.integer(2));
        vec![arena.array(&ones), arena.array(&part)]
    });
    stops("object.union_n", |arena| {
        let object = arena.object_from((0..1000).map(|i| (arena.integer(i), arena.integer(i))));
        vec![arena.array(&vec![object; 10_000])]
    });
    stops("internal.print", |arena| {
        let set = arena.set_from((0..10).map(|i| arena.integer(i)));
        vec![arena.array(&[set; 9])]
    });
    stops("json.patch", |arena| {
        let whole = arena.array(&vec![arena.integer(1); 100_000]);
        let operation = arena.object_from([
            (arena.string("op"), arena.string("add")),
            (arena.string("path"), arena.string("/0")),
            (arena.string("value"), arena.integer(2)),
        ]);
        vec![whole, arena.array(&vec![operation; 100_000])]
    });
}

#[test]
fn deep_values_do_not_exhaust_the_stack() {
    let arena = Arena::new();
    let nested = |leaf: Value<'_>| {
        (0..10_000).fold(arena.copy(leaf), |inner, _| {
            arena.object_from([(arena.string("a"), inner)])
        })
    };
    let (left, right) = (nested(arena.integer(1)), nested(arena.integer(2)));
    let table = regovm_stdlib::table();
    let path = arena.string(&"a/".repeat(9_000));
    let paths = arena.array(&[path]);
    for (name, arguments) in [
        ("object.union", vec![left, right]),
        ("object.union_n", vec![arena.array(&[left, right, left])]),
        ("object.subset", vec![left, right]),
        ("json.filter", vec![left, paths]),
        ("json.remove", vec![left, paths]),
        ("json.marshal", vec![left]),
        ("sprintf", vec![arena.string("%v"), arena.array(&[left])]),
    ] {
        let got = common::run(&table, &arena, name, &arguments);
        assert!(got.is_ok(), "{name}: {got:?}");
    }
    let deep = "(".repeat(900) + "a" + &")".repeat(900);
    let got = common::run(
        &table,
        &arena,
        "regex.match",
        &[arena.string(&deep), arena.string("a")],
    );
    assert_eq!(got, Ok(Some(Value::TRUE)));
    let deep = "(?:a|".repeat(900) + "b" + &")".repeat(900);
    let got = common::run(
        &table,
        &arena,
        "regex.match",
        &[arena.string(&deep), arena.string("b")],
    );
    assert_eq!(got, Ok(Some(Value::TRUE)));
}

#[test]
fn graphs_and_addresses() {
    stops("graph.reachable_paths", |arena| {
        // Every node has an edge to every other one.
        let nodes: Vec<_> = (0..30).map(|n| arena.integer(n)).collect();
        let all = arena.array(&nodes);
        let graph = arena.object_from(nodes.iter().map(|node| (*node, all)));
        vec![graph, arena.array(&nodes[..1])]
    });
    stops("net.cidr_expand", |arena| vec![arena.string("0.0.0.0/0")]);
    stops("net.cidr_expand", |arena| {
        vec![arena.string("2001:db8::/32")]
    });
    stops("net.cidr_contains_matches", |arena| {
        let blocks = arena.array(&vec![arena.string("10.0.0.0/8"); 100_000]);
        vec![blocks, blocks]
    });
    stops("regex.globs_match", |arena| {
        vec![
            arena.string(&(".*a".repeat(10_000) + ".*")),
            arena.string(&(".*b".repeat(10_000) + ".*")),
        ]
    });
}
