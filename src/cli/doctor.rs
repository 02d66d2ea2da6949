//! `cipherlens doctor`: the terminal's answers, how pictures are drawn and why, with a test picture.

use clap::Args;

use super::Exit;
use super::failure::Failure;
use super::output;
use super::pictures;
use super::session::Session;
use crate::preview::protocols::pixel_values;
use crate::preview::tmux::{Multiplexer, PASSTHROUGH_ADVICE};
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
    #[arg(
        long,
        help = format!("Test this way to show pictures: {}", Choice::values()),
        value_name = "HOW",
        env = "CIPHERLENS_PREVIEW",
        hide_possible_values = true,
    )]
    preview: Option<Choice>,
    /// Assume this width and height of a character in pixels, such as 9x19
    #[arg(long, value_name = "PIXELS")]
    cell_size: Option<CellSize>,
}

/// Prints the report and the test picture.
pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Failure> {
    let mut options = pictures::probe_options(session, arguments.preview)?;
    options.cells = arguments.cell_size.or(options.cells);
    let mut text = format!("cipherlens {}\n\nEnvironment\n", env!("CARGO_PKG_VERSION"));
    for name in TELLING {
        text += &match std::env::var(name) {
            // A report must not disclose the address in SSH_CONNECTION.
            Ok(_) if name == "SSH_CONNECTION" => row(name, "set: over a network link, less is sent"),
            Ok(value) => row(name, &inert(&value)),
            Err(_) => row(name, "-"),
        };
    }
    let probe = detect(&options);
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
        text += &row("advice", &advice);
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
    let Some(Graphics { cells, multiplexer, .. }) = &probe.graphics else { return text };
    text += &row("a cell, as used here", &format!("{} x {} pixels", cells.width, cells.height));
    let tmux = match (multiplexer, probe.reason) {
        (Multiplexer::None, _) => "no",
        (_, Reason::NoPassthrough) => "yes: it lets no pictures through (allow-passthrough is off)",
        (Multiplexer::Tmux, _) => "yes: it lets pictures through while this pane is the active one",
        (Multiplexer::RemoteTmux, _) => "yes, at the other end of a network link: it cannot be queried",
    };
    text += &row("tmux", tmux);
    for (name, value) in probe.report() {
        text += &row(name, &value);
    }
    text
}

fn drawn_by(graphics: Option<&Graphics>) -> &'static str {
    graphics.map_or("nothing", |graphics| graphics.protocol.full_name())
}

fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::Chosen => "--preview, CIPHERLENS_PREVIEW or the settings say so",
        Reason::Remembered => "you chose it in this terminal (P in the application switches to the next)",
        Reason::Answered => "the terminal reported that it supports it",
        Reason::Environment => "the environment names a terminal that supports it",
        Reason::NothingBetter => "the terminal answered, but supports nothing better",
        Reason::NoCellSize => "the terminal does not say how many pixels a cell has (CSI 16 t)",
        Reason::Silent => "the terminal did not answer",
        Reason::NoTerminal => "standard input or output is not a terminal",
        Reason::NoPassthrough => "tmux lets no pictures through",
        Reason::PaneInactive => "pictures would appear in another pane of tmux, or on several terminals or none",
        Reason::TmuxSilent => "tmux does not say which pane is active",
        Reason::RemoteTmux => "tmux runs on another machine and cannot be asked which pane is active",
    }
}

fn advice(probe: &Probe) -> Option<String> {
    let values = pixel_values();
    match probe.reason {
        Reason::NoPassthrough => Some(PASSTHROUGH_ADVICE.to_owned()),
        Reason::RemoteTmux => Some(format!("if that tmux has `allow-passthrough on`: --preview {values}")),
        Reason::NoCellSize => {
            Some("in xterm: -xrm 'XTerm*allowWindowOps: true'; or use: --preview sixel --cell-size 9x19".to_owned())
        }
        Reason::Silent => Some(format!("if it can draw pictures nevertheless: --preview {values}")),
        Reason::Answered => Some(probe.graphics?.protocol.troubleshooting()?.to_owned()),
        _ => None,
    }
}
