//! JSON texts to read, and the readers that are compared on them.

use regovm::internals::core::json::{self, Projection, ProjectionBuilder, ReadOptions, Step};
use regovm::internals::core::value::Arena;

use crate::plan;

/// A text to read.
pub struct Text {
    /// What it is.
    pub name: String,
    /// The text.
    pub bytes: Vec<u8>,
}

impl Text {
    fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Text {
        Text {
            name: name.into(),
            bytes: bytes.into(),
        }
    }

    /// A Terraform plan.
    pub fn plan(resources: usize) -> Text {
        let mut bytes = Vec::new();
        plan::write_plan(&mut bytes, 1, resources).expect("a vector takes everything");
        Text::new(format!("plan of {resources} resources"), bytes)
    }

    /// An admission review of Kubernetes.
    pub fn review() -> Text {
        let review = include_bytes!("../../examples/kubernetes/admission.json");
        Text::new("admission review", *review)
    }

    /// The other texts: those in which no object looks like the one before, and long strings.
    pub fn odd() -> Vec<Text> {
        let wide = |name, step: u64| {
            let members: Vec<String> = (0..WIDE)
                .map(|n| n * step % WIDE)
                .map(|n| format!("\"key-{n:06}\":{n}"))
                .collect();
            Text::new(name, format!("{{{}}}", members.join(",")))
        };
        let unique: Vec<String> = (0..10_000u64)
            .map(|object| {
                let members: Vec<String> = (0..10)
                    .map(|at| object * 10 + at)
                    .map(|n| format!("\"k{:x}\":{n}", n.wrapping_mul(2_654_435_761) & 0xffff_ffff))
                    .collect();
                format!("{{{}}}", members.join(","))
            })
            .collect();
        let document =
            r#"{\"Version\":\"2012-10-17\",\n\t\"Statement\":[{\"Sid\":\"caf\u00e9\"}]}"#;
        vec![
            wide("20,000 keys, sorted", 1),
            wide("20,000 keys, mixed", 7_919),
            Text::new("all keys unique", format!("[{}]", unique.join(","))),
            Text::new(
                "1 MB string with escapes",
                format!("[\"{}\"]", document.repeat((1 << 20) / document.len())),
            ),
        ]
    }
}

/// Keys of a wide object.
const WIDE: u64 = 20_000;

/// A way to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reader {
    /// Ours; strings borrow the text.
    Borrowed,
    /// Ours; strings are copied.
    Copied,
    /// Ours, in an arena that has read the text before; strings are copied.
    Warm,
    /// Ours, of what a policy of ten linear rules asks for.
    Projected,
    /// The same, and the rest is checked.
    Strict,
    /// `sonic_rs::Value`
    Sonic,
    /// `serde_json::Value`
    Serde,
    /// None.
    Nothing,
}

impl Reader {
    /// All that read.
    pub const ALL: [Reader; 7] = [
        Reader::Borrowed,
        Reader::Copied,
        Reader::Warm,
        Reader::Projected,
        Reader::Strict,
        Reader::Sonic,
        Reader::Serde,
    ];

    /// The name in tables and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Reader::Borrowed => "borrowed",
            Reader::Copied => "copied",
            Reader::Warm => "warm",
            Reader::Projected => "projected",
            Reader::Strict => "strict",
            Reader::Sonic => "sonic-rs",
            Reader::Serde => "serde_json",
            Reader::Nothing => "nothing",
        }
    }
}

/// What ten linear rules over a plan read.
pub fn projection() -> Projection {
    let mut builder = ProjectionBuilder::new();
    for path in [
        "resource_changes.*.address",
        "resource_changes.*.type",
        "resource_changes.*.change.actions",
        "resource_changes.*.change.after.tags",
        "resource_changes.*.change.after.acl",
        "resource_changes.*.change.after.ingress",
        "resource_changes.*.change.after.storage_encrypted",
        "resource_changes.*.change.after.publicly_accessible",
        "resource_changes.*.change.after.backup_retention_period",
        "resource_changes.*.change.after.enable_key_rotation",
        "resource_changes.*.change.after.policy",
        "resource_changes.*.change.after.metadata_options",
        "resource_changes.*.change.after.block_public_acls",
    ] {
        builder.add(path.split('.').map(|step| match step {
            "*" => Step::Any,
            name => Step::Member(name),
        }));
    }
    builder.finish()
}

/// Reads a text once with each call, as one reader does, and gives the bytes of arena that it took (0 if it has none).
/// What is freed before the next call is not part of it: give `timed` what is.
pub fn read(
    reader: Reader,
    text: &[u8],
    warm: &mut Arena,
    projection: &Projection,
    timed: &mut dyn FnMut(&mut dyn FnMut()),
) -> usize {
    let options = ReadOptions {
        strict: reader == Reader::Strict,
        ..ReadOptions::default()
    };
    let arena = Arena::new();
    match reader {
        Reader::Borrowed => timed(&mut || {
            json::read_borrowed(text, &arena, options).expect("JSON");
        }),
        Reader::Copied => timed(&mut || {
            json::read(text, &arena, options).expect("JSON");
        }),
        Reader::Warm => {
            warm.reset();
            timed(&mut || {
                json::read(text, warm, options).expect("JSON");
            });
            return warm.used();
        }
        Reader::Projected | Reader::Strict => timed(&mut || {
            json::read_projected_borrowed(text, &arena, options, projection).expect("JSON");
        }),
        Reader::Sonic => {
            let mut value = sonic_rs::Value::default();
            timed(&mut || value = sonic_rs::from_slice(text).expect("JSON"));
        }
        Reader::Serde => {
            let mut value = serde_json::Value::Null;
            timed(&mut || value = serde_json::from_slice(text).expect("JSON"));
        }
        Reader::Nothing => timed(&mut || {}),
    }
    if arena.used() == Arena::new().used() {
        0
    } else {
        arena.used()
    }
}
