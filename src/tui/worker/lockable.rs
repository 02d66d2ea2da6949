//! The open vault for work that may take long, such as reading files of a network disk.
//!
//! Must never: keep a key after the vault was locked.

use std::sync::{Arc, Weak};

use super::vault::{Opened, Shared};
use crate::services::open_vault::OpenVault;
use crate::services::recognise::{Lockable, Recogniser};

/// A vault that was open when this was made. It is used only while it is still open, and dropped after each use.
pub(super) struct LockableVault<'a> {
    shared: &'a Shared,
    opened: Weak<Opened>,
}

impl<'a> LockableVault<'a> {
    /// The open vault.
    pub(super) fn of(shared: &'a Shared) -> Option<Self> {
        let opened = Arc::downgrade(&shared.opened()?);
        Some(Self { shared, opened })
    }

    /// Whether it is still the open one.
    pub(super) fn is_open(&self) -> bool {
        self.with(|_, _| ()).is_some()
    }
}

impl Lockable for LockableVault<'_> {
    fn with<T>(&self, read: impl FnOnce(&OpenVault, &Recogniser) -> T) -> Option<T> {
        let opened = self.opened.upgrade().filter(|opened| self.shared.is_open(opened))?;
        Some(read(&opened.vault, &opened.recogniser))
    }
}
