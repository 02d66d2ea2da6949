//! The settings file: TOML, every key optional, each also a flag. Must never hold a passphrase.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What a fresh settings file says: every key with its meaning and its default, commented out.
pub const TEMPLATE: &str = r#"# cipherlens: settings. Every line below shows a default; remove the `#` to change it.

# The vault to use when neither --vault nor CIPHERLENS_VAULT names one.
# Without this line: the vault used last.
# vault = "/home/me/photos.vault"

# A photo matches when its similarity (cosine, from -1 to 1) is at least this.
# threshold = 0.80

# How pictures are shown in the terminal: auto, kitty, sixel, iterm2, halfblocks or off.
# preview = "auto"
"#;

/// The similarity at which a photo counts as a match when nobody says otherwise.
pub const DEFAULT_THRESHOLD: f32 = 0.80;

/// The settings a user may choose for good.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The vault to use when none is named.
    pub vault: Option<PathBuf>,
    /// The similarity from which a photo matches.
    pub threshold: Option<f32>,
    /// How pictures are shown; the preview room knows the names.
    pub preview: Option<String>,
}

/// Why the settings could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file is there but cannot be read.
    #[error("cannot read the settings file {}", .path.display())]
    Unreadable {
        /// The settings file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what the template describes; the message names line and key.
    #[error("the settings file {} is not valid: {message}", .path.display())]
    Invalid {
        /// The settings file.
        path: PathBuf,
        /// Line, column and what is wrong there.
        message: String,
    },
    /// A settings file is there already and is not overwritten.
    #[error("{} exists already and is left as it is", .path.display())]
    Exists {
        /// The settings file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write the settings file {}", .path.display())]
    Unwritable {
        /// The settings file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Settings {
    /// Reads `path`; a file that does not exist gives the defaults.
    ///
    /// # Errors
    /// When the file cannot be read, is not TOML, or names a key that does not exist.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(SettingsError::Unreadable { path: path.to_owned(), source }),
        };
        let invalid = |message: String| SettingsError::Invalid { path: path.to_owned(), message };
        let settings: Self = toml::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        match settings.threshold {
            Some(threshold) if !(-1.0..=1.0).contains(&threshold) => {
                Err(invalid(format!("threshold must lie between -1 and 1, not {threshold}")))
            }
            _ => Ok(settings),
        }
    }

    /// Writes the commented template to `path`.
    ///
    /// # Errors
    /// When a file is there already, or the folder cannot be written.
    pub fn write_template(path: &Path) -> Result<(), SettingsError> {
        let unwritable = |source| SettingsError::Unwritable { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(unwritable)?;
        }
        match std::fs::File::create_new(path) {
            Ok(mut file) => io::Write::write_all(&mut file, TEMPLATE.as_bytes()).map_err(unwritable),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(SettingsError::Exists { path: path.to_owned() })
            }
            Err(source) => Err(unwritable(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Settings, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        Settings::load(&path)
    }

    #[test]
    fn the_template_is_the_defaults() {
        assert_eq!(load(TEMPLATE).unwrap(), Settings::default());
    }

    #[test]
    fn every_key_of_the_template_is_accepted() {
        let uncommented: String = TEMPLATE
            .lines()
            .filter_map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")))
            .map(|line| format!("{line}\n"))
            .collect();
        let settings = load(&uncommented).unwrap();
        assert_eq!(settings.threshold, Some(DEFAULT_THRESHOLD));
        assert_eq!(settings.preview.as_deref(), Some("auto"));
        assert!(settings.vault.is_some());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = load("threshold = 0.9\ntreshold = 0.8\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("treshold"), "{error}");
    }

    #[test]
    fn a_threshold_that_no_cosine_reaches_is_refused() {
        let error = load("threshold = 80\n").unwrap_err().to_string();
        assert!(error.contains("between -1 and 1"), "{error}");
    }

    #[test]
    fn a_missing_file_is_no_error_and_an_existing_one_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("config.toml");
        assert_eq!(Settings::load(&path).unwrap(), Settings::default());
        Settings::write_template(&path).unwrap();
        assert!(matches!(Settings::write_template(&path), Err(SettingsError::Exists { .. })));
    }
}
