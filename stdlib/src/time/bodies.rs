//! The bodies: operands in, times out.

use num_bigint::BigInt;
use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::{Value, View};

use super::calendar::{self, Date, WEEKDAYS};
use super::duration;
use super::layout::{self, ParsedZone, Shown};
use super::zone::Zone;
use crate::operand::{Outcome, failed, integer, number, operands, string, wrong_type};
use crate::text::{charge_big, charge_bytes};

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// Names that stand for a layout.
const LAYOUTS: &[(&str, &str)] = &[
    ("ANSIC", "Mon Jan _2 15:04:05 2006"),
    ("UnixDate", "Mon Jan _2 15:04:05 MST 2006"),
    ("RubyDate", "Mon Jan 02 15:04:05 -0700 2006"),
    ("RFC822", "02 Jan 06 15:04 MST"),
    ("RFC822Z", "02 Jan 06 15:04 -0700"),
    ("RFC850", "Monday, 02-Jan-06 15:04:05 MST"),
    ("RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"),
    ("RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"),
    ("RFC3339", RFC3339),
    ("RFC3339Nano", RFC3339_NANO),
];

fn layout_of(text: &str) -> &str {
    LAYOUTS
        .iter()
        .find(|(name, _)| *name == text)
        .map_or(text, |(_, layout)| layout)
}

pub(super) fn now_ns<'a>(cx: &mut Call<'a, '_>, _: &[Value<'a>]) -> Outcome<'a> {
    let now = cx.host.now_ns();
    let now = now.ok_or_else(|| failed("the host gives no clock"))?;
    Ok(Some(cx.arena.integer(now)))
}

/// A moment of 64 bits of nanoseconds, if it is one.
fn nanoseconds<'a>(
    cx: &mut Call<'a, '_>,
    seconds: i128,
    nanosecond: u32,
) -> Result<Value<'a>, BuiltinError> {
    let total = seconds
        .checked_mul(SECOND.into())
        .and_then(|total| i64::try_from(total + i128::from(nanosecond)).ok());
    let total = total.ok_or_else(|| failed("time outside of valid range"))?;
    Ok(cx.arena.integer(total))
}

fn parsed<'a>(cx: &mut Call<'a, '_>, layout: &str, value: &str) -> Outcome<'a> {
    // Messages about bytes that cannot be printed are four times as long.
    let bytes = layout.len() + value.len();
    charge_bytes(cx, bytes * 4)?;
    cx.reserve(bytes * 8)?;
    let parsed = layout::parse(layout, value.as_bytes()).map_err(failed)?;
    let offset = match parsed.zone {
        ParsedZone::Utc => 0,
        ParsedZone::Offset(offset) => offset,
        ParsedZone::Name(name) => {
            cx.charge(64)?;
            Zone::local(cx).offset_of(&name, parsed.wall).unwrap_or(0)
        }
    };
    let seconds = i128::from(parsed.wall) - i128::from(offset);
    nanoseconds(cx, seconds, parsed.nanosecond).map(Some)
}

pub(super) fn parse_ns<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [layout, value] = operands(arguments)?;
    let (layout, value) = (string(layout, 1)?, string(value, 2)?);
    parsed(cx, layout_of(layout), value)
}

pub(super) fn parse_rfc3339_ns<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [value] = operands(arguments)?;
    parsed(cx, RFC3339, string(value, 1)?)
}

pub(super) fn parse_duration_ns<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [text] = operands(arguments)?;
    let text = string(text, 1)?;
    charge_bytes(cx, text.len() * 4)?;
    cx.reserve(text.len() * 8)?;
    let total = duration::parse(text).map_err(failed)?;
    Ok(Some(cx.arena.integer(total)))
}

/// An operand: a time with its zone and layout.
struct Moment<'a> {
    nanoseconds: i64,
    zone: Zone,
    layout: Option<&'a str>,
}

impl<'a> Moment<'a> {
    /// Reads a number, or an array of a number, the name of a zone, and a layout. Messages always speak of the
    /// first operand, as OPA's do.
    fn read(cx: &mut Call<'a, '_>, operand: Value<'a>) -> Result<Moment<'a>, BuiltinError> {
        let mut zone = Zone::Utc;
        let mut layout = None;
        let time = match operand.view() {
            View::Array(array) if !array.as_slice().is_empty() => {
                let elements = array.as_slice();
                let time = number(elements[0], 1)?;
                if let Some(name) = elements.get(1) {
                    zone = Zone::named(cx, string(*name, 1)?)?;
                }
                if let Some(text) = elements.get(2) {
                    layout = Some(string(*text, 1)?);
                }
                time
            }
            View::Integer(_) | View::Number(_) => operand,
            _ => {
                let wanted = "either number (ns) or [number (ns), string (tz)]";
                return Err(wrong_type(1, &[wanted], operand));
            }
        };
        let nanoseconds = timestamp(cx, time)?.ok_or_else(|| failed("timestamp too big"))?;
        Ok(Moment {
            nanoseconds,
            zone,
            layout,
        })
    }

    fn seconds(&self) -> i64 {
        self.nanoseconds.div_euclid(SECOND)
    }

    fn shown(&self) -> Shown {
        let seconds = self.seconds();
        let zone = self.zone.at(seconds);
        let wall = seconds + zone.seconds;
        let days = wall.div_euclid(DAY);
        Shown {
            days,
            date: Date::of(days),
            second: wall.rem_euclid(DAY),
            nanosecond: self.nanoseconds.rem_euclid(SECOND) as u32,
            zone,
        }
    }
}

/// The number as an integer of 64 bits, if it is one when its digits are cut to 64 bits, as OPA cuts them.
fn timestamp(cx: &mut Call<'_, '_>, value: Value<'_>) -> Result<Option<i64>, BuiltinError> {
    let number = match value.view() {
        View::Integer(n) => return Ok(Some(n)),
        View::Number(number) => number,
        _ => return Ok(None),
    };
    let text = number.text();
    charge_big(cx, text.len() as u64 * 4)?;
    Ok(rounded_integer(text))
}

fn rounded_integer(text: &str) -> Option<i64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let negative = whole.starts_with('-');
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    let exponent = exponent.checked_sub(fraction.len() as i64)?;
    // How many digits stand before the point.
    let before_point = exponent.checked_add(digits.len() as i64)?;
    if !(0..=19).contains(&before_point) {
        return None;
    }
    let number: BigInt = digits.parse().ok()?;
    let power = |exponent: i64| BigInt::from(10).pow(exponent.unsigned_abs() as u32);
    let rounded = if exponent >= 0 {
        number * power(exponent)
    } else {
        let scale = power(exponent);
        let below = &number / &scale;
        let twice_rest = (&number - &below * &scale) * 2;
        let nearest = if twice_rest > scale {
            &below + 1
        } else {
            below.clone()
        };
        // Half of the last of 64 bits, in parts of the scale.
        let distance = (&number - &nearest * &scale).magnitude() << 64_u32;
        let half_bit = match below.bits() {
            0 => scale.magnitude() >> 1_u32,
            bits => scale.magnitude() << (bits - 1),
        };
        if distance > half_bit || nearest.bits() == 0 {
            return None;
        }
        nearest
    };
    i64::try_from(if negative { -rounded } else { rounded }).ok()
}

