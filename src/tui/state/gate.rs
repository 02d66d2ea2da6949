//! What stands before the vault: the first run, and unlocking.

mod not_there;

use std::path::PathBuf;

use super::line::{Line, Passphrase};

pub use not_there::{Choice, NotThere};

/// A screen that is passed before the vault is open. It may be skipped: files can be looked at without a vault.
pub enum Gate {
    /// No vault is known: one is created or named.
    FirstRun(FirstRun),
    /// A vault is known and closed.
    Unlock(Unlock),
    /// A vault is known, and not at its path.
    NotThere(NotThere),
}

/// The steps of the first run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Where the vault is, or is to be.
    Folder,
    /// Its passphrase.
    Passphrase,
    /// The same again.
    Again,
}

/// The first run.
pub struct FirstRun {
    /// The step whose field takes the keys.
    pub step: Step,
    /// Where the vault is to be.
    pub folder: Line,
    /// The passphrase.
    pub passphrase: Passphrase,
    /// The passphrase, typed again.
    pub again: Passphrase,
    /// What is wrong with what was typed.
    pub error: Option<String>,
    /// The vault is being created.
    pub is_working: bool,
}

impl FirstRun {
    /// Proposes `folder` for the vault.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            step: Step::Folder,
            folder: Line::with(folder.display().to_string()),
            passphrase: Passphrase::default(),
            again: Passphrase::default(),
            error: None,
            is_working: false,
        }
    }
}

/// Unlocking a vault.
pub struct Unlock {
    /// The vault.
    pub vault: PathBuf,
    /// The passphrase typed so far.
    pub passphrase: Passphrase,
    /// Why it did not open.
    pub error: Option<String>,
    /// The key is being derived.
    pub is_working: bool,
}

impl Unlock {
    /// Asks for the passphrase of `vault`.
    #[must_use]
    pub fn new(vault: PathBuf) -> Self {
        Self { vault, passphrase: Passphrase::default(), error: None, is_working: false }
    }
}

/// How much work guessing a passphrase takes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Strength {
    /// Guessed in no time.
    Weak,
    /// Guessed by someone determined.
    Fair,
    /// Not worth guessing.
    Strong,
}

/// An estimate from above, in bits: length and kinds of characters, without what repeats or runs on (`aaa`, `abc`).
/// Words of a language hold less than their letters say; the estimate cannot know them and counts letters cautiously.
#[must_use]
pub fn strength(passphrase: &Passphrase) -> (Strength, u32) {
    let bytes = passphrase.expose();
    let alphabet: u32 = [
        (bytes.iter().any(u8::is_ascii_lowercase), 26),
        (bytes.iter().any(u8::is_ascii_uppercase), 26),
        (bytes.iter().any(u8::is_ascii_digit), 10),
        (bytes.iter().any(|byte| byte.is_ascii_punctuation() || *byte == b' '), 33),
        (!bytes.is_ascii(), 64),
    ]
    .into_iter()
    .filter_map(|(used, size)| used.then_some(size))
    .sum();
    let continues = |pair: &[u8]| pair[1].abs_diff(pair[0]) <= 1;
    let runs = bytes.windows(2).filter(|pair| continues(pair)).count();
    let fresh = (bytes.len() - runs) as f64;
    // Letters of words carry about two bits each; what is mixed with digits or signs is taken at its face value.
    let words_only = bytes.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b' ');
    let each = if words_only { 2.5 } else { f64::from(alphabet.max(1)).log2() * 0.75 };
    let bits = (fresh * each) as u32;
    let strength = match bits {
        0..42 => Strength::Weak,
        42..55 => Strength::Fair,
        _ => Strength::Strong,
    };
    (strength, bits)
}

#[cfg(test)]
mod tests {
    use super::super::line::Edit;
    use super::*;

    fn of(text: &str) -> Strength {
        let mut passphrase = Passphrase::default();
        for character in text.chars() {
            passphrase.edit(Edit::Insert(character));
        }
        strength(&passphrase).0
    }

    #[test]
    fn length_and_variety_count_and_repetition_does_not() {
        for weak in ["", "password", "aaaaaaaaaaaaaaaaaaaaaaaa", "abcdefghijklmnopqrstuvwx", "12345678901", "Tr0ub4dor"]
        {
            assert_eq!(of(weak), Strength::Weak, "{weak}");
        }
        assert_eq!(of("correct horse battery"), Strength::Fair);
        assert_eq!(of("correct horse battery staple"), Strength::Strong);
        assert_eq!(of("x7#Qp!v9Lm2$Zk"), Strength::Strong);
    }
}
