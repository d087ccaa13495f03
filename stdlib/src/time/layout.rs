//! Layouts of Go: a text in which the parts of Mon Jan 2 15:04:05 MST 2006 stand for those of a time.

use super::calendar::{self, Date, MONTHS, WEEKDAYS};
use super::duration::leading_integer;
use super::zone::Offset;
use crate::go::quote::time_quoted;

/// One part of a layout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    LongMonth,
    Month,
    NumericMonth,
    PaddedMonth,
    LongWeekday,
    Weekday,
    Day,
    /// Padded with a space.
    SpacedDay,
    PaddedDay,
    SpacedDayOfYear,
    PaddedDayOfYear,
    Hour,
    Hour12,
    PaddedHour12,
    Minute,
    PaddedMinute,
    Second,
    PaddedSecond,
    LongYear,
    Year,
    UpperHalf,
    LowerHalf,
    ZoneName,
    ZoneOffset {
        /// UTC is `Z`.
        iso: bool,
        colons: bool,
        minutes: bool,
        seconds: bool,
    },
    Fraction {
        /// Zeros at the end go.
        trimmed: bool,
        digits: usize,
        separator: u8,
    },
}

use Part::*;

const fn offset(iso: bool, colons: bool, minutes: bool, seconds: bool) -> Part {
    ZoneOffset {
        iso,
        colons,
        minutes,
        seconds,
    }
}

/// Parts that are told by their first letters, the longer ones first.
const TOKENS: &[(&[u8], Part)] = &[
    (b"January", LongMonth),
    (b"Jan", Month),
    (b"Monday", LongWeekday),
    (b"Mon", Weekday),
    (b"MST", ZoneName),
    (b"01", PaddedMonth),
    (b"02", PaddedDay),
    (b"03", PaddedHour12),
    (b"04", PaddedMinute),
    (b"05", PaddedSecond),
    (b"06", Year),
    (b"002", PaddedDayOfYear),
    (b"15", Hour),
    (b"1", NumericMonth),
    (b"2006", LongYear),
    (b"2", Day),
    (b"_2", SpacedDay),
    (b"__2", SpacedDayOfYear),
    (b"3", Hour12),
    (b"4", Minute),
    (b"5", Second),
    (b"PM", UpperHalf),
    (b"pm", LowerHalf),
    (b"-070000", offset(false, false, true, true)),
    (b"-07:00:00", offset(false, true, true, true)),
    (b"-0700", offset(false, false, true, false)),
    (b"-07:00", offset(false, true, true, false)),
    (b"-07", offset(false, false, false, false)),
    (b"Z070000", offset(true, false, true, true)),
    (b"Z07:00:00", offset(true, true, true, true)),
    (b"Z0700", offset(true, false, true, false)),
    (b"Z07:00", offset(true, true, true, false)),
    (b"Z07", offset(true, false, false, false)),
];

fn digit_at(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(u8::is_ascii_digit)
}

/// The part that a layout begins with, and its length.
fn part(layout: &[u8]) -> Option<(Part, usize)> {
    if let [separator @ (b'.' | b','), digit @ (b'0' | b'9'), ..] = layout {
        let digits = layout[1..].iter().take_while(|b| *b == digit).count();
        if digit_at(layout, 1 + digits) {
            return None;
        }
        let fraction = Fraction {
            trimmed: *digit == b'9',
            digits,
            separator: *separator,
        };
        return Some((fraction, 1 + digits));
    }
    // The underscore before a year is an underscore.
    if layout.starts_with(b"_2006") {
        return None;
    }
    let (token, part) = TOKENS.iter().find(|(token, part)| {
        let in_a_word = || layout.get(token.len()).is_some_and(u8::is_ascii_lowercase);
        layout.starts_with(token) && !(matches!(part, Month | Weekday) && in_a_word())
    })?;
    Some((*part, token.len()))
}

/// Text before the first part, the part with its text, and what follows.
struct Chunk<'t> {
    before: &'t [u8],
    part: Option<(Part, &'t [u8])>,
    after: &'t [u8],
}

