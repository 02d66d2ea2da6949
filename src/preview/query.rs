//! The questions to the terminal, and its answers.
//!
//! ratatui-image knows the questions and reads the answers. Its own [`Picker`](ratatui_image::picker::Picker) is not
//! used to ask them: wherever it finds itself in tmux it runs `tmux set -p allow-passthrough on`.

use std::io;
use std::time::Duration;

use ratatui_image::picker::cap_parser::QueryStdioOptions;
use ratatui_image::picker::{Capability, ProtocolType};

use crate::services::settings::CellSize;

/// A terminal that has not answered by then does not understand the questions. Slow links take most of a second.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// What a terminal answered.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// All of it.
    pub(super) capabilities: Vec<Capability>,
    /// Whether the last question was answered in time.
    pub(super) is_complete: bool,
}

impl Answers {
    /// Width and height of a character.
    pub(super) fn cells(&self) -> Option<CellSize> {
        self.capabilities.iter().find_map(|capability| match capability {
            Capability::CellSize(Some((width, height))) => Some(CellSize { width: *width, height: *height }),
            _ => None,
        })
    }

    /// The best protocol that it says it understands.
    pub(super) fn protocol(&self) -> Option<ProtocolType> {
        let has = |wanted| self.capabilities.contains(&wanted);
        if has(Capability::Kitty) {
            Some(ProtocolType::Kitty)
        } else if has(Capability::Sixel) {
            Some(ProtocolType::Sixel)
        } else {
            None
        }
    }
}

/// Whether the environment variable is set to something that `known` accepts.
fn names(variable: &str, known: impl Fn(&str) -> bool) -> bool {
    std::env::var(variable).is_ok_and(|value| !value.is_empty() && known(&value))
}

/// Whether the environment names a terminal that draws iTerm2's inline images; none of them says so when asked. Within
/// tmux, TERM_PROGRAM names tmux, and what the terminal itself left behind is looked at.
pub(super) fn is_iterm2(is_tmux: bool) -> bool {
    const PROGRAMS: [&str; 9] =
        ["iTerm", "WezTerm", "mintty", "vscode", "Tabby", "Hyper", "rio", "Bobcat", "WarpTerminal"];
    names("TERM_PROGRAM", |value| PROGRAMS.iter().any(|program| value.contains(program)))
        || names("LC_TERMINAL", |value| value.contains("iTerm"))
        || is_tmux && (names("ITERM_SESSION_ID", |_| true) || names("WEZTERM_EXECUTABLE", |_| true))
}

/// What is asked, and not.
fn options(kitty_compression: bool) -> QueryStdioOptions {
    let mut options = QueryStdioOptions {
        timeout_ms: PATIENCE.as_millis() as i32,
        terminal_background_color_osc: true,
        kitty_compression,
        ..QueryStdioOptions::default()
    };
    // Both answer yes to kitty graphics without its placeholders, and draw Sixel worse than iTerm2's images or not at
    // all.
    if names("WEZTERM_EXECUTABLE", |_| true) || names("KONSOLE_VERSION", |_| true) {
        options.blacklist_protocols = vec![ProtocolType::Kitty, ProtocolType::Sixel];
    }
    options
}

/// Asks the terminal, which must be in raw mode, through tmux where `is_wrapped`.
///
/// # Errors
/// When the terminal cannot be read or written.
#[cfg(unix)]
pub(super) fn ask(is_wrapped: bool, kitty_compression: bool) -> io::Result<Answers> {
    use std::io::Write;

    use ratatui_image::picker::cap_parser::Parser;

    let query = Parser::query(is_wrapped, options(kitty_compression));
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
                    Response::Kitty => Some(Capability::Kitty),
                    Response::KittyCompression => Some(Capability::KittyCompression),
                    Response::Sixel => Some(Capability::Sixel),
                    Response::RectangularOps => Some(Capability::RectangularOps),
                    Response::CellSize(size) => Some(Capability::CellSize(size)),
                    Response::Background(red, green, blue) => Some(Capability::Background(red, green, blue)),
                    // Not asked.
                    Response::KittySharedMemory | Response::CursorPositionReport(..) => None,
                    Response::Status => {
                        answers.is_complete = true;
                        None
                    }
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
pub(super) fn ask(_is_wrapped: bool, kitty_compression: bool) -> io::Result<Answers> {
    let picker = ratatui_image::picker::Picker::from_query_stdio_with_options(options(kitty_compression))
        .map_err(io::Error::other)?;
    let capabilities = picker.capabilities().clone();
    Ok(Answers { is_complete: !capabilities.is_empty(), capabilities })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kitty_graphics_are_better_than_sixel() {
        let answers = |capabilities: &[Capability]| Answers { capabilities: capabilities.to_vec(), is_complete: true };
        let both = answers(&[Capability::Sixel, Capability::Kitty, Capability::CellSize(Some((9, 19)))]);
        assert_eq!(both.protocol(), Some(ProtocolType::Kitty));
        assert_eq!(both.cells(), Some(CellSize { width: 9, height: 19 }));
        assert_eq!(answers(&[Capability::Sixel]).protocol(), Some(ProtocolType::Sixel));
        let neither = answers(&[Capability::RectangularOps, Capability::CellSize(None)]);
        assert_eq!((neither.protocol(), neither.cells()), (None, None));
    }
}
