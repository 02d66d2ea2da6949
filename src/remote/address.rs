//! The address of a vault: where it is and how to reach it.
//!
//! ```text
//! /photos.vault                        a directory of this machine
//! ssh://ann@nas.example:2222/photos    `cipherlens serve --stdio /photos` there, started by the system's ssh
//! ssh://nas.example/~/photos           the same, from the home directory there
//! via:docker exec -i box cipherlens serve --stdio /photos     a command that speaks the protocol
//! ```
//!
//! Must never: accept a part that ssh could parse as an option.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use super::error::Error;

const SSH: &str = "ssh://";
const VIA: &str = "via:";
/// Where ssh connects to without a port.
const SSH_PORT: u16 = 22;

/// Whether the connecting program may prompt on the terminal, for instance for a password.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prompts {
    /// It may prompt.
    Allowed,
    /// It must use keys and agents only.
    Refused,
}

/// A place that holds or will hold a vault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Address {
    /// A local directory.
    Directory(PathBuf),
    /// A directory on a machine reached by SSH.
    Ssh {
        /// `[user@]host`, as ssh takes it.
        destination: String,
        /// The port, if not the configured one.
        port: Option<u16>,
        /// The directory on the host: absolute, or relative to the home directory.
        path: String,
    },
    /// A command for the local shell that speaks the protocol on its standard input and output.
    Command(String),
}

impl Address {
    /// Parses an address. Anything that begins with neither `ssh://` nor `via:` is a directory.
    ///
    /// Hand-written: the url crate normalises and percent-encodes paths, which are file names here.
    ///
    /// # Errors
    /// [`Error::Address`] for an `ssh://` address without host or path, or with a part that ssh could parse as an
    /// option.
    pub fn parse(text: &OsStr) -> Result<Self, Error> {
        let Some(words) = text.to_str() else { return Ok(Self::Directory(PathBuf::from(text))) };
        if let Some(command) = words.strip_prefix(VIA) {
            return Ok(Self::Command(command.to_owned()));
        }
        let Some(rest) = words.strip_prefix(SSH) else { return Ok(Self::Directory(PathBuf::from(text))) };
        let wrong = |why| Error::Address { address: words.to_owned(), why };
        let (authority, path) = rest.split_once('/').ok_or(wrong("it has no path"))?;
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let (host, port) = match host.rsplit_once(':') {
            // An IPv6 address is in brackets; its colons do not separate a port.
            Some((host, port)) if !port.ends_with(']') => {
                (host, Some(port.parse().ok().filter(|port| *port != 0).ok_or(wrong("its port is not a number"))?))
            }
            _ => (host, None),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_plain = |part: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:%".contains(&byte);
            !part.is_empty() && !part.starts_with('-') && part.bytes().all(fits)
        };
        if !is_plain(host) || !user.is_none_or(is_plain) {
            return Err(wrong("its host or user is empty or contains an invalid character"));
        }
        // Slashes after the home folder are superfluous.
        let path = match path.strip_prefix("~/") {
            Some(path) => path.trim_start_matches('/').to_owned(),
            None => format!("/{path}"),
        };
        if path == "/" || path.is_empty() || path.contains('\0') {
            return Err(wrong("it has no path"));
        }
        let destination = user.map_or_else(|| host.to_owned(), |user| format!("{user}@{host}"));
        Ok(Self::Ssh { destination, port, path })
    }

    /// The address of the vault served by `command`, as text for [`Self::parse`].
    #[must_use]
    pub fn via(command: &str) -> PathBuf {
        PathBuf::from(format!("{VIA}{command}"))
    }

    /// Whether `text` is the address of a vault on another machine or behind a command.
    #[must_use]
    pub fn is_remote(text: &Path) -> bool {
        text.to_str().is_some_and(|text| text.starts_with(SSH) || text.starts_with(VIA))
    }

    /// The same address in the form that all its spellings have in common: an ssh address with its host in lower case
    /// and without a final dot, without the usual port, and without repeated or final slashes and `.` in the path. Only
    /// for comparing addresses: the configuration of ssh may have another port for the host, and patterns in which case
    /// matters. Users, `~` and `..` stay, because only the host knows where they lead.
    #[must_use]
    pub fn normal(&self) -> Self {
        let Self::Ssh { destination, port, path } = self else { return self.clone() };
        let (user, host) = destination.rsplit_once('@').map_or((None, destination.as_str()), |(u, h)| (Some(u), h));
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let names: Vec<&str> = path.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
        let path = match path.strip_prefix('/') {
            // The root, or the home directory, itself.
            _ if names.is_empty() => path.clone(),
            // Otherwise it would be taken for the home folder.
            Some(_) if names[0] == "~" => format!("//{}", names.join("/")),
            Some(_) => format!("/{}", names.join("/")),
            None => names.join("/"),
        };
        Self::Ssh {
            destination: user.map_or_else(|| host.clone(), |user| format!("{user}@{host}")),
            port: port.filter(|port| *port != SSH_PORT),
            path,
        }
    }