fn chunk(layout: &[u8]) -> Chunk<'_> {
    for at in 0..layout.len() {
        if let Some((part, len)) = part(&layout[at..]) {
            let (token, after) = layout[at..].split_at(len);
            return Chunk {
                before: &layout[..at],
                part: Some((part, token)),
                after,
            };
        }
    }
    Chunk {
        before: layout,
        part: None,
        after: b"",
    }
}

/// A time as clocks and calendars of a place show it.
pub(super) struct Shown {
    /// Days since 1970.
    pub(super) days: i64,
    pub(super) date: Date,
    /// Seconds of the day.
    pub(super) second: i64,
    pub(super) nanosecond: u32,
    pub(super) zone: Offset,
}

/// Digits, at least so many; the sign does not count.
fn push_padded(out: &mut String, number: i64, width: usize) {
    if number < 0 {
        out.push('-');
    }
    out.push_str(&format!("{:0width$}", number.unsigned_abs()));
}

/// A time in a layout.
pub(super) fn format(shown: &Shown, layout: &str) -> String {
    let mut out = String::new();
    let mut rest = layout.as_bytes();
    while !rest.is_empty() {
        let next = chunk(rest);
        // Parts are ASCII, so that the text between them is whole.
        out.push_str(&String::from_utf8_lossy(next.before));
        let Some((part, _)) = next.part else {
            break;
        };
        rest = next.after;
        push_part(&mut out, shown, part);
    }
    out
}

fn push_part(out: &mut String, shown: &Shown, part: Part) {
    let Date { year, month, day } = shown.date;
    let (hour, minute, second) = (
        shown.second / 3600,
        shown.second / 60 % 60,
        shown.second % 60,
    );
    let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
    let month_name = MONTHS[(month - 1).rem_euclid(12) as usize];
    let weekday = WEEKDAYS[calendar::weekday(shown.days)];
    match part {
        LongMonth => out.push_str(month_name),
        Month => out.push_str(&month_name[..3]),
        NumericMonth => push_padded(out, month, 0),
        PaddedMonth => push_padded(out, month, 2),
        LongWeekday => out.push_str(weekday),
        Weekday => out.push_str(&weekday[..3]),
        Day => push_padded(out, day, 0),
        SpacedDay => out.push_str(&format!("{day:2}")),
        PaddedDay => push_padded(out, day, 2),
        SpacedDayOfYear => out.push_str(&format!("{:3}", shown.date.day_of_year())),
        PaddedDayOfYear => push_padded(out, shown.date.day_of_year(), 3),
        Hour => push_padded(out, hour, 2),
        Hour12 => push_padded(out, hour12, 0),
        PaddedHour12 => push_padded(out, hour12, 2),
        Minute => push_padded(out, minute, 0),
        PaddedMinute => push_padded(out, minute, 2),
        Second => push_padded(out, second, 0),
        PaddedSecond => push_padded(out, second, 2),
        LongYear => push_padded(out, year, 4),
        Year => push_padded(out, year.abs() % 100, 2),
        UpperHalf => out.push_str(if hour >= 12 { "PM" } else { "AM" }),
        LowerHalf => out.push_str(if hour >= 12 { "pm" } else { "am" }),
        ZoneName if !shown.zone.name.is_empty() => out.push_str(&shown.zone.name),
        ZoneName => push_offset(out, shown.zone.seconds, false, true, false),
        ZoneOffset { iso: true, .. } if shown.zone.seconds == 0 => out.push('Z'),
        ZoneOffset {
            colons,
            minutes,
            seconds,
            ..
        } => push_offset(out, shown.zone.seconds, colons, minutes, seconds),
        Fraction {
            trimmed,
            digits,
            separator,
        } => {
            if trimmed && shown.nanosecond == 0 {
                return;
            }
            let text = format!("{:09}", shown.nanosecond);
            let text = &text[..digits.min(9)];
            let text = if trimmed {
                text.trim_end_matches('0')
            } else {
                text
            };
            if !(trimmed && text.is_empty()) {
                out.push(char::from(separator));
            }
            out.push_str(text);
        }
    }
}

