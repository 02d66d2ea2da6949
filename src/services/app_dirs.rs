//! Where the program keeps its own files outside a vault: the platform's folders for configuration, data, state and
//! cache.
//!
//! They hold settings, the log, the path of the vault used last, the newest generation seen of each vault, which vault
//! is known at which address, how pictures are drawn in each kind of terminal, what an interrupted upgrade had written
//! and, encrypted, the interrupted indexing runs and a cache of remote vaults. Must never hold a passphrase, a key, a
//! vector or a photo in clear.

use std::io;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::durable;
use crate::remote::Address;

/// The user's folders for this program (XDG Base Directory Specification on Linux, Known Folders on Windows, Standard
/// Directories on macOS).
#[derive(Clone, Debug)]
pub struct AppDirs {
    config: PathBuf,
    data: PathBuf,
    state: PathBuf,
    cache: PathBuf,
}

impl AppDirs {
    /// The folders of the user who runs the process; `None` when the system knows no home directory.
    #[must_use]
    pub fn for_user() -> Option<Self> {
        let project = ProjectDirs::from("", "", "cipherlens")?;
        Some(Self {
            config: project.config_dir().to_owned(),
            data: project.data_dir().to_owned(),
            cache: project.cache_dir().to_owned(),
            // Only Linux has a folder for state; elsewhere it is kept with the local data.
            state: project.state_dir().map_or_else(|| project.data_local_dir().join("state"), Path::to_owned),
        })
    }

    /// Folders below `root`, for a run that must leave no trace in the user's own.
    #[must_use]
    pub fn within(root: &Path) -> Self {
        let folder = |name| root.join(name);
        Self { config: folder("config"), data: folder("data"), state: folder("state"), cache: folder("cache") }
    }

    /// The settings file; it need not exist.
    #[must_use]
    pub fn settings_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// Where weights are looked for when the binary has none built in.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Where the newest generation seen of each vault is kept.
    #[must_use]
    pub fn freshness(&self) -> PathBuf {
        self.state.join("freshness")
    }

    /// Where interrupted indexing runs are recorded, encrypted.
    #[must_use]
    pub fn interrupted_runs(&self) -> PathBuf {
        self.state.join("unfinished")
    }

    /// Where an interrupted upgrade finds what it had written: a file for each vault.
    #[must_use]
    pub fn upgrade_drafts(&self) -> PathBuf {
        self.state.join("upgrades")
    }

    /// Where objects fetched from remote vaults are cached, encrypted.
    #[must_use]
    pub fn remote_cache(&self) -> PathBuf {
        self.cache.join("fetched")
    }

    /// The folder of the log files.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.state.join("log")
    }

    /// The vault that was used last, if one was.
    #[must_use]
    pub fn last_vault(&self) -> Option<PathBuf> {
        let text = std::fs::read_to_string(self.last_vault_file()).ok()?;
        let path = text.trim_end_matches('\n');
        (!path.is_empty()).then(|| PathBuf::from(path))
    }

    /// Remembers `vault` as the one used last. A path that is not UTF-8 is not remembered, and neither is a `via:`
    /// command: the program runs a command only if the user has just given it. This is only a convenience, so an error
    /// is logged and nothing fails.
    pub fn remember_last_vault(&self, vault: &Path) {
        if let Err(error) = self.try_remember_last_vault(vault) {
            log::warn!("the vault used last was not remembered: {}", error.kind());
        }
    }

    fn try_remember_last_vault(&self, vault: &Path) -> io::Result<()> {
        let vault = match Address::parse(vault.as_os_str()) {
            Ok(Address::Directory(path)) => std::path::absolute(path)?,
            Ok(Address::Ssh { .. }) => vault.to_owned(),
            Ok(Address::Command(_)) | Err(_) => return Ok(()),
        };
        let Some(text) = vault.to_str().map(|path| format!("{path}\n")) else { return Ok(()) };
        std::fs::create_dir_all(&self.state)?;
        durable::replace(&self.last_vault_file(), text.as_bytes())
    }

    /// How the user wants pictures drawn in each kind of terminal.
    #[must_use]
    pub fn terminals_file(&self) -> PathBuf {
        self.state.join("terminals.toml")
    }

    /// Where it is kept which vault is known at which address.
    #[must_use]
    pub fn known_vaults(&self) -> PathBuf {
        self.state.join("known_vaults.json")
    }

    /// What is locked while that is changed.
    #[must_use]
    pub fn known_vaults_lock(&self) -> PathBuf {
        self.state.join("known_vaults.lock")
    }

    /// Every folder and file that the program makes here, existing or not, except the files of the cache: there may be
    /// many, and they have been private in every version.
    #[must_use]
    pub fn own_files(&self) -> Vec<PathBuf> {
        let settings = self.settings_file();
        let templates = ["keymap.toml", "theme.toml"].map(|name| settings.with_file_name(name));
        let folders = [&self.config, &self.state, &self.cache].map(PathBuf::clone);
        let inner =
            [self.logs(), self.freshness(), self.interrupted_runs(), self.upgrade_drafts(), self.remote_cache()];
        let mut own: Vec<PathBuf> = folders.into_iter().chain(inner.clone()).chain(templates).collect();
        own.extend([settings, self.last_vault_file(), self.terminals_file()]);
        own.extend([self.known_vaults(), self.known_vaults_lock()]);
        let inside = inner.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        own.extend(inside.map(|entry| entry.path()));
        own
    }

    fn last_vault_file(&self) -> PathBuf {
        self.state.join("last_vault")
    }
}