    /// The ssh address as the user writes it, or the path: the vault's name in errors.
    #[must_use]
    pub fn place(&self) -> PathBuf {
        let Self::Ssh { destination, port, path } = self else { return self.to_string().into() };
        let (user, host) = destination.rsplit_once('@').map_or(("", destination.as_str()), |(user, host)| (user, host));
        let user = if user.is_empty() { String::new() } else { format!("{user}@") };
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let path = if path.starts_with('/') { path.clone() } else { format!("/~/{path}") };
        format!("{SSH}{user}{host}{port}{path}").into()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(formatter, "{}", path.display()),
            Self::Ssh { destination, .. } => formatter.write_str(destination),
            Self::Command(_) => formatter.write_str("the other end"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, Error> {
        Address::parse(OsStr::new(text))
    }

    fn ssh(destination: &str, port: Option<u16>, path: &str) -> Address {
        Address::Ssh { destination: destination.into(), port, path: path.into() }
    }

    #[test]
    fn each_form_is_read() {
        assert_eq!(parse("photos.vault").unwrap(), Address::Directory("photos.vault".into()));
        assert_eq!(parse("ssh://nas/vault").unwrap(), ssh("nas", None, "/vault"));
        assert_eq!(parse("ssh://ann@nas.example:2222/a b/v").unwrap(), ssh("ann@nas.example", Some(2222), "/a b/v"));
        for text in ["ssh://nas/~/vault", "ssh://nas/~//vault"] {
            assert_eq!(parse(text).unwrap(), ssh("nas", None, "vault"));
        }
        assert_eq!(parse("ssh://[::1]:22/v").unwrap(), ssh("::1", Some(22), "/v"));
        assert_eq!(parse("ssh://[fe80::1]/v").unwrap(), ssh("fe80::1", None, "/v"));
        assert_eq!(parse("via:cat").unwrap(), Address::Command("cat".into()));
    }

    #[test]
    fn an_address_is_shown_as_it_was_written() {
        for text in ["ssh://nas/vault", "ssh://ann@nas.example:2222/a b/v", "ssh://nas/~/vault", "ssh://ann@[::1]:22/v"]
        {
            assert_eq!(parse(text).unwrap().place(), Path::new(text));
        }
    }

    #[test]
    fn spellings_of_an_ssh_address_have_one_normal_form() {
        let normal = |text: &str| parse(text).unwrap().normal().place();
        for text in [
            "ssh://NAS.example/a b/v",
            "ssh://nas.example./a b/v",
            "ssh://nas.example:22/a b/v",
            "ssh://nas.example//a b///v",
            "ssh://nas.example/a b/v/",
            "ssh://nas.example/./a b/./v/.",
        ] {
            assert_eq!(normal(text), Path::new("ssh://nas.example/a b/v"), "{text}");
        }
        // A folder called `~`, and the home folder.
        assert_eq!(normal("ssh://nas///~/v"), Path::new("ssh://nas//~/v"));
        assert_eq!(normal("ssh://nas/~///v"), Path::new("ssh://nas/~/v"));
        assert_eq!(normal("ssh://Ann@[FE80::1]:22/~/v//"), Path::new("ssh://Ann@[fe80::1]/~/v"));
        for text in ["ssh://nas:2222/v", "ssh://nas/../v", "ssh://nas/V", "ssh://nas/~/v", "ssh://nas/."] {
            assert_eq!(normal(text), Path::new(text), "only the host knows more");
        }
    }

    #[test]
    fn parts_that_ssh_could_parse_as_options_are_refused() {
        for text in [
            "ssh://-oProxyCommand=id/v",
            "ssh://-l@nas/v",
            "ssh:///v",
            "ssh://nas",
            "ssh://nas/",
            "ssh://nas/~/",
            "ssh://nas:port/v",
            "ssh://nas:0/v",
            "ssh://nas;id/v",
            "ssh://a b/v",
            "ssh://@nas/v",
        ] {
            assert!(matches!(parse(text), Err(Error::Address { .. })), "{text}");
        }
    }
}