fn push_offset(out: &mut String, offset: i64, colons: bool, minutes: bool, seconds: bool) {
    let total = offset / 60;
    let (sign, of_minute) = if total < 0 {
        ('-', -offset % 60)
    } else {
        ('+', offset % 60)
    };
    let total = total.abs();
    out.push(sign);
    push_padded(out, total / 60, 2);
    if minutes {
        if colons {
            out.push(':');
        }
        push_padded(out, total % 60, 2);
    }
    if seconds {
        if colons {
            out.push(':');
        }
        push_padded(out, of_minute, 2);
    }
}

/// What a text says of its time.
#[derive(Debug)]
pub(super) struct Parsed {
    /// Seconds since 1970 of the clock on the wall.
    pub(super) wall: i64,
    pub(super) nanosecond: u32,
    pub(super) zone: ParsedZone,
}

/// A time as a text shows it.
#[cfg(feature = "x509")]
pub(crate) struct Exact {
    pub(crate) date: Date,
    /// Seconds of the day.
    pub(crate) second: i64,
    pub(crate) nanosecond: u32,
    /// Seconds east of Greenwich.
    pub(crate) offset: i64,
}

/// What a text says of its zone.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum ParsedZone {
    Utc,
    /// Seconds east of Greenwich.
    Offset(i64),
    /// An abbreviation that only a place knows to read. Those that it does not know count as UTC, even `GMT+3`.
    Name(String),
}

/// Why one part cannot be read.
enum Trouble {
    Bad,
    /// What is out of range.
    Range(&'static str),
}

type Read<T> = Result<T, Trouble>;

/// Fields as far as they were read.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    afternoon: bool,
    forenoon: bool,
    utc: bool,
    offset: Option<i64>,
    zone: String,
}

/// Reads a time that stands in a layout; or Go's words for why it does not.
pub(super) fn parse(layout: &str, whole: &[u8]) -> Result<Parsed, String> {
    let cannot = |rest: &[u8], element: &[u8]| {
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            time_quoted(whole),
            time_quoted(layout.as_bytes()),
            time_quoted(rest),
            time_quoted(element)
        )
    };
    let message = |what: &str| format!("parsing time {}: {what}", time_quoted(whole));
    let mut fields = Fields::default();
    let mut value = whole;
    let mut rest = layout.as_bytes();
    loop {
        let next = chunk(rest);
        value = skipped(value, next.before).map_err(|at| cannot(at, next.before))?;
        let Some((part, token)) = next.part else {
            if !value.is_empty() {
                return Err(message(&format!("extra text: {}", time_quoted(value))));
            }
            break;
        };
        rest = next.after;
        let before = value;
        match fields.read(part, &mut value, rest) {
            Ok(()) => {}
            Err(Trouble::Bad) => return Err(cannot(before, token)),
            Err(Trouble::Range(what)) => return Err(message(&format!("{what} out of range"))),
        }
    }
    fields.finish().map_err(message)
}

/// A time of a text that is exactly what a layout makes of it: of the first layout in which the text can be read; or Go's
/// words for why there is none.
#[cfg(feature = "x509")]
pub(crate) fn exact(layouts: &[&str], text: &[u8]) -> Result<Exact, String> {
    const DAY: i64 = 86_400;
    let mut fault = String::new();
    for layout in layouts {
        let parsed = match parse(layout, text) {
            Ok(parsed) => parsed,
            Err(why) => {
                fault = why;
                continue;
            }
        };
        let offset = match parsed.zone {
            ParsedZone::Offset(seconds) => seconds,
            ParsedZone::Utc | ParsedZone::Name(_) => 0,
        };
        let days = parsed.wall.div_euclid(DAY);
        let shown = Shown {
            days,
            date: Date::of(days),
            second: parsed.wall.rem_euclid(DAY),
            nanosecond: parsed.nanosecond,
            zone: Offset {
                seconds: offset,
                name: String::new(),
            },
        };
        let again = format(&shown, layout);
        if again.as_bytes() == text {
            return Ok(Exact {
                date: shown.date,
                second: shown.second,
                nanosecond: shown.nanosecond,
                offset,
            });
        }
        return Err(format!(
            "asn1: time did not serialize back to the original value and may be invalid: given {}, but serialized as {}",
            time_quoted(text),
            time_quoted(again.as_bytes())
        ));
    }
    Err(fault)
}

