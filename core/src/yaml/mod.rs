//! Reading YAML by the rules of OPA: scalars resolve as in go-yaml v3 and pass through JSON, so
//! that keys are strings and numbers lose their spelling.
//!
//! Aliases share the value they name. What they would expand to is counted all the same, by the
//! measure of go-yaml, so that a document of nested aliases is refused and not printed for hours.
//!
//! Text becomes tokens (`scan`), tokens become [`Events`], and events a value (`read`). All of it is ours, because what
//! is YAML, and what is said of a text that is none, has to be what go-yaml says: it reads YAML 1.1 as libyaml does, with
//! differences of its own, and no library in Rust follows it. Texts of policies, data and inputs depend on it.

mod cursor;
mod events;
mod keys;
mod problem;
mod read;
mod resolve;
mod scan;

pub use self::cursor::Mark;
pub use self::events::{Event, Events, Properties};
use self::problem::Problem;
pub use self::resolve::{Resolved, resolve};
pub use self::scan::Style;
use crate::Constant;
use crate::value::{Arena, MemoryExceeded, Value, to_constant};

/// Why a text is no YAML that OPA reads, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct YamlError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub col: usize,
    /// The line that OPA names, if it names one.
    pub named: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// The arena's limit was reached.
    pub memory: Option<MemoryExceeded>,
}

/// Said of characters that YAML forbids everywhere.
pub const CONTROL_CHARACTERS: &str = "control characters are not allowed";

/// Of errors that come after reading: values that JSON does not have.
const JSON: &str = "json: ";

/// Of mappings in which nothing is a key. What follows is how Go shows values, ours in our form.
const NULL_KEY: &str = "unsupported map key of type: ";

impl std::fmt::Display for YamlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.named {
            Some(line) => write!(f, "yaml: line {line}: {}", self.message),
            None if [JSON, NULL_KEY]
                .iter()
                .any(|by| self.message.starts_with(by)) =>
            {
                f.write_str(&self.message)
            }
            None => write!(f, "yaml: {}", self.message),
        }
    }
}

impl std::error::Error for YamlError {}

/// Collections of values nest no deeper than this.
const MAX_DEPTH: usize = 10_000;

/// Constants nest no deeper than this: they are dropped recursively.
const MAX_CONSTANT_DEPTH: usize = 256;

/// Reads the first document of a text. The rest must be YAML too.
pub fn read_constant(text: &str) -> Result<Constant, YamlError> {
    read_constant_with(text, &mut |_, _| {})
}

/// As [`read_constant`]; shows what the text consists of on the way, as [`Events`] would give it.
pub fn read_constant_with(
    text: &str,
    see: &mut dyn FnMut(&Event<'_>, Mark),
) -> Result<Constant, YamlError> {
    let arena = Arena::new();
    read::read(text, &arena, MAX_CONSTANT_DEPTH, Booleans::New, see).map(to_constant)
}

/// Reads the first document of a text into an arena. The rest must be YAML too.
pub fn read<'a>(text: &str, arena: &'a Arena) -> Result<Value<'a>, YamlError> {
    read::read(text, arena, MAX_DEPTH, Booleans::New, &mut |_, _| {})
}

/// Which plain words are truth values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Booleans {
    /// `true` and `false`.
    New,
    /// Those of YAML 1.1 too: [`is_old_boolean`].
    Old,
}

/// As [`read`], with `yes`, `on` and their like as truth values: so go-yaml v2 reads files, and with it Kubernetes and
/// conftest.
pub fn read_with_old_booleans<'a>(text: &str, arena: &'a Arena) -> Result<Value<'a>, YamlError> {
    read::read(text, arena, MAX_DEPTH, Booleans::Old, &mut |_, _| {})
}

/// Words that are booleans in YAML 1.1 and texts in 1.2; go-yaml reads them as booleans only where it wants some.
pub fn is_old_boolean(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
    )
}

/// Of [`is_old_boolean`]: whether it says yes.
fn is_old_true(text: &str) -> bool {
    matches!(
        text.as_bytes(),
        [b'y' | b'Y', ..] | [b'o' | b'O', b'n' | b'N']
    )
}

