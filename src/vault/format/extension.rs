//! The file extension of an original photo, the part of its name that a vault keeps in the clear.
//!
//! Must never: let through a character that could change the path.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use serde::Deserialize;

/// The lower-case extension of an original file: 1 to 8 ASCII letters and digits.
///
/// A vault of a million photos has as many of them in memory, so none is allocated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Extension([u8; Self::LONGEST]);

impl Extension {
    pub(super) const LONGEST: usize = 8;

    /// The extension of a file name, or `bin` when it has none that is allowed.
    pub fn of(name: &Path) -> Self {
        let text = name.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
        text.and_then(|text| Self::try_from(text.as_str()).ok()).unwrap_or(Self(*b"bin\0\0\0\0\0"))
    }

    /// The text, without a dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(Self::LONGEST);
        str::from_utf8(&self.0[..end]).expect("it is ASCII")
    }

    /// The text, filled up with zeros.
    pub(super) const fn filled(&self) -> &[u8; Self::LONGEST] {
        &self.0
    }

    /// The extension with this text, filled up with zeros.
    pub(super) fn of_filled(bytes: [u8; Self::LONGEST]) -> Option<Self> {
        let is_allowed = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let end = bytes.iter().position(|byte| !is_allowed(byte)).unwrap_or(Self::LONGEST);
        (end > 0 && bytes[end..].iter().all(|byte| *byte == 0)).then_some(Self(bytes))
    }
}

impl fmt::Debug for Extension {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(formatter)
    }
}

impl TryFrom<&str> for Extension {
    type Error = &'static str;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        let mut bytes = [0; Self::LONGEST];
        let filled = bytes.get_mut(..text.len()).map(|start| start.copy_from_slice(text.as_bytes()));
        let extension = filled.and_then(|()| Self::of_filled(bytes)).filter(|found| found.as_str() == text);
        extension.ok_or("expected an extension of 1 to 8 lower-case letters and digits")
    }
}

impl TryFrom<String> for Extension {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::try_from(text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_cannot_leave_the_directory() {
        for name in ["photo", "photo.", "x./../y", "photo.sh\u{e9}", "photo.toolongext", ".jpg"] {
            assert_eq!(Extension::of(Path::new(name)).as_str(), "bin", "{name:?}");
        }
        assert!(serde_json::from_str::<Extension>("\"../x\"").is_err());
    }

    #[test]
    fn each_extension_has_one_spelling() {
        for text in ["", "JPG", "a b", "jpg\0", "\0jpg", "toolongext", "\u{e9}"] {
            assert!(Extension::try_from(text).is_err(), "{text:?}");
        }
        for text in ["j", "jpg", "jpeg2000"] {
            let extension = Extension::try_from(text).unwrap();
            assert_eq!(extension.as_str(), text);
            assert_eq!(Extension::of_filled(*extension.filled()), Some(extension));
        }
        assert_eq!(Extension::of_filled([0; 8]), None);
        assert_eq!(Extension::of_filled(*b"jpg\0png\0"), None);
    }
}
