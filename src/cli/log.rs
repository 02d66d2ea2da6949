//! The log file in the state folder: when something was done, how long it took, what failed. At its level it holds no
//! file name, no query, no score and no secret, so that it may be attached to a report.

use std::io::{self, Write};

use flexi_logger::{Cleanup, Criterion, DeferredNow, ErrorChannel, FileSpec, Logger, LoggerHandle, Naming};
use log::Record;

use crate::services::app_dirs::AppDirs;

const LARGEST_FILE_BYTES: u64 = 1 << 20;
const OLD_FILES_KEPT: usize = 3;

/// Starts logging to the user's state folder; the handle writes the last lines when it is dropped.
/// A log that cannot be written never keeps a command from its work.
pub(super) fn start(dirs: &AppDirs) -> Option<LoggerHandle> {
    Logger::try_with_str("cipherlens=info")
        .ok()?
        .log_to_file(FileSpec::default().directory(dirs.logs()).basename("cipherlens").suppress_timestamp())
        .format_for_files(line)
        .rotate(Criterion::Size(LARGEST_FILE_BYTES), Naming::Numbers, Cleanup::KeepLogFiles(OLD_FILES_KEPT))
        .append()
        // By default it says on standard error that the file cannot be written, and panics where that cannot be written.
        .error_channel(ErrorChannel::DevNull)
        .start()
        .ok()
}

/// When, how grave, which room of the program, and what.
fn line(out: &mut dyn Write, now: &mut DeferredNow, record: &Record<'_>) -> io::Result<()> {
    let room = record.module_path().unwrap_or_default();
    write!(out, "{} {} [{room}] {}", now.format_rfc3339(), record.level(), record.args())
}
