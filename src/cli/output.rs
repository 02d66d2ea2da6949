//! The one place that writes to standard output and standard error, and how amounts and dates look there.
//!
//! Results go to standard output, everything else to standard error. A result that cannot be written is an error, which
//! [`Failure`](super::failure::Failure) turns into an exit code; that nobody reads standard error never matters. Must
//! never: panic because a reader is gone or a disk is full.

use std::io::{self, BufRead, Write};

use chrono::SecondsFormat;
use serde::Serialize;
use serde_json::json;

pub(super) use crate::services::amount::{count, size};
use crate::services::name::inert;
use crate::vault::{CopyAge, Id, PhotoMetadata, Vault};

/// Writes text to standard output at once, line ends included; a reader that has seen enough (`| head`) is an error here.
pub(super) fn text(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(unwritable)
}

/// Writes a line to standard output.
pub(super) fn line(line: &str) -> io::Result<()> {
    text(&format!("{line}\n"))
}

/// Writes one JSON value and a line's end to standard output.
pub(super) fn json(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// Writes what clap has to say: help and version to standard output, what is wrong with the arguments to standard error.
pub(super) fn help(message: &clap::Error) -> io::Result<()> {
    let written = message.print().and_then(|()| io::stdout().flush()).map_err(unwritable);
    if message.use_stderr() { Ok(()) } else { written }
}

/// Writes a line to standard error. Where that is gone with its terminal, nobody is left to be told: no reason to panic.
pub(super) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Asks on standard error, and reads a line of standard input.
pub(super) fn ask(question: &str) -> io::Result<String> {
    // As above: whoever cannot see the question still answers, if only by closing the input.
    let _ = write!(io::stderr(), "{question} ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

/// The error with what could not be written; its kind still tells a closed pipe from a full device.
fn unwritable(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("standard output could not be written: {error}"))
}

/// What a catalogue says of a photo.
pub(super) fn details(id: Id, details: &PhotoMetadata) -> serde_json::Value {
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

/// Null for the newest copy of a vault, else the generation it is at and the one this machine has seen.
pub(super) fn older_copy(vault: &Vault) -> serde_json::Value {
    match vault.copy_age() {
        CopyAge::Newest => serde_json::Value::Null,
        CopyAge::Older { found, seen } => json!({ "generation": found, "seen": seen, "forked": false }),
        CopyAge::Forked { found, seen } => json!({ "generation": found, "seen": seen, "forked": true }),
    }
}

/// When a photo was taken, else when its file was changed, to the minute; empty when neither is known.
pub(super) fn date(details: &PhotoMetadata) -> String {
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
