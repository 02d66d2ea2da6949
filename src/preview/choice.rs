//! The user's choice of how pictures are drawn.

use std::sync::LazyLock;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::protocols::{self, Protocol};

/// How pictures are drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Choice {
    /// With the best protocol that the terminal supports.
    Auto,
    /// With this protocol.
    Protocol(Protocol),
    /// Not at all.
    Off,
}

static CHOICES: LazyLock<Vec<Choice>> = LazyLock::new(|| {
    let protocols = protocols::by_preference().into_iter().map(Choice::Protocol);
    std::iter::once(Choice::Auto).chain(protocols).chain([Choice::Off]).collect()
});

impl Choice {
    /// Its name in `--preview` and the settings.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Protocol(protocol) => protocol.value(),
            Self::Off => "off",
        }
    }

    /// The values of all choices, separated by commas.
    ///
    /// ```
    /// use cipherlens::preview::Choice;
    ///
    /// assert_eq!(Choice::values(), "auto, kitty, sixel, iterm2, halfblocks, off");
    /// ```
    #[must_use]
    pub fn values() -> String {
        CHOICES.iter().map(|choice| choice.value()).collect::<Vec<_>>().join(", ")
    }
}

impl ValueEnum for Choice {
    fn value_variants<'a>() -> &'a [Self] {
        &CHOICES
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let summary = match self {
            Self::Auto => "Query the terminal and use the best that it supports",
            Self::Protocol(protocol) => protocol.summary(),
            Self::Off => "No pictures",
        };
        Some(PossibleValue::new(self.value()).help(summary))
    }
}
