//! Random calls, answered by our bodies and by OPA.
//!
//! Runs where `REGOVM_ORACLE` names the oracle program of `conformance-suite/oracle`:
//! `REGOVM_ORACLE=/path/to/oracle cargo test -p regovm-stdlib --test oracle -- --nocapture`.
//! `REGOVM_ORACLE_SEED` and `REGOVM_ORACLE_CALLS` (per function) choose what is asked;
//! `REGOVM_ORACLE_ONLY` keeps the functions whose names contain a text.
//!
//! CI asks for 20 calls per function, of all groups. Compared is the result or the error with its whole text; what is not
//! compared, and why, is said at `FALLS`, `is_by_design`, `without_bytes`, `without_chance` and `without_syntax`.
//!
//! The calls come in groups: the one here, and those of the files in `calls/`. `REGOVM_ORACLE_GROUP` names the one that
//! is asked (`core` is the one here; all of them without it). `REGOVM_ORACLE_RECORD=1` writes the answers of that group to
//! `answers-<group>.jsonl`, which is tested everywhere.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::disallowed_types,
    reason = "a test may look around and print"
)]

mod calls;
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use regovm_core::builtin::BuiltinError;
use regovm_core::{Arena, Constant};

/// xorshift64*
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    fn of<'t>(&mut self, choices: &[&'t str]) -> &'t str {
        choices[self.below(choices.len())]
    }

    fn many(&mut self, least: usize, most: usize, tokens: &[&str]) -> String {
        (0..least + self.below(most - least + 1))
            .map(|_| self.of(tokens))
            .collect()
    }
}

/// What an argument is drawn from.
#[derive(Clone, Copy)]
enum Kind {
    /// What only one group needs: a function that draws it.
    Drawn(fn(&mut Random) -> String),
    /// The operand that stands here in a recorded call of the function, changed. The second one is of another call.
    /// All operands of a list are of the same two calls.
    Changed(fn(&mut Random, [&str; 2]) -> String),
    Any,
    Number,
    Integer,
    Small,
    Word,
    Short,
    Array,
    Numbers,
    Strings,
    StringSet,
    Set,
    Sets,
    Object,
    Objects,
    Nested,
    Keys,
    StringMap,
    Pattern,
    Text,
    Template,
    Replacement,
    Format,
    FormatValues,
    Base,
    Json,
    Base64,
    Hex,
    Query,
    QueryObject,
    NumberText,
    Paths,
    Patches,
    Options,
    Glob,
    GlobText,
    Delimiters,
    Version,
    Unit,
}

use Kind::*;

/// A function and the kinds of its arguments.
type Function = (&'static str, &'static [Kind]);

/// The calls of this file and of those in `calls/`, by the name of their file of answers.
///
/// Where calls are made of recorded ones (of certificates, say, made by other programs), those are asked again too, and
/// recorded are only their answers.
const GROUPS: &[(&str, &[Function])] = &[
    ("core", FUNCTIONS),
    ("crypto", calls::crypto::FUNCTIONS),
    ("net", calls::net::FUNCTIONS),
    ("jsonschema", calls::jsonschema::FUNCTIONS),
    ("graphql", calls::graphql::FUNCTIONS),
    ("jwt", calls::jwt::FUNCTIONS),
    ("template", calls::template::FUNCTIONS),
    ("time", calls::time::FUNCTIONS),
    ("world", calls::world::FUNCTIONS),
];

/// Built-ins that no group draws, and why: no body does their work.
const ELSEWHERE: &[(&str, &str)] = &[
    ("walk", "a relation, which the evaluator walks"),
    ("eq", "a statement of the language"),
    ("assign", "a statement of the language"),
    ("print", "becomes internal.print, or nothing"),
    (
        "internal.print",
        "gives nothing that could be compared as a value",
    ),
    ("internal.test_case", "means nothing to a result"),
    ("rego.metadata.chain", "the compiler puts in the value"),
    ("rego.metadata.rule", "the compiler puts in the value"),
];

