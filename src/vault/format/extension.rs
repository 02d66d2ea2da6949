//! The file extension of an original photo, the part of its name that a vault keeps in the clear.
//!
//! Must never: let through a character that could change the path.

use std::ffi::OsStr;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The lower-case extension of an original file: 1 to 8 ASCII letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Extension(String);

impl Extension {
    const LONGEST: usize = 8;

    /// The extension of a file name, or `bin` when it has none that is allowed.
    pub fn of(name: &Path) -> Self {
        let text = name.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
        text.and_then(|text| Self::try_from(text).ok()).unwrap_or_else(|| Self("bin".to_owned()))
    }

    /// The text, without a dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Extension {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fit = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if fit && (1..=Self::LONGEST).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err("expected an extension of 1 to 8 lower-case letters and digits")
        }
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
}
