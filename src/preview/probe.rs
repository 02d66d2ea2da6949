//! Asking the terminal what it understands, and choosing with a reason.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui_image::picker::{Capability, ProtocolType};

use super::graphics::{Compression, Graphics};
use super::query::{self, Answers};
use super::tmux::{Passage, Tmux, View};
use crate::services::settings::CellSize;

/// How pictures are to be shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Choice {
    /// Ask the terminal and take the best it understands.
    Auto,
    /// The kitty graphics protocol.
    Kitty,
    /// DEC Sixel, 256 colours.
    Sixel,
    /// iTerm2 inline images (OSC 1337).
    Iterm2,
    /// Two coloured pixels a character: works everywhere.
    Halfblocks,
    /// No pictures.
    Off,
}

/// How far away the terminal is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Link {
    /// On this machine.
    Local,
    /// At the other end of a network link: every byte counts.
    Remote,
}

impl Link {
    /// As the environment says: `sshd` sets `SSH_CONNECTION`.
    #[must_use]
    pub fn of_environment() -> Self {
        if std::env::var_os("SSH_CONNECTION").is_some() { Self::Remote } else { Self::Local }
    }
}

/// Why pictures are drawn as they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// The user chose it.
    Chosen,
    /// The user chose it in this terminal earlier, with the key that takes the next protocol.
    Remembered,
    /// The terminal answered that it understands it.
    Answered,
    /// The environment names a terminal that is known to understand it.
    Environment,
    /// The terminal answered, but names nothing better.
    NothingBetter,
    /// The terminal answered, but not how many pixels a cell has, without which pictures cannot be placed.
    NoCellSize,
    /// The terminal answered nothing.
    Silent,
    /// Standard input or output is no terminal.
    NoTerminal,
    /// tmux passes no pixels on.
    NoPassthrough,
    /// In tmux another pane is active, or more than one terminal shows this one, or none: pixels would land elsewhere.
    NotInFront,
    /// tmux does not say which pane is active.
    TmuxSilent,
    /// tmux runs at the other end of a network link and cannot be asked which pane is active.
    TmuxElsewhere,
}

/// What is asked, and what is known beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// How the user wants pictures shown.
    pub choice: Choice,
    /// What the user chose in this terminal earlier; counts for [`Choice::Auto`].
    pub remembered: Option<Choice>,
    /// How far away the terminal is.
    pub link: Link,
    /// Width and height of a character, whatever the terminal says.
    pub cells: Option<CellSize>,
}

/// What came of asking.
#[derive(Clone, Debug)]
pub struct Probe {
    /// How to draw; `None` when no picture may or can be drawn.
    pub graphics: Option<Graphics>,
    /// What the terminal answered.
    pub answers: Vec<Capability>,
    /// Why so.
    pub reason: Reason,
    /// How long the terminal took to answer, or was waited for.
    pub waited: Duration,
    /// The terminal behind tmux that was asked, by [`View::client`].
    pub client: Option<String>,
}

/// Asks the terminal, which must be in raw mode, and chooses. Nothing else may read the terminal meanwhile.
///
/// Waits up to two seconds for a terminal that answers nothing, which then gets half blocks.
#[must_use]
pub fn probe(question: &Question) -> Probe {
    let at_once =
        |graphics, reason| Probe { graphics, answers: Vec::new(), reason, waited: Duration::ZERO, client: None };
    let (choice, why) = match (question.choice, question.remembered) {
        (Choice::Auto, Some(remembered)) => (remembered, Reason::Remembered),
        (choice, _) => (choice, Reason::Chosen),
    };
    if choice == Choice::Off {
        return at_once(None, why);
    }
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return at_once(None, Reason::NoTerminal);
    }
    // Half blocks need no answer, but the theme wants to know the background: only who says so is not asked.
    if choice == Choice::Halfblocks && why == Reason::Chosen {
        let passage = Passage::of_environment();
        return at_once(Some(Graphics { passage, ..Graphics::halfblocks() }), why);
    }
    let forced = match choice {
        Choice::Kitty => Some(ProtocolType::Kitty),
        Choice::Sixel => Some(ProtocolType::Sixel),
        Choice::Iterm2 => Some(ProtocolType::Iterm2),
        Choice::Halfblocks => Some(ProtocolType::Halfblocks),
        Choice::Auto | Choice::Off => None,
    };
    let passage = Passage::of_environment();
    let view = Tmux::of_environment().and_then(|tmux| tmux.view());
    let obstacle = obstacle(passage, view.as_ref(), forced.is_some());
    // Where pixels do not get through to the own pane, neither do questions: the answers would be typed into another.
    let is_wrapped = passage.is_tmux() && obstacle.is_none();
    let started = Instant::now();
    // Raw RGBA is 20 times a JPEG; over a network link the time to deflate it is well spent.
    let answers = query::ask(is_wrapped, question.link == Link::Remote).unwrap_or_default();
    let waited = started.elapsed();
    let mut graphics = graphics_of(&answers, question.cells, passage);
    let reason = match (obstacle, forced) {
        (_, Some(ProtocolType::Halfblocks)) => {
            graphics.protocol = ProtocolType::Halfblocks;
            why
        }
        (Some(reason), _) => {
            graphics.protocol = ProtocolType::Halfblocks;
            reason
        }
        (None, Some(protocol)) => {
            graphics.protocol = protocol;
            why
        }
        (None, None) => reason(graphics.protocol, &answers),
    };
    let client = view.filter(|_| is_wrapped).map(|view| view.client);
    Probe { graphics: Some(graphics), answers: answers.capabilities, reason, waited, client }
}

