//! Times in certificates.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// A second on some clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Moment {
    civil: DateTime,
    offset: Offset,
}

/// Two digits at a place.
fn pair(text: &[u8], at: usize) -> Option<i8> {
    match text.get(at..at + 2)? {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => i8::try_from((a - b'0') * 10 + (b - b'0')).ok(),
        _ => None,
    }
}

/// `Z`, or hours and minutes away from it. Zero has one spelling.
fn offset(text: &[u8]) -> Option<Offset> {
    if text == b"Z" {
        return Some(Offset::UTC);
    }
    let sign = match text.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (i32::from(pair(text, 1)?), i32::from(pair(text, 3)?));
    let right = text.len() == 5 && hours <= 24 && minutes < 60 && hours + minutes > 0;
    if !right {
        return None;
    }
    Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok()
}

impl Moment {
    /// From the month on.
    fn after_year(year: i16, text: &[u8], seconds: bool) -> Option<Moment> {
        let second = if seconds { pair(text, 8)? } else { 0 };
        let rest = text.get(if seconds { 10 } else { 8 }..)?;
        let civil = DateTime::new(
            year,
            pair(text, 0)?,
            pair(text, 2)?,
            pair(text, 4)?,
            pair(text, 6)?,
            second,
            0,
        );
        Some(Moment {
            civil: civil.ok().filter(|_| second < 60)?,
            offset: offset(rest)?,
        })
    }

    /// The form with two digits for the year, with or without seconds.
    pub(super) fn utc(text: &[u8]) -> Option<Moment> {
        // Of certificates, the years from 50 on are those of the last century. That a day exists is looked at
        // before: two years that are a century apart have the same days here.
        let year = i16::from(pair(text, 0)?);
        let year = if year < 50 { 2000 + year } else { 1900 + year };
        let rest = text.get(2..)?;
        Moment::after_year(year, rest, true).or_else(|| Moment::after_year(year, rest, false))
    }

    /// The form with four digits for the year.
    pub(super) fn generalized(text: &[u8]) -> Option<Moment> {
        let year = i16::from(pair(text, 0)?) * 100 + i16::from(pair(text, 2)?);
        Moment::after_year(year, text.get(4..)?, true)
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
        Ok(format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{zone}",
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

    fn text(moment: Option<Moment>) -> String {
        moment.map_or_else(String::new, |moment| moment.text().expect("a text"))
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
