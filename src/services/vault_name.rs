//! The name of a vault, by which a user tells it from others: where a passphrase is asked for, and where a command says
//! what it did.

use std::path::Path;

use crate::remote::Address;
use crate::services::name::inert;

/// The last component of a vault's path, with the host if it is on another machine: `photos.vault`, or `photos.vault on
/// nas`. Safe to show.
#[must_use]
pub fn vault_name(root: &Path) -> String {
    let last = |path: &Path| inert(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy()).into_owned();
    match Address::parse(root.as_os_str()) {
        Ok(Address::Ssh { destination, path, .. }) => {
            let host = destination.rsplit_once('@').map_or(destination.as_str(), |(_, host)| host);
            format!("{} on {}", last(Path::new(&path)), inert(host))
        }
        Ok(Address::Command(_)) => "the vault at the other end".to_owned(),
        // `.` has no name of its own.
        Ok(Address::Directory(path)) => last(&std::path::absolute(&path).unwrap_or(path)),
        Err(_) => last(root),
    }
}

/// Where it is. Safe to show.
#[must_use]
pub fn address(root: &Path) -> String {
    let address = match Address::parse(root.as_os_str()) {
        Ok(Address::Directory(path)) => std::path::absolute(&path).unwrap_or(path),
        Ok(address @ Address::Ssh { .. }) => address.place(),
        Ok(Address::Command(_)) | Err(_) => root.to_owned(),
    };
    inert(&address.to_string_lossy()).into_owned()
}

/// Its name and where it is, for the question for its passphrase: `photos.vault (ssh://nas/photos.vault)`. Two vaults
/// of one name are told apart by that. Safe to show.
#[must_use]
pub fn name_and_address(root: &Path) -> String {
    let name = match Address::parse(root.as_os_str()) {
        // The host is in the address.
        Ok(address @ Address::Ssh { .. }) => {
            inert(&address.place().file_name().unwrap_or_default().to_string_lossy()).into_owned()
        }
        _ => vault_name(root),
    };
    format!("{name} ({})", address(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vault_is_named_by_the_end_of_its_path_and_by_its_host() {
        for (root, name) in [
            ("/home/ann/photos.vault", "photos.vault"),
            ("photos.vault/", "photos.vault"),
            ("ssh://ann@nas.example:2222/a b/photos.vault", "photos.vault on nas.example"),
            ("ssh://nas/~/v", "v on nas"),
            ("via:docker exec -i box cipherlens serve --stdio /photos", "the vault at the other end"),
            ("/v/\u{1b}[31mred", "\u{fffd}[31mred"),
        ] {
            assert_eq!(vault_name(Path::new(root)), name);
        }
        for (root, name) in [
            ("/home/ann/photos.vault/", "photos.vault (/home/ann/photos.vault/)"),
            ("ssh://ann@nas:2222/a b/photos.vault", "photos.vault (ssh://ann@nas:2222/a b/photos.vault)"),
            ("ssh://nas/~/v", "v (ssh://nas/~/v)"),
            ("via:docker exec box", "the vault at the other end (via:docker exec box)"),
            ("/v/\u{1b}[31mred", "\u{fffd}[31mred (/v/\u{fffd}[31mred)"),
        ] {
            assert_eq!(name_and_address(Path::new(root)), name);
        }
        let here = std::env::current_dir().unwrap();
        assert_eq!(vault_name(Path::new(".")), here.file_name().unwrap().to_string_lossy());
    }
}
