//! Sizes, times, paths and bars as the screens show them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ratatui::text::{Line, Span};

use crate::services::format::utc_instant;
pub(super) use crate::services::format::{count, size};
pub(super) use crate::services::text_layout::{fit, fit_end, padded, width, wrap};

/// The day of `time` in UTC, `YYYY-MM-DD`; empty if it is out of range.
#[must_use]
pub(super) fn day(time: SystemTime) -> String {
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).ok(),
        // Round away from 1970: a fraction of a second before midnight is the day before.
        Err(before) => i64::try_from(before.duration().as_secs_f64().ceil() as u64).ok().map(|seconds| -seconds),
    };
    let instant = seconds.and_then(utc_instant).unwrap_or_default();
    instant.split('T').next().unwrap_or_default().to_owned()
}

/// A short duration in milliseconds or seconds.
#[must_use]
pub(super) fn milliseconds(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1e3;
    match milliseconds {
        0.0..9.95 => format!("{milliseconds:.1} ms"),
        9.95..999.5 => format!("{milliseconds:.0} ms"),
        _ => format!("{:.1} s", milliseconds / 1e3),
    }
}

/// A long duration in its two largest units.
#[must_use]
pub(super) fn long_time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `line` in at most `columns` columns; an ellipsis replaces its end if it is too wide.
#[must_use]
pub(super) fn fit_line(line: Line<'static>, columns: usize) -> Line<'static> {
    if line.width() <= columns {
        return line;
    }
    let mut room = columns;
    let mut spans = Vec::new();
    for span in line.spans {
        let width = span.width();
        // Leave a column for the ellipsis: something is always cut here.
        let fits = width < room;
        let text = if fits { span.content.into_owned() } else { fit(&format!("{} ", span.content), room).into_owned() };
        spans.push(Span::styled(text, span.style));
        room = room.saturating_sub(width);
        if !fits {
            break;
        }
    }
    Line { spans, ..line }
}

/// A path with the home folder as `~` and inert control characters.
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

/// A bar of `columns` columns: heavy up to `part` (0 to 1), in halves of a column, and light after that, so that it is
/// readable without colours.
#[must_use]
pub(super) fn bar(part: f64, columns: usize) -> String {
    let halves = (part.clamp(0.0, 1.0) * columns as f64 * 2.0).round() as usize;
    let middle = if halves.is_multiple_of(2) { "" } else { "╾" };
    let heavy = halves / 2;
    let light = columns - heavy - usize::from(!middle.is_empty());
    format!("{}{middle}{}", "━".repeat(heavy), "─".repeat(light))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_utc_before_1970_too() {
        for (seconds, expected) in [(0, "1970-01-01"), (1_709_251_199, "2024-02-29")] {
            assert_eq!(day(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
        assert_eq!(day(UNIX_EPOCH - Duration::from_millis(1)), "1969-12-31");
        for seconds in [253_402_300_800, 8_000_000_000_000, u64::MAX / 4] {
            assert_eq!(day(UNIX_EPOCH + Duration::from_secs(seconds)), "");
            assert_eq!(day(UNIX_EPOCH - Duration::from_secs(seconds)), "");
        }
    }

    #[test]
    fn a_line_of_several_styles_is_cut_as_a_whole() {
        let line = || Line::from(vec![Span::raw("one "), Span::raw("two "), Span::raw("three")]);
        for (columns, expected) in [(13, "one two three"), (12, "one two thr…"), (8, "one two…"), (4, "one…"), (1, "…")]
        {
            let cut = fit_line(line(), columns);
            assert_eq!((cut.to_string().as_str(), cut.width()), (expected, columns), "{columns}");
        }
    }

    #[test]
    fn a_bar_fills_by_halves() {
        assert_eq!(bar(0.5, 4), "━━──");
        assert_eq!(bar(0.6, 4), "━━╾─");
        assert_eq!(bar(1.0, 4), "━━━━");
        assert_eq!(bar(0.0, 4), "────");
        assert_eq!(bar(2.0, 0), "");
    }
}
