//! Where a photo was found, and the files that were found with it: parts of a record.
//!
//! Nothing here has `Debug`: names and times must not be logged.
//!
//! Must never: let a path lead out of its source.

use super::fields::Bytes;
use super::hex::{Digest, Hex, Id};

/// Most bytes of a path below a source.
pub const LONGEST_PATH_BYTES: usize = 4096;

/// A place where a photo was found.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// The source; 16 zero bytes for a photo that was added by itself.
    pub source: Id,
    /// The path below the source as the system has it, with `/` between names.
    pub path: Vec<u8>,
    /// When the file was last modified, if that is known.
    pub modified: Option<Modified>,
}

/// When a file was last modified.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Modified {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds after that, below 10^9. More are written as an unknown time.
    pub nanoseconds: u32,
}

/// A file that belongs to a photo, kept beside it.
#[derive(Clone, PartialEq, Eq)]
pub struct Companion {
    /// What it is to the photo.
    pub role: CompanionRole,
    /// The id of its encrypted file in `encrypted_images`, as in the image list.
    pub id: Id,
    /// HMAC-SHA-256 of the file as it was found, as for a photo.
    pub content: Digest,
    /// Bytes of the file as it was found.
    pub bytes: u64,
    /// Where it was found.
    pub found: Found,
}

/// What a companion is to its photo. Newer versions may write other numbers, which are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CompanionRole(pub u8);

impl CompanionRole {
    /// The video of a live photo.
    pub const LIVE_VIDEO: Self = Self(1);
    /// The raw image of which the photo is a rendering.
    pub const RAW: Self = Self(2);
    /// An edited version.
    pub const EDIT: Self = Self(3);
    /// A file about the photo, such as XMP.
    pub const SIDECAR: Self = Self(4);
}

/// Whether a path stays below its source: names that are not empty, not `.` or `..`, and have no NUL.
#[must_use]
pub fn is_path(path: &[u8]) -> bool {
    let is_name = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && !name.contains(&0);
    path.split(|byte| *byte == b'/').all(is_name)
}

impl Found {
    const SECOND: u32 = 1_000_000_000;
    const UNKNOWN_TIME: u32 = u32::MAX;

    pub(super) fn encode(&self) -> Vec<u8> {
        let unknown = Modified { seconds: 0, nanoseconds: Self::UNKNOWN_TIME };
        let known = self.modified.filter(|modified| modified.nanoseconds < Self::SECOND);
        let Modified { seconds, nanoseconds } = known.unwrap_or(unknown);
        [&self.source.0[..], &seconds.to_le_bytes(), &nanoseconds.to_le_bytes(), &self.path].concat()
    }

    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        let mut rest = Bytes(value);
        let (source, seconds, nanoseconds) = (Hex(rest.array()?), rest.i64()?, rest.u32()?);
        let modified = match (seconds, nanoseconds) {
            (0, Self::UNKNOWN_TIME) => None,
            (_, ..Self::SECOND) => Some(Modified { seconds, nanoseconds }),
            _ => return None,
        };
        Some(Self { source, path: rest.rest().to_vec(), modified })
    }
}

impl Companion {
    pub(super) fn encode(&self) -> Vec<u8> {
        let Self { role, id, content, bytes, found } = self;
        [&[role.0][..], &id.0, &content.0, &bytes.to_le_bytes(), &found.encode()].concat()
    }

    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        let mut rest = Bytes(value);
        let (role, id) = (CompanionRole(rest.u8()?), Hex(rest.array()?));
        let (content, bytes) = (Hex(rest.array()?), rest.u64()?);
        Some(Self { role, id, content, bytes, found: Found::decode(rest.rest())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(seconds: i64, nanoseconds: u32) -> Found {
        Found { source: Hex([3; 16]), path: b"a".to_vec(), modified: Some(Modified { seconds, nanoseconds }) }
    }

    #[test]
    fn a_time_has_less_than_a_second_of_nanoseconds() {
        let latest = found(-1, 999_999_999);
        assert!(Found::decode(&latest.encode()).is_some_and(|read| read == latest));
        for nanoseconds in [1_000_000_000, u32::MAX - 1, u32::MAX] {
            let written = found(1, nanoseconds).encode();
            assert!(Found::decode(&written).is_some_and(|read| read.modified.is_none()), "{nanoseconds}");
            let bytes = [&[3; 16][..], &1i64.to_le_bytes(), &nanoseconds.to_le_bytes(), b"a"].concat();
            assert!(Found::decode(&bytes).is_none(), "{nanoseconds}");
        }
    }

    #[test]
    fn a_path_stays_below_its_source() {
        for path in [&b"a"[..], b"a/b.jpg", b"...", b"a/..b", b"\xFF", b"\\", b"\n"] {
            assert!(is_path(path));
        }
        for path in [&b""[..], b"/", b"/a", b"a/", b"a//b", b".", b"..", b"a/..", b"../a", b"a/./b", b"a\0"] {
            assert!(!is_path(path));
        }
    }
}
