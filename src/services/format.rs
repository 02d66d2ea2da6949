//! Sizes, counts and instants as people read them, in English.

use std::fmt::Display;

use chrono::{DateTime, Datelike, SecondsFormat, Utc};

/// Bytes in the unit that leaves one to three digits before the point (SI prefixes, as disks are sold).
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = if unit == 0 || value >= 99.95 { 0 } else { 1 };
    format!("{value:.digits$} {}", UNITS[unit])
}

/// Seconds since 1970 as an instant in UTC (RFC 3339); `None` outside the calendar.
#[must_use]
pub fn utc_instant(seconds: i64) -> Option<String> {
    Some(in_calendar(seconds)?.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Seconds since 1970 as day and minute in UTC; the number itself outside the calendar.
#[must_use]
pub fn utc_minute<S: TryInto<i64> + Display + Copy>(seconds: S) -> String {
    let instant = seconds.try_into().ok().and_then(in_calendar);
    instant.map_or_else(|| seconds.to_string(), |instant| instant.format("%Y-%m-%d %H:%M").to_string())
}

/// The instant, if its year has four digits: RFC 3339 has no others, and dates are compared as texts. A clock or a file
/// may say anything else.
fn in_calendar(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0).filter(|instant| (0..=9999).contains(&instant.year()))
}

/// `count` with its noun in the singular or plural.
#[must_use]
pub fn count(count: usize, noun: &str) -> String {
    let ending = if noun.ends_with("ch") { "es" } else { "s" };
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}{ending}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_to_three_digits_before_the_point() {
        let cases = [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_949, "99.9 kB"), (99_950, "100 kB")];
        for (bytes, expected) in cases {
            assert_eq!(size(bytes), expected);
        }
        assert_eq!(size(999_500), "1.0 MB");
        assert_eq!(size(u64::MAX), "18447 PB");
    }

    #[test]
    fn instants_are_utc() {
        assert_eq!(utc_instant(0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(utc_instant(951_827_696).as_deref(), Some("2000-02-29T12:34:56Z"));
        assert_eq!(utc_instant(i64::MAX), None);
        assert_eq!(utc_minute(951_827_696), "2000-02-29 12:34");
        assert_eq!(utc_minute(u64::MAX), u64::MAX.to_string());
        assert_eq!(utc_minute(-60), "1969-12-31 23:59");
    }

    #[test]
    fn instants_outside_the_calendar_are_numbers() {
        const LAST: i64 = 253_402_300_799;
        assert_eq!(utc_instant(LAST).as_deref(), Some("9999-12-31T23:59:59Z"));
        const FIRST: i64 = -62_167_219_200;
        assert_eq!(utc_instant(FIRST).as_deref(), Some("0000-01-01T00:00:00Z"));
        for seconds in [LAST + 1, FIRST - 1, 8_000_000_000_000, -8_000_000_000_000, i64::MAX, i64::MIN] {
            assert_eq!(utc_instant(seconds), None);
            assert_eq!(utc_minute(seconds), seconds.to_string());
        }
    }

    #[test]
    fn one_is_singular_and_nothing_is_plural() {
        assert_eq!([0, 1, 2].map(|photos| count(photos, "photo")), ["0 photos", "1 photo", "2 photos"]);
    }
}
