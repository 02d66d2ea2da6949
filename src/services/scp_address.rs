//! `host:path`, as scp and rsync write a place on another machine. Here it would name a folder, so whoever types it is asked
//! what was meant. Must never: guess.

use std::path::Path;

use crate::remote::Address;

/// What looks like a place on another machine, and the addresses that say it without doubt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScpAddress {
    /// The machine, with the user before it where one was written.
    pub host: String,
    /// The place as an address of this program. As with scp, a path without a slash in front begins in the home folder there.
    pub ssh: String,
    /// The folder of this machine that has the same name.
    pub folder: String,
}

/// Reads `text` as scp would, where it names nothing on this machine: `[user@]host:path`, no slash before the colon.
#[must_use]
pub fn scp_address(text: &Path) -> Option<ScpAddress> {
    if Address::is_remote(text) {
        return None;
    }
    let words = text.to_str()?;
    let (host, path) = words.split_once(':')?;
    // A letter alone is a drive.
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
    fn what_scp_would_take_to_another_machine_is_recognised() {
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
    fn addresses_and_paths_are_what_they_are() {
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
