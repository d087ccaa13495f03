//! Times, durations and UUIDs.

use crate::Kind::{Any, Drawn, Integer, Small};
use crate::{Function, Random, raw};

pub const FUNCTIONS: &[Function] = &[
    ("time.parse_ns", &[Drawn(layout), Drawn(garbled)]),
    ("time.parse_ns", &[Drawn(numeric), Drawn(digits)]),
    ("time.parse_rfc3339_ns", &[Drawn(rfc3339)]),
    ("time.parse_duration_ns", &[Drawn(duration)]),
    ("time.format", &[Drawn(moment_with_layout)]),
    ("time.format", &[Drawn(moment)]),
    ("time.date", &[Drawn(moment)]),
    ("time.clock", &[Drawn(moment)]),
    ("time.weekday", &[Drawn(moment)]),
    ("time.add_date", &[Drawn(moment), Small, Integer, Small]),
    ("time.add_date", &[Drawn(moment), Small, Small, Integer]),
    ("time.diff", &[Drawn(moment), Drawn(moment)]),
    ("uuid.parse", &[Drawn(uuid)]),
    ("time.date", &[Any]),
];

const ZONES: &[&str] = &[
    "",
    "UTC",
    "America/New_York",
    "Asia/Kolkata",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Caracas",
    "Africa/Monrovia",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "US/Pacific",
    "Etc/GMT+5",
    "EST5EDT",
    "europe/berlin",
    "Nowhere",
    "../etc",
    "/etc",
];

fn timestamp(random: &mut Random) -> String {
    match random.below(10) {
        0 => random
            .of(&[
                "9223372036854775807",
                "-9223372036854775808",
                "9223372036854775808",
                "1.5",
                "1e18",
                "4611686018427387904.25",
                "1e30",
                "0.0",
                "-0",
            ])
            .to_owned(),
        1 => format!("-{}", random.next() >> 2),
        2 => (random.next() >> 1).to_string(),
        3 => format!("{}000000000", random.below(2_000_000_000)),
        _ => (random.next() >> 3).to_string(),
    }
}

fn moment(random: &mut Random) -> String {
    let time = timestamp(random);
    match random.below(12) {
        0..=2 => time,
        3 => format!("[{time}]"),
        4 => random
            .of(&["[]", "[\"a\", \"UTC\"]", "[1, 2]", "null"])
            .to_owned(),
        _ => format!("[{time}, {}]", raw(random.of(ZONES))),
    }
}

const PARTS: &[&str] = &[
    "January",
    "Jan",
    "1",
    "01",
    "Monday",
    "Mon",
    "2",
    "_2",
    "02",
    "__2",
    "002",
    "15",
    "3",
    "03",
    "4",
    "04",
    "5",
    "05",
    "2006",
    "06",
    "PM",
    "pm",
    "MST",
    "Z0700",
    "Z070000",
    "Z07:00",
    "Z07:00:00",
    "Z07",
    "-0700",
    "-070000",
    "-07:00",
    "-07:00:00",
    "-07",
    ".000",
    ".999",
    ",00",
    ".000000000",
    ".9999999999",
    "_2006",
    "Janu",
    "ü",
    " ",
    "T",
    "-",
    "\"",
];

fn moment_with_layout(random: &mut Random) -> String {
    let layout = match random.below(4) {
        0 => random
            .of(&[
                "ANSIC",
                "UnixDate",
                "RubyDate",
                "RFC822",
                "RFC822Z",
                "RFC850",
                "RFC1123",
                "RFC1123Z",
                "RFC3339",
                "RFC3339Nano",
                "Kitchen",
                "",
            ])
            .to_owned(),
        1 => random.many(1, 6, PARTS),
        _ => (0..1 + random.below(4))
            .map(|_| random.of(PARTS).to_owned() + " ")
            .collect(),
    };
    let zone = raw(random.of(ZONES));
    format!("[{}, {zone}, {}]", timestamp(random), raw(&layout))
}

