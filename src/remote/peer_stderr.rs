//! What the other side wrote to standard error, or sent as a reason, made safe to show.
//!
//! Must never: pass a control character on to a terminal.

/// What the other side wrote, shortened and without control characters; displayed as `: text`, or as nothing.
#[derive(Debug, Default)]
pub struct PeerStderr(String);

impl PeerStderr {
    const LONGEST: usize = 400;

    /// The end of a text, where the reason usually is.
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
