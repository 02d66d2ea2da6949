//! Sizes, times and names as the screens write them: short, and cut to the room there is.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) use crate::services::amount::{count, size};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The day of `time` in UTC, `YYYY-MM-DD`.
#[must_use]
pub(super) fn day(time: SystemTime) -> String {
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs() as i64,
        Err(before) => -(before.duration().as_secs() as i64) - 1,
    };
    // Days to civil date in the proleptic Gregorian calendar, by 400-year eras that begin on 1 March.
    let days = seconds.div_euclid(86_400) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A short time in the unit that suits it.
#[must_use]
pub(super) fn milliseconds(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1e3;
    match milliseconds {
        0.0..9.95 => format!("{milliseconds:.1} ms"),
        9.95..999.5 => format!("{milliseconds:.0} ms"),
        _ => format!("{:.1} s", milliseconds / 1e3),
    }
}

/// A long time, to the two largest units.
#[must_use]
pub(super) fn long_time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// The columns that `text` takes.
#[must_use]
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `columns` columns, its end replaced by an ellipsis where it is too long.
#[must_use]
pub(super) fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if text.width() <= columns {
        return Cow::Borrowed(text);
    }
    let mut room = columns.saturating_sub(1);
    let mut kept = String::new();
    for character in text.chars() {
        let width = character.width().unwrap_or(0);
        if width > room {
            break;
        }
        room -= width;
        kept.push(character);
    }
    if columns > 0 {
        kept.push('…');
    }
    Cow::Owned(kept)
}

/// `text` in at most `columns` columns, its beginning replaced by an ellipsis: for paths, whose end says most.
#[must_use]
pub(super) fn fit_end(text: &str, columns: usize) -> Cow<'_, str> {
    let too_wide = text.width();
    if too_wide <= columns {
        return Cow::Borrowed(text);
    }
    let mut excess = (too_wide + 1).saturating_sub(columns);
    let start = text.char_indices().find(|(_, character)| {
        let fits = excess == 0;
        excess = excess.saturating_sub(character.width().unwrap_or(0));
        fits
    });
    Cow::Owned(format!("…{}", &text[start.map_or(text.len(), |(at, _)| at)..]))
}

/// The rows that `text` takes when it is wrapped between words at `columns` columns.
#[must_use]
pub(super) fn wrapped_rows(text: &str, columns: usize) -> usize {
    let mut rows = 1;
    let mut used = 0;
    for word in text.split_whitespace() {
        let width = word.width();
        if used > 0 && used + 1 + width > columns {
            rows += 1;
            used = 0;
        }
        used += width + usize::from(used > 0);
        // A word wider than the room is broken.
        rows += used.saturating_sub(1) / columns.max(1);
        used = if used > columns { used % columns.max(1) } else { used };
    }
    rows
}

/// `text` in exactly `columns` columns.
#[must_use]
pub(super) fn padded(text: &str, columns: usize) -> String {
    let text = fit(text, columns);
    let missing = columns.saturating_sub(text.width());
    format!("{text}{:missing$}", "")
}

/// A path with the home folder as `~`, free of what a terminal would act on.
#[must_use]
pub(super) fn path(path: &std::path::Path) -> String {
    let shown = match std::env::home_dir().and_then(|home| path.strip_prefix(home).ok().map(std::path::Path::to_owned))
    {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    };
    crate::services::name::inert(&shown).into_owned()
}

/// A bar of `columns` columns filled to `part` (0 to 1), in eighths of a column.
#[must_use]
pub(super) fn bar(part: f64, columns: usize) -> String {
    const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (part.clamp(0.0, 1.0) * columns as f64 * 8.0).round() as usize;
    let mut bar: String = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8 - 1]);
    }
    padded(&bar, columns)
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
    }

    #[test]
    fn days_are_those_of_the_gregorian_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_709_251_199, "2024-02-29"),
            (4_102_444_800, "2100-01-01"),
        ] {
            assert_eq!(day(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
        assert_eq!(day(UNIX_EPOCH - Duration::from_secs(1)), "1969-12-31");
    }

    #[test]
    fn text_is_cut_by_columns_and_not_by_letters() {
        assert_eq!(fit("猫猫猫", 5), "猫猫…");
        assert_eq!(fit("猫猫猫", 4), "猫…");
        assert_eq!(fit("cat", 3), "cat");
        assert_eq!(fit_end("/photos/2024/cats", 9), "…024/cats");
        assert_eq!(padded("猫", 4), "猫  ");
    }

    #[test]
    fn wrapping_breaks_between_words_and_breaks_long_ones() {
        for (text, rows) in [("", 1), ("one two", 1), ("one two three", 2), ("abcdefghijklmnopq", 3), ("a bcdefghi", 2)]
        {
            assert_eq!(wrapped_rows(text, 8), rows, "{text}");
        }
    }

    #[test]
    fn a_bar_fills_by_eighths() {
        assert_eq!(bar(0.5, 4), "██  ");
        assert_eq!(bar(0.53, 4), "██▏ ");
        assert_eq!(bar(1.0, 4), "████");
        assert_eq!(bar(0.0, 4), "    ");
    }
}
