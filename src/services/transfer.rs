//! Copies of a vault: brings one up to date with another, and serves one to another machine.

use std::io::{self, Read, Write};
use std::path::Path;

use crate::error::Error;
use crate::remote::{self, Options, Prompts, Replica};
pub use crate::remote::{OlderSource, Transferred};
use crate::services::app_dirs::AppDirs;
use crate::services::session::{self, Passphrase};

/// Brings the copy at `to` up to date with the one at `from`; both are paths or addresses. `older` says what to do if
/// the source is not the newest copy; a host never replaces its copy with an older one. `copied` is called with the
/// number of files done and the total.
///
/// # Errors
/// When one cannot be reached, `to` is newer or was changed separately (nothing is changed then), or `from` is damaged.
pub fn transfer(
    from: &Path,
    to: &Path,
    passphrase: &Passphrase,
    dirs: &AppDirs,
    older: OlderSource,
    copied: &dyn Fn(usize, usize),
) -> Result<Transferred, Error> {
    let replica = |root: &Path| -> Result<Replica, Error> {
        let backend = session::backend_at(root, Options::new(Prompts::Allowed))?;
        Ok(Replica { backend, name: root.display().to_string() })
    };
    Ok(remote::transfer(&replica(from)?, &replica(to)?, passphrase, &session::freshness(dirs), older, copied)?)
}

/// Serves the vault at `path` until the other side hangs up. Needs no passphrase and never sees one.
///
/// # Errors
/// When the connection fails, or carries anything but the protocol.
pub fn serve(path: &Path, requests: impl Read, replies: impl Write + Send) -> io::Result<()> {
    remote::serve(path, requests, replies)
}