const FUNCTIONS: &[Function] = &[
    ("equal", &[Any, Any]),
    ("neq", &[Any, Any]),
    ("lt", &[Any, Any]),
    ("lte", &[Any, Any]),
    ("gt", &[Number, Number]),
    ("gte", &[Any, Any]),
    ("plus", &[Number, Number]),
    ("minus", &[Number, Number]),
    ("minus", &[Set, Set]),
    ("mul", &[Number, Number]),
    ("div", &[Number, Number]),
    ("rem", &[Integer, Integer]),
    ("and", &[Set, Set]),
    ("or", &[Set, Set]),
    ("abs", &[Number]),
    ("ceil", &[Number]),
    ("floor", &[Number]),
    ("round", &[Number]),
    ("numbers.range", &[Small, Small]),
    ("numbers.range_step", &[Small, Small, Small]),
    ("format_int", &[Number, Base]),
    ("bits.and", &[Integer, Integer]),
    ("bits.or", &[Integer, Integer]),
    ("bits.xor", &[Integer, Integer]),
    ("bits.negate", &[Integer]),
    ("bits.lsh", &[Integer, Small]),
    ("bits.rsh", &[Integer, Small]),
    ("count", &[Any]),
    ("sum", &[Numbers]),
    ("product", &[Numbers]),
    ("max", &[Array]),
    ("min", &[Array]),
    ("max", &[Set]),
    ("min", &[Set]),
    ("sort", &[Array]),
    ("all", &[Array]),
    ("any", &[Set]),
    ("internal.member_2", &[Any, Array]),
    ("internal.member_2", &[Any, Nested]),
    ("internal.member_3", &[Any, Any, Nested]),
    ("internal.member_3", &[Small, Any, Array]),
    ("array.concat", &[Array, Array]),
    ("array.flatten", &[Array]),
    ("array.reverse", &[Array]),
    ("array.slice", &[Array, Small, Small]),
    ("intersection", &[Sets]),
    ("union", &[Sets]),
    ("set_diff", &[Set, Set]),
    ("object.get", &[Nested, Any, Any]),
    ("object.get", &[Nested, Array, Any]),
    ("object.keys", &[Object]),
    ("object.filter", &[Object, Keys]),
    ("object.remove", &[Object, Keys]),
    ("object.subset", &[Nested, Nested]),
    ("object.subset", &[Array, Array]),
    ("object.subset", &[Array, Set]),
    ("object.union", &[Nested, Nested]),
    ("object.union_n", &[Objects]),
    ("concat", &[Short, Strings]),
    ("concat", &[Short, StringSet]),
    ("contains", &[Word, Short]),
    ("startswith", &[Word, Short]),
    ("endswith", &[Word, Short]),
    ("indexof", &[Word, Short]),
    ("indexof_n", &[Word, Short]),
    ("lower", &[Word]),
    ("upper", &[Word]),
    ("replace", &[Word, Short, Short]),
    ("strings.replace_n", &[StringMap, Word]),
    ("split", &[Word, Short]),
    ("strings.split_n", &[Word, Short, Small]),
    ("sprintf", &[Format, FormatValues]),
    ("sprintf", &[Format, FormatValues]),
    ("sprintf", &[Format, FormatValues]),
    ("substring", &[Word, Small, Small]),
    ("trim", &[Word, Short]),
    ("trim_left", &[Word, Short]),
    ("trim_right", &[Word, Short]),
    ("trim_prefix", &[Word, Short]),
    ("trim_suffix", &[Word, Short]),
    ("trim_space", &[Word]),
    ("strings.any_prefix_match", &[Strings, StringSet]),
    ("strings.any_prefix_match", &[Word, Strings]),
    ("strings.any_suffix_match", &[Strings, StringSet]),
    ("strings.any_suffix_match", &[StringSet, Short]),
    ("strings.count", &[Word, Short]),
    ("strings.reverse", &[Word]),
    ("is_null", &[Any]),
    ("is_boolean", &[Any]),
    ("is_number", &[Any]),
    ("is_string", &[Any]),
    ("is_array", &[Any]),
    ("is_object", &[Any]),
    ("is_set", &[Any]),
    ("type_name", &[Any]),
    ("to_number", &[NumberText]),
    ("cast_array", &[Set]),
    ("cast_set", &[Array]),
    ("cast_string", &[Any]),
    ("cast_boolean", &[Any]),
    ("cast_null", &[Any]),
    ("cast_object", &[Any]),
    ("regex.match", &[Pattern, Text]),
    ("regex.match", &[Pattern, Text]),
    ("regex.is_valid", &[Pattern]),
    ("regex.split", &[Pattern, Text]),
    ("regex.replace", &[Text, Pattern, Replacement]),
    ("regex.find_n", &[Pattern, Text, Small]),
    ("regex.find_all_string_submatch_n", &[Pattern, Text, Small]),
    ("regex.template_match", &[Template, Text, Short, Short]),
    ("json.marshal", &[Any]),
    ("json.marshal_with_options", &[Any, Options]),
    ("json.unmarshal", &[Json]),
    ("json.is_valid", &[Json]),
    ("base64.encode", &[Word]),
    ("base64.decode", &[Base64]),
    ("base64.is_valid", &[Base64]),
    ("base64url.encode", &[Word]),
    ("base64url.encode_no_pad", &[Word]),
    ("base64url.decode", &[Base64]),
    ("hex.encode", &[Word]),
    ("hex.decode", &[Hex]),
    ("urlquery.encode", &[Word]),
    ("urlquery.decode", &[Query]),
    ("urlquery.encode_object", &[QueryObject]),
    ("urlquery.decode_object", &[Query]),
    ("json.filter", &[Nested, Paths]),
    ("json.remove", &[Nested, Paths]),
    ("json.patch", &[Nested, Patches]),
    ("glob.match", &[Glob, Delimiters, GlobText]),
    ("glob.quote_meta", &[Glob]),
    ("semver.compare", &[Version, Version]),
    ("semver.is_valid", &[Version]),
    ("units.parse", &[Unit]),
    ("units.parse_bytes", &[Unit]),
];

