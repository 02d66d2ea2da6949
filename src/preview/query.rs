//! Queries the terminal: supported protocols, cell size, background colour.
//!
//! ratatui-image writes the queries and parses the responses. Its [`Picker`](ratatui_image::picker::Picker) is not
//! used, because within tmux it runs `tmux set -p allow-passthrough on`.

use std::io;
use std::time::Duration;

use ratatui_image::picker::Capability;
use ratatui_image::picker::cap_parser::QueryStdioOptions;

use super::answers::Answers;
use super::environment::Environment;
use super::link::Link;
use super::protocols;
use super::tmux::Multiplexer;

/// How long to wait for a terminal. Slow links take most of a second.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The queries for the terminal.
fn options(link: Link) -> QueryStdioOptions {
    let mut options = QueryStdioOptions {
        timeout_ms: TIMEOUT.as_millis() as i32,
        terminal_background_color_osc: true,
        ..QueryStdioOptions::default()
    };
    protocols::configure_query(&mut options, link, Environment::of_process());
    options
}

/// Queries the terminal, which must be in raw mode, through `multiplexer`.
///
/// # Errors
/// When the terminal cannot be read or written.
#[cfg(unix)]
pub(super) fn ask(multiplexer: Multiplexer, link: Link) -> io::Result<Answers> {
    use std::io::Write;

    use ratatui_image::picker::cap_parser::Parser;

    let query = Parser::query(multiplexer.is_tmux(), options(link));
    let mut out = io::stdout().lock();
    out.write_all(query.as_bytes())?;
    out.flush()?;
    drop(out);
    let before = rustix::termios::tcgetattr(io::stdin())?;
    let answers = read_answers(before.clone());
    rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &before)?;
    answers
}

/// Reads until the last answer or the timeout. Leaves the terminal with reads that time out, which the caller undoes.
#[cfg(unix)]
fn read_answers(mut modes: rustix::termios::Termios) -> io::Result<Answers> {
    use std::time::Instant;

    use ratatui_image::picker::cap_parser::{Parser, Response};
    use rustix::termios::{OptionalActions, SpecialCodeIndex, tcsetattr};

    /// The timeout of one read: the unit of VTIME.
    const READ_TIMEOUT: Duration = Duration::from_millis(100);

    modes.special_codes[SpecialCodeIndex::VMIN] = 0;
    modes.special_codes[SpecialCodeIndex::VTIME] = 1;
    tcsetattr(io::stdin(), OptionalActions::Now, &modes)?;
    let deadline = Instant::now() + TIMEOUT;
    let mut answers = Answers::default();
    let mut parser = Parser::new();
    while Instant::now() < deadline {
        let begun = Instant::now();
        // Not `io::stdin().read`: keys left in its buffer would be lost to the event reader.
        let mut bytes = [0; 64];
        let count = rustix::io::read(io::stdin(), &mut bytes)?;
        if count == 0 && begun.elapsed() < READ_TIMEOUT / 2 {
            // Only a closed terminal returns nothing immediately.
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

/// Queries the terminal. Without Unix there is no tmux, so ratatui-image's picker is safe to use.
///
/// # Errors
/// When the terminal cannot be read or written.
#[cfg(not(unix))]
pub(super) fn ask(_multiplexer: Multiplexer, link: Link) -> io::Result<Answers> {
    let picker =
        ratatui_image::picker::Picker::from_query_stdio_with_options(options(link)).map_err(io::Error::other)?;
    let capabilities = picker.capabilities().clone();
    Ok(Answers { is_complete: !capabilities.is_empty(), capabilities })
}
