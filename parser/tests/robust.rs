//! Hostile texts: a clear error, never a panic, on the small stack of a thread.

use std::fmt::Write;

use regovm_core::SourceMap;
use regovm_parser::{ParseOptions, parse_module, parse_query, print};

fn on_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(run)
        .unwrap();
    thread.join().unwrap();
}

/// Parses, clones, compares, prints and drops; gives the first message if there is one.
fn module(text: &str) -> Result<(), String> {
    let mut sources = SourceMap::new();
    let id = sources.add("deep.rego", text).unwrap();
    match parse_module(&sources, id, &ParseOptions::default()) {
        Ok(module) => {
            let copy = module.clone();
            assert_eq!(copy, module);
            for rule in &module.rules {
                assert!(!print::rule(rule, module.version).is_empty());
            }
            Ok(())
        }
        Err(errors) => Err(errors[0].message.clone()),
    }
}

fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!(
        "package p\n\nx := {}{inner}{}\n",
        open.repeat(depth),
        close.repeat(depth)
    )
}

const TOO_DEEP: &str = "max parsing recursion depth exceeded";

#[test]
fn nesting() {
    on_small_stack(|| {
        for (open, inner, close) in [
            ("[", "1", "]"),
            ("(", "1", ")"),
            ("{", "1", "}"),
            ("{1: ", "1", "}"),
            ("[x | x := ", "1", "]"),
            ("{x | x := ", "1", "}"),
            ("{1: x | x := ", "1", "}"),
            ("f(", "1", ")"),
            ("a[", "1", "]"),
            ("1 + (", "1", ")"),
            ("$\"{", "1", "}\""),
        ] {
            assert_eq!(module(&nested(open, inner, close, 100)), Ok(()), "{open}");
            for depth in [290, 2_000, 100_000] {
                let closed = module(&nested(open, inner, close, depth));
                if depth > 300 {
                    assert_eq!(closed, Err(TOO_DEEP.to_string()), "{open} {depth}");
                }
                // Unclosed, and cut in the middle of a token.
                assert!(
                    module(&nested(open, inner, "", depth)).is_err(),
                    "{open} {depth}"
                );
                assert!(
                    module(&nested(open, "\"", close, depth)).is_err(),
                    "{open} {depth}"
                );
                assert!(
                    module(&nested(open, "1 1", close, depth)).is_err(),
                    "{open} {depth}"
                );
            }
        }
    });
}

#[test]
fn chains() {
    on_small_stack(|| {
        for step in ["+ a", "| a", "== a", "in a", ".b", "[b]", ".f(1)"] {
            let glued = if step.starts_with(['.', '[']) {
                ""
            } else {
                " "
            };
            for count in [100, 290, 5_000, 100_000] {
                let text = format!(
                    "package p\n\nx := a{}\n",
                    format!("{glued}{step}").repeat(count)
                );
                let result = module(&text);
                if count < 300 || matches!(step, ".b" | "[b]") {
                    assert_eq!(result, Ok(()), "{step} {count}");
                } else {
                    assert_eq!(result, Err(TOO_DEEP.to_string()), "{step} {count}");
                }
            }
        }
        for count in [100, 280, 100_000] {
            let elses = " else := 1 if false".repeat(count);
            let result = module(&format!("package p\n\nx := 1 if false{elses}\n"));
            assert_eq!(result.is_ok(), count < 300);
            let not = "not ".repeat(count);
            assert!(module(&format!("package p\n\nx if {not}y\n")).is_err());
            let import = "import future.keywords.not\nimport future.keywords.or";
            let bodies = "not { ".repeat(count);
            let close = "}".repeat(count);
            let text = format!("package p\n{import}\nx if {bodies} y {close}\n");
            assert_eq!(module(&text).is_ok(), count < 300, "{count}");
            let every = "every v in xs { ".repeat(count);
            let text = format!("package p\nx if {{ {every} y {close} }}\n");
            assert_eq!(module(&text).is_ok(), count < 290, "{count}");
        }
    });
}