/// What follows a prefix. Where the prefix has spaces the value may have any number of them.
fn skipped<'v>(mut value: &'v [u8], mut prefix: &[u8]) -> Result<&'v [u8], &'v [u8]> {
    while let [first, after @ ..] = prefix {
        if *first == b' ' {
            if value.first().is_some_and(|b| *b != b' ') {
                return Err(value);
            }
            prefix = without_spaces(prefix);
            value = without_spaces(value);
            continue;
        }
        match value {
            [same, rest @ ..] if same == first => value = rest,
            _ => return Err(value),
        }
        prefix = after;
    }
    Ok(value)
}

fn without_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|b| **b == b' ').count();
    &text[spaces..]
}

/// Takes a number of one or two digits; `fixed` wants two.
fn take_number(value: &mut &[u8], fixed: bool) -> Read<i64> {
    let len = match (digit_at(value, 0), digit_at(value, 1)) {
        (true, true) => 2,
        (true, false) if !fixed => 1,
        _ => return Err(Trouble::Bad),
    };
    let (digits, rest) = value.split_at(len);
    *value = rest;
    Ok(digits
        .iter()
        .fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

fn take<'v>(value: &mut &'v [u8], len: usize) -> Read<&'v [u8]> {
    let (taken, rest) = value.split_at_checked(len).ok_or(Trouble::Bad)?;
    *value = rest;
    Ok(taken)
}

/// Takes one of the names, in letters of either case; its index.
fn take_name(value: &mut &[u8], names: &[&str], len: Option<usize>) -> Read<i64> {
    for (i, name) in names.iter().enumerate() {
        let name = &name[..len.unwrap_or(name.len())];
        if value
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        {
            *value = &value[name.len()..];
            return Ok(i as i64);
        }
    }
    Err(Trouble::Bad)
}

/// A whole number with an optional sign.
fn signed(text: &[u8]) -> Read<i64> {
    let negative = text.first() == Some(&b'-');
    let digits = match text {
        [b'-' | b'+', digits @ ..] => digits,
        digits => digits,
    };
    match leading_integer(digits) {
        Some((number, [])) => {
            let number = number as i64;
            Ok(if negative {
                number.wrapping_neg()
            } else {
                number
            })
        }
        _ => Err(Trouble::Bad),
    }
}

fn in_range(number: i64, end: i64, what: &'static str) -> Read<i64> {
    if (0..end).contains(&number) {
        Ok(number)
    } else {
        Err(Trouble::Range(what))
    }
}

/// Nanoseconds of a separator with digits; digits beyond the ninth are not looked at.
fn nanoseconds(text: &[u8]) -> Read<i64> {
    let [b'.' | b',', digits @ ..] = text else {
        return Err(Trouble::Bad);
    };
    let digits = &digits[..digits.len().min(9)];
    let number = signed(digits)?;
    if number < 0 {
        return Err(Trouble::Range("fractional second"));
    }
    Ok(number * 10_i64.pow(9 - digits.len() as u32))
}

/// How many bytes of a separator with digits stand at the beginning.
fn fraction_len(value: &[u8]) -> usize {
    match value {
        [b'.' | b',', digits @ ..] if digit_at(digits, 0) => {
            1 + digits.iter().take_while(|b| b.is_ascii_digit()).count()
        }
        _ => 0,
    }
}

