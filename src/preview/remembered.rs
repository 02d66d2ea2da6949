//! Remembers the protocol that the user chose in each terminal, because some terminals claim more than they support.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use clap::ValueEnum;

use super::choice::Choice;
use crate::durable;
use crate::services::app_dirs::AppDirs;

/// The environment variables that tell one kind of terminal from another.
const IDENTIFYING: [&str; 5] = ["TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "LC_TERMINAL", "LC_TERMINAL_VERSION"];

/// The remembered choices of a user, and the terminal that the program runs in.
#[derive(Clone, Debug)]
pub struct RememberedChoices {
    file: PathBuf,
    terminal: String,
}

impl RememberedChoices {
    /// The choices of a user, for the terminal that the environment names.
    #[must_use]
    pub fn new(dirs: &AppDirs) -> Self {
        let parts = IDENTIFYING.map(|name| std::env::var(name).unwrap_or_default());
        let named: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        Self { file: dirs.terminals_file(), terminal: named.join(" ") }
    }

    /// The user's choice in this terminal; `None` without a choice or when the file cannot be read.
    #[must_use]
    pub fn recall(&self) -> Option<Choice> {
        Choice::from_str(self.all().get(&self.terminal)?, true).ok()
    }

    /// Remembers a choice for this terminal.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn remember(&self, choice: Choice) -> io::Result<()> {
        let mut all = self.all();
        all.insert(self.terminal.clone(), choice.value().to_owned());
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        durable::replace(&self.file, toml::to_string(&all).map_err(io::Error::other)?.as_bytes())
    }

    fn all(&self) -> BTreeMap<String, String> {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        toml::from_str(&text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preview::protocols;

    #[test]
    fn each_terminal_has_its_own_choice_and_a_broken_file_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state").join("terminals.toml");
        let protocol = |value| Choice::Protocol(protocols::by_value(value).unwrap());
        let memory = |terminal: &str| RememberedChoices { file: file.clone(), terminal: terminal.to_owned() };
        assert_eq!(memory("xterm-kitty 0.41").recall(), None);
        memory("xterm-kitty 0.41").remember(protocol("sixel")).unwrap();
        memory("xterm \"quoted\"").remember(protocol("halfblocks")).unwrap();
        memory("xterm-kitty 0.41").remember(protocol("iterm2")).unwrap();
        assert_eq!(memory("xterm-kitty 0.41").recall(), Some(protocol("iterm2")));
        assert_eq!(memory("xterm \"quoted\"").recall(), Some(protocol("halfblocks")));
        assert_eq!(memory("xterm").recall(), None);
        std::fs::write(&file, "xterm = [").unwrap();
        assert_eq!(memory("xterm-kitty 0.41").recall(), None);
    }
}
