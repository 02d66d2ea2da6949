//! Lines of typed text: plain ones, and passphrases, which are wiped.

use zeroize::Zeroizing;

/// A line being typed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Line {
    text: String,
    /// Byte offset of the cursor in `text`, on a character's edge.
    at: usize,
}

/// A change to a typed line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Edit {
    /// This character was typed.
    Insert(char),
    /// The character before the cursor goes.
    Backspace,
    /// The character under the cursor goes.
    Delete,
    /// The word before the cursor goes.
    DeleteWord,
    /// Everything goes.
    Clear,
    /// One character to the left.
    Left,
    /// One character to the right.
    Right,
    /// To the start.
    Home,
    /// To the end.
    End,
}

impl Line {
    /// A line that holds `text`, the cursor at its end.
    #[must_use]
    pub fn with(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { at: text.len(), text }
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the cursor, and what after it.
    #[must_use]
    pub fn halves(&self) -> (&str, &str) {
        self.text.split_at(self.at)
    }

    /// Applies one change.
    pub fn edit(&mut self, edit: Edit) {
        let before = self.text[..self.at].chars().next_back().map_or(0, char::len_utf8);
        let after = self.text[self.at..].chars().next().map_or(0, char::len_utf8);
        match edit {
            Edit::Insert(character) => {
                self.text.insert(self.at, character);
                self.at += character.len_utf8();
            }
            Edit::Backspace => {
                self.at -= before;
                self.text.drain(self.at..self.at + before);
            }
            Edit::Delete => drop(self.text.drain(self.at..self.at + after)),
            Edit::DeleteWord => {
                let kept = self.text[..self.at].trim_end().rfind([' ', '/']).map_or(0, |space| space + 1);
                self.text.drain(kept..self.at);
                self.at = kept;
            }
            Edit::Clear => *self = Self::default(),
            Edit::Left => self.at -= before,
            Edit::Right => self.at += after,
            Edit::Home => self.at = 0,
            Edit::End => self.at = self.text.len(),
        }
    }
}

/// The longest passphrase that can be typed, in bytes.
const LONGEST_PASSPHRASE_BYTES: usize = 1024;

/// A passphrase being typed: never shown, never copied, wiped when dropped.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Default for Passphrase {
    fn default() -> Self {
        // Room for all of it at once: a vector that grows leaves copies behind.
        Self(Zeroizing::new(Vec::with_capacity(LONGEST_PASSPHRASE_BYTES)))
    }
}

impl Passphrase {
    /// The bytes, for the key derivation only.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The same with what wipes it, for whoever normalises it.
    #[must_use]
    pub fn bytes(&self) -> &Zeroizing<Vec<u8>> {
        &self.0
    }

    /// Whether nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether both are the same.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.0.as_slice(), other.0.as_slice()).into()
    }

    /// Applies one change; the cursor is always at the end. Says whether there was room for it.
    pub fn edit(&mut self, edit: Edit) -> bool {
        match edit {
            Edit::Insert(character) => {
                let mut bytes = Zeroizing::new([0; 4]);
                let encoded = character.encode_utf8(&mut *bytes).as_bytes();
                if self.0.len() + encoded.len() > LONGEST_PASSPHRASE_BYTES {
                    return false;
                }
                self.0.extend_from_slice(encoded);
            }
            Edit::Backspace => {
                while let Some(byte) = self.0.pop() {
                    // UTF-8: continuation bytes are 10xxxxxx.
                    if byte & 0xC0 != 0x80 {
                        break;
                    }
                }
            }
            Edit::Clear | Edit::DeleteWord => self.0.clear(),
            Edit::Delete | Edit::Left | Edit::Right | Edit::Home | Edit::End => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_at_its_cursor_by_whole_characters() {
        let mut line = Line::with("Größe");
        for edit in [Edit::Left, Edit::Backspace, Edit::Insert('猫'), Edit::Home, Edit::Delete] {
            line.edit(edit);
        }
        assert_eq!(line.text(), "rö猫e");
        assert_eq!(line.halves(), ("", "rö猫e"));
    }

    #[test]
    fn a_word_ends_at_a_space_or_a_folder() {
        let mut line = Line::with("/photos/2024");
        line.edit(Edit::DeleteWord);
        assert_eq!(line.text(), "/photos/");
        let mut line = Line::with("two words ");
        line.edit(Edit::DeleteWord);
        assert_eq!(line.text(), "two ");
    }

    #[test]
    fn a_passphrase_loses_whole_characters_and_never_moves_in_memory() {
        let mut passphrase = Passphrase::default();
        let address = passphrase.expose().as_ptr();
        for _ in 0..LONGEST_PASSPHRASE_BYTES / 3 {
            assert!(passphrase.edit(Edit::Insert('猫')));
        }
        assert!(!passphrase.edit(Edit::Insert('猫')));
        assert_eq!(passphrase.expose().as_ptr(), address);
        passphrase.edit(Edit::Backspace);
        assert_eq!(passphrase.expose().len(), (LONGEST_PASSPHRASE_BYTES / 3 - 1) * 3);
    }
}
