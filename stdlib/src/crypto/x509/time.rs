//! Times in certificates.

use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::time::layout::{Exact, exact};

/// No text has such a time.
const BEYOND: &str = "time out of range";

/// A second on some clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Moment {
    civil: DateTime,
    offset: Offset,
}

/// The forms with two digits for the year, with or without seconds.
const UTC: &[&str] = &["0601021504Z0700", "060102150405Z0700"];
/// The form with four digits for the year.
const GENERALIZED: &[&str] = &["20060102150405Z0700"];
const GENERALIZED_FRACTION: &[&str] = &["20060102150405.999999999Z0700"];

impl Moment {
    /// From the form with two digits for the year; or Go's words for what is wrong. So for the others.
    pub(super) fn utc(text: &[u8]) -> Result<Moment, String> {
        let mut exact = exact(UTC, text)?;
        // The years from 50 on are those of the last century.
        if exact.date.year >= 2050 {
            exact.date.year -= 100;
        }
        Moment::of(&exact)
    }

    pub(super) fn generalized(text: &[u8]) -> Result<Moment, String> {
        Moment::of(&exact(GENERALIZED, text)?)
    }

    /// In requests there may be parts of seconds.
    pub(super) fn generalized_fraction(text: &[u8]) -> Result<Moment, String> {
        Moment::of(&exact(GENERALIZED_FRACTION, text)?)
    }

    fn of(exact: &Exact) -> Result<Moment, String> {
        let small = |n: i64| i8::try_from(n).map_err(|_| BEYOND);
        let civil = DateTime::new(
            i16::try_from(exact.date.year).map_err(|_| BEYOND)?,
            small(exact.date.month)?,
            small(exact.date.day)?,
            small(exact.second / 3600)?,
            small(exact.second / 60 % 60)?,
            small(exact.second % 60)?,
            i32::try_from(exact.nanosecond).map_err(|_| BEYOND)?,
        );
        let seconds = i32::try_from(exact.offset).map_err(|_| BEYOND)?;
        Ok(Moment {
            civil: civil.map_err(|_| BEYOND)?,
            offset: Offset::from_seconds(seconds).map_err(|_| BEYOND)?,
        })
    }

    /// Nanoseconds since 1970; a time beyond what a clock shows is the last that it shows.
    pub(super) fn nanoseconds(self) -> i128 {
        match self.offset.to_timestamp(self.civil) {
            Ok(timestamp) => timestamp.as_nanosecond(),
            Err(_) if self.civil.year() < 2000 => i128::MIN,
            Err(_) => i128::MAX,
        }
    }

    /// The text in JSON, or why there is none.
    pub(super) fn text(self) -> Result<String, &'static str> {
        let minutes = self.offset.seconds() / 60;
        let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
        if hours > 23 {
            return Err("Time.MarshalJSON: timezone hour outside of range [0,23]");
        }
        let zone = match minutes {
            0 => "Z".to_owned(),
            _ => format!(
                "{}{hours:02}:{rest:02}",
                if minutes < 0 { '-' } else { '+' }
            ),
        };
        let (date, time) = (self.civil.date(), self.civil.time());
        let fraction = match time.subsec_nanosecond() {
            0 => String::new(),
            nanoseconds => format!(".{nanoseconds:09}"),
        };
        let fraction = fraction.trim_end_matches('0');
        Ok(format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}{zone}",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(moment: Result<Moment, String>) -> String {
        moment.map_or_else(|_| String::new(), |moment| moment.text().expect("a text"))
    }

    #[test]
    fn both_forms() {
        for (given, wanted) in [
            ("240229120000Z", "2024-02-29T12:00:00Z"),
            ("491231235959Z", "2049-12-31T23:59:59Z"),
            ("500101000000Z", "1950-01-01T00:00:00Z"),
            ("2402291200Z", "2024-02-29T12:00:00Z"),
            ("240229120000+0130", "2024-02-29T12:00:00+01:30"),
            ("240229120000-0005", "2024-02-29T12:00:00-00:05"),
            ("230229120000Z", ""),
            ("240229120060Z", ""),
            ("240229120000+0000", ""),
            ("240229120000", ""),
            ("240229120000.5Z", ""),
            ("2402291200000Z", ""),
        ] {
            assert_eq!(text(Moment::utc(given.as_bytes())), wanted, "{given}");
        }
        for (given, wanted) in [
            ("20500101000000Z", "2050-01-01T00:00:00Z"),
            ("00000101000000Z", "0000-01-01T00:00:00Z"),
            ("99991231235959Z", "9999-12-31T23:59:59Z"),
            ("205001010000Z", ""),
            ("20501301000000Z", ""),
        ] {
            assert_eq!(
                text(Moment::generalized(given.as_bytes())),
                wanted,
                "{given}"
            );
        }
    }

    #[test]
    fn nanoseconds_count_from_1970() {
        let moment = Moment::utc(b"700101010000+0100").expect("a moment");
        assert_eq!(moment.nanoseconds(), 0);
    }
}
