//! The user's files: settings, keys and colours. TOML, every key optional; each setting is also a flag. Must never hold
//! a passphrase.

pub mod theme;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use theme::{NoTheme, TERMINAL, ThemeChoice};

/// The template of the settings file: every key with its meaning and its default, commented out.
const TEMPLATE: &str = r#"# cipherlens: settings. Every line below shows a default; remove the `#` to change it.

# The vault to use when neither --vault nor CIPHERLENS_VAULT names one.
# Without this line: the vault used last.
# vault = "/home/me/photos.vault"

# A photo matches when its similarity (cosine, from -1 to 1) is at least this.
# threshold = 0.80

# How pictures are shown in the terminal: {preview-values}.
# preview = "auto"

# Width and height of a character in pixels, for terminals that do not report it, or report it wrong.
# Without this line: what the terminal reports.
# cell_size = "10x20"

# Whether the terminal application uses the mouse. Hold Shift to select text then.
# mouse = true

# Whether spinners stand still.
# reduced_motion = false

# The terminal application locks the vault after this many minutes without a key; 0: never.
# lock_after_minutes = 15

# What locking does to an indexing run. "continue": it continues, and its keys stay in memory until it ends.
# "pause": it stops, finished photos are kept, all keys are wiped, and unlocking offers to resume.
# lock = "continue"

# The file with your keys, relative to the folder of this file.
# keymap = "keymap.toml"

# The colours: a built-in theme, or the file with your own, relative to the folder of this file. The built-in themes are
# "terminal" (the terminal's own colours), "contrast" (high contrast) and "dusk" (quiet colours on dark grey).
# theme = "theme.toml"
"#;

/// The default keymap, as a file for the user to change.
pub const KEYMAP: &str = include_str!("settings/keymap.toml");

/// The default match threshold: a photo matches if its similarity is at least this.
pub const DEFAULT_THRESHOLD: f32 = 0.80;

/// Minutes without a key after which the vault is locked by default.
const DEFAULT_LOCK_AFTER_MINUTES: u64 = 15;

/// Whether the application handles clicks and the wheel; the terminal then selects text only with Shift held down.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(from = "bool")]
pub enum Mouse {
    /// The application handles them.
    #[default]
    Taken,
    /// The terminal handles them.
    Left,
}

impl From<bool> for Mouse {
    fn from(is_taken: bool) -> Self {
        if is_taken { Self::Taken } else { Self::Left }
    }
}

/// Whether anything on the screen is animated.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(from = "bool")]
pub enum Motion {
    /// Spinners turn.
    #[default]
    Full,
    /// Spinners stand still.
    Reduced,
}

impl From<bool> for Motion {
    fn from(is_reduced: bool) -> Self {
        if is_reduced { Self::Reduced } else { Self::Full }
    }
}

/// What locking does to an indexing run.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub enum OnLock {
    /// It continues, and its keys stay in memory until it ends.
    #[default]
    Continue,
    /// It stops, so that no key stays in memory; unlocking offers to resume.
    Pause,
}

/// The text is not an [`OnLock`].
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("locking lets an indexing run \"continue\" or makes it \"pause\"; {given:?} is neither")]
pub struct NoOnLock {
    given: String,
}

impl std::str::FromStr for OnLock {
    type Err = NoOnLock;

    fn from_str(text: &str) -> Result<Self, NoOnLock> {
        match text {
            "continue" => Ok(Self::Continue),
            "pause" => Ok(Self::Pause),
            _ => Err(NoOnLock { given: text.to_owned() }),
        }
    }
}

impl TryFrom<String> for OnLock {
    type Error = NoOnLock;

    fn try_from(text: String) -> Result<Self, NoOnLock> {
        text.parse()
    }
}

/// Width and height of a character cell in pixels.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct CellSize {
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
}

/// The text is not a [`CellSize`].
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("a cell size is width x height in pixels, such as 9x19, each from 2 to 200; {given:?} is none")]
pub struct NoCellSize {
    given: String,
}

impl std::str::FromStr for CellSize {
    type Err = NoCellSize;

    fn from_str(text: &str) -> Result<Self, NoCellSize> {
        let side = |text: &str| text.trim().parse().ok().filter(|pixels| (2..=200).contains(pixels));
        let sides = text.split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?)));
        match sides {
            Some((width, height)) => Ok(Self { width, height }),
            None => Err(NoCellSize { given: text.to_owned() }),
        }
    }
}

impl TryFrom<String> for CellSize {
    type Error = NoCellSize;

    fn try_from(text: String) -> Result<Self, NoCellSize> {
        text.parse()
    }
}

