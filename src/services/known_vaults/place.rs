//! Where a vault is, in a form in which two spellings of one place are equal.
//!
//! Must never: connect to another machine, or run a command.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::remote::Address;

/// An address as the program would open it again: the absolute path of a folder, or the text of an address.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(untagged)]
pub(super) enum KnownAddress {
    /// A text.
    Text(String),
    /// A path that is not UTF-8.
    Bytes {
        /// Its bytes in hexadecimal.
        bytes: String,
        /// What can be shown of it.
        shown: String,
    },
}

impl KnownAddress {
    pub(super) fn new(address: &OsStr) -> Self {
        match address.to_str() {
            Some(text) => Self::Text(text.to_owned()),
            None => Self::Bytes {
                bytes: base16ct::HexDisplay(address.as_encoded_bytes()).to_string(),
                shown: address.to_string_lossy().into_owned(),
            },
        }
    }
}

impl fmt::Display for KnownAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(shown) | Self::Bytes { shown, .. } => formatter.write_str(shown),
        }
    }
}

/// The place that a path or address leads to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Place {
    /// Its address: of a folder without symbolic links, as far as it exists; of an ssh address its normal form.
    pub(super) address: KnownAddress,
    /// How it was spelled, if that is something else. Judged too: who can replace a folder by a link must not lead to a
    /// vault unnoticed because its folder is a new one, and earlier versions know ssh addresses as they were spelled.
    pub(super) spelling: Option<KnownAddress>,
}

impl Place {
    /// The place that `root` leads to. A folder need not exist.
    ///
    /// # Errors
    /// When `root` is not an address, or the current folder is unknown.
    pub(super) fn of(root: &Path) -> Result<Self, Error> {
        let path = match Address::parse(root.as_os_str())? {
            Address::Directory(path) => path,
            spelled @ Address::Ssh { .. } => {
                let [address, spelling] =
                    [spelled.normal(), spelled].map(|address| KnownAddress::new(address.place().as_os_str()));
                return Ok(Self { spelling: (spelling != address).then_some(spelling), address });
            }
            Address::Command(_) => return Ok(Self { address: KnownAddress::new(root.as_os_str()), spelling: None }),
        };
        let absolute = std::path::absolute(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        // Without a slash at the end.
        let absolute: PathBuf = absolute.components().collect();
        let address = KnownAddress::new(without_links(&absolute).as_os_str());
        let spelling = KnownAddress::new(absolute.as_os_str());
        Ok(Self { spelling: (spelling != address).then_some(spelling), address })
    }

    /// The place as the user knows it.
    pub(super) fn shown(&self) -> &KnownAddress {
        self.spelling.as_ref().unwrap_or(&self.address)
    }

    /// All names of the place.
    pub(super) fn names(&self) -> BTreeSet<&KnownAddress> {
        [&self.address].into_iter().chain(&self.spelling).collect()
    }
}

/// The absolute path with its links followed, as far as it exists.
fn without_links(absolute: &Path) -> PathBuf {
    let mut missing = Vec::new();
    for ancestor in absolute.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            return missing.iter().rev().fold(real, |path, name| path.join(name));
        }
        match ancestor.components().next_back() {
            Some(Component::Normal(name)) => missing.push(name),
            // `..` below something that does not exist.
            _ => break,
        }
    }
    absolute.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(root: impl AsRef<Path>) -> Place {
        Place::of(root.as_ref()).unwrap()
    }

    #[test]
    fn an_ssh_address_and_a_command_are_kept_as_text() {
        assert_eq!(place("ssh://nas/~/photos").address.to_string(), "ssh://nas/~/photos");
        assert_eq!(place("via:serve it").address.to_string(), "via:serve it");
        assert!(Place::of(Path::new("ssh://nas")).is_err());
    }

    #[test]
    fn spellings_of_one_ssh_address_are_one_place() {
        let plain = place("ssh://nas/~/photos");
        assert_eq!(plain.spelling, None);
        for spelled in ["ssh://NAS/~/photos", "ssh://nas.:22/~/photos/"] {
            let place = place(spelled);
            assert_eq!((&place.address, place.shown().to_string()), (&plain.address, spelled.to_owned()));
        }
    }

    #[cfg(unix)]
    #[test]
    fn spellings_of_one_folder_are_one_address() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("vault")).unwrap();
        std::os::unix::fs::symlink(real.join("vault"), real.join("link")).unwrap();
        let plain = place(real.join("vault"));
        assert_eq!(plain.spelling, None);
        for spelled in ["vault/", "./vault", "link", "vault/../vault"] {
            assert_eq!(place(real.join(spelled)).address, plain.address, "{spelled}");
        }
        let link = KnownAddress::new(real.join("link").as_os_str());
        assert_eq!(place(real.join("link")).spelling, Some(link), "how it was spelled is judged too");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_keeps_its_address_when_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(real.join("disk/vault")).unwrap();
        std::os::unix::fs::symlink(real.join("disk"), real.join("mount")).unwrap();
        let before = place(real.join("mount/vault"));
        std::fs::remove_dir(real.join("disk/vault")).unwrap();
        assert_eq!(place(real.join("mount/vault")), before);
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_utf_8_has_an_address_too() {
        use std::os::unix::ffi::OsStrExt;
        let [one, other] = [&b"/\xff"[..], b"/\xfe"].map(|path| place(Path::new(OsStr::from_bytes(path))).address);
        assert_ne!(one, other);
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<KnownAddress>(&text).unwrap(), one);
    }
}
