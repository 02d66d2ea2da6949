//! Asking the terminal what it understands, and choosing with a reason.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui_image::FontSize;
use ratatui_image::picker::cap_parser::QueryStdioOptions;
use ratatui_image::picker::{Capability, Picker, ProtocolType};

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
    pub picker: Option<Picker>,
    /// What the terminal answered.
    pub answers: Vec<Capability>,
    /// Why so.
    pub reason: Reason,
    /// How long the terminal took to answer, or was waited for.
    pub waited: Duration,
}

/// A terminal that has not answered by then does not understand the question. Slow links take most of a second.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the terminal, which must be in raw mode, and chooses. Nothing else may read the terminal meanwhile.
///
/// Waits up to two seconds for a terminal that answers nothing, which then gets half blocks.
#[must_use]
pub fn probe(question: &Question) -> Probe {
    let at_once = |picker, reason| Probe { picker, answers: Vec::new(), reason, waited: Duration::ZERO };
    let Question { choice, remembered, link, cells } = *question;
    let (choice, why) = match (choice, remembered) {
        (Choice::Auto, Some(remembered)) => (remembered, Reason::Remembered),
        _ => (choice, Reason::Chosen),
    };
    if choice == Choice::Off {
        return at_once(None, why);
    }
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return at_once(None, Reason::NoTerminal);
    }
    // Half blocks need no answer, but the theme wants to know the background: only who says so is not asked.
    if choice == Choice::Halfblocks && why == Reason::Chosen {
        return at_once(Some(Picker::halfblocks()), why);
    }
    let options = QueryStdioOptions {
        timeout_ms: PATIENCE.as_millis() as i32,
        terminal_background_color_osc: true,
        // Raw RGBA is 20 times a JPEG; over a network link the time to deflate it is well spent.
        kitty_compression: link == Link::Remote,
        ..QueryStdioOptions::default()
    };
    let started = Instant::now();
    let asked = Picker::from_query_stdio_with_options(options);
    let waited = started.elapsed();
    let mut picker = asked.unwrap_or_else(|_| Picker::halfblocks());
    let answers = picker.capabilities().clone();
    let forced = match choice {
        Choice::Kitty => Some(ProtocolType::Kitty),
        Choice::Sixel => Some(ProtocolType::Sixel),
        Choice::Iterm2 => Some(ProtocolType::Iterm2),
        Choice::Halfblocks => Some(ProtocolType::Halfblocks),
        Choice::Auto | Choice::Off => None,
    };
    let reason = if forced.is_some() { why } else { reason(&picker, waited) };
    if let Some(cells) = cells {
        picker = of_cells(&picker, cells);
    }
    if let Some(protocol) = forced {
        picker.set_protocol_type(protocol);
    }
    Probe { picker: Some(picker), answers, reason, waited }
}

/// The same picker for characters of another size. What the terminal answered besides is not in it.
#[must_use]
pub(super) fn of_cells(picker: &Picker, cells: CellSize) -> Picker {
    #[expect(deprecated, reason = "the only way to a picker with a given cell size; the protocol is set right after")]
    let mut with_cells = Picker::from_fontsize(FontSize::new(cells.width, cells.height));
    with_cells.set_protocol_type(picker.protocol_type());
    with_cells
}

/// Width and height of a character, as the terminal's driver has it; many have it wrong or not at all. Good to tell that
/// the font was changed, which no terminal announces.
#[must_use]
pub fn cells_of_window() -> Option<CellSize> {
    let size = crossterm::terminal::window_size().ok()?;
    let side = |pixels: u16, cells: u16| pixels.checked_div(cells).filter(|side| *side > 1);
    Some(CellSize { width: side(size.width, size.columns)?, height: side(size.height, size.rows)? })
}

fn reason(picker: &Picker, waited: Duration) -> Reason {
    let answered = |wanted: fn(&Capability) -> bool| picker.capabilities().iter().any(wanted);
    match picker.protocol_type() {
        ProtocolType::Kitty | ProtocolType::Sixel => Reason::Answered,
        ProtocolType::Iterm2 => Reason::Environment,
        // A picker that fell back carries no capabilities, whether the terminal was silent or gave no cell size.
        ProtocolType::Halfblocks if answered(|capability| matches!(capability, Capability::CellSize(Some(_)))) => {
            Reason::NothingBetter
        }
        ProtocolType::Halfblocks if waited < PATIENCE => Reason::NoCellSize,
        ProtocolType::Halfblocks => Reason::Silent,
    }
}

/// Asks the terminal what it understands and how large its cells are, for a command that prints a few pictures.
///
/// No picker when no picture may or can be shown: the choice is [`Choice::Off`], or standard input or output is no
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
