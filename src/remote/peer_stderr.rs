//! The other side's standard error, or its reason for a refusal, made safe to display.
//!
//! Must never: let a control character through to a terminal, or a line break, after which the other side could write
//! what looks like a message of this program.

/// What is put between two lines of the other side.
const BETWEEN_LINES: &str = " | ";

/// Text from the other side in one line, shortened and without control characters; displays as `: text`, or as nothing.
#[derive(Debug, Default)]
pub struct PeerStderr(String);

impl PeerStderr {
    const LONGEST: usize = 400;

    /// Keeps the end of a text, where the reason usually is.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let lines: Vec<&str> = text.split(breaks_line).map(str::trim).filter(|line| !line.is_empty()).collect();
        let shown = lines.join(BETWEEN_LINES).replace(char::is_control, "\u{fffd}");
        let skipped = shown.chars().count().saturating_sub(Self::LONGEST);
        Self(shown.chars().skip(skipped).collect())
    }
}

impl std::fmt::Display for PeerStderr {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(formatter, ": {}", self.0) }
    }
}

/// Whether a terminal, or whoever reads a log, begins a new line here (UAX #14, classes BK, CR, LF and NL).
fn breaks_line(character: char) -> bool {
    matches!(character, '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(said: &str) -> String {
        PeerStderr::of(said.as_bytes()).to_string()
    }

    #[test]
    fn lines_of_the_other_side_stay_on_one_line() {
        assert_eq!(shown(""), "");
        assert_eq!(shown(" \r\n\n"), "");
        assert_eq!(shown("\nno route to host\r\n"), ": no route to host");
        for end in ["\n", "\r\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}", "\n\n  "] {
            assert_eq!(
                shown(&format!("gone{end}cipherlens: all is well")),
                ": gone | cipherlens: all is well",
                "{end:?}"
            );
        }
        assert_eq!(shown("a\u{1b}[2Jb\tc"), ": a\u{fffd}[2Jb\u{fffd}c");
    }

    #[test]
    fn the_end_of_a_long_text_is_kept() {
        let text = format!("{}\nthe reason", "x".repeat(1000));
        assert!(shown(&text).ends_with("x | the reason"));
        assert_eq!(shown(&text).chars().count(), 2 + PeerStderr::LONGEST);
    }
}
