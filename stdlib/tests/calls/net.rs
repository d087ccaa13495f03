//! Addresses, URIs, graphs, globs and YAML.

use crate::Kind::{Any, Array, Drawn, Nested, Set};
use crate::{Function, Random, list, raw, set};

pub const FUNCTIONS: &[Function] = &[
    ("graph.reachable", &[Drawn(graph), Drawn(nodes)]),
    ("graph.reachable_paths", &[Drawn(graph), Drawn(nodes)]),
    ("graph.reachable", &[Drawn(graph), Array]),
    ("graph.reachable_paths", &[Drawn(graph), Set]),
    ("regex.globs_match", &[Drawn(glob), Drawn(glob)]),
    ("regex.globs_match", &[Drawn(glob), Drawn(glob)]),
    ("regex.globs_match", &[Drawn(odd_glob), Drawn(glob)]),
    ("net.cidr_contains", &[Drawn(block), Drawn(address)]),
    ("net.cidr_contains", &[Drawn(near_block), Drawn(near_block)]),
    (
        "net.cidr_contains_matches",
        &[Drawn(named_blocks), Drawn(named_blocks)],
    ),
    ("net.cidr_expand", &[Drawn(small_block)]),
    (
        "net.cidr_intersects",
        &[Drawn(near_block), Drawn(near_block)],
    ),
    ("net.cidr_is_valid", &[Drawn(block)]),
    ("net.cidr_is_valid", &[Drawn(address)]),
    ("net.cidr_merge", &[Drawn(blocks)]),
    ("net.cidr_merge", &[Drawn(blocks)]),
    ("net.cidr_overlap", &[Drawn(block), Drawn(address)]),
    ("uri.parse", &[Drawn(uri)]),
    ("uri.parse", &[Drawn(odd_uri)]),
    ("uri.is_valid", &[Drawn(uri)]),
    ("uri.is_valid", &[Drawn(odd_uri)]),
    (
        "providers.aws.sign_req",
        &[Drawn(request), Drawn(aws_config), Drawn(time)],
    ),
    (
        "providers.aws.sign_req",
        &[Drawn(request), Drawn(aws_config), Drawn(time)],
    ),
    ("yaml.marshal", &[Any]),
    ("yaml.marshal", &[Nested]),
    ("yaml.marshal", &[Drawn(blocks_of_text)]),
    ("yaml.marshal", &[Drawn(blocks_of_text)]),
    ("yaml.marshal", &[Drawn(numbers)]),
    ("yaml.unmarshal", &[Drawn(yaml)]),
    ("yaml.unmarshal", &[Drawn(odd_yaml)]),
    ("yaml.is_valid", &[Drawn(yaml)]),
    ("yaml.is_valid", &[Drawn(odd_yaml)]),
];

const NODES: &[&str] = &["\"a\"", "\"b\"", "\"c\"", "\"d\"", "1", "null", "[1]"];

fn nodes(random: &mut Random) -> String {
    let nodes: Vec<_> = (0..random.below(4))
        .map(|_| random.of(NODES).to_owned())
        .collect();
    if random.below(2) == 0 {
        list(&nodes)
    } else {
        set(&nodes)
    }
}

fn graph(random: &mut Random) -> String {
    let mut members = Vec::new();
    for node in NODES {
        match random.below(8) {
            0 => {}
            1 => members.push(format!(
                "{node}: {}",
                random.of(&["null", "1", "\"a\"", "{\"a\": 1}"])
            )),
            _ => members.push(format!("{node}: {}", nodes(random))),
        }
    }
    format!("{{{}}}", members.join(", "))
}

fn glob(random: &mut Random) -> String {
    raw(&random.many(
        0,
        5,
        &[
            "a", "b", "c", ".", "a*", "b*", "a+", "b+", ".*", ".+", "[ab]", "[a-c]*", "[bc]+",
            "\\*", "\\a", "[]", "é", "[a-cx-z]",
        ],
    ))
}

