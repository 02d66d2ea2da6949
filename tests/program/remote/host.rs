//! A vault with made-up photos on a "host": a directory that only `cipherlens serve` opens, and the library's client.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cipherlens::cipher::Cost;
use cipherlens::remote::{self, Address, Options, Prompts};
use cipherlens::vault::{self, Backend, Error, Freshness, Vault};

use crate::support::vault_fixture::{passphrase, space};

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Host {
    directory: tempfile::TempDir,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// A host with an empty vault, created by the client.
    pub(crate) fn with_vault() -> Self {
        let host = Self::new();
        let backend = host.connect(&host.command()).unwrap();
        Vault::create(backend, &passphrase("correct"), Cost::FLOOR, space(), host.freshness()).unwrap();
        host
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("host.vault")
    }

    pub(crate) fn freshness(&self) -> Freshness {
        Freshness::in_directory(self.path("seen"))
    }

    /// The command that speaks the protocol for this host's vault.
    pub(crate) fn command(&self) -> String {
        serving(&self.root())
    }

    pub(crate) fn connect(&self, command: &str) -> Result<Arc<dyn Backend>, remote::Error> {
        self.connect_within(command, PATIENCE)
    }

    pub(crate) fn connect_within(&self, command: &str, timeout: Duration) -> Result<Arc<dyn Backend>, remote::Error> {
        let address = Address::Command(command.to_owned());
        remote::open(address, Options { prompts: Prompts::Refused, cache: Some(self.path("cache")), timeout })
    }

    /// Opens the vault over the connection made by `command`.
    pub(crate) fn try_open(&self, command: &str) -> Result<Vault, Error> {
        let backend = self.connect(command).map_err(|error| Error::Elsewhere(Box::new(error)))?;
        Ok(Vault::open(backend, &passphrase("correct"), self.freshness())?.0)
    }

    pub(crate) fn open(&self) -> Vault {
        self.try_open(&self.command()).unwrap()
    }

    /// Opens the vault locally, as the owner of the host could with the passphrase.
    pub(crate) fn open_there(&self) -> Vault {
        let elsewhere = Freshness::in_directory(self.path("seen there"));
        Vault::open(vault::local(self.root()), &passphrase("correct"), elsewhere).unwrap().0
    }

    /// Empties the cache.
    pub(crate) fn clear_cache(&self) {
        if self.path("cache").exists() {
            std::fs::remove_dir_all(self.path("cache")).unwrap();
        }
    }
}

/// The real binary serving the vault at `root`, with nothing of the environment and a home directory beside the vault.
pub(crate) fn serving(root: &Path) -> String {
    let (program, home) = (env!("CARGO_BIN_EXE_cipherlens"), root.with_file_name("home"));
    format!("exec env -i HOME='{}' '{program}' serve --stdio '{}'", home.display(), root.display())
}

/// The error of the connection in a vault's error.
pub(crate) fn cause(error: &Error) -> &remote::Error {
    match error {
        Error::Elsewhere(error) => error.downcast_ref().unwrap(),
        other => panic!("no error of the connection: {other}"),
    }
}
