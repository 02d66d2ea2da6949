//! The log file in the state folder: what was done when, how long it took, what failed. It holds no file name, query,
//! score or secret, so that it can be attached to a bug report.

use std::io::{self, Write};

use flexi_logger::{Cleanup, Criterion, DeferredNow, ErrorChannel, FileSpec, Logger, LoggerHandle, Naming};
use log::Record;

use crate::services::app_dirs::AppDirs;

const LARGEST_FILE_BYTES: u64 = 1 << 20;
const OLD_FILES_KEPT: usize = 3;

/// Starts logging to the user's state folder; dropping the handle writes the last lines. A log that cannot be written
/// never fails a command.
pub(super) fn start(dirs: &AppDirs) -> Option<LoggerHandle> {
    Logger::try_with_str("cipherlens=info")
        .ok()?
        .log_to_file(FileSpec::default().directory(dirs.logs()).basename("cipherlens").suppress_timestamp())
        .format_for_files(line)
        .rotate(Criterion::Size(LARGEST_FILE_BYTES), Naming::Numbers, Cleanup::KeepLogFiles(OLD_FILES_KEPT))
        .append()
        // The default reports write errors on standard error, and panics if that fails too.
        .error_channel(ErrorChannel::DevNull)
        .start()
        .ok()
}

/// Time, level, module, message.
fn line(out: &mut dyn Write, now: &mut DeferredNow, record: &Record<'_>) -> io::Result<()> {
    let room = record.module_path().unwrap_or_default();
    write!(out, "{} {} [{room}] {}", now.format_rfc3339(), record.level(), record.args())
}
