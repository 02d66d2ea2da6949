//! How results are written: amounts and dates for people, lines that a closed pipe may cut short.

use std::io::{self, Write};

use chrono::SecondsFormat;
use serde::Serialize;
use serde_json::json;

pub(super) use crate::services::amount::{count, size};
use crate::services::name::inert;
use crate::vault::{Details, Id};

/// Writes text of many lines to standard output at once; a reader that has seen enough (`| head`) is an error here.
pub(super) fn text(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes a line to standard error. Where that is gone with its terminal, nobody is left to be told: no reason to panic.
pub(super) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes one JSON value and a line's end to standard output.
pub(super) fn json(value: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// What a catalogue says of a photo.
pub(super) fn details(id: Id, details: &Details) -> serde_json::Value {
    json!({
        "id": id.to_string(),
        "name": details.name,
        "width": details.width,
        "height": details.height,
        "bytes": details.bytes,
        "modified": details.modified.map(instant),
        "captured": details.captured,
    })
}

/// When a photo was taken, else when its file was changed, to the minute; empty when neither is known.
pub(super) fn date(details: &Details) -> String {
    let time = details.captured.clone().or_else(|| details.modified.map(instant)).unwrap_or_default();
    inert(&time).chars().take("2000-01-01T00:00".len()).collect::<String>().replace('T', " ")
}

/// A number of seconds since 1970 as an instant in UTC (RFC 3339).
pub(super) fn instant(seconds: i64) -> String {
    // Outside the calendar, where no photo is from, the number itself.
    let instant = chrono::DateTime::from_timestamp(seconds, 0);
    instant.map_or_else(|| seconds.to_string(), |instant| instant.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Four decimals, as scores have: as a double, `0.8_f32` would be printed as 0.800000011920929.
pub(super) fn decimals(score: f32) -> f64 {
    (f64::from(score) * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_utc() {
        assert_eq!(instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(951_827_696), "2000-02-29T12:34:56Z");
        assert_eq!(instant(i64::MAX), i64::MAX.to_string());
    }
}
