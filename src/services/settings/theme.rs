//! The built-in themes, and the choice between them and the user's own file.

use std::path::{Path, PathBuf};

/// A theme that comes with the program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BuiltInTheme {
    /// Its name in settings, flags and files.
    pub name: &'static str,
    /// Its styles, as a file of the user would hold them.
    pub text: &'static str,
}

/// The terminal's own colours, for a dark terminal.
pub const TERMINAL: BuiltInTheme = BuiltInTheme { name: "terminal", text: include_str!("themes/terminal.toml") };
const CONTRAST: BuiltInTheme = BuiltInTheme { name: "contrast", text: include_str!("themes/contrast.toml") };
const DUSK: BuiltInTheme = BuiltInTheme { name: "dusk", text: include_str!("themes/dusk.toml") };

/// All of them, the default first.
pub const BUILT_IN_THEMES: [BuiltInTheme; 3] = [TERMINAL, CONTRAST, DUSK];

impl BuiltInTheme {
    /// The theme with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        BUILT_IN_THEMES.into_iter().find(|theme| theme.name == name)
    }

    /// The names of all, for messages.
    #[must_use]
    pub fn names() -> String {
        BUILT_IN_THEMES.map(|theme| theme.name).join(", ")
    }
}

/// Where the colours come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ThemeChoice {
    /// A theme that comes with the program.
    BuiltIn(BuiltInTheme),
    /// The user's file; it need not exist.
    File(PathBuf),
}

/// A word that names neither a built-in theme nor a file.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("there is no theme {given:?}: the themes are {}; a path such as ./{given} names a file", BuiltInTheme::names())]
pub struct NoTheme {
    given: String,
}

impl ThemeChoice {
    /// What `given` means: the name of a built-in theme, or a path relative to `folder`. A file with the name of a
    /// built-in theme needs `./`.
    ///
    /// # Errors
    /// When a plain word names neither a theme nor an existing file.
    pub fn of(given: &Path, folder: &Path) -> Result<Self, NoTheme> {
        if let Some(theme) = given.to_str().and_then(BuiltInTheme::named) {
            return Ok(Self::BuiltIn(theme));
        }
        let file = folder.join(given);
        let is_word = given.extension().is_none() && given.components().count() == 1 && !given.starts_with(".");
        if is_word && !file.exists() {
            return Err(NoTheme { given: given.to_string_lossy().into_owned() });
        }
        Ok(Self::File(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(given: &str, folder: &Path) -> Result<ThemeChoice, NoTheme> {
        ThemeChoice::of(Path::new(given), folder)
    }

    #[test]
    fn a_theme_is_a_built_in_name_or_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for theme in BUILT_IN_THEMES {
            std::fs::write(folder.join(theme.name), "").unwrap();
            assert_eq!(choice(theme.name, folder), Ok(ThemeChoice::BuiltIn(theme)));
            let file = format!("./{}", theme.name);
            assert_eq!(choice(&file, folder), Ok(ThemeChoice::File(folder.join(&file))));
        }
        std::fs::write(folder.join("mine"), "").unwrap();
        for file in ["mine", "./yours", "later.toml", "/etc/colours", "sub/later"] {
            assert_eq!(choice(file, folder), Ok(ThemeChoice::File(folder.join(file))), "{file}");
        }
    }

    #[test]
    fn an_unknown_theme_is_refused_with_the_names_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let error = choice("sunset", folder.path()).unwrap_err().to_string();
        assert!(error.contains("\"sunset\"") && error.contains("terminal, contrast, dusk"), "{error}");
    }
}
