//! Pictures in the terminal: which protocol it understands, and drawing decoded photos with it.
//!
//! Must never: put pixels into a file or shared memory (only inline transmission), or query the terminal while another
//! part of the program reads its events.

mod strip;

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui_image::picker::cap_parser::QueryStdioOptions;
use ratatui_image::picker::{Picker, ProtocolType};

pub use strip::{Panel, print};

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

/// Asks the terminal what it understands and how large its cells are.
///
/// `None` when no picture may or can be shown: `choice` is [`Choice::Off`], or standard input or output is no terminal.
/// Waits up to two seconds for a terminal that answers nothing, which then gets half blocks.
#[must_use]
pub fn detect(choice: Choice) -> Option<Picker> {
    if choice == Choice::Off || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return None;
    }
    if choice == Choice::Halfblocks {
        return Some(Picker::halfblocks());
    }
    let mut picker = ask_the_terminal().unwrap_or_else(Picker::halfblocks);
    match choice {
        Choice::Kitty => picker.set_protocol_type(ProtocolType::Kitty),
        Choice::Sixel => picker.set_protocol_type(ProtocolType::Sixel),
        Choice::Iterm2 => picker.set_protocol_type(ProtocolType::Iterm2),
        Choice::Auto | Choice::Halfblocks | Choice::Off => {}
    }
    Some(picker)
}

fn ask_the_terminal() -> Option<Picker> {
    // Raw mode first: the query leaves a silent terminal without echo when it is the query that turned echo off.
    enable_raw_mode().ok()?;
    let options = QueryStdioOptions {
        // Raw RGBA is 20 times a JPEG; over a network link the time to deflate it is well spent.
        kitty_compression: std::env::var_os("SSH_CONNECTION").is_some(),
        ..QueryStdioOptions::default()
    };
    let picker = Picker::from_query_stdio_with_options(options).ok();
    // Nothing sensible can be done if this fails, and the next prompt shows it.
    let _ = disable_raw_mode();
    picker
}