#[test]
fn attempts_inside_attempts() {
    on_small_stack(|| {
        let import = "import future.keywords.and\nimport future.keywords.not\n";
        for open in [
            "{x | ",
            "[x | ",
            "{",
            "({",
            "not {",
            "{x: x | ",
            "{x and {",
            "(not (",
            "[x, [x | ",
        ] {
            for (inner, end) in [
                ("1, 2", "]"),
                ("1 1", "}"),
                ("", ""),
                ("1", ", 2}"),
                ("1", ")"),
            ] {
                for count in [20, 45] {
                    let text = format!(
                        "package p\n{import}x if {}{inner}{}\n",
                        open.repeat(count),
                        end.repeat(count)
                    );
                    let _ = module(&text);
                    let text = format!(
                        "package p\n{import}x := {}{inner}{}\n",
                        open.repeat(count),
                        end.repeat(count)
                    );
                    let _ = module(&text);
                }
            }
        }
    });
}

#[test]
fn large_tokens() {
    on_small_stack(|| {
        let name = "a".repeat(1 << 20);
        assert_eq!(module(&format!("package p\n\n{name} := 1\n")), Ok(()));
        assert_eq!(module(&format!("package p\n\nx := \"{name}\"\n")), Ok(()));
        assert_eq!(
            module(&format!("package p\n\nx := {}\n", "1".repeat(20_000))),
            Ok(())
        );
        assert!(module(&format!("package p\n\nx := {}\n", "1".repeat(1 << 20))).is_err());
        assert!(module(&format!("package p\n\nx := \"{name}\n")).is_err());
        assert!(module(&format!("package p\n\nx := 1e{}\n", "9".repeat(1000))).is_err());
        assert_eq!(module(&format!("# {name}\npackage p\n")), Ok(()));
    });
}

#[test]
fn truncated() {
    let text = "package a.b\nimport data.x as y\n# METADATA\n# title: t\ndefault f(_) := {1: [2]}\n\
                f(x) := y if { some k, v in x; every z in v { z > -1.5e3 } } else := $\"a{x}b\"\n\
                p contains x if x := `raw` with input.a as {y | y := 1}\n";
    on_small_stack(move || {
        for end in 0..=text.len() {
            let _ = module(&text[..end]);
            let _ = module(&text[end..]);
        }
    });
}

/// A small generator of pseudo-random numbers, so that runs repeat.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn token_soup() {
    const WORDS: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        ",",
        ":",
        ";",
        ".",
        "|",
        "&",
        "+",
        "-",
        "*",
        "/",
        "%",
        "=",
        ":=",
        "==",
        "!=",
        "<",
        ">=",
        "if",
        "else",
        "not",
        "some",
        "every",
        "in",
        "contains",
        "default",
        "with",
        "as",
        "import",
        "package",
        "x",
        "_",
        "1",
        "\"a\"",
        "true",
        "null",
        "\n",
        " ",
        "$\"",
        "\"",
        "`",
        "$`",
        "{x",
        "and",
        "or",
        "0",
        "set()",
        "{}",
        "#",
        "@",
        "\\",
        "input",
        "data",
        "future.keywords",
        "rego.v1",
        "é",
        "\u{feff}",
        "\0",
        "\r\n",
        "\t",
        "1e",
        "0x",
        "!",
        "import future.keywords.not\n",
        "import future.keywords.and\n",
        "package a\n",
        "p if {",
    ];
    on_small_stack(|| {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        for _ in 0..4_000 {
            let mut text = String::new();
            for _ in 0..random.below(40) {
                let _ = write!(text, "{}", WORDS[random.below(WORDS.len())]);
                if random.below(3) == 0 {
                    text.push(' ');
                }
            }
            let _ = module(&text);
            let mut sources = SourceMap::new();
            let id = sources.add("", text).unwrap();
            let _ = parse_query(&sources, id, &ParseOptions::default());
        }
    });
}
