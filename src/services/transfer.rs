//! Copies of a vault: brings one up to date with another, and serves one to another machine.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::remote::{self, Options, Prompts, Replica};
pub use crate::remote::{OlderSource, Transferred};
use crate::services::app_dirs::AppDirs;
use crate::services::known_vaults::{Judged, KnownVaults, Trust};
use crate::services::session::{self, Passphrase};
use crate::services::vault_name::{address, name_and_address, vault_name};
use crate::vault;

/// What to do about a target without a vault where this machine has seen one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IfGone {
    /// Refuse, unless the vault that is to be copied there is trusted: a host that hides a copy would get another one.
    Refuse,
    /// Copy: the target is here, and its loss is why it is copied.
    Copy,
}

/// Two places, of which one is to be brought up to date with the other.
pub struct Transfer {
    pub(super) from: Replica,
    pub(super) source: Judged,
    pub(super) to: Replica,
    /// `None` where there is no vault.
    pub(super) target: Option<Judged>,
    /// Whether this machine has seen a vault where there is none any more.
    is_gone: bool,
    /// Both as they were given.
    roots: [PathBuf; 2],
}

impl Transfer {
    /// Finds the copies at `from` and `to`, paths or addresses, so that a wrong path, or another vault than the known
    /// one, is reported before a passphrase is asked for. There need not be a vault at `to`.
    ///
    /// # Errors
    /// [`Error::OtherVault`] when another vault was at one of them before and `trust` does not include the one that is
    /// there now, and [`Error::VaultGone`] as `if_gone` says: ask the user. When there is no vault at `from`, or one of
    /// them cannot be reached.
    pub fn between(from: &Path, to: &Path, dirs: &AppDirs, trust: &Trust, if_gone: IfGone) -> Result<Self, Error> {
        let mut found = Self::find(from, to, dirs, trust)?;
        if found.target.is_none() && if_gone == IfGone::Refuse {
            found.is_gone = KnownVaults::of(dirs).judge_empty(to, found.source.vault, trust)?;
        }
        Ok(found)
    }

    /// The same wherever there is no vault at `to`.
    pub(super) fn find(from: &Path, to: &Path, dirs: &AppDirs, trust: &Trust) -> Result<Self, Error> {
        let known = KnownVaults::of(dirs);
        let found = |root: &Path| -> Result<(Replica, Option<Judged>), Error> {
            let backend = session::backend_at(root, Options::new(Prompts::Allowed))?;
            let claimed = match vault::claimed_id(&*backend) {
                Ok(claimed) => Some(claimed),
                Err(vault::Error::NotAVault { .. }) => None,
                Err(error) => return Err(error.into()),
            };
            let judged = claimed.map(|vault| known.judge(root, vault, trust)).transpose()?;
            Ok((Replica { backend, name: root.display().to_string(), claimed }, judged))
        };
        let (from_replica, source) = found(from)?;
        let source = source.ok_or_else(|| vault::Error::NotAVault { path: from.to_owned() })?;
        let (to_replica, target) = found(to)?;
        let roots = [from.to_owned(), to.to_owned()];
        Ok(Self { from: from_replica, source, to: to_replica, target, is_gone: false, roots })
    }

    /// What the two copies are called: by their addresses, if they have the same name. Safe to show.
    #[must_use]
    pub fn names(&self) -> [String; 2] {
        let [one, other] = [vault_name(&self.roots[0]), vault_name(&self.roots[1])];
        if one == other { self.roots.each_ref().map(|root| address(root)) } else { [one, other] }
    }

    /// Name and address of the copy whose passphrase is asked for. Safe to show.
    #[must_use]
    pub fn source_and_address(&self) -> String {
        name_and_address(&self.roots[0])
    }

    /// Brings `to` up to date with `from`. `older` says what to do if the source is not the newest copy; a host never
    /// replaces its copy with an older one. `copied` is called with the number of files done and the total.
    /// Returns what to tell the user about the list of known vaults and about a copy that was gone, too.
    ///
    /// # Errors
    /// When `to` is newer or was changed separately (nothing is changed then), `from` is damaged, or a connection is
    /// lost; [`vault::Error::Exchanged`] when `from` is not the vault that was found.
    pub fn run(
        self,
        passphrase: &Passphrase,
        dirs: &AppDirs,
        older: OlderSource,
        copied: &dyn Fn(usize, usize),
    ) -> Result<(Transferred, Vec<String>), Error> {
        let done = remote::transfer(&self.from, &self.to, passphrase, &session::freshness(dirs), older, copied)?;
        let known = KnownVaults::of(dirs);
        let target = match self.target {
            Some(target) => target,
            None => KnownVaults::made(&self.roots[1], self.source.vault)?,
        };
        let mut notes = known.note_all(&[&self.source, &target], done.newest);
        notes.extend(self.is_gone.then(|| format!("the copy at {} was gone and is there anew", self.to.name)));
        Ok((done, notes))
    }
}

/// Serves the vault at `path` until the other side hangs up. Needs no passphrase and never sees one.
///
/// # Errors
/// When the connection fails, or carries anything but the protocol.
pub fn serve(path: &Path, requests: impl Read, replies: impl Write + Send) -> io::Result<()> {
    remote::serve(path, requests, replies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::open_vault;
    use crate::services::session::FoundVault;

    /// Replaces the files of one vault by those of another one, in the same folder.
    fn exchange(vault: &Path, by: &Path) {
        for name in ["header", "mapping.json", "lock"] {
            std::fs::copy(by.join(name), vault.join(name)).unwrap();
        }
    }

    #[test]
    fn a_vault_that_is_exchanged_between_judging_and_unlocking_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, theirs] = ["ours", "theirs"].map(|name| folder.path().join(name));
        drop((open_vault::tests::vault(&ours), open_vault::tests::vault(&theirs)));
        let dirs = AppDirs::within(folder.path());
        let passphrase = session::passphrase(&b"correct horse".to_vec().into()).unwrap();
        let found = FoundVault::at(&ours, &dirs, Prompts::Refused, &Trust::Known).unwrap();
        let target = folder.path().join("target");
        let transfer = Transfer::between(&ours, &target, &dirs, &Trust::Known, IfGone::Refuse).unwrap();
        exchange(&ours, &theirs);
        let refused = found.unlock(&passphrase, &dirs).map(|vault| vault.id());
        assert!(matches!(refused, Err(Error::Vault(vault::Error::Exchanged))), "{refused:?}");
        let refused = transfer.run(&passphrase, &dirs, OlderSource::Refuse, &|_, _| {});
        assert!(matches!(refused, Err(Error::Vault(vault::Error::Exchanged))), "{refused:?}");
        assert!(!target.exists() && !dirs.known_vaults().exists(), "nothing was copied, and neither is known");
        // What was found is what is opened if nobody interferes.
        let found = FoundVault::at(&ours, &dirs, Prompts::Refused, &Trust::Known).unwrap();
        let claimed = found.claimed_id();
        assert_eq!(found.unlock(&passphrase, &dirs).unwrap().id(), claimed.to_string());
    }
}
