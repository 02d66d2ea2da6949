//! Where the program keeps its own files outside a vault: the platform's places for configuration, data and state.
//!
//! Must never hold a passphrase, a key, a feature or a photo. What is kept: settings, the log, the path of the vault
//! used last, the newest generation seen of each vault, how pictures are drawn in each kind of terminal, and, sealed,
//! which indexing runs were interrupted and a cache of vaults elsewhere.

use std::io;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::durable;
use crate::remote::Address;

/// The user's folders for this program (XDG Base Directory Specification on Linux, Known Folders on Windows, Standard
/// Directories on macOS).
#[derive(Clone, Debug)]
pub struct Places {
    config: PathBuf,
    data: PathBuf,
    state: PathBuf,
    cache: PathBuf,
}

impl Places {
    /// The folders of the user who runs the process; `None` when the system knows no home directory.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        let project = ProjectDirs::from("", "", "cipherlens")?;
        Some(Self {
            config: project.config_dir().to_owned(),
            data: project.data_dir().to_owned(),
            cache: project.cache_dir().to_owned(),
            // Only Linux has a place for state; elsewhere it lies in a folder of the local data.
            state: project.state_dir().map_or_else(|| project.data_local_dir().join("state"), Path::to_owned),
        })
    }

    /// Folders below `root`, for a run that shall leave no trace in the user's own.
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

    /// Where other weights are looked for when the binary carries none.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Where the newest generation seen of each vault is kept.
    #[must_use]
    pub fn freshness(&self) -> PathBuf {
        self.state.join("freshness")
    }

    /// Where it is kept, sealed, which indexing runs were interrupted.
    #[must_use]
    pub fn unfinished(&self) -> PathBuf {
        self.state.join("unfinished")
    }

    /// Where what was fetched from other machines is kept, sealed.
    #[must_use]
    pub fn fetched(&self) -> PathBuf {
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

    /// Remembers `vault` as the one used last. A path that is not UTF-8 is not remembered, and neither is a command: one
    /// that is run is always one that was just given.
    ///
    /// # Errors
    /// When the state folder cannot be written.
    pub fn remember_vault(&self, vault: &Path) -> io::Result<()> {
        let vault = match Address::parse(vault.as_os_str()) {
            Ok(Address::Directory(path)) => std::path::absolute(path)?,
            Ok(Address::Ssh { .. }) => vault.to_owned(),
            Ok(Address::Command(_)) | Err(_) => return Ok(()),
        };
        let Some(text) = vault.to_str().map(|path| format!("{path}\n")) else { return Ok(()) };
        std::fs::create_dir_all(&self.state)?;
        durable::replace(&self.last_vault_file(), text.as_bytes())
    }

    /// Where the way of drawing pictures is kept that the user chose for each kind of terminal.
    #[must_use]
    pub fn terminals_file(&self) -> PathBuf {
        self.state.join("terminals.toml")
    }

    /// Every folder and file that the program makes here, and some that are not there. Not the sealed files of the cache:
    /// there may be many, and they were always private.
    #[must_use]
    pub fn own_files(&self) -> Vec<PathBuf> {
        let settings = self.settings_file();
        let templates = ["keymap.toml", "theme.toml"].map(|name| settings.with_file_name(name));
        let folders = [&self.config, &self.state, &self.cache].map(PathBuf::clone);
        let inner = [self.logs(), self.freshness(), self.unfinished(), self.fetched()];
        let mut own: Vec<PathBuf> = folders.into_iter().chain(inner.clone()).chain(templates).collect();
        own.extend([settings, self.last_vault_file(), self.terminals_file()]);
        let inside = inner.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        own.extend(inside.map(|entry| entry.path()));
        own
    }

    fn last_vault_file(&self) -> PathBuf {
        self.state.join("last_vault")
    }
}