fn odd_glob(random: &mut Random) -> String {
    raw(&random.many(
        1,
        5,
        &[
            "a", "*", "+", "[", "]", "-", "\\", "[^a]", "[a-", "[\\]]", "[a-\\c]", "[z-a]", "é",
            "[-a]", "[a-b-c]", "[a--]",
        ],
    ))
}

const ADDRESSES: &[&str] = &[
    "10.0.0.1",
    "10.1.2.3",
    "172.16.5.4",
    "192.168.0.1",
    "192.168.1.128",
    "224.0.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "::",
    "::1",
    "2001:db8::",
    "2001:db8::8000:1",
    "2001:db8:8000::",
    "fe80::1",
    "::ffff:10.0.0.1",
    "::ffff:c0a8:1",
    "1:2:3:4:5:6:7:8",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];

fn address_text(random: &mut Random) -> String {
    match random.below(4) {
        0 => random.many(
            1,
            7,
            &[
                "1", "10", "255", "256", "01", ".", ".", ":", ":", "::", "f", "g", "%", "%eth0",
                "1.2.3.4", "",
            ],
        ),
        _ => random.of(ADDRESSES).to_owned(),
    }
}

fn prefix(random: &mut Random) -> String {
    match random.below(8) {
        0 => random
            .of(&[
                "",
                "-1",
                "+8",
                "008",
                "33",
                "129",
                "8/8",
                "x",
                "99999999999",
            ])
            .to_owned(),
        n if n < 5 => random.below(33).to_string(),
        _ => random.below(129).to_string(),
    }
}

fn block_text(random: &mut Random) -> String {
    format!("{}/{}", address_text(random), prefix(random))
}

fn block(random: &mut Random) -> String {
    raw(&block_text(random))
}

fn address(random: &mut Random) -> String {
    let text = if random.below(3) == 0 {
        block_text(random)
    } else {
        address_text(random)
    };
    raw(&text)
}

/// Valid, of few addresses that are close together.
fn near_text(random: &mut Random) -> String {
    match random.below(8) {
        0 => format!(
            "::ffff:10.0.{}.{}/{}",
            random.below(2),
            random.below(256),
            96 + random.below(33)
        ),
        n if n < 5 => format!(
            "10.0.{}.{}/{}",
            random.below(4),
            random.below(256),
            random.below(33)
        ),
        _ => format!(
            "2001:db8::{:x}:{:x}/{}",
            random.below(2),
            random.below(0x10000),
            96 + random.below(33)
        ),
    }
}

fn near_block(random: &mut Random) -> String {
    raw(&near_text(random))
}

fn small_block(random: &mut Random) -> String {
    let text = match random.below(4) {
        0 => return block(random).replace('/', "/x"),
        1 => format!(
            "2001:db8::{:x}/{}",
            random.below(0x10000),
            122 + random.below(7)
        ),
        2 => format!(
            "::ffff:10.0.0.{}/{}",
            random.below(256),
            122 + random.below(7)
        ),
        _ => format!(
            "{}.0.0.{}/{}",
            random.below(256),
            random.below(256),
            26 + random.below(7)
        ),
    };
    raw(&text)
}

fn blocks(random: &mut Random) -> String {
    let items: Vec<_> = (0..random.below(6))
        .map(|_| match random.below(24) {
            0 => "1".to_owned(),
            1 => raw(random.of(ADDRESSES)),
            2 => block(random),
            3 => raw(&format!("10.0.0.{}", random.below(256))),
            n if n < 14 => raw(&format!(
                "10.0.{}.{}/{}",
                random.below(4),
                random.below(256),
                20 + random.below(13)
            )),
            _ => raw(&format!(
                "2001:db8::{:x}/{}",
                random.below(0x10000),
                112 + random.below(17)
            )),
        })
        .collect();
    if random.below(2) == 0 {
        list(&items)
    } else {
        set(&items)
    }
}