fn integers<'a, const N: usize>(cx: &mut Call<'a, '_>, numbers: [i64; N]) -> Outcome<'a> {
    let elements = numbers.map(|number| cx.arena.integer(number));
    Ok(Some(cx.arena.array(&elements)))
}

pub(super) fn format<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [operand] = operands(arguments)?;
    let moment = Moment::read(cx, operand)?;
    let layout = match moment.layout {
        None | Some("") => RFC3339_NANO,
        Some(layout) => layout_of(layout),
    };
    // The longest part is a month of one digit.
    charge_bytes(cx, layout.len() * 9)?;
    cx.reserve(layout.len() * 9)?;
    let text = layout::format(&moment.shown(), layout);
    Ok(Some(cx.arena.string(&text)))
}

pub(super) fn date<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [operand] = operands(arguments)?;
    let Date { year, month, day } = Moment::read(cx, operand)?.shown().date;
    integers(cx, [year, month, day])
}

pub(super) fn clock<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [operand] = operands(arguments)?;
    let second = Moment::read(cx, operand)?.shown().second;
    integers(cx, [second / 3600, second / 60 % 60, second % 60])
}

pub(super) fn weekday<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [operand] = operands(arguments)?;
    let days = Moment::read(cx, operand)?.shown().days;
    Ok(Some(cx.arena.string(WEEKDAYS[calendar::weekday(days)])))
}

pub(super) fn add_date<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [operand, years, months, days] = operands(arguments)?;
    let moment = Moment::read(cx, operand)?;
    let years = integer(years, 2)?;
    let months = integer(months, 3)?;
    let days = integer(days, 4)?;
    let shown = moment.shown();
    let days = calendar::wrapped_days(
        shown.date.year.wrapping_add(years),
        shown.date.month.wrapping_add(months),
        shown.date.day.wrapping_add(days),
    );
    let wall = days.wrapping_mul(DAY).wrapping_add(shown.second);
    // The offset at this time of the clock on the wall, found in two steps as Go finds it.
    let near = moment.zone.at(wall).seconds;
    let offset = match near {
        0 => 0,
        near => moment.zone.at(wall.wrapping_sub(near)).seconds,
    };
    let seconds = i128::from(wall) - i128::from(offset);
    nanoseconds(cx, seconds, shown.nanosecond).map(Some)
}

pub(super) fn diff<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [first, second] = operands(arguments)?;
    let mut from = Moment::read(cx, first)?;
    let mut to = Moment::read(cx, second)?;
    to.zone = from.zone.clone();
    if from.nanoseconds > to.nanoseconds {
        std::mem::swap(&mut from, &mut to);
    }
    let (from, to) = (from.shown(), to.shown());
    let mut years = to.date.year - from.date.year;
    let mut months = to.date.month - from.date.month;
    let mut days = to.date.day - from.date.day;
    // Clocks are compared field by field, so that a negative field borrows from the next.
    let mut seconds = to.second - from.second;
    if seconds < 0 {
        seconds += DAY;
        days -= 1;
    }
    if days < 0 {
        days += calendar::days_in(from.date.month, from.date.year);
        months -= 1;
    }
    if months < 0 {
        months += 12;
        years -= 1;
    }
    let clock = [seconds / 3600, seconds / 60 % 60, seconds % 60];
    integers(cx, [years, months, days, clock[0], clock[1], clock[2]])
}

#[cfg(test)]
mod tests {
    use super::rounded_integer;

    #[test]
    fn timestamps_are_cut_to_64_bits() {
        for (text, integer) in [
            ("1.0", Some(1)),
            ("1.50", None),
            ("-1.5e1", Some(-15)),
            ("1e18", Some(1_000_000_000_000_000_000)),
            ("1e19", None),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("4611686018427387904.25", Some(4_611_686_018_427_387_904)),
            ("4611686018427387904.5", None),
            ("1.00000000000000000001", Some(1)),
            ("0.99999999999999999999999", Some(1)),
            ("0.0000000000000000000001", None),
            ("0.000e5", Some(0)),
            ("1e-99999", None),
            ("1e99999", None),
        ] {
            assert_eq!(rounded_integer(text), integer, "{text}");
        }
    }
}
