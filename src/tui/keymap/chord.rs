//! Keys with their modifiers: read from a terminal's event or a keymap file, and written as in the keymap file.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key and the modifiers held down with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

const NAMED: [(&str, KeyCode); 16] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
];

const MODIFIERS: [(&str, KeyModifiers); 3] =
    [("ctrl-", KeyModifiers::CONTROL), ("alt-", KeyModifiers::ALT), ("shift-", KeyModifiers::SHIFT)];

impl Chord {
    /// The chord of a key event.
    #[must_use]
    pub fn of(event: KeyEvent) -> Self {
        Self::new(event.code, event.modifiers)
    }

    /// Shift is dropped where the key itself shows it: in a character, and in Shift-Tab.
    fn new(code: KeyCode, modifiers: KeyModifiers) -> Self {
        let mut modifiers = modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        if matches!(code, KeyCode::Char(_) | KeyCode::BackTab) {
            modifiers -= KeyModifiers::SHIFT;
        }
        Self { code, modifiers }
    }

    /// The character that this chord types into a text field, if any.
    #[must_use]
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(character) if self.modifiers.is_empty() => Some(character),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        // What follows the last modifier is the key, which may be `-` itself.
        while let Some((modifier, tail)) =
            MODIFIERS.iter().find_map(|(prefix, modifier)| Some((*modifier, rest.strip_prefix(prefix)?)))
            && !tail.is_empty()
        {
            modifiers |= modifier;
            rest = tail;
        }
        let mut letters = rest.chars();
        let code = match (letters.next(), letters.next()) {
            (Some(letter), None) => KeyCode::Char(letter),
            _ => match rest.strip_prefix('f').and_then(|number| number.parse().ok()) {
                Some(number @ 1..=12) => KeyCode::F(number),
                _ => NAMED.iter().find(|(name, _)| *name == rest)?.1,
            },
        };
        Some(Self::new(code, modifiers))
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, modifier) in MODIFIERS {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(letter) => write!(f, "{letter}"),
            KeyCode::F(number) => write!(f, "f{number}"),
            _ => Ok(()),
        }
    }
}

/// Reads chords pressed one after the other, separated by spaces; `None` if one of them is not a key.
#[must_use]
pub(super) fn parse_sequence(text: &str) -> Option<Vec<Chord>> {
    let chords: Option<Vec<Chord>> = text.split(' ').filter(|part| !part.is_empty()).map(Chord::parse).collect();
    chords.filter(|chords| !chords.is_empty())
}

/// Writes a sequence for the help: `gg`, `ctrl-x s`.
#[must_use]
pub(super) fn written(sequence: &[Chord]) -> String {
    let chords: Vec<String> = sequence.iter().map(ToString::to_string).collect();
    let separator = if chords.iter().all(|chord| chord.chars().count() == 1) { "" } else { " " };
    chords.join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_is_part_of_the_letter() {
        let event = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(Some(vec![Chord::of(event)]), parse_sequence("G"));
        assert_eq!(parse_sequence("shift-G"), parse_sequence("G"));
        assert_ne!(parse_sequence("shift-up"), parse_sequence("up"));
    }

    #[test]
    fn chords_are_written_as_they_are_read() {
        for text in ["ctrl--", "-", "ctrl-alt-x", "shift-up", "f12", "space", "ctrl-x s", "gg"] {
            let spaced = if text == "gg" { "g g" } else { text };
            assert_eq!(written(&parse_sequence(spaced).unwrap()), text);
        }
        for text in ["", "hyper-x", "f13", "gg"] {
            assert_eq!(parse_sequence(text), None, "{text}");
        }
    }

    #[test]
    fn only_plain_characters_are_typed() {
        let typed = |text| parse_sequence(text).unwrap()[0].typed();
        assert_eq!([typed("a"), typed("G"), typed("space")], [Some('a'), Some('G'), Some(' ')]);
        assert_eq!([typed("ctrl-a"), typed("alt-a"), typed("enter")], [None; 3]);
    }
}