/// What keeps pixels from the own pane, whatever the terminal draws.
fn obstacle(passage: Passage, view: Option<&View>, is_forced: bool) -> Option<Reason> {
    match (passage, view) {
        (Passage::Direct, _) => None,
        // Who names a protocol knows this terminal, and may look after the panes.
        (Passage::TmuxElsewhere, _) => (!is_forced).then_some(Reason::TmuxElsewhere),
        (Passage::Tmux, None) => Some(Reason::TmuxSilent),
        (Passage::Tmux, Some(view)) if !view.passes => Some(Reason::NoPassthrough),
        (Passage::Tmux, Some(view)) => (!view.is_in_front).then_some(Reason::NotInFront),
    }
}

/// How to draw as the terminal's answers and the environment say.
fn graphics_of(answers: &Answers, cells: Option<CellSize>, passage: Passage) -> Graphics {
    // Without a cell's pixels only half blocks can be placed; they need no more than its proportions.
    let protocol = match answers.cells() {
        Some(_) => answers
            .protocol()
            .or(query::is_iterm2(passage.is_tmux()).then_some(ProtocolType::Iterm2))
            .unwrap_or(ProtocolType::Halfblocks),
        None => ProtocolType::Halfblocks,
    };
    let inflates = answers.capabilities.contains(&Capability::KittyCompression);
    Graphics {
        protocol,
        cells: cells.or(answers.cells()).or_else(cells_of_window).unwrap_or(Graphics::halfblocks().cells),
        passage,
        compression: if inflates { Compression::Deflate } else { Compression::Plain },
    }
}

/// Width and height of a character, as the terminal's driver has it; many have it wrong or not at all. Good to tell
/// that the font was changed, which no terminal announces.
#[must_use]
pub fn cells_of_window() -> Option<CellSize> {
    let size = crossterm::terminal::window_size().ok()?;
    let side = |pixels: u16, cells: u16| pixels.checked_div(cells).filter(|side| *side > 1);
    Some(CellSize { width: side(size.width, size.columns)?, height: side(size.height, size.rows)? })
}

fn reason(protocol: ProtocolType, answers: &Answers) -> Reason {
    match protocol {
        ProtocolType::Kitty | ProtocolType::Sixel => Reason::Answered,
        ProtocolType::Iterm2 => Reason::Environment,
        ProtocolType::Halfblocks if answers.cells().is_some() => Reason::NothingBetter,
        ProtocolType::Halfblocks if answers.is_complete => Reason::NoCellSize,
        ProtocolType::Halfblocks => Reason::Silent,
    }
}

/// Asks the terminal what it understands and how large its cells are, for a command that prints a few pictures.
///
/// No graphics when no picture may or can be shown: the choice is [`Choice::Off`], or standard input or output is no
/// terminal.
#[must_use]
pub fn detect(question: &Question) -> Probe {
    // Raw mode first: the query leaves a silent terminal without echo when it is the query that turned echo off.
    let is_raw = question.choice != Choice::Off && io::stdin().is_terminal() && enable_raw_mode().is_ok();
    let probe = probe(question);
    if is_raw {
        // Nothing sensible can be done if this fails, and the next prompt shows it.
        let _ = disable_raw_mode();
    }
    probe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_tmux_pixels_are_drawn_only_where_they_land_in_the_own_pane() {
        let view = |is_in_front, passes| View { is_in_front, passes, is_visible: true, ..View::default() };
        for (passage, view, is_forced, expected) in [
            (Passage::Direct, None, false, None),
            (Passage::Tmux, Some(view(true, true)), false, None),
            (Passage::Tmux, Some(view(false, true)), false, Some(Reason::NotInFront)),
            (Passage::Tmux, Some(view(false, true)), true, Some(Reason::NotInFront)),
            (Passage::Tmux, Some(view(true, false)), true, Some(Reason::NoPassthrough)),
            (Passage::Tmux, None, true, Some(Reason::TmuxSilent)),
            (Passage::TmuxElsewhere, None, false, Some(Reason::TmuxElsewhere)),
            (Passage::TmuxElsewhere, None, true, None),
        ] {
            assert_eq!(obstacle(passage, view.as_ref(), is_forced), expected, "{passage:?} {view:?} {is_forced}");
        }
    }
}