/// The settings file.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The vault to use if none is named.
    pub vault: Option<PathBuf>,
    /// A photo matches when its similarity is at least this.
    pub threshold: Option<f32>,
    /// How pictures are shown, by a name that the `preview` module parses.
    pub preview: Option<String>,
    /// Pixels of a character cell, overriding what the terminal reports.
    pub cell_size: Option<CellSize>,
    /// Whether the application handles the mouse.
    #[serde(default)]
    pub mouse: Mouse,
    /// Whether spinners turn.
    #[serde(default, rename = "reduced_motion")]
    pub motion: Motion,
    lock_after_minutes: Option<u64>,
    /// What locking does to an indexing run.
    #[serde(default, rename = "lock")]
    pub on_lock: OnLock,
    keymap: Option<PathBuf>,
    theme: Option<PathBuf>,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file exists but cannot be read.
    #[error("cannot read the settings file {}", .path.display())]
    Unreadable {
        /// The settings file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is invalid; the message names line and key.
    #[error("the settings file {} is not valid: {message}", .path.display())]
    Invalid {
        /// The settings file.
        path: PathBuf,
        /// Line, column and what is wrong there.
        message: String,
    },
    /// The file names a theme that does not exist.
    #[error("the settings file {} is not valid: {error}", .path.display())]
    Theme {
        /// The settings file.
        path: PathBuf,
        /// The theme that it names.
        error: NoTheme,
    },
    /// The files already exist and are not overwritten.
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
        /// The system's error.
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
        Self::parse(&text).map_err(|message| SettingsError::Invalid { path: path.to_owned(), message })
    }

    /// Reads the text of a settings file.
    ///
    /// # Errors
    /// A message that names line and key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        match settings.threshold {
            Some(threshold) if !(-1.0..=1.0).contains(&threshold) => {
                Err(format!("threshold must lie between -1 and 1, not {threshold}"))
            }
            _ => Ok(settings),
        }
    }

    /// The time without a key after which the vault is locked; `None` for never.
    #[must_use]
    pub fn lock_after(&self) -> Option<Duration> {
        lock_after(self.lock_after_minutes.unwrap_or(DEFAULT_LOCK_AFTER_MINUTES))
    }

    /// The user's keymap file, relative to `settings_file`.
    #[must_use]
    pub fn keymap(&self, settings_file: &Path) -> PathBuf {
        beside(settings_file, self.keymap.as_deref().unwrap_or(Path::new("keymap.toml")))
    }

    /// The theme; a file is relative to `settings_file`.
    ///
    /// # Errors
    /// When there is no such theme.
    pub fn theme(&self, settings_file: &Path) -> Result<ThemeChoice, SettingsError> {
        let folder = settings_file.parent().unwrap_or(Path::new(""));
        ThemeChoice::of(self.theme.as_deref().unwrap_or(Path::new("theme.toml")), folder)
            .map_err(|error| SettingsError::Theme { path: settings_file.to_owned(), error })
    }
}

/// Minutes as a duration; 0 means never.
#[must_use]
pub fn lock_after(minutes: u64) -> Option<Duration> {
    (minutes > 0).then(|| Duration::from_secs(minutes.saturating_mul(60)))
}

fn beside(settings_file: &Path, path: &Path) -> PathBuf {
    settings_file.parent().map_or_else(|| path.to_owned(), |folder| folder.join(path))
}

/// The outcome of [`write_templates`] for one file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// Whether it already existed.
    pub was: Was,
}

/// Whether a file already existed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Was {
    /// It did not, and was written.
    Missing,
    /// It did, and is unchanged.
    There,
}

