//! Sizes, counts and instants as people read them, in English.

use chrono::SecondsFormat;

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
    let instant = chrono::DateTime::from_timestamp(seconds, 0)?;
    Some(instant.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Seconds since 1970 as day and minute in UTC; the number itself outside the calendar.
#[must_use]
pub fn utc_minute(seconds: u64) -> String {
    let instant = i64::try_from(seconds).ok().and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0));
    instant.map_or_else(|| seconds.to_string(), |instant| instant.format("%Y-%m-%d %H:%M").to_string())
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
    }

    #[test]
    fn one_is_singular_and_nothing_is_plural() {
        assert_eq!([0, 1, 2].map(|photos| count(photos, "photo")), ["0 photos", "1 photo", "2 photos"]);
    }
}
