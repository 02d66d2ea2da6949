//! The log file in the state folder: when something was done, how long it took, what failed. At its level it holds no
//! file name, no query, no score and no secret, so that it may be attached to a report.

use flexi_logger::{Cleanup, Criterion, FileSpec, Logger, LoggerHandle, Naming};

use crate::services::places::Places;

const LARGEST_FILE_BYTES: u64 = 1 << 20;
const OLD_FILES_KEPT: usize = 3;

/// Starts logging to the user's state folder; the handle writes the last lines when it is dropped.
/// A log that cannot be written never keeps a command from its work.
pub(super) fn start(places: &Places) -> Option<LoggerHandle> {
    Logger::try_with_str("cipherlens=info")
        .ok()?
        .log_to_file(FileSpec::default().directory(places.logs()).basename("cipherlens").suppress_timestamp())
        .rotate(Criterion::Size(LARGEST_FILE_BYTES), Naming::Numbers, Cleanup::KeepLogFiles(OLD_FILES_KEPT))
        .append()
        .start()
        .ok()
}
