//! Text fields of one line: plain ones, and passphrases, which are wiped.

use zeroize::Zeroizing;

/// A line of text with a cursor.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TextField {
    text: String,
    /// Byte offset of the cursor in `text`, on a character boundary.
    at: usize,
    /// The text is a suggestion: the first character that is typed replaces it.
    is_suggested: bool,
}

/// A change to a text field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Edit {
    /// Types this character.
    Insert(char),
    /// Deletes the character before the cursor.
    Backspace,
    /// Deletes the character under the cursor.
    Delete,
    /// Deletes the word before the cursor; words end at spaces and slashes.
    DeleteWord,
    /// Deletes everything.
    Clear,
    /// Moves one character to the left.
    Left,
    /// Moves one character to the right.
    Right,
    /// Moves to the start.
    Home,
    /// Moves to the end.
    End,
}

impl TextField {
    /// A field that holds `text`, with the cursor at its end.
    #[must_use]
    pub fn with(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { at: text.len(), text, is_suggested: false }
    }

    /// A field that suggests `text`: typing replaces it, any other key keeps it.
    #[must_use]
    pub fn suggesting(text: impl Into<String>) -> Self {
        Self { is_suggested: true, ..Self::with(text) }
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text before the cursor, and the text from it on.
    #[must_use]
    pub fn split_at_cursor(&self) -> (&str, &str) {
        self.text.split_at(self.at)
    }

    /// Applies one change.
    pub fn edit(&mut self, edit: Edit) {
        if std::mem::take(&mut self.is_suggested) && matches!(edit, Edit::Insert(_)) {
            *self = Self::default();
        }
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

/// The longest passphrase, in bytes.
const LONGEST_PASSPHRASE_BYTES: usize = 1024;

/// A passphrase being typed: never shown, never copied, wiped on drop. Its cursor is always at the end.
pub struct PassphraseField(Zeroizing<Vec<u8>>);

impl Default for PassphraseField {
    fn default() -> Self {
        // Full capacity at once: a growing vector would leave copies behind.
        Self(Zeroizing::new(Vec::with_capacity(LONGEST_PASSPHRASE_BYTES)))
    }
}

impl PassphraseField {
    /// The bytes, for the key derivation only.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes in the wrapper that wipes them, for normalisation.
    #[must_use]
    pub fn bytes(&self) -> &Zeroizing<Vec<u8>> {
        &self.0
    }

    /// Whether nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether both are equal, compared in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.0.as_slice(), other.0.as_slice()).into()
    }

    /// Applies one change. Returns false if there is no room for it.
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
    fn a_field_is_edited_at_its_cursor_by_whole_characters() {
        let mut line = TextField::with("Größe");
        for edit in [Edit::Left, Edit::Backspace, Edit::Insert('猫'), Edit::Home, Edit::Delete] {
            line.edit(edit);
        }
        assert_eq!(line.text(), "rö猫e");
        assert_eq!(line.split_at_cursor(), ("", "rö猫e"));
    }

    #[test]
    fn a_word_ends_at_a_space_or_a_folder() {
        let mut line = TextField::with("/photos/2024");
        line.edit(Edit::DeleteWord);
        assert_eq!(line.text(), "/photos/");
        let mut line = TextField::with("two words ");
        line.edit(Edit::DeleteWord);
        assert_eq!(line.text(), "two ");
    }

    #[test]
    fn a_passphrase_loses_whole_characters_and_never_moves_in_memory() {
        let mut passphrase = PassphraseField::default();
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
