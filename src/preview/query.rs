//! The questions to the terminal, and its answers.
//!
//! ratatui-image knows the questions and reads the answers. Its own [`Picker`](ratatui_image::picker::Picker) is not
//! used to ask them: wherever it finds itself in tmux it runs `tmux set -p allow-passthrough on`.

use std::io;
use std::time::Duration;

use ratatui_image::picker::Capability;
use ratatui_image::picker::cap_parser::QueryStdioOptions;

use super::answers::Answers;
use super::environment::Environment;
use super::link::Link;
use super::protocols;
use super::tmux::Passage;

/// A terminal that has not answered by then does not understand the questions. Slow links take most of a second.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// What the terminal is asked.
fn options(link: Link) -> QueryStdioOptions {
    let mut options = QueryStdioOptions {
        timeout_ms: PATIENCE.as_millis() as i32,
        terminal_background_color_osc: true,
        ..QueryStdioOptions::default()
    };
    protocols::configure_query(&mut options, link, Environment::of_process());
    options
}

/// Asks the terminal, which must be in raw mode, through what `passage` says.
///
/// # Errors
/// When the terminal cannot be read or written.
#[cfg(unix)]
pub(super) fn ask(passage: Passage, link: Link) -> io::Result<Answers> {
    use std::io::Write;

    use ratatui_image::picker::cap_parser::Parser;

    let query = Parser::query(passage.is_tmux(), options(link));
    let mut out = io::stdout().lock();
    out.write_all(query.as_bytes())?;
    out.flush()?;
    drop(out);
    let before = rustix::termios::tcgetattr(io::stdin())?;
    let answers = read_with_patience(before.clone());
    rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &before)?;
    answers
}

/// Reads until the last answer, or until patience is at an end. Leaves the terminal returning from each read soon.
#[cfg(unix)]
fn read_with_patience(mut modes: rustix::termios::Termios) -> io::Result<Answers> {
    use std::time::Instant;

    use ratatui_image::picker::cap_parser::{Parser, Response};
    use rustix::termios::{OptionalActions, SpecialCodeIndex, tcsetattr};

    /// What a read of a silent terminal takes, and a unit of VTIME.
    const READ: Duration = Duration::from_millis(100);

    modes.special_codes[SpecialCodeIndex::VMIN] = 0;
    modes.special_codes[SpecialCodeIndex::VTIME] = 1;
    tcsetattr(io::stdin(), OptionalActions::Now, &modes)?;
    let deadline = Instant::now() + PATIENCE;
    let mut answers = Answers::default();
    let mut parser = Parser::new();
    while Instant::now() < deadline {
        let begun = Instant::now();
        // Not `io::stdin().read`: what its buffer holds would be lost to whoever reads the keys.
        let mut bytes = [0; 64];
        let count = rustix::io::read(io::stdin(), &mut bytes)?;
        if count == 0 && begun.elapsed() < READ / 2 {
            // Only a terminal that is gone returns nothing at once.
            break;
        }
        for byte in &bytes[..count] {
            for response in parser.push(char::from(*byte)) {
                answers.capabilities.extend(match response {
                    Response::RectangularOps => Some(Capability::RectangularOps),
                    Response::CellSize(size) => Some(Capability::CellSize(size)),
                    Response::Background(red, green, blue) => Some(Capability::Background(red, green, blue)),
                    Response::Status => {
                        answers.is_complete = true;
                        None
                    }
                    response => protocols::capability(&response),
                });
            }
        }
        if answers.is_complete {
            break;
        }
    }
    Ok(answers)
}

/// Asks the terminal. Without Unix there is no tmux, and ratatui-image may ask.
///
/// # Errors
/// When the terminal cannot be read or written.
#[cfg(not(unix))]
pub(super) fn ask(_passage: Passage, link: Link) -> io::Result<Answers> {
    let picker =
        ratatui_image::picker::Picker::from_query_stdio_with_options(options(link)).map_err(io::Error::other)?;
    let capabilities = picker.capabilities().clone();
    Ok(Answers { is_complete: !capabilities.is_empty(), capabilities })
}
