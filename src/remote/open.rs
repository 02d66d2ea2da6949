//! Opening an address: the one place that knows which backend serves which kind of address.
//!
//! Must never: ask for a passphrase, or decide whether there is a vault; the backend does that.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::address::{Address, Prompts};
use super::cached::CachedBackend;
use super::client::Client;
use super::error::Error;
use crate::vault;
use crate::vault::Backend;

/// How to reach a vault on another machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether the connecting program may prompt on the terminal.
    pub prompts: Prompts,
    /// Where fetched files are cached once the vault is unlocked; `None` for no cache.
    pub cache: Option<PathBuf>,
    /// A host that sends nothing for this long counts as lost.
    pub timeout: Duration,
}

impl Options {
    /// The usual time limit, and no cache.
    #[must_use]
    pub fn new(prompts: Prompts) -> Self {
        Self { prompts, cache: None, timeout: Duration::from_secs(60) }
    }

    /// The same with a cache below `directory`.
    #[must_use]
    pub fn cached_in(self, directory: PathBuf) -> Self {
        Self { cache: Some(directory), ..self }
    }
}

/// Opens the backend for `address`, which need not hold a vault yet. Connects to the host, if there is one.
///
/// # Errors
/// When a host cannot be reached, or something else answers.
pub fn open(address: Address, options: Options) -> Result<Arc<dyn Backend>, Error> {
    match address {
        Address::Directory(root) => Ok(vault::local(root)),
        address @ (Address::Ssh { .. } | Address::Command(_)) => {
            let client = Client::connect(address, options.prompts, options.timeout)?;
            Ok(match options.cache {
                Some(directory) => Arc::new(CachedBackend::new(client, directory)),
                None => Arc::new(client),
            })
        }
    }
}