/// Writes templates of the settings, keys and colours, all commented out, so that unchanged lines follow the program's
/// defaults. Existing files are left as they are.
///
/// # Errors
/// When all of them already exist, or the folder cannot be written.
pub fn write_templates(settings_file: &Path, preview_values: &str) -> Result<Vec<Written>, SettingsError> {
    let unwritable = |source| SettingsError::Unwritable { path: settings_file.to_owned(), source };
    if let Some(folder) = settings_file.parent() {
        std::fs::create_dir_all(folder).map_err(unwritable)?;
    }
    let files = [
        (settings_file.to_owned(), TEMPLATE.replace("{preview-values}", preview_values)),
        (settings_file.with_file_name("keymap.toml"), commented(KEYMAP)),
        (settings_file.with_file_name("theme.toml"), commented(TERMINAL.text)),
    ];
    let mut written = Vec::new();
    for (path, text) in files {
        let was = match std::fs::File::create_new(&path) {
            Ok(mut file) => {
                io::Write::write_all(&mut file, text.as_bytes()).map_err(unwritable)?;
                Was::Missing
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Was::There,
            Err(source) => return Err(unwritable(source)),
        };
        written.push(Written { path, was });
    }
    if written.iter().all(|file| file.was == Was::There) {
        return Err(SettingsError::Exists { path: settings_file.to_owned() });
    }
    Ok(written)
}

/// Comments out every line that sets something.
fn commented(defaults: &str) -> String {
    defaults.lines().map(|line| format!("{}{line}\n", if line.starts_with('"') { "# " } else { "" })).collect()
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
    fn every_key_of_the_template_is_accepted_and_shows_its_default() {
        let uncommented: String = TEMPLATE
            .lines()
            .filter_map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")))
            .map(|line| format!("{line}\n"))
            .collect();
        let settings = load(&uncommented).unwrap();
        let default = Settings::default();
        assert_eq!(settings.threshold, Some(DEFAULT_THRESHOLD));
        assert_eq!(settings.preview.as_deref(), Some("auto"));
        assert_eq!((settings.mouse, settings.motion), (default.mouse, default.motion));
        assert_eq!((settings.lock_after(), settings.on_lock), (default.lock_after(), default.on_lock));
        let file = Path::new("/etc/cipherlens/config.toml");
        assert_eq!(settings.keymap(file), default.keymap(file));
        let theme = PathBuf::from("/etc/cipherlens/theme.toml");
        assert_eq!(settings.theme(file).unwrap(), ThemeChoice::File(theme));
        assert_eq!(settings.theme(file).unwrap(), default.theme(file).unwrap());
        assert!(settings.vault.is_some() && settings.cell_size.is_some());
    }

    #[test]
    fn a_built_in_theme_is_named_and_an_unknown_one_is_an_error() {
        let file = Path::new("/etc/cipherlens/config.toml");
        let contrast = load("theme = \"contrast\"\n").unwrap().theme(file).unwrap();
        assert!(matches!(contrast, ThemeChoice::BuiltIn(theme) if theme.name == "contrast"));
        let error = load("theme = \"sunset\"\n").unwrap().theme(file).unwrap_err().to_string();
        assert!(error.contains("config.toml") && error.contains("terminal, contrast, dusk"), "{error}");
    }

    #[test]
    fn mouse_animation_and_locking_can_be_turned_off() {
        let settings = load("mouse = false\nreduced_motion = true\nlock_after_minutes = 0\n").unwrap();
        assert_eq!((settings.mouse, settings.motion), (Mouse::Left, Motion::Reduced));
        assert_eq!(settings.lock_after(), None);
    }

    #[test]
    fn locking_pauses_indexing_if_the_settings_say_so() {
        assert_eq!(load("lock = \"pause\"\n").unwrap().on_lock, OnLock::Pause);
        let error = load("lock = \"stop\"\n").unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("pause"), "{error}");
    }

    #[test]
    fn a_cell_size_is_a_plausible_width_and_height() {
        assert_eq!("9x19".parse(), Ok(CellSize { width: 9, height: 19 }));
        for given in ["", "9", "9x", "1x19", "9x201", "nine x ten"] {
            assert_eq!(given.parse::<CellSize>(), Err(NoCellSize { given: given.to_owned() }));
        }
        let error = load("threshold = 0.5\ncell_size = \"big\"\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("9x19"), "{error}");
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = load("threshold = 0.9\ntreshold = 0.8\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("treshold"), "{error}");
    }

    #[test]
    fn a_threshold_outside_the_range_of_cosines_is_refused() {
        let error = load("threshold = 80\n").unwrap_err().to_string();
        assert!(error.contains("between -1 and 1"), "{error}");
    }

    #[test]
    fn a_missing_file_is_not_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Settings::load(&folder.path().join("config.toml")).unwrap(), Settings::default());
    }

    #[test]
    fn templates_change_no_setting_and_overwrite_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("config.toml");
        let written = write_templates(&path, "auto, off").unwrap();
        assert!(written.len() == 3 && written.iter().all(|file| file.was == Was::Missing));
        assert!(matches!(write_templates(&path, "auto, off"), Err(SettingsError::Exists { .. })));
        for file in &written {
            let text = std::fs::read_to_string(&file.path).unwrap();
            let settings: toml::Table = text.parse().unwrap();
            assert!(settings.values().all(|section| section.as_table().is_some_and(toml::Table::is_empty)), "{text}");
        }
        std::fs::write(&written[1].path, "[files]\n").unwrap();
        std::fs::remove_file(&written[2].path).unwrap();
        let again: Vec<Was> = write_templates(&path, "auto, off").unwrap().into_iter().map(|file| file.was).collect();
        assert_eq!(again, [Was::There, Was::There, Was::Missing]);
        assert_eq!(std::fs::read_to_string(&written[1].path).unwrap(), "[files]\n");
    }
}