impl Fields {
    /// Reads one part; `after` is the layout behind it.
    fn read(&mut self, part: Part, value: &mut &[u8], after: &[u8]) -> Read<()> {
        match part {
            Year => {
                let year = signed(take(value, 2)?)?;
                // Unix time began in 1969 in some places.
                self.year = year + if year >= 69 { 1900 } else { 2000 };
            }
            LongYear if digit_at(value, 0) => self.year = signed(take(value, 4)?)?,
            LongYear => return Err(Trouble::Bad),
            Month => self.month = Some(take_name(value, &MONTHS, Some(3))? + 1),
            LongMonth => self.month = Some(take_name(value, &MONTHS, None)? + 1),
            NumericMonth | PaddedMonth => {
                let month = take_number(value, part == PaddedMonth)?;
                self.month = Some(in_range(month - 1, 12, "month")? + 1);
            }
            Weekday => drop(take_name(value, &WEEKDAYS, Some(3))?),
            LongWeekday => drop(take_name(value, &WEEKDAYS, None)?),
            Day | SpacedDay | PaddedDay => {
                if part == SpacedDay && value.first() == Some(&b' ') {
                    *value = &value[1..];
                }
                self.day = Some(take_number(value, part == PaddedDay)?);
            }
            SpacedDayOfYear | PaddedDayOfYear => {
                for _ in 0..2 {
                    if part == SpacedDayOfYear && value.first() == Some(&b' ') {
                        *value = &value[1..];
                    }
                }
                let len = value
                    .iter()
                    .take(3)
                    .take_while(|b| b.is_ascii_digit())
                    .count();
                if len == 0 || (part == PaddedDayOfYear && len < 3) {
                    return Err(Trouble::Bad);
                }
                self.day_of_year = Some(signed(take(value, len)?)?);
            }
            Hour => self.hour = in_range(take_number(value, false)?, 24, "hour")?,
            Hour12 | PaddedHour12 => {
                self.hour = in_range(take_number(value, part == PaddedHour12)?, 13, "hour")?;
            }
            Minute | PaddedMinute => {
                self.minute = in_range(take_number(value, part == PaddedMinute)?, 60, "minute")?;
            }
            Second | PaddedSecond => {
                self.second = in_range(take_number(value, part == PaddedSecond)?, 60, "second")?;
                // A fraction may follow where the layout has none.
                let next_is_fraction = matches!(chunk(after).part, Some((Fraction { .. }, _)));
                let len = fraction_len(value);
                if len > 0 && !next_is_fraction {
                    self.nanosecond = nanoseconds(take(value, len)?)?;
                }
            }
            UpperHalf | LowerHalf => match (part, take(value, 2)?) {
                (UpperHalf, b"PM") | (LowerHalf, b"pm") => self.afternoon = true,
                (UpperHalf, b"AM") | (LowerHalf, b"am") => self.forenoon = true,
                _ => return Err(Trouble::Bad),
            },
            ZoneOffset { iso: true, .. } if value.first() == Some(&b'Z') => {
                *value = &value[1..];
                self.utc = true;
            }
            ZoneOffset {
                colons,
                minutes,
                seconds,
                ..
            } => self.read_offset(value, colons, minutes, seconds)?,
            ZoneName if value.starts_with(b"UTC") => {
                *value = &value[3..];
                self.utc = true;
            }
            ZoneName => {
                let len = zone_name_len(value).ok_or(Trouble::Bad)?;
                self.zone = String::from_utf8_lossy(take(value, len)?).into_owned();
            }
            Fraction {
                trimmed: false,
                digits,
                ..
            } => self.nanosecond = nanoseconds(take(value, 1 + digits)?)?,
            Fraction { trimmed: true, .. } => {
                let len = fraction_len(value);
                if len > 0 {
                    self.nanosecond = nanoseconds(take(value, len)?)?;
                }
            }
        }
        Ok(())
    }