const SCALARS: &[&str] = &[
    "null", "true", "false", "0", "1", "2", "1.0", "1.5", "-1", "\"a\"", "\"b\"", "\"\"", "\"1\"",
];
const LETTERS: &[&str] = &[
    "a", "b", "ab", "A", "B", " ", "é", "ß", "\u{1f80}", "İ", "ǆ", "😀", "\\n", "\\t", "-", ".",
    ",", "/", "1", "aa", "\\u00a0",
];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "10",
    "255",
    "-255",
    "0.5",
    "-0.5",
    "1.5",
    "-1.5",
    "2.5",
    "0.1",
    "0.2",
    "0.3",
    "1e2",
    "1e-3",
    "1.0",
    "1.50",
    "-0",
    "-0.0",
    "1e10",
    "123456789",
    "1234567.5",
    "3.14159",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "100000000000000000001",
    "12345678901234567890.5",
    "1e30",
    "1E400",
    "-1e400",
    "1e-400",
    "0.99999999999999999999999",
    "1.5e300",
    "4611686018427387904",
    "576460752303423488",
    "-576460752303423489",
    "1e21",
    "123456789012345678901234567890",
    "0e5",
    "1e5",
    "100.25",
    "2147483648",
];

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn raw(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The text that a term stands for, if it stands for one.
fn unquoted(term: &str) -> Option<String> {
    let arena = Arena::new();
    let text = common::Reader::new(term, &arena).term();
    text.as_str().map(str::to_owned)
}

fn list(items: &[String]) -> String {
    format!("[{}]", items.join(", "))
}

fn set(items: &[String]) -> String {
    if items.is_empty() {
        "set()".to_owned()
    } else {
        format!("{{{}}}", items.join(", "))
    }
}

/// Up to `most` arguments of one of the kinds.
fn repeated(random: &mut Random, most: usize, kinds: &[Kind]) -> Vec<String> {
    let kind = kinds[random.below(kinds.len())];
    (0..random.below(most + 1))
        .map(|_| argument(random, kind))
        .collect()
}

fn argument(random: &mut Random, kind: Kind) -> String {
    match kind {
        Drawn(draw) => draw(random),
        Changed(_) => unreachable!("an operand is needed to change it"),
        Any => match random.below(10) {
            0..=4 => random.of(SCALARS).to_owned(),
            5 => argument(random, Number),
            6 => argument(random, Word),
            7 => argument(random, Array),
            8 => argument(random, Set),
            _ => argument(random, Nested),
        },
        Number => match random.below(8) {
            0 => random.below(100_000).to_string(),
            1 => format!("{}.{}", random.below(1000), random.below(10000)),
            2 => format!(
                "-{}.{}e{}",
                random.below(10),
                random.below(1000),
                random.below(40)
            ),
            _ => random.of(NUMBERS).to_owned(),
        },
        Integer => match random.below(4) {
            0 => argument(random, Number),
            1 => argument(random, Small),
            _ => random.many(1, 12, &["1", "2", "31", "64", "9", "500"]),
        },
        Small => match random.below(12) {
            0 => "1.5".to_owned(),
            1 => "2.0".to_owned(),
            n if n < 5 => format!("-{}", random.below(6)),
            _ => random.below(7).to_string(),
        },
        Word => quoted(&random.many(0, 8, LETTERS)),
        Short => quoted(&random.many(
            0,
            2,
            &["a", "b", "ab", "é", "-", ".", "/", " ", "{", "}", "A"],
        )),
        Array => list(
            &(0..random.below(5))
                .map(|_| element(random))
                .collect::<Vec<_>>(),
        ),
        Numbers => {
            let items = repeated(random, 4, &[Number, Integer]);
            if random.below(2) == 0 {
                list(&items)
            } else {
                set(&items)
            }
        }
        Strings => list(&repeated(random, 4, &[Short, Word])),
        StringSet => set(&repeated(random, 4, &[Short, Word])),
        Set => set(&(0..random.below(5))
            .map(|_| element(random))
            .collect::<Vec<_>>()),
        Sets => set(&repeated(random, 3, &[Set])),
        Object => nested(random, 0),
        Objects => list(&repeated(random, 4, &[Nested])),
        Nested => nested(random, 3),
        Keys => match random.below(3) {
            0 => argument(random, Object),
            1 => argument(random, Set),
            _ => argument(random, Array),
        },
        StringMap => {
            let members: Vec<_> = (0..random.below(4))
                .map(|_| format!("{}: {}", argument(random, Short), argument(random, Short)))
                .collect();
            let mut members = members;
            members.sort();
            members.dedup_by_key(|member| member.split(": ").next().map(str::to_owned));
            format!("{{{}}}", members.join(", "))
        }
        Pattern if random.below(2) == 0 => raw(&pattern(random, 3)),
        Pattern => raw(&random.many(
            1,
            7,
            &[
                "a",
                "b",
                "k",
                "K",
                "s",
                ".",
                "*",
                "+",
                "?",
                "{2}",
                "{1,3}",
                "{0}",
                "{,2}",
                "{2,}",
                "{2,1}",
                "{1001}",
                "(",
                "(?:",
                "(?i)",
                "(?i:",
                "(?s)",
                "(?m)",
                "(?U)",
                "(?-i)",
                "(?P<x>",
                "(?<1>",
                "(?=",
                ")",
                ")",
                "|",
                "^",
                "$",
                "[ab]",
                "[^a]",
                "[a-c]",
                "[^\\n]",
                "[]a]",
                "[a-",
                "[\\w-]",
                "[[:alpha:]]",
                "[[:^digit:]]",
                "[[:foo:]]",
                "\\d",
                "\\D",
                "\\w",
                "\\W",
                "\\s",
                "\\S",
                "\\b",
                "\\B",
                "\\A",
                "\\z",
                "\\Z",
                "\\pL",
                "\\PL",
                "\\p{Greek}",
                "\\p{^Lu}",
                "\\p{Nope}",
                "é",
                "Ω",
                "\\Qa.\\E",
                "\\x41",
                "\\x{e9}",
                "\\101",
                "\\1",
                "\\.",
                "\\-",
                "\\_",
                "\n",
                " ",
                "{",
                "}",
                "]",
                "-",
                "(a|b)",
                "(a*)",
                "(a|)",
                "\\",
            ],
        )),
        Text | GlobText => raw(&random.many(
            0,
            12,
            &[
                "a", "b", "ab", "c", "k", "K", "\u{212a}", "s", "ſ", "é", "Ω", "α", "\n", " ", "1",
                "_", "-", "A", ".", "/",
            ],
        )),
        Template => raw(&random.many(
            1,
            5,
            &[
                "a", "b", "{", "}", "{a*}", "{.*}", "{[}", ".", "{b|c}", "{{1}}", "-",
            ],
        )),
        Replacement => raw(&random.many(
            0,
            4,
            &[
                "$1", "$0", "${1}", "$x", "${x}", "$$", "$", "a", "-", "${", "}", "$1x", "$01", "é",
            ],
        )),
        Format => {
            let mut format = String::new();
            for _ in 0..1 + random.below(3) {
                format.push_str(random.of(&["", "a", "é", " ", "%%"]));
                format.push('%');
                format.push_str(&random.many(0, 2, &["+", "-", "#", "0", " ", "", "", ""]));
                format
                    .push_str(random.of(&["", "", "", "", "[1]", "[2]", "[0]", "[9]", "[x]", "["]));
                format.push_str(random.of(&["", "", "", "1", "6", "12", "*", "[1]*", "1000001"]));
                format.push_str(
                    random.of(&["", "", "", ".", ".0", ".2", ".10", ".*", ".[2]*", ".[1]3"]),
                );
                format.push_str(random.of(&["", "", "", "", "", "[1]"]));
                format.push_str(random.of(&[
                    "v", "v", "d", "d", "s", "s", "f", "F", "g", "G", "e", "E", "x", "X", "q", "t",
                    "T", "c", "b", "o", "O", "U", "w", "z", "é", "!", "",
                ]));
            }
            raw(&format)
        }
        FormatValues => {
            let kinds = [Number, Number, Small, Any, Word, Integer];
            let items: Vec<_> = (0..random.below(4))
                .flat_map(|_| repeated(random, 1, &kinds))
                .collect();
            list(&items)
        }
        Base => random
            .of(&["2", "8", "10", "16", "16", "10.0", "3"])
            .to_owned(),
        Json => raw(&random.many(
            1,
            8,
            &[
                "{",
                "}",
                "[",
                "]",
                ",",
                ":",
                "\"a\"",
                "\"b\"",
                "1",
                "1.50",
                "-0",
                "01",
                "1e5",
                "true",
                "null",
                " ",
                "\n",
                "\"\\u00e9\"",
                "\"\\ud800\"",
                "\"\\ud83d\\ude00\"",
                "\"\\x\"",
                "\"",
                "[1,2]",
                "{\"a\":1}",
                "{\"a\":{},\"a\":[]}",
                "nul",
                "\t",
            ],
        )),
        Base64 => raw(&random.many(
            0,
            6,
            &[
                "a", "aGk=", "aGVsbG8", "=", "==", "_", "-", "+", "/", "\n", "4pyT", " ", "!",
                "gA==", "AA",
            ],
        )),
        Hex => raw(&random.many(0, 5, &["6", "68", "e2", "9c93", "C3a9", "g", "é", " "])),
        Query => raw(&random.many(
            0,
            6,
            &[
                "a", "b", "=", "&", "+", "%20", "%C3%A9", "%", "%4", "%zz", ";", "é", "%ff", "a=1&",
            ],
        )),
        QueryObject => {
            let values = [
                "\"x y\"",
                "[\"1\", \"é\"]",
                "{\"q\", \"p&\"}",
                "[]",
                "1",
                "null",
                "[1]",
            ];
            let count = random.below(4);
            let keys = ["\"a\"", "\"b c\"", "\"é\"", "\"z\""];
            let members: Vec<_> = (0..count)
                .map(|i| format!("{}: {}", keys[i], random.of(&values)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        NumberText => match random.below(4) {
            0 => argument(random, Any),
            1 => quoted(&argument(random, Number)),
            _ => quoted(&random.many(
                1,
                4,
                &[
                    "1", "0", "2", "-", "+", ".", "e", "5", "inf", "nan", " ", "_", "x",
                ],
            )),
        },
        Paths => {
            let paths: Vec<_> = (0..random.below(4))
                .map(|_| match random.below(5) {
                    0 => argument(random, Array),
                    1 => random
                        .of(&["\"\"", "\"/\"", "\"a~1b\"", "\"//a\"", "1"])
                        .to_owned(),
                    _ => quoted(&random.many(1, 4, &["a", "b", "/a", "/b", "/0", "/1", "a/b"])),
                })
                .collect();
            if random.below(2) == 0 {
                list(&paths)
            } else {
                set(&paths)
            }
        }
        Patches => {
            let patches: Vec<_> = (0..1 + random.below(3))
                .map(|_| {
                    let op = random.of(&[
                        "add", "remove", "replace", "move", "copy", "test", "add", "remove", "nope",
                    ]);
                    let path = |random: &mut Random| match random.below(6) {
                        0 => argument(random, Array),
                        1 => "\"\"".to_owned(),
                        _ => quoted(&random.many(1, 3, &["/a", "/b", "/0", "/1", "/-", "a"])),
                    };
                    let mut patch = format!("\"op\": \"{op}\"");
                    if random.below(12) != 0 {
                        patch.push_str(&format!(", \"path\": {}", path(random)));
                    }
                    if random.below(4) != 0 {
                        patch.push_str(&format!(", \"value\": {}", argument(random, Any)));
                    }
                    if random.below(2) != 0 {
                        patch.push_str(&format!(", \"from\": {}", path(random)));
                    }
                    format!("{{{patch}}}")
                })
                .collect();
            list(&patches)
        }
        Options => {
            let all = [
                "\"indent\": \"  \"",
                "\"prefix\": \">\"",
                "\"pretty\": true",
                "\"pretty\": false",
                "\"indent\": 1",
                "\"x\": 1",
                "1: 2",
            ];
            let members: Vec<_> = (0..random.below(3)).map(|_| random.of(&all)).collect();
            let mut members = members;
            members.sort_unstable();
            members.dedup_by_key(|member| member.split(": ").next());
            format!("{{{}}}", members.join(", "))
        }
        Glob => raw(&random.many(
            1,
            6,
            &[
                "a", "b", "*", "**", "?", "[a-c]", "[!a]", "[ab]", "{a,b}", "{a*,?b}", "\\*", "\\",
                "[", "]", "{", "}", ",", ".", "/", "é", "-", "!",
            ],
        )),
        Delimiters => random
            .of(&[
                "null",
                "[]",
                "[\".\"]",
                "[\"/\"]",
                "[\".\", \"/\"]",
                "[\"ab\"]",
                "[1]",
                "\"a\"",
            ])
            .to_owned(),
        Version => raw(&random.many(
            1,
            6,
            &[
                "1", "0", "10", ".", ".", "1.2.3", "-", "alpha", "+", "v", "beta.1", "01", "1.0.0-",
            ],
        )),
        Unit => raw(&random.many(
            1,
            4,
            &[
                "1",
                "10",
                ".5",
                "1.5",
                "K",
                "k",
                "Ki",
                "KB",
                "MiB",
                "m",
                "M",
                "G",
                "E",
                "e3",
                "e",
                " ",
                "-",
                "x",
                "\"",
                "1e1000000",
            ],
        )),
    }
}

/// A pattern that is valid.
fn pattern(random: &mut Random, depth: usize) -> String {
    let atom = |random: &mut Random| {
        random
            .of(&[
                "a",
                "b",
                "k",
                "é",
                "Ω",
                ".",
                "[ab]",
                "[^a]",
                "[a-c]",
                "[^\\n]",
                "[\\W_]",
                "[^\\s\\d]",
                "\\d",
                "\\w",
                "\\W",
                "\\s",
                "\\pL",
                "\\PL",
                "[[:upper:]]",
                "[[:^alnum:]]",
                "\\b",
                "\\B",
                "^",
                "$",
                "\\A",
                "\\z",
                "",
                "[\\p{Lu}1]",
                "s",
                "1",
                " ",
            ])
            .to_owned()
    };
    let mut out = match random.below(6) {
        0..=1 if depth > 0 => pattern(random, depth - 1) + &pattern(random, depth - 1),
        2 if depth > 0 => {
            let branches = [pattern(random, depth - 1), pattern(random, depth - 1)];
            format!("(?:{})", branches.join("|"))
        }
        3 if depth > 0 => {
            let open = random.of(&[
                "(", "(", "(?:", "(?i:", "(?s:", "(?m:", "(?U:", "(?P<x>", "(?is-m:",
            ]);
            format!("{open}{})", pattern(random, depth - 1))
        }
        _ => return atom(random),
    };
    if random.below(2) == 0 {
        let repeat = random.of(&[
            "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{2,}",
        ]);
        out = format!("(?:{out}){repeat}");
    }
    out
}

fn element(random: &mut Random) -> String {
    match random.below(9) {
        0 => argument(random, Number),
        1 => "[1, 2]".to_owned(),
        2 => "{\"a\": 1}".to_owned(),
        3 => "{1, 2}".to_owned(),
        4 => "[]".to_owned(),
        _ => random.of(SCALARS).to_owned(),
    }
}

fn nested(random: &mut Random, depth: usize) -> String {
    let keys = ["\"a\"", "\"b\"", "\"0\"", "1", "\"a/b\""];
    let mut members = Vec::new();
    for key in keys {
        if random.below(2) == 0 {
            let value = match random.below(6) {
                0..=2 if depth > 0 => nested(random, depth - 1),
                3 => list(
                    &(0..random.below(4))
                        .map(|_| {
                            if depth > 0 && random.below(2) == 0 {
                                nested(random, depth - 1)
                            } else {
                                element(random)
                            }
                        })
                        .collect::<Vec<_>>(),
                ),
                _ => element(random),
            };
            members.push(format!("{key}: {value}"));
        }
    }
    format!("{{{}}}", members.join(", "))
}

/// What a call came to, in one form for both sides.
fn ours(name: &str, text: &str) -> String {
    let arena = Arena::new();
    let list = common::Reader::new(text, &arena).term();
    let arguments = list.as_array().expect("an array").as_slice();
    let mut world = calls::world::World::default();
    let table = regovm_stdlib::table();
    let answer = match common::run_in(&mut world, &table, &arena, name, arguments) {
        Ok(Some(value)) => value.to_string(),
        Ok(None) => "undefined".to_owned(),
        Err(BuiltinError::Type(text)) => format!("eval_type_error: {name}: {text}"),
        Err(BuiltinError::Value(text)) => {
            without_syntax(format!("eval_builtin_error: {name}: {text}"))
        }
        Err(BuiltinError::Halt(code, text)) => format!("{code}: {text}"),
        Err(BuiltinError::Stop(reason)) => format!("stopped: {reason:?}"),
    };
    calls::world::comparable(name, text, answer)
}

/// OPA's strings may have bytes that are no text, and show them as `\\xff`. Ours have U+FFFD.
fn without_bytes(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let byte = escape
            .get(2..4)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (taken, len) = match (escape.as_bytes().get(1), byte) {
            (Some(b'x'), Some(0x80..)) => ("\u{fffd}", 4),
            _ => (&escape[..2], 2),
        };
        out.push_str(taken);
        rest = &escape[len..];
    }
    out + rest
}

/// Calls that make OPA panic, which is no answer: the built-in, how what Go says begins, and what does it. A panic that is
/// not listed counts as a difference.
const FALLS: &[(&str, &str, &str)] = &[
    ("json.patch", NIL, "the whole document is removed"),
    (
        "json.match_schema",
        NIL,
        "`const`, and a number that no float of Go holds",
    ),
    (
        "graphql.",
        NIL,
        "a document as a tree, in which a type has no name",
    ),
    (
        "graphql.",
        "got unknown operation type",
        "a document as a tree, with an operation of another kind",
    ),
    (
        "graphql.",
        "stack overflow",
        "fragments that hold themselves",
    ),
    (
        "http.send",
        "interface conversion:",
        "headers that are no object, and `cache_ignored_headers` that names some",
    ),
    (
        "io.jwt.decode_verify",
        "interface conversion:",
        "a constraint whose name is a number",
    ),
    (
        "net.cidr_merge",
        "runtime error: index out of range",
        "an address of 4 bytes that is written as one of 16",
    ),
    (
        "rand.intn",
        "invalid argument to Intn",
        "the least integer of 64 bits, which has no positive counterpart",
    ),
];

const NIL: &str = "runtime error: invalid memory address or nil pointer dereference";

fn falls(name: &str, message: &str) -> bool {
    let mut known = FALLS.iter();
    known.any(|(of, begins, _)| name.starts_with(of) && message.starts_with(begins))
}

/// What is chance in OPA's messages: the address of a tag that Go expected in DER, and the order of the members in a type
/// that the library of keys makes when the process starts.
fn without_chance(text: &str) -> String {
    const MEMBERS: [&str; 2] = [
        r#"Kty string "json:\"kty\"""#,
        r#"D json.RawMessage "json:\"d,omitempty\"""#,
    ];
    let [kty, d] = MEMBERS;
    let text = text.replace(&format!("{d}; {kty}"), &format!("{kty}; {d}"));
    let mut parts = text.split(" tag:0x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(" tag:<nil>");
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    }
    out
}

/// Both sides show the value that is no key, or whose key is none, in the syntax of their language. It ends the message.
fn without_syntax(mut text: String) -> String {
    for message in [
        "yaml: invalid map key: ",
        "unsupported map key of type: %!s(<nil>), key: <nil>, value: ",
    ] {
        let said = format!("eval_builtin_error: yaml.unmarshal: {message}");
        if text.starts_with(&said) {
            text.truncate(said.len());
        }
    }
    text
}

/// Differences that are meant, narrowly.
fn is_by_design(name: &str, arguments: &str, [ours, theirs]: [&str; 2]) -> bool {
    let arena = Arena::new();
    let is_number = |text| arena.number_text(text).is_some();
    match name {
        // OPA keeps spellings of numbers that are no JSON; ours are normal.
        "to_number" => !is_number(theirs) && is_number(ours),
        // Schemas may come from an input, so we fetch nothing that they name. OPA asks the network of this machine.
        _ if theirs.contains("dial tcp") && ours.contains("remote reference loading disabled") => {
            ["json.match_schema", "json.verify_schema"].contains(&name)
        }
        // OPA lists what does not match in the order of a map of Go, which is chance.
        "json.match_schema" if [ours, theirs].iter().all(|text| text.starts_with('[')) => {
            let [ours, theirs] = [ours, theirs].map(|text| {
                let list = common::Reader::new(text, &arena).term();
                let list = list.as_array().and_then(|list| list.as_slice().get(1));
                let list = list.and_then(|list| list.as_array());
                let mut complaints = list.map_or(Vec::new(), |list| list.as_slice().to_vec());
                complaints.sort();
                complaints
            });
            !ours.is_empty() && ours == theirs
        }
        // With a comment in front of a dash, go-yaml loses the error of the token behind the dash and goes on after it.
        "yaml.unmarshal" | "yaml.is_valid" => {
            let is_error = ours == "false" || ours.contains(": yaml: ");
            let comment = arguments.find('#');
            is_error && comment.is_some_and(|at| arguments[at..].contains("- "))
        }
        _ => false,
    }
}

fn theirs(answer: &Constant) -> String {
    if let Some(Constant::Array(bindings)) = answer.get("result") {
        return match bindings.first().and_then(|bindings| bindings.get("x")) {
            // The result stands in an array, for its own text.
            Some(Constant::String(text)) => without_bytes(&text[1..text.len() - 1]),
            Some(other) => format!("{other:?}"),
            None => "undefined".to_owned(),
        };
    }
    match answer.get("errors") {
        Some(Constant::Array(errors)) => {
            let field = |name| {
                errors
                    .first()
                    .and_then(|error| error.get(name))
                    .and_then(Constant::as_str)
                    .unwrap_or("")
            };
            let message = without_chance(field("message"));
            without_syntax(format!("{}: {message}", field("code")))
        }
        _ => format!("{answer:?}"),
    }
}

fn answers_of(group: &str) -> String {
    format!("{}/tests/answers-{group}.jsonl", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn bodies_answer_as_opa_did() {
    for (group, _) in GROUPS {
        let answers = std::fs::read_to_string(answers_of(group)).expect("recorded answers");
        assert!(answers.lines().count() > 100, "{group}");
        answer_as_recorded(&answers);
    }
}

fn answer_as_recorded(answers: &str) {
    let mut different = 0;
    for line in answers.lines() {
        let [name, operands, theirs] = recorded(line);
        let ours = ours(&name, &operands);
        if ours != theirs {
            different += 1;
            println!("{name}({operands})\n  ours   {ours}\n  theirs {theirs}");
        }
    }
    assert_eq!(different, 0, "of {} calls", answers.lines().count());
}

/// Name, operands and answer of a recorded call.
fn recorded(line: &str) -> [String; 3] {
    let arena = Arena::new();
    let line = regovm_core::json::read(line.as_bytes(), &arena, Default::default()).expect("JSON");
    ["call", "operands", "answer"].map(|name| {
        let text = line.get_str(name).and_then(|value| value.as_str());
        text.expect("a text").to_owned()
    })
}

/// The calls that a file records, to make others of them.
struct Samples(Vec<Sample>);

struct Sample {
    name: String,
    operands: Vec<String>,
    /// Something came of it: no error, and not just `false`.
    good: bool,
}

impl Samples {
    fn of(recorded: &[[String; 3]]) -> Samples {
        let samples = recorded.iter().map(|[name, operands, answer]| {
            let arena = Arena::new();
            let operands = common::Reader::new(operands, &arena).term();
            let operands = operands.as_array().expect("an array");
            Sample {
                name: name.clone(),
                operands: operands.iter().map(|operand| operand.to_string()).collect(),
                good: !["eval_", "false", "[false"]
                    .iter()
                    .any(|bad| answer.starts_with(bad)),
            }
        });
        Samples(samples.collect())
    }

    /// The operands of a call of the function. Every second call is a good one, if there are any.
    fn draw(&self, random: &mut Random, name: &str) -> &[String] {
        let wants_good = random.below(2) == 0;
        let own = |sample: &&Sample| sample.name == name;
        let mut fitting: Vec<_> = self.0.iter().filter(own).collect();
        if wants_good && fitting.iter().any(|sample| sample.good) {
            fitting.retain(|sample| sample.good);
        }
        &fitting[random.below(fitting.len())].operands
    }
}

/// The answers of OPA, a line each. Where it dies of a question (its stack overflows), it is started again behind it.
fn asked_of(oracle: &str, requests: &[String]) -> Vec<String> {
    let mut answers: Vec<String> = Vec::new();
    while answers.len() < requests.len() {
        let mut child = Command::new(oracle)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the oracle");
        let mut input = child.stdin.take().expect("a pipe");
        let rest = requests[answers.len()..].concat();
        // When it dies, the rest finds no reader.
        let writer = std::thread::spawn(move || input.write_all(rest.as_bytes()).is_ok());
        let output = child.wait_with_output().expect("answers");
        writer.join().expect("a writer");
        let lines = String::from_utf8_lossy(&output.stdout);
        answers.extend(lines.lines().map(str::to_owned));
        if answers.len() < requests.len() {
            let ended = r#"{"errors": [{"code": "oracle_panic", "message": "stack overflow"}]}"#;
            answers.push(ended.to_owned());
        }
    }
    answers
}

/// What is not drawn here is drawn as whole modules: `conformance-suite/tests/whole_modules.rs`.
#[test]
fn every_builtin_is_drawn() {
    let mut drawn = BTreeSet::new();
    for (group, functions) in GROUPS {
        assert!(!functions.is_empty(), "{group}");
        drawn.extend(functions.iter().map(|(name, _)| *name));
    }
    for (_, decl) in regovm_stdlib::table().iter() {
        let name = decl.name;
        let elsewhere = ELSEWHERE.iter().any(|(of, _)| *of == name);
        assert!(
            drawn.contains(name) != elsewhere,
            "{name} is drawn by no group, or for no reason elsewhere"
        );
    }
}

#[test]
fn bodies_answer_as_opa_does() {
    let Ok(oracle) = std::env::var("REGOVM_ORACLE") else {
        println!("skipped: REGOVM_ORACLE names no oracle");
        return;
    };
    let number = |name, default| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let mut random =
        Random(number("REGOVM_ORACLE_SEED", 1_u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let calls = number("REGOVM_ORACLE_CALLS", 50_u64);
    let only = std::env::var("REGOVM_ORACLE_ONLY").unwrap_or_default();
    let group = std::env::var("REGOVM_ORACLE_GROUP").ok();
    let recording = std::env::var_os("REGOVM_ORACLE_RECORD").is_some();
    let table = regovm_stdlib::table();

    let mut asked = Vec::new();
    for (group, functions) in GROUPS
        .iter()
        .filter(|(name, _)| group.as_deref().is_none_or(|group| group == *name))
    {
        let made_of_recorded = functions
            .iter()
            .any(|(_, kinds)| kinds.iter().any(|kind| matches!(kind, Changed(_))));
        let recorded: Vec<_> = if made_of_recorded {
            let answers = std::fs::read_to_string(answers_of(group)).expect("recorded calls");
            answers.lines().map(recorded).collect()
        } else {
            Vec::new()
        };
        let samples = Samples::of(&recorded);
        for [name, operands, _] in recorded {
            asked.push((name, operands));
        }
        if made_of_recorded && recording {
            continue;
        }
        for (name, kinds) in functions.iter() {
            for _ in 0..calls {
                let changes = kinds.iter().any(|kind| matches!(kind, Changed(_)));
                let [own, other] =
                    [(); 2].map(|()| changes.then(|| samples.draw(&mut random, name)));
                let arguments = kinds.iter().enumerate().map(|(at, kind)| {
                    // A large number would make OPA fill the memory.
                    let bounded = name.starts_with("numbers.range") || *name == "bits.lsh";
                    let odd = random.below(16) == 0 && !bounded;
                    match (kind, own, other) {
                        _ if odd => argument(&mut random, Any),
                        (Changed(change), Some(own), Some(other)) => {
                            change(&mut random, [&own[at], &other[at]])
                        }
                        _ => argument(&mut random, *kind),
                    }
                });
                let arguments: Vec<_> = arguments.collect();
                asked.push(((*name).to_owned(), list(&arguments)));
            }
        }
    }
    asked.retain(|(name, _)| name.contains(&only) && table.id(name).is_some());
    let mut requests = Vec::new();
    for (name, arguments) in &asked {
        let arena = Arena::new();
        let count = common::Reader::new(arguments, &arena).term();
        let count = count.as_array().expect("an array").as_slice().len();
        let operands: Vec<_> = (0..count).map(|i| format!("input[{i}]")).collect();
        let module = format!(
            "package t\nr = sprintf(\"%v\", [[{name}({})]])",
            operands.join(", ")
        );
        let fixed = calls::world::FUNCTIONS.iter().any(|(of, _)| of == name);
        requests.push(format!(
            "{{\"modules\": [{}], \"query\": \"x = data.t.r\", \"input_term\": {}, \"strict_error\": true, \"rego_version\": \"v0\", \"fixed\": {fixed}}}\n",
            raw(&module),
            raw(arguments)
        ));
    }

    let answers = asked_of(&oracle, &requests);
    let mut record = String::new();
    let (mut different, mut fallen, mut by_design) = (0, 0, 0);
    let mut agreed = BTreeMap::<_, [usize; 2]>::new();
    for ((name, arguments), answer) in asked.iter().zip(&answers) {
        let arena = Arena::new();
        let answer =
            regovm_core::json::read(answer.as_bytes(), &arena, Default::default()).expect("JSON");
        let theirs = theirs(&regovm_core::value::to_constant(answer));
        let theirs = calls::world::comparable(name, arguments, theirs);
        let ours = ours(name, arguments);
        if let Some(message) = theirs.strip_prefix("oracle_panic: ")
            && falls(name, message)
        {
            fallen += 1;
            continue;
        }
        if ours != theirs && is_by_design(name, arguments, [&ours, &theirs]) {
            by_design += 1;
            continue;
        }
        record.push_str(&format!(
            "{{\"call\": {}, \"operands\": {}, \"answer\": {}}}\n",
            raw(name),
            raw(arguments),
            raw(&theirs)
        ));
        if ours == theirs {
            let failed = theirs.starts_with("eval_");
            agreed.entry(name).or_default()[usize::from(failed)] += 1;
        } else {
            different += 1;
            println!("{name}({arguments})\n  ours   {ours}\n  theirs {theirs}");
        }
    }
    if recording {
        let group = group.expect("REGOVM_ORACLE_GROUP says what is recorded");
        std::fs::write(answers_of(&group), record).expect("a file of answers");
    }
    for (name, [results, errors]) in agreed {
        println!("{name}: the same {results} results and {errors} errors");
    }
    println!(
        "{} calls, OPA fell over {fallen}, {by_design} differ by design, {different} differ",
        asked.len()
    );
    assert!(by_design * 100 <= asked.len(), "by design");
    assert!(fallen * 2 <= asked.len(), "OPA answers");
    assert_eq!(different, 0, "of {} calls", asked.len());
}
