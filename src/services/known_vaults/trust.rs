//! Which vaults may be at an address where another one was before, and how the one that was found there was judged.

use super::place::Place;
use crate::vault::Id;

/// Which vaults may be at an address where another one was before.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Trust {
    /// None.
    #[default]
    Known,
    /// Those that the user has agreed to.
    Vaults(Vec<Id>),
    /// Any, because the user expects another one.
    Any,
}

impl From<Option<Id>> for Trust {
    fn from(trusted: Option<Id>) -> Self {
        trusted.map_or(Self::Known, |vault| Self::Vaults(vec![vault]))
    }
}

impl Trust {
    /// Trusts this vault too.
    pub fn add(&mut self, vault: Id) {
        match self {
            Self::Known => *self = Self::Vaults(vec![vault]),
            Self::Vaults(vaults) => vaults.push(vault),
            Self::Any => {}
        }
    }

    pub(super) fn includes(&self, vault: Id) -> bool {
        match self {
            Self::Known => false,
            Self::Vaults(vaults) => vaults.contains(&vault),
            Self::Any => true,
        }
    }
}

/// How a vault relates to what is known at its address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// No vault was known there.
    New,
    /// It is the known one.
    Known,
    /// It takes the place of another one, with the user's consent.
    Replacing,
}

/// A vault at an address, after it was judged.
#[derive(Clone, Debug)]
pub(in crate::services) struct Judged {
    pub(super) place: Place,
    pub(in crate::services) vault: Id,
    pub(super) standing: Standing,
}