    fn read_offset(
        &mut self,
        value: &mut &[u8],
        colons: bool,
        minutes: bool,
        seconds: bool,
    ) -> Read<()> {
        let groups = 1 + usize::from(minutes) + usize::from(seconds);
        let separators = if colons { groups - 1 } else { 0 };
        let text = take(value, 1 + 2 * groups + separators)?;
        let step = if colons { 3 } else { 2 };
        let mut numbers = [0; 3];
        let mut bad = false;
        for (i, number) in numbers.iter_mut().take(groups).enumerate() {
            let at = 1 + i * step;
            if colons && i > 0 && text[at - 1] != b':' {
                return Err(Trouble::Bad);
            }
            if !bad {
                match take_number(&mut &text[at..at + 2], true) {
                    Ok(n) => *number = n,
                    Err(_) => bad = true,
                }
            }
        }
        // Some people write 24 hours and 60 minutes.
        let [hours, minutes, seconds] = numbers;
        for (number, most, what) in [
            (hours, 24, "time zone offset hour"),
            (minutes, 60, "time zone offset minute"),
            (seconds, 60, "time zone offset second"),
        ] {
            in_range(number, most + 1, what)?;
        }
        let offset = (hours * 60 + minutes) * 60 + seconds;
        self.offset = match text[0] {
            b'+' if !bad => Some(offset),
            // Go takes this one for none at all.
            b'-' if !bad => Some(-offset).filter(|offset| *offset != -1),
            _ => return Err(Trouble::Bad),
        };
        Ok(())
    }

    fn finish(self) -> Result<Parsed, &'static str> {
        let mut hour = self.hour;
        if self.afternoon && hour < 12 {
            hour += 12;
        } else if !self.afternoon && self.forenoon && hour == 12 {
            hour = 0;
        }
        let (month, day) = match self.day_of_year {
            Some(day_of_year) => self.of_year(day_of_year)?,
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        if day < 1 || day > calendar::days_in(month, self.year) {
            return Err("day out of range");
        }
        let days = calendar::days_since_epoch(self.year.into(), month.into(), day.into());
        // Years have four digits.
        let days = i64::try_from(days).unwrap_or(0);
        let zone = match self.offset {
            _ if self.utc => ParsedZone::Utc,
            Some(offset) => ParsedZone::Offset(offset),
            None if self.zone.is_empty() => ParsedZone::Utc,
            None => ParsedZone::Name(self.zone),
        };
        Ok(Parsed {
            wall: days * 86_400 + (hour * 60 + self.minute) * 60 + self.second,
            nanosecond: u32::try_from(self.nanosecond).unwrap_or(0),
            zone,
        })
    }

    /// Month and day of a day of the year.
    fn of_year(&self, mut day_of_year: i64) -> Result<(i64, i64), &'static str> {
        let mut date = None;
        if calendar::is_leap(self.year) {
            match day_of_year {
                60 => date = Some((2, 29)),
                61.. => day_of_year -= 1,
                _ => {}
            }
        }
        if !(1..=365).contains(&day_of_year) {
            return Err("day-of-year out of range");
        }
        let (month, day) = date.unwrap_or_else(|| {
            let mut month = (day_of_year - 1) / 31 + 1;
            if calendar::days_before(month + 1) < day_of_year {
                month += 1;
            }
            (month, day_of_year - calendar::days_before(month))
        });
        if self.month.is_some_and(|other| other != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|other| other != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }
}

/// How many bytes of an abbreviation of a zone stand at the beginning: three to five capitals with a few
/// exceptions, or hours with a sign.
fn zone_name_len(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(hours) = value.strip_prefix(b"GMT") {
        return Some(3 + signed_hours_len(hours).unwrap_or(0));
    }
    if matches!(value[0], b'+' | b'-') {
        return signed_hours_len(value);
    }
    let capitals = value
        .iter()
        .take(6)
        .take_while(|b| b.is_ascii_uppercase())
        .count();
    match capitals {
        5 if value[4] == b'T' => Some(5),
        4 if value[3] == b'T' || value.starts_with(b"WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

fn signed_hours_len(value: &[u8]) -> Option<usize> {
    let [b'+' | b'-', digits @ ..] = value else {
        return None;
    };
    let (hours, rest) = leading_integer(digits)?;
    (rest.len() < digits.len() && hours <= 23).then(|| value.len() - rest.len())
}
