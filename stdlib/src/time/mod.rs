//! Clock, calendar, and times as texts.

#[cfg(feature = "time")]
mod bodies;
#[cfg(feature = "time")]
mod calendar;
#[cfg(feature = "time")]
mod duration;
#[cfg(feature = "time")]
pub(crate) mod layout;
#[cfg(feature = "time")]
mod zone;

use regovm_core::builtin::{Builtin, Cost};

use crate::declare::builtin;

const CATEGORIES: &[&str] = &["time"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "time.now_ns",
        feature: "time",
        purity: Nondeterministic,
        signature: "() -> now: num",
        doc: "Nanoseconds since 1970. All calls of a query give the same; a host without a clock makes them fail.",
        cost: Cost::Constant,
        examples: [("time.now_ns()", "")],
        body: bodies::now_ns,
    },
    builtin! {
        name: "time.parse_ns",
        feature: "time",
        signature: "(layout: str, value: str) -> ns: num",
        doc: "Nanoseconds since 1970 of a time in a layout of Go, or in one of the layouts that Go has names for, such as RFC822Z.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"time.parse_ns("2006-01-02", "1970-01-02")"#, "86400000000000"),
            (r#"time.parse_ns("RFC822Z", "01 Jan 70 01:00 +0100")"#, "0"),
            (r#"time.parse_ns("2006-01-02", "1970-02-30")"#, ""),
        ],
        body: bodies::parse_ns,
    },
    builtin! {
        name: "time.parse_rfc3339_ns",
        feature: "time",
        signature: "(value: str) -> ns: num",
        doc: "Nanoseconds since 1970 of a time as in 2017-06-02T19:00:00-07:00.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"time.parse_rfc3339_ns("1970-01-01T00:00:01.5Z")"#, "1500000000"),
            (r#"time.parse_rfc3339_ns("1970-01-01")"#, ""),
        ],
        body: bodies::parse_rfc3339_ns,
    },
    builtin! {
        name: "time.parse_duration_ns",
        feature: "time",
        signature: "(duration: str) -> ns: num",
        doc: "Nanoseconds of a duration such as 1h30m or -1.5s. The units are ns, us, ms, s, m, h, d, w and y; a year has 365 days.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"time.parse_duration_ns("1m0.5s")"#, "60500000000"),
            (r#"time.parse_duration_ns("1d")"#, "86400000000000"),
            (r#"time.parse_duration_ns("1")"#, ""),
        ],
        body: bodies::parse_duration_ns,
    },
    builtin! {
        name: "time.format",
        feature: "time",
        since: (0, 48),
        signature: r#"(x: num|[num, str]|[num, str, str]) -> "formatted timestamp": str"#,
        doc: "A time as a text, in a zone and a layout of Go if they are given; the layout may be one that Go has a name for.",
        cost: Cost::Linear("bytes of the layout"),
        examples: [
            ("time.format(1500000000)", r#""1970-01-01T00:00:01.5Z""#),
            (r#"time.format([0, "Asia/Kolkata", "Mon Jan _2 15:04 MST"])"#, r#""Thu Jan  1 05:30 IST""#),
            (r#"time.format([0, "Nowhere"])"#, ""),
        ],
        body: bodies::format,
    },
    builtin! {
        name: "time.date",
        feature: "time",
        signature: "(x: num|[num, str]) -> date: [num, num, num]",
        doc: "Year, month and day of a time, in a zone if one is given.",
        cost: Cost::Constant,
        examples: [
            ("time.date(0)", "[1970, 1, 1]"),
            (r#"time.date([0, "America/New_York"])"#, "[1969, 12, 31]"),
        ],
        body: bodies::date,
    },
    builtin! {
        name: "time.clock",
        feature: "time",
        signature: "(x: num|[num, str]) -> output: [num, num, num]",
        doc: "Hour, minute and second of a time, in a zone if one is given.",
        cost: Cost::Constant,
        examples: [
            ("time.clock(61000000000)", "[0, 1, 1]"),
            (r#"time.clock([0, "Asia/Kolkata"])"#, "[5, 30, 0]"),
        ],
        body: bodies::clock,
    },
    builtin! {
        name: "time.weekday",
        feature: "time",
        signature: "(x: num|[num, str]) -> day: str",
        doc: "The English name of the day of the week.",
        cost: Cost::Constant,
        examples: [("time.weekday(0)", r#""Thursday""#)],
        body: bodies::weekday,
    },
    builtin! {
        name: "time.add_date",
        feature: "time",
        since: (0, 19),
        signature: "(ns: num, years: num, months: num, days: num) -> output: num",
        doc: "The time so many years, months and days later. What a month or year has too many goes over into the next one.",
        cost: Cost::Constant,
        examples: [
            ("time.add_date(0, 1, 1, 1)", "34300800000000000"),
            ("time.add_date(0, 0, 1, 30)", "5270400000000000"),
            ("time.add_date(0, 1000, 0, 0)", ""),
        ],
        body: bodies::add_date,
    },
    builtin! {
        name: "time.diff",
        feature: "time",
        since: (0, 28),
        signature: "(ns1: num|[num, str], ns2: num|[num, str]) -> output: [num, num, num, num, num, num]",
        doc: "Years, months, days, hours, minutes and seconds between two times, counted in the zone of the first.",
        cost: Cost::Constant,
        examples: [("time.diff(0, 90061000000000)", "[0, 0, 1, 1, 1, 1]")],
        body: bodies::diff,
    },
];
