//! Keeps the program's files accessible to their owner alone, whatever the umask is and whatever earlier versions left.
//!
//! The umask belongs to the whole process, so it is set once at the start; it also covers files that libraries create,
//! such as the log. Must never: touch a folder or file that is not the program's own, or follow a link to one.

use std::io;
use std::process::Command;
#[cfg(unix)]
use std::sync::OnceLock;

use crate::services::app_dirs::AppDirs;

/// The umask of the user's session, for files that are meant for others.
#[cfg(unix)]
static SESSION_UMASK: OnceLock<rustix::fs::Mode> = OnceLock::new();

/// Keeps secrets inside the process: no core dumps and no other process reading its memory, and new files for their
/// owner alone. Call it before anything secret is read.
pub fn harden_process() {
    // On a system that refuses this, the program still runs.
    let _ = shield_process();
    keep_new_files_private();
}

/// Turns off core dumps, and keeps other processes of the same user from attaching to this one or reading its memory.
fn shield_process() -> io::Result<()> {
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

/// Makes new files and folders accessible to their owner alone from now on.
fn keep_new_files_private() {
    #[cfg(unix)]
    {
        let before = rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
        let _ = SESSION_UMASK.set(before);
    }
}

/// Goes back to the session's umask, for files that are meant for others, such as manual pages.
pub fn share_new_files() {
    #[cfg(unix)]
    if let Some(before) = SESSION_UMASK.get() {
        rustix::process::umask(*before);
    }
}

/// The command that starts `program` under the session's umask.
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

/// Removes the rights of group and others from the program's own folders and files: earlier versions followed the
/// umask.
pub fn tighten(dirs: &AppDirs) {
    #[cfg(unix)]
    for path in dirs.own_files() {
        unix::tighten(&path);
    }
    #[cfg(not(unix))]
    let _ = dirs;
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
            // The program works nevertheless.
            if let Err(error) = fs::set_permissions(path, Permissions::from_mode(mode & !0o077)) {
                log::warn!("a file of the program stays readable by others: {}", error.kind());
            }
        }
    }
}
