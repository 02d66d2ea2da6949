//! `host:path`, as scp and rsync write a remote path. Here it would name a local folder, so the user is asked which of
//! the two was meant. Must never: guess.

use std::path::Path;

use crate::remote::Address;

/// A text that looks like a remote path, and the unambiguous ways to write it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScpAddress {
    /// The host, with the user in front where one was given.
    pub host: String,
    /// The remote path as an ssh address. As with scp, a relative path starts in the remote home folder.
    pub ssh: String,
    /// The local folder of the same name.
    pub folder: String,
}

/// Reads `text` as scp would, `[user@]host:path` without a slash before the colon, unless it exists on this machine.
#[must_use]
pub fn scp_address(text: &Path) -> Option<ScpAddress> {
    if Address::is_remote(text) {
        return None;
    }
    let words = text.to_str()?;
    let (host, path) = words.split_once(':')?;
    // A single letter is a drive.
    let is_host = host.len() > 1
        && !host.starts_with('-')
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte));
    if !is_host || path.is_empty() || text.exists() {
        return None;
    }
    let path_there = match path.strip_prefix('/') {
        Some(absolute) => absolute.to_owned(),
        None => format!("~/{}", path.strip_prefix("~/").unwrap_or(path)),
    };
    Some(ScpAddress { host: host.to_owned(), ssh: format!("ssh://{host}/{path_there}"), folder: format!("./{words}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_scp_would_read_as_remote_are_recognised() {
        for (text, ssh) in [
            ("nas:photos", "ssh://nas/~/photos"),
            ("ann@nas.example:my photos", "ssh://ann@nas.example/~/my photos"),
            ("nas:/srv/photos.vault", "ssh://nas/srv/photos.vault"),
            ("nas:~/photos", "ssh://nas/~/photos"),
        ] {
            let address = scp_address(Path::new(text)).unwrap();
            assert_eq!((address.ssh.as_str(), address.folder), (ssh, format!("./{text}")));
            assert!(matches!(Address::parse(ssh.as_ref()), Ok(Address::Ssh { .. })), "{ssh}");
        }
    }

    #[test]
    fn plain_addresses_and_paths_are_left_alone() {
        for text in [
            "photos",
            "ssh://nas/photos",
            "via:cat",
            "./nas:photos",
            "a/nas:photos",
            "C:photos",
            "nas:",
            ":photos",
            "-x:y",
            "a b:c",
        ] {
            assert_eq!(scp_address(Path::new(text)), None, "{text}");
        }
    }
}
