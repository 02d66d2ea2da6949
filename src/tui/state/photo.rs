//! A stored photo as the application knows it: its identity, and what the catalogue of the vault says about it.

/// Identifies a photo in a vault.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PhotoId(pub [u8; 16]);

/// A catalogue entry. Has no `Debug`: names must not reach logs.
#[derive(Clone, Eq, PartialEq)]
pub struct StoredPhoto {
    /// Its identity in the vault.
    pub id: PhotoId,
    /// The original file name, unchecked: make it inert before showing it.
    pub name: String,
    /// Size of the original in bytes.
    pub bytes: u64,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `YYYY-MM-DD...`: when it was taken or, failing that, when its file was last modified.
    pub date: Option<String>,
}
