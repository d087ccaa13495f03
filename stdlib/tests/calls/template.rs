//! Templates of Go.

use crate::Kind::{Drawn, Nested, Word};
use crate::{Function, Random, raw};

pub const FUNCTIONS: &[Function] = &[
    ("strings.render_template", &[Drawn(template), Drawn(values)]),
    ("strings.render_template", &[Drawn(template), Drawn(values)]),
    ("strings.render_template", &[Drawn(template), Drawn(values)]),
    (
        "strings.render_template",
        &[Drawn(one_action), Drawn(values)],
    ),
    (
        "strings.render_template",
        &[Drawn(one_action), Drawn(values)],
    ),
    ("strings.render_template", &[Drawn(soup), Drawn(values)]),
    ("strings.render_template", &[Drawn(soup), Drawn(values)]),
    ("strings.render_template", &[Word, Nested]),
    ("strings.render_template", &[Drawn(one_action), Nested]),
];

fn values(random: &mut Random) -> String {
    let mut members = Vec::new();
    for key in ["a", "b", "c", "xs", "m", "x_1"] {
        let value = match key {
            "xs" => random.of(&[
                "[1, 2, 3]",
                "[\"p\", \"q\"]",
                "[]",
                "[null, true, {\"a\": 1}, [1, \"z\"]]",
                "[\"only\"]",
            ]),
            "m" => random.of(&[
                "{}",
                "{\"z\": 1, \"a\": \"<b>\"}",
                "{\"a\": {\"a\": {\"a\": \"deep\"}}}",
                "{\"a\": [1.50, false, null]}",
            ]),
            _ => random.of(&[
                "1",
                "0",
                "-7",
                "1.50",
                "1e3",
                "\"\"",
                "\"text\"",
                "\"<&'\\\"é\"",
                "true",
                "false",
                "null",
                "[1, \"a\"]",
                "{\"k\": \"v\"}",
                "\"5\"",
                "\"a\\nb\\u0000\"",
            ]),
        };
        if random.below(6) > 0 {
            members.push(format!("\"{key}\": {value}"));
        }
    }
    format!("{{{}}}", members.join(", "))
}

const FUNCTION_NAMES: &[&str] = &[
    "and", "or", "not", "len", "index", "slice", "print", "printf", "println", "html", "js",
    "urlquery", "eq", "ne", "lt", "le", "gt", "ge", "call",
];

/// Commands that mostly go well.
const SOUND: &[&str] = &[
    ".a",
    ".b",
    ".c",
    ".m",
    ".xs",
    "$.m",
    "len .xs",
    "len .m",
    "index .m \"a\"",
    "slice .xs 0",
    "slice \"héllo\" 1 3",
    "print .a .b",
    "print .xs 1 2 nil",
    "println .m true 1.5 'x'",
    "html .b",
    "html .m",
    "js .a",
    "js .c \"é\\u2028\"",
    "urlquery .c .a",
    "printf \"%v %v\" .m .xs",
    "printf \"%d %s %x\" .a .b .c",
    "printf \"%q %T\" .xs .m",
    "printf \"%#v\" .m",
    "eq 1 2 1",
    "ne \"a\" \"b\"",
    "lt 1 2",
    "ge 1.5 1.5",
    "and .a .b .c",
    "or .none .a",
    "not .a",
    "eq .a .b",
    "printf \"%6.2f|%-5d|%05d|%+d\" 1.5 3 4 5",
    "index .xs 0",
    "index .xs 1 | print",
    "le \"a\" \"b\"",
    "1.0",
    "1e21",
    "100000000.5",
    "0x10",
    "'é'",
    "\"\\u00e9\\x41\"",
    "print (index \"abc\" 1)",
    "len \"héllo\" | printf \"%03d\"",
    "(index .m \"a\").a",
    "printf \"%t %v\" true false",
    "printf \"%s\" .m",
    "printf \"%8v|\" .xs",
    "slice .xs 1 2 3",
    "slice .xs 0 4",
    "call .a",
    "eq .m .m",
];

fn word(random: &mut Random, depth: usize) -> String {
    match random.below(14) {
        0 => ".".to_owned(),
        1 => random.of(&["$", "$.a", "$.m.a"]).to_owned(),
        2 => random
            .of(&[
                "1",
                "0",
                "-3",
                "0x1f",
                "1.5",
                "1e2",
                "'a'",
                "'\\n'",
                "017",
                "1_000",
                "3.0",
                "08",
                "9223372036854775808",
                "-0",
            ])
            .to_owned(),
        3 => random
            .of(&[
                "\"s\"",
                "`raw`",
                "\"%v\"",
                "\"%d|%s\"",
                "\"a\\tb\"",
                "\"\"",
                "\"k\"",
                "\"%5v|%-4q\"",
                "\"%T %x\"",
                "\"%#v\"",
                "\"%[2]v %v\"",
                "\"%t\"",
            ])
            .to_owned(),
        4 => random.of(&["true", "false", "nil"]).to_owned(),
        5..=6 if depth > 0 => format!("({})", pipe(random, depth - 1)),
        7 if depth > 0 => format!("({}).a", pipe(random, depth - 1)),
        _ => random
            .of(&[
                ".a", ".b", ".c", ".xs", ".m", ".m.a", ".m.a.a", ".a.b", ".none", ".none.x", ".x_1",
            ])
            .to_owned(),
    }
}

