//! UUIDs.

use regovm_core::builtin::{Builtin, Cost};

use crate::declare::builtin;

const CATEGORIES: &[&str] = &["uuid"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "uuid.rfc4122",
        feature: "uuid",
        since: (0, 20),
        purity: Nondeterministic,
        signature: "(k: str) -> output: str",
        doc: "A random UUID, the same for equal keys during a query. A host without chance makes it fail.",
        cost: Cost::Constant,
        examples: [(r#"uuid.rfc4122("a")"#, "")],
        body: bodies::rfc4122,
    },
    builtin! {
        name: "uuid.parse",
        feature: "uuid",
        since: (0, 57),
        signature: "(uuid: str) -> result: obj<str=>any>",
        doc: "Version and variant of a UUID; of versions 1 and 2 also time, node and clock sequence. Undefined for what is no UUID.",
        cost: Cost::Constant,
        examples: [
            (
                r#"uuid.parse("00000000-0000-4000-8000-000000000000")"#,
                r#"{"variant": "RFC4122", "version": 4}"#
            ),
            (r#"uuid.parse("00000000")"#, ""),
        ],
        body: bodies::parse,
    },
];

#[cfg(feature = "uuid")]
mod bodies {
    use regovm_core::builtin::Call;
    use regovm_core::value::Value;
    use uuid::{Builder, Uuid, Variant};

    use crate::operand::{Outcome, failed, operands, string};

    /// 100 nanoseconds between the beginning of the calendar of UUIDs in 1582 and 1970.
    const TICKS_BEFORE_1970: i64 = 122_192_928_000_000_000;

    pub(super) fn rfc4122<'a>(cx: &mut Call<'a, '_>, _: &[Value<'a>]) -> Outcome<'a> {
        let mut bytes = [0; 16];
        if !cx.host.random(&mut bytes) {
            return Err(failed("the host gives no random bytes"));
        }
        let uuid = Builder::from_random_bytes(bytes).into_uuid();
        Ok(Some(cx.arena.string(&uuid.hyphenated().to_string())))
    }

    /// Reads what OPA reads: of 38 characters the first and the last do not matter.
    fn read(text: &str) -> Option<Uuid> {
        let plain = match text.len() {
            32 | 36 => text,
            38 => text.get(1..37)?,
            45 if text.get(..9)?.eq_ignore_ascii_case("urn:uuid:") => &text[9..],
            _ => return None,
        };
        Uuid::try_parse(plain).ok()
    }

    pub(super) fn parse<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
        let [text] = operands(arguments)?;
        let text = string(text, 1)?;
        cx.charge(8)?;
        let Some(uuid) = read(text) else {
            return Ok(None);
        };
        let variant = match uuid.get_variant() {
            Variant::RFC4122 => "RFC4122",
            Variant::Microsoft => "Microsoft",
            Variant::Future => "Future",
            _ => "Reserved",
        };
        let version = uuid.get_version_num();
        let arena = cx.arena;
        let mut members = vec![
            ("version", arena.integer(version as i64)),
            ("variant", arena.string(variant)),
        ];
        if matches!(version, 1 | 2) {
            let (low, mid, high, rest) = uuid.as_fields();
            let ticks = i64::from(low) | i64::from(mid) << 32 | i64::from(high & 0xfff) << 48;
            // Go's integers wrap around.
            let time = (ticks - TICKS_BEFORE_1970).wrapping_mul(100);
            let sequence = i64::from(u16::from_be_bytes([rest[0], rest[1]]) & 0x3fff);
            let node: Vec<_> = rest[2..].iter().map(|byte| format!("{byte:02x}")).collect();
            members.extend([
                ("time", arena.integer(time)),
                ("clocksequence", arena.integer(sequence)),
                ("nodeid", arena.string(&node.join("-"))),
                ("macvariables", arena.string(address_kind(rest[2]))),
            ]);
            if version == 2 {
                let domain = match rest[1] {
                    0 => "Person".to_owned(),
                    1 => "Group".to_owned(),
                    2 => "Org".to_owned(),
                    other => format!("Domain{other}"),
                };
                members.extend([
                    ("id", arena.integer(low.into())),
                    ("domain", arena.string(&domain)),
                ]);
            }
        }
        let members = members
            .into_iter()
            .map(|(name, value)| (arena.string(name), value));
        Ok(Some(arena.object_from(members)))
    }

    /// What the first byte of a network address says of it.
    fn address_kind(first: u8) -> &'static str {
        match (first & 2 != 0, first & 1 != 0) {
            (true, true) => "local:multicast",
            (false, true) => "global:multicast",
            (true, false) => "local:unicast",
            (false, false) => "global:unicast",
        }
    }
}
