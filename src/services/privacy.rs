//! What the program writes is its user's alone, whatever the umask and whatever versions before have left.
//!
//! The umask is one for the whole process, so it is set once, at the start, and covers files that libraries create, such
//! as the log's. Must never: touch a folder or file that is not the program's own, or follow a link to one.

use std::io;
use std::process::Command;
#[cfg(unix)]
use std::sync::OnceLock;

use crate::services::places::Places;

/// What the umask was before: the session's, for what is meant for others.
#[cfg(unix)]
static SESSION_UMASK: OnceLock<rustix::fs::Mode> = OnceLock::new();

/// Keeps what this process holds from everyone else on the machine but its administrator: no core file is written when
/// it crashes, and other processes of the same user can neither attach to it nor read its memory.
///
/// # Errors
/// What the system says. Without it keys are as safe as in any other program of the user.
pub fn shield_process() -> io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    }
    Ok(())
}

/// From now on new files are readable by their owner alone, and new folders enterable by their owner alone.
pub fn keep_new_files_private() {
    #[cfg(unix)]
    {
        let before = rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
        let _ = SESSION_UMASK.set(before);
    }
}

/// From now on new files are again as the session has them: for what a user publishes, such as manual pages.
pub fn share_new_files() {
    #[cfg(unix)]
    if let Some(before) = SESSION_UMASK.get() {
        rustix::process::umask(*before);
    }
}

/// The command that starts `program` for the user's own purposes: its files are as the session has them.
#[must_use]
pub fn session_command(program: &str) -> Command {
    #[cfg(unix)]
    if let Some(before) = SESSION_UMASK.get() {
        let mut command = Command::new("sh");
        command.args(["-c", "umask \"$0\" && exec \"$@\"", &format!("{:03o}", before.bits()), program]);
        return command;
    }
    Command::new(program)
}

/// Takes from group and others what rights they have to the program's own folders and files: versions before followed
/// the umask.
pub fn tighten(places: &Places) {
    #[cfg(unix)]
    for path in places.own_files() {
        unix::tighten(&path);
    }
    #[cfg(not(unix))]
    let _ = places;
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::Path;

    pub(super) fn tighten(path: &Path) {
        let Ok(metadata) = fs::symlink_metadata(path) else { return };
        let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
        let (mode, kind) = (metadata.mode() & 0o7777, metadata.file_type());
        if is_own && (kind.is_dir() || kind.is_file()) && mode & 0o077 != 0 {
            // A folder that cannot be tightened is no reason not to work.
            if let Err(error) = fs::set_permissions(path, Permissions::from_mode(mode & !0o077)) {
                log::warn!("a file of the program stays readable by others: {}", error.kind());
            }
        }
    }
}
