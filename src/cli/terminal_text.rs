//! Text of unknown origin, such as a file's name, made harmless for a terminal.
//!
//! Must never: be used for JSON, which escapes in its own way, or for a name that is to be opened again.

/// The text with every character that could move the cursor, change colours or reorder what follows written as its
/// escape, `\u{1b}`.
pub(super) fn inert(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, character| {
        if character.is_control() || reorders(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
        shown
    })
}

/// Unicode's bidirectional controls and its line and paragraph separators.
fn reorders(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn names_keep_their_letters() {
        assert_eq!(inert("Ferien/Zürich 東京 🏔.jpg"), "Ferien/Zürich 東京 🏔.jpg");
    }

    #[test]
    fn escape_sequences_lose_their_power() {
        assert_eq!(inert("a\u{1b}[2Jb\r\n\u{9b}"), "a\\u{1b}[2Jb\\u{d}\\u{a}\\u{9b}");
        assert_eq!(inert("gpj.\u{202e}exe"), "gpj.\\u{202e}exe");
    }
}