impl From<Problem> for YamlError {
    fn from(problem: Problem) -> YamlError {
        YamlError {
            line: problem.at.row(),
            col: problem.at.col(),
            named: problem.named(),
            message: problem.message.to_owned(),
            memory: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Style, to_string};

    fn json(text: &str) -> Result<String, String> {
        let arena = Arena::new();
        match read(text, &arena) {
            Ok(value) => Ok(to_string(value, Style::Compact)),
            Err(error) => Err(error.message),
        }
    }

    /// Each line was compared with OPA 1.22.
    #[test]
    fn scalars_resolve_as_in_opa() {
        for (yaml, want) in [
            ("", "null"),
            ("a: yes", r#"{"a":"yes"}"#),
            (
                "[true, True, TRUE, on, y, ~, null, Null, '']",
                r#"[true,true,true,"on","y",null,null,null,""]"#,
            ),
            (
                "[012, 0o14, 0x1F, 0b101, 1_000, +5, -0, 08]",
                "[10,12,31,5,1000,5,0,8]",
            ),
            (
                "[1.50, 1e3, .5, 1., -.5e1, 1e400, 1e21, 1e-7]",
                r#"[1.5,1000,0.5,1,-5,"1e400",1e+21,1e-7]"#,
            ),
            (
                "[18446744073709551615, 18446744073709551616, -9223372036854775808]",
                "[18446744073709551615,18446744073709552000,-9223372036854775808]",
            ),
            (
                "[0b-10, 0o+7, -0b-1, 0x-1, .5_1, ._5, 1_0.5]",
                r#"[-2,7,"-0b-1","0x-1",0.51,"._5",10.5]"#,
            ),
            (
                "[2023-01-01, 12:30:45, 1.2.3, 0x, '1', \"2\"]",
                r#"["2023-01-01","12:30:45","1.2.3","0x","1","2"]"#,
            ),
            (
                "{1: a, true: b, 1.5: c, 0x10: d}",
                r#"{"1":"a","1.5":"c","16":"d","true":"b"}"#,
            ),
            ("a: 1\na: 2", r#"{"a":2}"#),
            (
                "[!!str 1, !!float 3, !!int 4, ! 5, !x 6, !!binary aGk=]",
                r#"["1",3,4,5,"6","hi"]"#,
            ),
            (
                "a: |\n  x\n  y\nb: >\n  x\n  y\n",
                r#"{"a":"x\ny\n","b":"x y\n"}"#,
            ),
            ("---\na: 1\n---\nb: 2\n", r#"{"a":1}"#),
        ] {
            assert_eq!(json(yaml).as_deref(), Ok(want), "{yaml}");
        }
    }

    #[test]
    fn old_booleans_are_read_on_request() {
        let text = "{a: yes, b: [No, OFF, 'on', on, Y, nope], on: n}";
        let arena = Arena::new();
        let value = read_with_old_booleans(text, &arena).unwrap();
        assert_eq!(
            to_string(value, Style::Compact),
            r#"{"a":true,"b":[false,false,"on",true,true,"nope"],"true":false}"#
        );
    }

    #[test]
    fn aliases_and_merges() {
        for (yaml, want) in [
            ("a: &x [1, 2]\nb: *x", r#"{"a":[1,2],"b":[1,2]}"#),
            (
                "base: &b {x: 1, y: 2}\nd:\n  <<: *b\n  y: 3",
                r#"{"base":{"x":1,"y":2},"d":{"x":1,"y":3}}"#,
            ),
            (
                "- &a {x: 1}\n- &b {x: 2, z: 3}\n- {<<: [*a, *b]}",
                r#"[{"x":1},{"x":2,"z":3},{"x":1,"z":3}]"#,
            ),
            ("- &a k\n- {*a : 1}", r#"["k",{"k":1}]"#),
            (
                "a: b\u{85}  c\u{85}d: 'e\u{85}f'",
                r#"{"a":"b c","d":"e f"}"#,
            ),
            (
                "a:\tb\nc: [1,\n2\n]\nd: |\n x",
                r#"{"a":"b","c":[1,2],"d":"x"}"#,
            ),
            ("{\"<<\": 1}", r#"{"<<":1}"#),
            ("---\ta", r#""a""#),
            ("{a:\n\tb}", r#"{"a":"b"}"#),
            ("a: .inf\na: 1", r#"{"a":1}"#),
        ] {
            assert_eq!(json(yaml).as_deref(), Ok(want), "{yaml}");
        }
    }

    #[test]
    fn errors() {
        for yaml in [
            "a: .inf",
            "~: a",
            "? [1]\n: a",
            "a: !!int x",
            "<<: 1",
            "a: *nope",
            "&a [*a]",
            "a: [",
            "  a:\nb: 1",
            "a: 1\n---\n{",
            "\t",
            "a:\n\tb: 1",
            "-\ta",
            "a: \u{7}",
        ] {
            assert!(json(yaml).is_err(), "{yaml}: {:?}", json(yaml));
        }
        let mut laughs = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for i in 1..20 {
            let list = vec![format!("*a{}", i - 1); 9].join(",");
            laughs.push_str(&format!("a{i}: &a{i} [{list}]\n"));
        }
        assert_eq!(
            json(&laughs),
            Err("document contains excessive aliasing".to_string())
        );
        assert!(json(&"[".repeat(20_000)).is_err());
    }

    /// Each of them takes seconds or more if something looks back, or ahead, too far.
    #[test]
    fn long_texts_are_read_in_one_go() {
        let arena = Arena::new();
        for piece in [
            "[",
            "{",
            "]",
            ",",
            "- ",
            "? ",
            ": ",
            "a: ",
            "{a: ",
            "[a, ",
            "&a ",
            "!a ",
            "*a ",
            "'",
            "\"",
            "#\n",
            "- a\n",
            "~: 1\n",
            "0x1: a\n",
            "- .inf\n",
            "--- a\n",
            "a\n",
            "a #\n",
            "- |\n a\n",
            " ",
            "\t",
            "\n",
            "[]: a\n",
            "- [a, b, {c: d}]\n",
            "%YAML",
            "é",
            "-",
        ] {
            let text = piece.repeat(30_000);
            let read = read(&text, &arena);
            assert!(read.is_ok() || !read.unwrap_err().to_string().is_empty());
        }
        assert_eq!(
            json(&"[".repeat(20_000)),
            Err("exceeded max depth of 10000".to_owned())
        );
    }

    #[test]
    fn errors_have_the_words_of_opa() {
        for (yaml, want) in [
            ("[1,2,3", "line 1: did not find expected ',' or ']'"),
            ("[a: b: c]", "did not find expected ',' or ']'"),
            ("{a: {b: c}", "line 1: did not find expected ',' or '}'"),
            ("a: ]", "did not find expected node content"),
            ("a: b: c", "mapping values are not allowed in this context"),
            ("a:\n  - 1\n b: 2", "line 2: did not find expected key"),
            ("- a\nb: 1", "line 1: did not find expected '-' indicator"),
            ("a: \"b\n\nc", "line 3: found unexpected end of stream"),
            ("a: 1\nb", "line 2: could not find expected ':'"),
            ("a: *x", "unknown anchor 'x' referenced"),
            (
                "a: !!int x\n---\n[",
                "line 3: did not find expected node content",
            ),
            ("a: |x", "did not find expected comment or line break"),
            ("%YAML 1.2\n---\na", "found incompatible YAML document"),
            ("%a\n---\na", "found unknown directive name"),
            (
                "~: 1\n~: !!int x",
                "unmarshal errors:\n  line 2: mapping key \"~\" already defined at line 1",
            ),
            (
                "? [a]\n? [b]",
                "unmarshal errors:\n  line 2: mapping key \"\" already defined at line 1",
            ),
            ("@a", "found character that cannot start any token"),
            ("!e!x a", "found undefined tag handle"),
            ("a: \"\\xzz\"", "did not find expected hexdecimal number"),
            (
                "x: y\n\tz: 1",
                "line 2: found a tab character that violates indentation",
            ),
        ] {
            let error = read_constant(yaml).unwrap_err();
            assert_eq!(error.to_string(), format!("yaml: {want}"), "{yaml}");
        }
    }

    #[test]
    fn constants() {
        let constant = read_constant("title: x\nscope: [1, true, ~]").unwrap();
        assert_eq!(constant.get("title").and_then(Constant::as_str), Some("x"));
        let Some(Constant::Array(scope)) = constant.get("scope") else {
            panic!("no array")
        };
        assert_eq!(scope[1..], [Constant::Boolean(true), Constant::Null]);
        assert!(read_constant(&format!("{}{}", "[".repeat(300), "]".repeat(300))).is_err());
    }
}
