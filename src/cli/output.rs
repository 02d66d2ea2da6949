//! The only file that writes to standard output and standard error, and the format of sizes and dates there.
//!
//! Results go to standard output, everything else to standard error. A result that cannot be written is an error, which
//! [`Failure`](super::failure::Failure) turns into an exit code; errors of standard error are ignored. Must never:
//! panic on a closed pipe or a full disk.

use std::io::{self, BufRead, BufWriter, StdoutLock, Write};

use serde::Serialize;
use serde_json::json;

pub(super) use crate::services::format::{count, size, utc_instant};
use crate::services::library::StoredPhoto;
use crate::services::name::inert;
use crate::services::open_vault::{CopyAge, OpenVault};

/// Writes text to standard output and flushes; a pipe that its reader closed (`| head`) is an error here.
pub(super) fn text(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(unwritable)
}

/// Writes a line to standard output.
pub(super) fn line(line: &str) -> io::Result<()> {
    text(&format!("{line}\n"))
}

/// Writes one JSON value and a newline to standard output.
pub(super) fn json(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// Many JSON objects, written to standard output as they come.
pub(super) struct Objects {
    out: BufWriter<StdoutLock<'static>>,
    /// What stands before the first, between two, and after the last.
    around: [&'static str; 3],
    is_empty: bool,
}

impl Objects {
    /// One array on one line.
    pub(super) fn array() -> Self {
        Self::around(["[", ",", "]\n"])
    }

    /// One object a line.
    pub(super) fn lines() -> Self {
        Self::around(["", "\n", "\n"])
    }

    fn around(around: [&'static str; 3]) -> Self {
        Self { out: BufWriter::new(io::stdout().lock()), around, is_empty: true }
    }

    /// Writes the next one, which is JSON already.
    pub(super) fn write(&mut self, object: &str) -> io::Result<()> {
        let before = if std::mem::take(&mut self.is_empty) { self.around[0] } else { self.around[1] };
        self.out.write_all(before.as_bytes()).map_err(unwritable)?;
        self.out.write_all(object.as_bytes()).map_err(unwritable)
    }

    /// Writes the end, and flushes.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let end = match (self.is_empty, self.around) {
            (true, ["", ..]) => String::new(),
            (true, [before, _, after]) => format!("{before}{after}"),
            (false, [_, _, after]) => after.to_owned(),
        };
        self.out.write_all(end.as_bytes()).and_then(|()| self.out.flush()).map_err(unwritable)
    }
}

/// Writes a message of clap: help and version to standard output, usage errors to standard error.
pub(super) fn help(message: &clap::Error) -> io::Result<()> {
    let written = message.print().and_then(|()| io::stdout().flush()).map_err(unwritable);
    if message.use_stderr() { Ok(()) } else { written }
}

/// Writes a line to standard error. Errors are ignored: there is nowhere left to report them.
pub(super) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Tells the user something beside the result. It may have paths in it.
pub(super) fn note(note: &str) {
    say(&format!("cipherlens: {}.", inert(note)));
}

/// Asks on standard error, and reads a line of standard input.
pub(super) fn ask(question: &str) -> io::Result<String> {
    // Ignored as above: without standard error, standard input is usually closed too, which means no.
    let _ = write!(io::stderr(), "{question} ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

/// Adds context to a write error. The kind is kept, so that callers can distinguish a closed pipe from a full device.
fn unwritable(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("standard output could not be written: {error}"))
}

/// Null for the newest copy of a vault, else its generation and the newest one that this machine has seen.
pub(super) fn older_copy(vault: &OpenVault) -> serde_json::Value {
    match vault.copy_age() {
        CopyAge::Newest => serde_json::Value::Null,
        CopyAge::Older { found, seen } => json!({ "generation": found, "seen": seen, "forked": false }),
        CopyAge::Forked { found, seen } => json!({ "generation": found, "seen": seen, "forked": true }),
        CopyAge::Unproven { found, seen } => json!({ "generation": found, "seen": seen, "forked": null }),
    }
}

/// When a photo was taken, else when its file was changed, to the minute; empty when neither is known.
pub(super) fn date(photo: &StoredPhoto) -> String {
    inert(&photo.minute().unwrap_or_default()).into_owned()
}

/// Seconds since 1970 as an instant in UTC (RFC 3339); the number itself where the calendar has no such instant.
pub(super) fn instant(seconds: i64) -> String {
    utc_instant(seconds).unwrap_or_else(|| seconds.to_string())
}

/// A score with three decimals: the noise of encryption is in the fourth. Converted directly, `0.8_f32` would be
/// printed as 0.800000011920929.
pub(super) fn decimals(score: f32) -> f64 {
    (f64::from(score) * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_outside_the_calendar_are_numbers() {
        assert_eq!(instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(i64::MAX), i64::MAX.to_string());
    }
}