fn named_blocks(random: &mut Random) -> String {
    let element = |random: &mut Random| match random.below(16) {
        0 => address(random),
        1 => "[]".to_owned(),
        2 => "[1]".to_owned(),
        n if n < 6 => format!("[{}, 1]", near_block(random)),
        _ => near_block(random),
    };
    let items: Vec<_> = (0..random.below(4)).map(|_| element(random)).collect();
    match random.below(6) {
        0 => near_block(random),
        1 | 2 => list(&items),
        3 | 4 => set(&items),
        _ => {
            let members: Vec<_> = items
                .iter()
                .zip(["\"a\"", "\"b\"", "1", "\"d\""])
                .map(|(item, key)| format!("{key}: {item}"))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

fn uri(random: &mut Random) -> String {
    let mut text = random
        .of(&["", "http:", "HTTPS:", "a+b-1.c:", "mailto:", "urn:"])
        .to_owned();
    if random.below(4) != 0 {
        text.push_str("//");
        text.push_str(random.of(&["", "", "u@", "u:p@", "u%20:%40@", "ü@", "a@b@"]));
        text.push_str(random.of(&[
            "a.example",
            "",
            "[::1]",
            "[fe80::1%25eth0]",
            "[1.2.3.4]",
            "a%41",
            "%C3%A9",
            "é",
            "a b",
            "[::1",
            "a:b:80",
            "[::x]",
            "[fe80::1%25a%20b%ff]",
            "%ff",
        ]));
        text.push_str(random.of(&["", "", ":80", ":", ":x"]));
    }
    text.push_str(random.of(&[
        "",
        "/",
        "/a/b",
        "/a b",
        "/a%20b",
        "/a%2Fb",
        "/é",
        "/%zz",
        "/a!'()[]\"<>",
        "a",
        "a:b",
        "*",
        "//x",
        "/%ff",
    ]));
    text.push_str(random.of(&["", "", "?", "?a=b&c", "?a?b", "?%zz é"]));
    text.push_str(random.of(&["", "", "#", "#f", "#f%20g", "#%", "#a#b", "#é \u{7f}"]));
    raw(&text)
}

fn odd_uri(random: &mut Random) -> String {
    raw(&random.many(
        0,
        8,
        &[
            "a", ":", "/", "//", "?", "#", "%", "%41", "%2f", "@", "[", "]", "1", ".", " ", "\n",
            "é", "*", "+", "-", "&", "=", "\"", "<", "\\", "^", "|", "http:", "::1", "%25",
        ],
    ))
}

/// Some of the members, each drawn from its choices.
fn members(random: &mut Random, members: &[(&str, &[&str])], one_in: usize) -> String {
    let members: Vec<_> = members
        .iter()
        .filter_map(|(key, choices)| {
            let left_out = random.below(one_in) == 0;
            let member = format!("{key}: {}", random.of(choices));
            (!left_out).then_some(member)
        })
        .collect();
    format!("{{{}}}", members.join(", "))
}

fn request(random: &mut Random) -> String {
    let url = if random.below(6) == 0 {
        uri(random)
    } else {
        raw("https://a.example:8/b c?d=e")
    };
    let url: &[&str] = &[&url];
    let choices: &[(&str, &[&str])] = &[
        ("\"url\"", url),
        (
            "\"method\"",
            &[
                "\"get\"", "\"POST\"", "\"get\"", "\"get\"", "\"get\"", "\"get\"", "\"get\"", "1",
            ],
        ),
    ];
    let rest: &[(&str, &[&str])] = &[
        (
            "\"headers\"",
            &[
                "{}",
                "{\"X-A\": \"b\", \"User-Agent\": \"c\"}",
                "{\"Host\": \"h\", \"é\": 1}",
                "{1: \"a\", \"Authorization\": \"b\"}",
                "{\"X-A\": \"\", \"X-B\": \"é\"}",
                "{\"a\": \"b\", \"X-Amzn-Trace-Id\": \"x\"}",
                "[]",
            ],
        ),
        (
            "\"body\"",
            &["{\"b\": [1.50, {2, 1}], \"a\": \"<\"}", "null", "\"\""],
        ),
        ("\"raw_body\"", &["\"text\"", "1"]),
        ("\"timeout\"", &["1"]),
    ];
    let odd: &[(&str, &[&str])] = &[("1", &["1"]), ("\"x\"", &["1"])];
    let (required, rest) = (members(random, choices, 40), members(random, rest, 2));
    let one_in = 1 + usize::from(random.below(12) == 0);
    let odd = members(random, odd, one_in);
    let parts = [required, rest, odd];
    let parts: Vec<_> = parts
        .iter()
        .map(|part| &part[1..part.len() - 1])
        .filter(|part| !part.is_empty())
        .collect();
    format!("{{{}}}", parts.join(", "))
}

fn aws_config(random: &mut Random) -> String {
    let token = ["\"\"", "\"token\"", "1"];
    let choices: &[(&str, &[&str])] = &[
        ("\"aws_access_key\"", &["\"k\"", "\"ké\""]),
        (
            "\"aws_secret_access_key\"",
            &["\"s\"", "\"a longer secret\""],
        ),
        ("\"aws_service\"", &["\"s3\"", "\"ec2\"", "\"glacier\""]),
        (
            "\"aws_region\"",
            &[
                "\"us-east-1\"",
                "\"us\"",
                "\"eu-1\"",
                "\"eu-2\"",
                "\"eu-3\"",
                "\"\"",
                "\"a\"",
                "1",
            ],
        ),
    ];
    let rest: &[(&str, &[&str])] = &[
        ("\"aws_session_token\"", &token),
        (
            "\"disable_payload_signing\"",
            &[
                "true", "false", "true", "false", "true", "false", "true", "1",
            ],
        ),
    ];
    let (required, rest) = (members(random, choices, 60), members(random, rest, 2));
    let comma = if required.len() > 2 && rest.len() > 2 {
        ", "
    } else {
        ""
    };
    let end = required.len() - 1;
    format!("{}{comma}{}", &required[..end], &rest[1..])
}

fn time(random: &mut Random) -> String {
    random
        .of(&[
            "1451606400000000000",
            "1451606400000000001",
            "1700000000123456789",
            "0",
            "-1",
            "951782400000000000",
            "9223372036854775807",
            "1600000000000000000.0",
            "1e18",
            "1.5",
            "92233720368547758070",
        ])
        .to_owned()
}

const TEXTS: &[&str] = &[
    "a",
    "b",
    "A",
    "yes",
    "no",
    "true",
    "null",
    "~",
    "on",
    "1",
    "01",
    "1.5",
    "0x1F",
    "1e3",
    "1_0",
    "1:30",
    ".5",
    ".inf",
    "2020-01-01",
    "2020-02-30",
    "2020-1-1T1:2:3Z",
    "<<",
    "é",
    "😀",
    "-",
    "?",
    ":",
    "#",
    "*",
    "&",
    "!",
    "|",
    ">",
    "'",
    "\"",
    "%",
    "@",
    "`",
    ",",
    "[",
    "]",
    "{",
    "}",
    "=",
    "---",
    "...",
    "\\",
    "/",
    "<",
];

fn scalar_text(random: &mut Random) -> String {
    match random.below(12) {
        0 => random.many(
            0,
            8,
            &[
                "a", " ", "\n", "\t", "\r", "\u{2028}", "\u{a0}", "\u{e000}", "\u{85}", "\u{2029}",
                "\u{1}", "\u{1b}", "\u{0}",
            ],
        ),
        1 => random.many(1, 6, &["a", "b c", "\n", "\n", "\n ", " \n", "#", ": "]),
        2 => random.many(120, 140, &["a", "b", " "]),
        3..7 => random.of(TEXTS).to_owned(),
        _ => {
            let mut text = random.of(TEXTS).to_owned();
            text.push_str(random.of(&["", " ", "  ", "\n", ": ", " #"]));
            text.push_str(random.of(TEXTS));
            text
        }
    }
}

fn value_of_texts(random: &mut Random, depth: usize) -> String {
    let count = random.below(4);
    match random.below(7) {
        0 | 1 if depth > 0 => {
            let items: Vec<_> = (0..count)
                .map(|_| value_of_texts(random, depth - 1))
                .collect();
            list(&items)
        }
        2 | 3 if depth > 0 => {
            let mut keys: Vec<_> = (0..count).map(|_| raw(&key_text(random))).collect();
            keys.sort();
            keys.dedup();
            let members: Vec<_> = keys
                .iter()
                .map(|key| format!("{key}: {}", value_of_texts(random, depth - 1)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        4 => random
            .of(&["1", "null", "true", "[]", "{}", "1.50"])
            .to_owned(),
        _ => raw(&scalar_text(random)),
    }
}

fn key_text(random: &mut Random) -> String {
    match random.below(3) {
        // Line ends in keys are errors of the scanner.
        0 => scalar_text(random).replace('\u{85}', "~"),
        _ => random.many(1, 4, &["a", "b", "1", "0", "10", "-", "_", "é", "A", "2"]),
    }
}

fn blocks_of_text(random: &mut Random) -> String {
    value_of_texts(random, 3)
}

fn numbers(random: &mut Random) -> String {
    let items: Vec<_> = (0..random.below(4))
        .map(|_| match random.below(3) {
            0 => format!(
                "{}.{}e{}",
                random.below(10),
                random.below(100),
                random.below(30)
            ),
            1 => format!("-{}e-{}", random.below(1000), random.below(10)),
            _ => random
                .of(&[
                    "1.0",
                    "-0",
                    "-0.0",
                    "1e6",
                    "1000000.0",
                    "123456.5",
                    "1234567.5",
                    "1e21",
                    "1e400",
                    "1e-400",
                    "9223372036854775808",
                    "18446744073709551615",
                    "18446744073709551616",
                    "-9223372036854775809",
                    "0.0001",
                    "0.00001",
                    "1E5",
                ])
                .to_owned(),
        })
        .collect();
    list(&items)
}

fn yaml(random: &mut Random) -> String {
    let scalar = |random: &mut Random| {
        random
            .of(&[
                "a",
                "yes",
                "1",
                "1.5",
                "~",
                "'x y'",
                "\"q\\n\"",
                "[1, a]",
                "{b: c}",
                "|\n    x\n    y\n",
                ">\n    x\n    y\n",
                "2020-01-01",
                "0x1f",
                "!!str 1",
                "a b",
                "*x",
                "",
                "- b",
                "1e3",
                ".inf",
                "&x 5",
            ])
            .to_owned()
    };
    let mut text = random
        .of(&["", "", "", "---\n", "# c\n", "%YAML 1.1\n---\n"])
        .to_owned();
    for _ in 0..1 + random.below(3) {
        let key = random.of(&["a", "b", "c", "1", "'d'", "<<", "? e\n", "a.b", "x y"]);
        match random.below(4) {
            0 => text.push_str(&format!("- {}\n", scalar(random))),
            1 => text.push_str(&format!("{key}:\n  {}\n", scalar(random))),
            _ => text.push_str(&format!("{key}: {}\n", scalar(random))),
        }
    }
    text.push_str(random.of(&["", "", "", "...\n", "---\nb: 1\n", "---\n{"]));
    raw(&text)
}

fn odd_yaml(random: &mut Random) -> String {
    raw(&random.many(
        1,
        8,
        &[
            "a", "b", ": ", ":", "- ", "\n", "\n  ", "\n- ", "[", "]", "{", "}", ", ", "'", "\"",
            "#", " #", "|", ">", "&x ", "*x", "!!int ", "! ", "? ", "1", "~", "\t", "---", "%",
            "@", "é", "\u{7}", "\u{85}",
        ],
    ))
}
