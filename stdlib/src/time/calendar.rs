//! The Gregorian calendar in both directions of time, over days since 1970.

/// A day of the calendar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Date {
    pub(crate) year: i64,
    /// From 1.
    pub(crate) month: i64,
    /// From 1.
    pub(crate) day: i64,
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

const DAYS_BEFORE: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

/// Days of 400 years, after which the calendar repeats itself.
const ERA: i128 = 146_097;

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a year of 365 days before a month; 365 for the month after December.
pub(super) fn days_before(month: i64) -> i64 {
    let index = usize::try_from(month - 1).unwrap_or(0);
    DAYS_BEFORE.get(index).copied().unwrap_or(365)
}

pub(super) fn days_in(month: i64, year: i64) -> i64 {
    let leap_day = i64::from(month == 2 && is_leap(year));
    days_before(month + 1) - days_before(month) + leap_day
}

/// Days since 1970, in integers that wrap around where those of Go do.
pub(super) fn wrapped_days(year: i64, month: i64, day: i64) -> i64 {
    /// So many years before 1, before which Go counts none.
    const BEFORE: u64 = 292_277_022_400;
    let months = month.wrapping_sub(1);
    let year = year.wrapping_add(months.div_euclid(12));
    let month = months.rem_euclid(12) as u64;
    let (shifted, year) = match month {
        0 | 1 => (month + 10, year.wrapping_sub(1)),
        _ => (month - 2, year),
    };
    let year = (year as u64).wrapping_add(BEFORE);
    let (century, of_century) = (year / 100, year % 100);
    let first = century.wrapping_mul(146_097) / 4;
    let of_century = of_century * 1461 / 4 + (153 * shifted + 2) / 5;
    let epoch = BEFORE / 400 * 146_097 + 719_468;
    let days = first.wrapping_add(of_century).wrapping_sub(epoch);
    (days as i64).wrapping_add(day.wrapping_sub(1))
}

/// Days since 1970. Months and days beyond their usual range count on; no operand overflows.
pub(super) fn days_since_epoch(year: i128, month: i128, day: i128) -> i128 {
    let year = year + (month - 1).div_euclid(12);
    // Years begin in March here, so that the leap day is the last one.
    let month = (month - 1).rem_euclid(12);
    let shifted = (month + 10) % 12;
    let year = if month < 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * shifted + 2) / 5;
    era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year + (day - 1) - 719_468
}

impl Date {
    /// The date of a day since 1970.
    pub(super) fn of(days: i64) -> Date {
        let days = i128::from(days) + 719_468;
        let (era, of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        let year = year + era * 400 + i128::from(month <= 2);
        // Days of 64 bits have years of 64 bits.
        let narrow = |n: i128| i64::try_from(n).unwrap_or(i64::MAX);
        Date {
            year: narrow(year),
            month: narrow(month),
            day: narrow(day),
        }
    }

    pub(super) fn day_of_year(self) -> i64 {
        let after_leap_day = i64::from(self.month > 2 && is_leap(self.year));
        days_before(self.month) + after_leap_day + self.day
    }
}

/// Day of the week of a day since 1970; Sunday is 0.
pub(super) fn weekday(days: i64) -> usize {
    ((days.rem_euclid(7) + 4) % 7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree() {
        for days in (-4_000_000..4_000_000).step_by(97).chain(-800..800) {
            let date = Date::of(days);
            let back = days_since_epoch(date.year.into(), date.month.into(), date.day.into());
            assert_eq!(back, i128::from(days), "{date:?}");
            assert!(date.day <= days_in(date.month, date.year), "{date:?}");
            assert_eq!(wrapped_days(date.year, date.month, date.day), days);
            let first = days_since_epoch(date.year.into(), 1, 1);
            assert_eq!(i128::from(date.day_of_year()), back - first + 1);
        }
    }

    #[test]
    fn months_and_days_count_on() {
        assert_eq!(days_since_epoch(1970, 1, 1), 0);
        assert_eq!(days_since_epoch(1969, 13, 1), 0);
        assert_eq!(
            days_since_epoch(1970, 13, 0),
            days_since_epoch(1970, 12, 31)
        );
        assert_eq!(days_since_epoch(2020, 2, 30), days_since_epoch(2020, 3, 1));
        assert_eq!(days_since_epoch(1970, -1, 1), days_since_epoch(1969, 11, 1));
    }

    #[test]
    fn weeks_go_on_before_1970() {
        assert_eq!(WEEKDAYS[weekday(0)], "Thursday");
        assert_eq!(WEEKDAYS[weekday(-1)], "Wednesday");
        assert_eq!(WEEKDAYS[weekday(-7)], "Thursday");
    }
}
