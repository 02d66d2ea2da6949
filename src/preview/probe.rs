//! Asking the terminal what it understands, and choosing with a reason.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui_image::picker::Capability;

use super::answers::Answers;
use super::choice::Choice;
use super::environment::Environment;
use super::graphics::Graphics;
use super::link::Link;
use super::protocols::{self, Evidence, Support};
use super::query;
use super::tmux::{Passage, Tmux, View};
use crate::services::settings::CellSize;

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

impl Probe {
    /// The name and the value of each answer, for a report.
    #[must_use]
    pub fn report(&self) -> Vec<(&'static str, String)> {
        let describe = |capability: &Capability| {
            Some(match capability {
                Capability::RectangularOps => ("rectangular operations", "yes".to_owned()),
                Capability::CellSize(Some((width, height))) => ("cell size (CSI 16 t)", format!("{width} x {height}")),
                Capability::CellSize(None) => ("cell size (CSI 16 t)", "refused".to_owned()),
                Capability::Background(red, green, blue) => ("background", format!("#{red:02x}{green:02x}{blue:02x}")),
                other => (protocols::capability_name(other)?, "yes".to_owned()),
            })
        };
        self.answers.iter().filter_map(describe).collect()
    }
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
    let forced = match choice {
        Choice::Protocol(protocol) => Some(protocol),
        Choice::Auto | Choice::Off => None,
    };
    // Text needs no answer, but the theme needs the background: it is asked for unless the user demands text.
    if let Some(protocol) = forced
        && !protocol.draws_pixels()
        && why == Reason::Chosen
    {
        let passage = Passage::of_environment();
        return at_once(Some(Graphics { protocol, passage, ..Graphics::halfblocks() }), why);
    }
    let passage = Passage::of_environment();
    let view = Tmux::of_environment().and_then(|tmux| tmux.view());
    let obstacle = obstacle(passage, view.as_ref(), forced.is_some());
    // Where pixels do not get through to the own pane, neither do questions: the answers would be typed into another.
    let is_wrapped = passage.is_tmux() && obstacle.is_none();
    let started = Instant::now();
    let answers = query::ask(if is_wrapped { passage } else { Passage::Direct }, question.link).unwrap_or_default();
    let waited = started.elapsed();
    let evidence = Evidence { answers: &answers, environment: Environment::of_process(), passage };
    let (detected, support) = protocols::detect(&evidence);
    let (protocol, reason) = match (obstacle, forced) {
        (_, Some(protocol)) if !protocol.draws_pixels() => (protocol, why),
        (Some(obstacle), _) => (protocols::fallback(), obstacle),
        (None, Some(protocol)) => (protocol, why),
        (None, None) => (detected, reason(support, &answers)),
    };
    let graphics = Graphics {
        protocol,
        cells: question.cells.or(answers.cells()).or_else(cells_of_window).unwrap_or(Graphics::halfblocks().cells),
        passage,
        compression: protocols::compression(&answers),
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

/// Width and height of a character, as the terminal's driver has it; many have it wrong or not at all. Good to tell
/// that the font was changed, which no terminal announces.
#[must_use]
pub fn cells_of_window() -> Option<CellSize> {
    let size = crossterm::terminal::window_size().ok()?;
    let side = |pixels: u16, cells: u16| pixels.checked_div(cells).filter(|side| *side > 1);
    Some(CellSize { width: side(size.width, size.columns)?, height: side(size.height, size.rows)? })
}

fn reason(support: Support, answers: &Answers) -> Reason {
    match support {
        Support::Answered => Reason::Answered,
        Support::Environment => Reason::Environment,
        Support::Universal if answers.cells().is_some() => Reason::NothingBetter,
        Support::Universal if answers.is_complete => Reason::NoCellSize,
        Support::Universal => Reason::Silent,
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
