//! `cipherlens doctor`: the terminal's answers, how pictures are drawn and why, with a test picture.

use clap::Args;
use ratatui_image::picker::{Capability, ProtocolType};

use super::Exit;
use super::failure::Failure;
use super::output;
use super::pictures;
use super::session::Session;
use crate::preview::tmux::{ADVICE, Passage};
use crate::preview::{Choice, Graphics, Panel, Probe, Reason, cells_of_window, detect, print, test_picture};
use crate::services::name::inert;
use crate::services::settings::CellSize;

/// Environment variables that identify terminals.
const TELLING: [&str; 12] = [
    "TERM",
    "COLORTERM",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "LC_TERMINAL",
    "KITTY_WINDOW_ID",
    "WEZTERM_EXECUTABLE",
    "KONSOLE_VERSION",
    "TMUX",
    "STY",
    "SSH_CONNECTION",
    "NO_COLOR",
];
const TEST_PICTURE_ROWS: u16 = 10;

/// Arguments of `doctor`.
#[derive(Args)]
#[command(
    after_help = "Example:\n  cipherlens doctor\n\nIts output holds nothing about photos or vaults and may be attached \
        to a report."
)]
pub(super) struct Arguments {
    /// As if this had been chosen: auto, kitty, sixel, iterm2, halfblocks, off
    #[arg(long, value_name = "HOW", env = "CIPHERLENS_PREVIEW", hide_possible_values = true)]
    preview: Option<Choice>,
    /// As if a character had so many pixels, such as 9x19
    #[arg(long, value_name = "PIXELS")]
    cell_size: Option<CellSize>,
}

/// Prints the report and the test picture.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let mut question = pictures::question(session, arguments.preview)?;
    question.cells = arguments.cell_size.or(question.cells);
    let mut text = format!("cipherlens {}\n\nEnvironment\n", env!("CARGO_PKG_VERSION"));
    for name in TELLING {
        text += &match std::env::var(name) {
            // A report must not disclose the address in SSH_CONNECTION.
            Ok(_) if name == "SSH_CONNECTION" => row(name, "set: over a network link, less is sent"),
            Ok(value) => row(name, &inert(&value)),
            Err(_) => row(name, "-"),
        };
    }
    let probe = detect(&question);
    text += "\nTerminal\n";
    if let Ok((columns, rows)) = crossterm::terminal::size() {
        text += &row("columns and rows", &format!("{columns} x {rows}"));
    }
    if let Some(CellSize { width, height }) = cells_of_window() {
        text += &row("a cell, by its driver", &format!("{width} x {height} pixels"));
    }
    text += &answers(&probe);
    text += "\nPictures\n";
    text += &row("drawn by", drawn_by(probe.graphics.as_ref()));
    text += &row("because", because(probe.reason));
    if let Some(advice) = advice(&probe) {
        text += &row("advice", advice);
    }
    match probe.graphics {
        Some(graphics) => {
            text += "\nTest picture: a wheel of colours in a grey frame, as wide as high.\n";
            output::text(&text)?;
            let panel = Panel { picture: test_picture(), caption: drawn_by(Some(&graphics)).to_owned() };
            print(&graphics, vec![panel], TEST_PICTURE_ROWS)?;
        }
        None => output::text(&(text + "\nNo test picture: pictures are off here.\n"))?,
    }
    Ok(Exit::Success)
}

/// A line of the report.
fn row(name: &str, value: &str) -> String {
    // Wide enough for the longest name and a gap.
    format!("  {name:<24}{value}\n")
}

fn answers(probe: &Probe) -> String {
    let mut text = row("answered within", &format!("{:.0} ms", probe.waited.as_secs_f64() * 1e3));
    let Some(Graphics { cells, passage, .. }) = &probe.graphics else { return text };
    text += &row("a cell, as used here", &format!("{} x {} pixels", cells.width, cells.height));
    let tmux = match (passage, probe.reason) {
        (Passage::Direct, _) => "no",
        (_, Reason::NoPassthrough) => "yes: it passes no pixels on (allow-passthrough is off)",
        (Passage::Tmux, _) => "yes: pixels pass through it while this pane is the active one",
        (Passage::TmuxElsewhere, _) => "yes, at the other end of a network link: it cannot be asked",
    };
    text += &row("tmux", tmux);
    for capability in &probe.answers {
        let (name, value) = match capability {
            Capability::Kitty => ("kitty graphics", "yes".to_owned()),
            Capability::KittyCompression => ("kitty compression", "yes".to_owned()),
            Capability::KittySharedMemory => ("kitty shared memory", "yes, and not used".to_owned()),
            Capability::Sixel => ("Sixel", "yes".to_owned()),
            Capability::RectangularOps => ("rectangular operations", "yes".to_owned()),
            Capability::TextSizingProtocol => ("text sizing", "yes".to_owned()),
            Capability::CellSize(Some((width, height))) => ("cell size (CSI 16 t)", format!("{width} x {height}")),
            Capability::CellSize(None) => ("cell size (CSI 16 t)", "refused".to_owned()),
            Capability::Background(red, green, blue) => ("background", format!("#{red:02x}{green:02x}{blue:02x}")),
        };
        text += &row(name, &value);
    }
    text
}

fn drawn_by(graphics: Option<&Graphics>) -> &'static str {
    match graphics.map(|graphics| graphics.protocol) {
        None => "nothing",
        Some(ProtocolType::Halfblocks) => "half blocks",
        Some(ProtocolType::Sixel) => "Sixel",
        Some(ProtocolType::Kitty) => "the kitty graphics protocol",
        Some(ProtocolType::Iterm2) => "iTerm2 inline images",
    }
}

fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::Chosen => "--preview, CIPHERLENS_PREVIEW or the settings say so",
        Reason::Remembered => "you took it in this terminal (P in the application takes the next)",
        Reason::Answered => "the terminal answered that it understands it",
        Reason::Environment => "the environment names a terminal that understands it",
        Reason::NothingBetter => "the terminal answered, and names nothing better",
        Reason::NoCellSize => "the terminal does not say how many pixels a cell has (CSI 16 t)",
        Reason::Silent => "the terminal answered nothing",
        Reason::NoTerminal => "standard input or output is no terminal",
        Reason::NoPassthrough => "tmux passes no pixels on",
        Reason::NotInFront => "pixels would land in another pane of tmux, or on several terminals or none",
        Reason::TmuxSilent => "tmux does not say which pane is active",
        Reason::TmuxElsewhere => "tmux runs elsewhere and cannot be asked which pane is active",
    }
}

fn advice(probe: &Probe) -> Option<&'static str> {
    match probe.reason {
        Reason::NoPassthrough => Some(ADVICE),
        Reason::TmuxElsewhere => Some("if that tmux has `allow-passthrough on`: --preview kitty, sixel or iterm2"),
        Reason::NoCellSize => {
            Some("in xterm: -xrm 'XTerm*allowWindowOps: true'; or say it: --preview sixel --cell-size 9x19")
        }
        Reason::Silent => Some("if it can draw pictures all the same: --preview kitty, sixel or iterm2"),
        Reason::Answered => Some("boxes instead of a picture? --preview sixel or halfblocks"),
        _ => None,
    }
}