/// Layouts with texts that mostly suit them.
const LAYOUTS: &[(&str, &str)] = &[
    ("ANSIC", "Mon Jan  2 15:04:05 2006"),
    ("UnixDate", "Fri Feb 29 15:04:05 PST 2008"),
    ("RubyDate", "Sat Dec 31 23:59:59 -0730 1999"),
    ("RFC822", "02 Jan 68 15:04 GMT+3"),
    ("RFC822Z", "02 Jan 69 15:04 +2400"),
    ("RFC850", "Monday, 02-Jan-06 15:04:05 CEST"),
    ("RFC1123", "Mon, 02 Jan 2006 15:04:05 UTC"),
    ("RFC3339Nano", "2006-01-02T15:04:05.123456789012Z"),
    ("2006-01-02", "2023-02-29"),
    ("2006-002", "2024-366"),
    ("2006-__2", "2023- 60"),
    ("2006-01-002", "2024-02-060"),
    ("3:04PM", "12:30AM"),
    ("3:04:05.000 pm", "0:30:59,250 pm"),
    ("Jan _2 2006 15:04:05.999", "MAY  9 2020 7:08:09"),
    ("January 2, 2006", "february 30, 1999"),
    (
        "2006-01-02 15:04:05 Z07:00:00",
        "2006-01-02 15:04:05 -07:30:59",
    ),
    ("06/1/2 15", "-5/12/31 23"),
    ("2006-01-02 -070000", "2006-01-02 -000001"),
];

thread_local! {
    /// The text of the layout that was drawn last.
    static TEXT: std::cell::Cell<&'static str> = const { std::cell::Cell::new("") };
}

fn layout(random: &mut Random) -> String {
    let (layout, text) = LAYOUTS[random.below(LAYOUTS.len())];
    TEXT.set(text);
    raw(layout)
}

/// That text, often with a character changed.
fn garbled(random: &mut Random) -> String {
    let mut text: Vec<char> = TEXT.get().chars().collect();
    for _ in 0..random.below(3) {
        // There is none if no layout was drawn before.
        if text.is_empty() {
            break;
        }
        let at = random.below(text.len());
        let c = random.of(&["0", "1", "9", " ", "-", "+", ":", "Z", "A", "ü", "\"", "."]);
        let c = c.chars().next().unwrap_or(' ');
        match random.below(3) {
            0 => drop(text.remove(at)),
            1 => text.insert(at, c),
            _ => text[at] = c,
        }
    }
    raw(&text.into_iter().collect::<String>())
}

fn numeric(random: &mut Random) -> String {
    raw(&random.many(1, 5, PARTS))
}

fn digits(random: &mut Random) -> String {
    raw(&random.many(
        1,
        6,
        &[
            "2006", "1", "02", "13", "31", "60", "Jan", "may", "Tue", "Sunday", " ", "-", "+0700",
            "Z", "PM", "am", ".5", ",123", "-07:00", "CET", "EDT", "GMT-4", "ChST", "+03", "WITA",
            "ABCDEF", "ü",
        ],
    ))
}

fn rfc3339(random: &mut Random) -> String {
    let mut text = format!(
        "{}-{:02}-{:02}T{:02}:{:02}:{:02}",
        random.of(&[
            "1970", "2020", "1677", "2262", "2263", "0000", "9999", "1999"
        ]),
        random.below(14),
        random.below(33),
        random.below(26),
        random.below(62),
        random.below(62),
    );
    text.push_str(random.of(&["", "", ".5", ".123456789", ",25", ".", ".1234567891"]));
    text.push_str(random.of(&[
        "Z", "Z", "+01:00", "-07:30", "-24:60", "+25:00", "z", "", "Z ",
    ]));
    raw(&text)
}

fn duration(random: &mut Random) -> String {
    raw(&random.many(
        0,
        6,
        &[
            "1",
            "0",
            "25",
            ".",
            ".5",
            "9223372036854775807",
            "h",
            "m",
            "s",
            "ms",
            "us",
            "µs",
            "μs",
            "ns",
            "d",
            "w",
            "y",
            "-",
            "+",
            "x",
            "1h",
            "2d",
            "1.5y",
            "ü",
        ],
    ))
}

fn uuid(random: &mut Random) -> String {
    let digits = random.many(32, 32, &["0", "1", "2", "8", "a", "F", "9", "e"]);
    let version = random.of(&["1", "2", "3", "4", "7"]);
    let digits = format!("{}{version}{}", &digits[..12], &digits[13..]);
    let dashed = format!(
        "{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    );
    raw(&match random.below(10) {
        0 => digits,
        1 => format!("{{{dashed}}}"),
        2 => format!("<{dashed}?"),
        3 => format!("Urn:uuid:{dashed}"),
        4 => dashed.replace('-', "x"),
        5 => dashed.replace('a', "g"),
        6 => format!("{dashed}0"),
        _ => dashed,
    })
}
