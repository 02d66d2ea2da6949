//! Messages to the user: the newest in the status line, the rest in the log view. Kept in memory only.

use std::collections::VecDeque;

/// Older messages than this many are dropped.
const KEPT: usize = 500;

/// How much a message matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Weight {
    /// Something was done.
    Note,
    /// Nothing was done, because there was nothing to do it with.
    Refusal,
    /// Something is not as it should be, but goes on.
    Warning,
    /// Something could not be done.
    Failure,
}

/// A message to the user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// How much it matters.
    pub weight: Weight,
    /// What it says.
    pub text: String,
}

/// The messages so far.
#[derive(Debug, Default)]
pub struct Journal {
    messages: VecDeque<Message>,
    /// Whether the newest is still news.
    fresh: bool,
}

impl Journal {
    /// Something was done.
    pub fn note(&mut self, text: impl Into<String>) {
        self.push(Weight::Note, text.into());
    }

    /// Nothing was done; why.
    pub fn refuse(&mut self, text: impl Into<String>) {
        self.push(Weight::Refusal, text.into());
    }

    /// Something is not as it should be.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.push(Weight::Warning, text.into());
    }

    /// Something could not be done.
    pub fn fail(&mut self, text: impl Into<String>) {
        self.push(Weight::Failure, text.into());
    }

    fn push(&mut self, weight: Weight, text: String) {
        if self.messages.len() == KEPT {
            self.messages.pop_front();
        }
        self.messages.push_back(Message { weight, text });
        self.fresh = true;
    }

    /// The newest message, unless the user has done something since.
    #[must_use]
    pub fn news(&self) -> Option<&Message> {
        self.messages.back().filter(|_| self.fresh)
    }

    /// The user did something: the newest message is no news any more.
    pub fn read(&mut self) {
        self.fresh = false;
    }

    /// All messages, oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Message> + ExactSizeIterator {
        self.messages.iter()
    }

    /// Drops every message: they may name photos.
    pub fn forget(&mut self) {
        self.messages.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_is_news_until_it_is_read_and_old_messages_go() {
        let mut journal = Journal::default();
        for number in 0..KEPT + 2 {
            journal.note(number.to_string());
        }
        assert_eq!(journal.news().unwrap().text, (KEPT + 1).to_string());
        assert_eq!(journal.messages().next().unwrap().text, "2");
        journal.read();
        assert!(journal.news().is_none());
        assert_eq!(journal.messages().len(), KEPT);
    }
}