fn command(random: &mut Random, depth: usize) -> String {
    let mut words = Vec::new();
    if random.below(2) == 0 {
        return random.of(SOUND).to_owned();
    }
    if random.below(3) > 0 {
        let name = random.of(FUNCTION_NAMES);
        words.push(name.to_owned());
        if name == "printf" && random.below(4) > 0 {
            words.push(
                random
                    .of(&[
                        "\"%v %v\"",
                        "\"%d\"",
                        "\"%s-%q\"",
                        "\"%6.2f|%x\"",
                        "\"%+v\"",
                    ])
                    .to_owned(),
            );
        }
        for _ in 0..random.below(4) {
            words.push(word(random, depth));
        }
    } else {
        words.push(word(random, depth));
        if random.below(12) == 0 {
            words.push(word(random, depth));
        }
    }
    words.join(" ")
}

fn pipe(random: &mut Random, depth: usize) -> String {
    let mut commands = vec![command(random, depth)];
    while random.below(4) == 0 {
        commands.push(command(random, depth));
    }
    commands.join(" | ")
}

fn braces(random: &mut Random, inside: &str) -> String {
    let open = random.of(&["{{", "{{", "{{", "{{- ", "{{ "]);
    let close = random.of(&["}}", "}}", "}}", " -}}", " }}"]);
    format!("{open}{inside}{close}")
}

fn parts(random: &mut Random, depth: usize) -> String {
    (0..1 + random.below(3))
        .map(|_| part(random, depth))
        .collect()
}

fn part(random: &mut Random, depth: usize) -> String {
    let text = random.of(&["x", " y ", "\n", "é", "<no value>", "} {", "  \n z"]);
    let inside = pipe(random, 1);
    match random.below(14) {
        0..=1 => text.to_owned(),
        2 => braces(random, &format!("$v := {inside}")) + &braces(random, "$v"),
        3 => braces(random, random_comment(depth)),
        4..=5 if depth > 0 => {
            let body = parts(random, depth - 1);
            let other = parts(random, depth - 1);
            let keyword = random.of(&["if", "with", "if", "with", "range"]);
            let head = braces(random, &format!("{keyword} {inside}"));
            match random.below(4) {
                0 => format!("{head}{body}{{{{else}}}}{other}{{{{end}}}}"),
                1 => format!("{head}{body}{{{{else {keyword} .a}}}}{other}{{{{end}}}}"),
                _ => format!("{head}{body}{{{{end}}}}"),
            }
        }
        6..=7 if depth > 0 => {
            let body = parts(random, depth - 1);
            let over = random.of(&[".xs", ".m", "3", ".none", "(len .xs)", ".a", ".m.a"]);
            let names = random.of(&["", "$i, $x := ", "$x := ", "$i, $x := ", "$v = "]);
            let jump = random.of(&[
                "",
                "",
                "{{if .}}{{break}}{{end}}",
                "{{if not .}}{{continue}}{{end}}",
                "{{.}},",
            ]);
            let shown = if names.contains('i') {
                "{{$i}}={{$x}};"
            } else {
                ""
            };
            format!(
                "{{{{$v := 1}}}}{{{{range {names}{over}}}}}{jump}{shown}{body}{{{{end}}}}{{{{$v}}}}"
            )
        }
        8 if depth > 0 => {
            let body = parts(random, depth - 1);
            format!("{{{{define \"d\"}}}}{body}{{{{end}}}}{{{{template \"d\" {inside}}}}}")
        }
        9 if depth > 0 => {
            let body = parts(random, depth - 1);
            format!("{{{{block \"e\" {inside}}}}}{body}{{{{end}}}}")
        }
        _ => braces(random, &inside),
    }
}

fn random_comment(depth: usize) -> &'static str {
    if depth.is_multiple_of(2) {
        "/* a comment */"
    } else {
        "/* two\nlines */"
    }
}

fn template(random: &mut Random) -> String {
    raw(&parts(random, 2))
}

fn one_action(random: &mut Random) -> String {
    let inside = pipe(random, 1);
    raw(&braces(random, &inside))
}

/// Tokens in no order.
fn soup(random: &mut Random) -> String {
    let open = random.of(&["{{", "x\n{{", ""]);
    let inside = random.many(
        1,
        7,
        &[
            " ",
            " ",
            ".a",
            ".",
            "$x",
            "$",
            ":=",
            "=",
            "|",
            "(",
            ")",
            ",",
            "if ",
            "else ",
            "end",
            "range ",
            "with ",
            "define ",
            "template ",
            "block ",
            "break",
            "continue",
            "nil",
            "1",
            "\"s\"",
            "`r`",
            "'c'",
            "'",
            "\"",
            "`",
            "print ",
            "foo",
            "true",
            "}}",
            "{{",
            "-",
            "- ",
            " -}}",
            "{{- ",
            "/*",
            "*/",
            "\n",
            "é",
            "1x",
            ".5",
            "0x",
            ";",
            "\u{7f}",
            "}}{{end}}",
        ],
    );
    raw(&format!("{open}{inside}{}", random.of(&["}}", "}}", ""])))
}
