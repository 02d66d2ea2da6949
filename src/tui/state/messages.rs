//! Messages to the user: the newest on the status line, all of them in the log window. Kept in memory only.

use std::collections::VecDeque;

/// How many messages are kept; older ones are dropped.
const KEPT: usize = 500;

/// How much a message matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// Something was done.
    Info,
    /// An action did not apply, so nothing was done.
    Refusal,
    /// Something is wrong, but work continues.
    Warning,
    /// Something failed.
    Error,
}

/// A message to the user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// How much it matters.
    pub severity: Severity,
    /// What it says.
    pub text: String,
}

/// The messages so far.
#[derive(Debug, Default)]
pub struct Messages {
    kept: VecDeque<Message>,
    has_unread: bool,
}

impl Messages {
    /// Says what was done.
    pub fn info(&mut self, text: impl Into<String>) {
        self.push(Severity::Info, text.into());
    }

    /// Says why an action did nothing.
    pub fn refuse(&mut self, text: impl Into<String>) {
        self.push(Severity::Refusal, text.into());
    }

    /// Warns about what is wrong.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.push(Severity::Warning, text.into());
    }

    /// Says what failed.
    pub fn error(&mut self, text: impl Into<String>) {
        self.push(Severity::Error, text.into());
    }

    fn push(&mut self, severity: Severity, text: String) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Message { severity, text });
        self.has_unread = true;
    }

    /// The newest message, unless the user has acted since.
    #[must_use]
    pub fn unread(&self) -> Option<&Message> {
        self.kept.back().filter(|_| self.has_unread)
    }

    /// The user acted: the newest message need not stay on the status line.
    pub fn mark_read(&mut self) {
        self.has_unread = false;
    }

    /// All messages, oldest first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Message> + ExactSizeIterator {
        self.kept.iter()
    }

    /// Drops all messages: they may name photos.
    pub fn clear(&mut self) {
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_message_is_unread_until_the_user_acts_and_old_ones_are_dropped() {
        let mut messages = Messages::default();
        for number in 0..KEPT + 2 {
            messages.info(number.to_string());
        }
        assert_eq!(messages.unread().unwrap().text, (KEPT + 1).to_string());
        assert_eq!(messages.iter().next().unwrap().text, "2");
        messages.mark_read();
        assert!(messages.unread().is_none());
        assert_eq!(messages.iter().len(), KEPT);
    }
}
