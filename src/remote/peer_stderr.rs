//! The other side's standard error, or its reason for a refusal, made safe to display.
//!
//! Must never: let a control character through to a terminal.

/// Text from the other side, shortened and without control characters; displays as `: text`, or as nothing.
#[derive(Debug, Default)]
pub struct PeerStderr(String);

impl PeerStderr {
    const LONGEST: usize = 400;

    /// Keeps the end of a text, where the reason usually is.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let shown: String =
            text.trim().chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect();
        let skipped = shown.chars().count().saturating_sub(Self::LONGEST);
        Self(shown.chars().skip(skipped).collect())
    }
}

impl std::fmt::Display for PeerStderr {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(formatter, ": {}", self.0) }
    }
}
