//! tmux between the program and the terminal: whether it passes pixels through, where they would land, and how to erase
//! them.
//!
//! tmux tracks text by pane, but passes `ESC P tmux; ... ESC \` through unchanged. An overlaid picture lands at the
//! terminal's cursor, whatever pane that is in, or at the position it carries ([`drawn_at`]). tmux does not know about
//! it, so it stays when panes move. Therefore pixels are sent only while tmux reports that the program's pane is
//! active, and where it is. The program runs the `tmux` command: a control-mode client would be notified of changes,
//! but it counts as an attached client, and hooks belong to the user.
//!
//! Must never: change an option of tmux, above all `allow-passthrough`, or run in the event loop, because it waits for
//! tmux, which may hang.
//!
//! Source: tmux(1), FORMATS and `allow-passthrough`.

use std::ffi::OsStr;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How the user can let tmux pass pixels through; the program never does.
pub const PASSTHROUGH_ADVICE: &str = "tmux lets no pictures through; to allow them: `tmux set -g allow-passthrough on`";

/// Why half blocks are drawn in a tmux on another machine, and what to do about it.
pub const REMOTE_TMUX_ADVICE: &str =
    "a tmux on another machine cannot be asked which pane is active: --preview sixel draws pixels";

/// Makes the terminal erase its whole screen, with the pictures in all panes. tmux does not notice and has to be told
/// to repaint ([`Tmux::repaint_after_erasing`]). Repainting alone is not enough: xterm keeps the pixels below the
/// cursor.
///
/// The second sequence is for tmux itself (DECAWM off): once tmux reports that lines do not wrap, it has passed the
/// first one through. Nothing that the program draws depends on wrapping.
pub const ERASE_SCREEN: &str = "\x1bPtmux;\x1b\x1b[2J\x1b\\\x1b[?7l";

/// Sent after repainting: turns wrapping, which [`ERASE_SCREEN`] turned off, on again.
pub const AFTER_ERASE: &str = "\x1b[?7h";

/// tmux usually answers within milliseconds.
const TIMEOUT: Duration = Duration::from_secs(5);
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// The format of [`PaneView`], one value a line.
const PANE_FORMAT: &str = "#{pane_active}\n#{window_active_clients}\n#{pane_in_mode}\n#{allow-passthrough}\n\
    #{client_name} #{client_created}\n\
    #{pane_left},#{pane_top},#{window_offset_x},#{status},#{status-position}\n\
    #{window_visible_layout} #{client_width} #{client_height}";

/// Starts a sequence that tmux passes through.
const PASSTHROUGH_START: &str = "\x1bPtmux;";

/// Adds a cursor position to a wrapped picture: column and row of the terminal, from 0. Without it, a picture that tmux
/// reads together with the previous one lands on top of that one, because tmux moves the terminal's cursor only
/// occasionally. `None` when the picture is not wrapped.
///
/// ```
/// use cipherlens::preview::tmux::drawn_at;
///
/// let placed = drawn_at((9, 4), "\x1bPtmux;\x1b\x1bPq#0\x1b\x1b\\\x1b\\").unwrap();
/// assert!(placed.starts_with("\x1bPtmux;\x1b\x1b[5;10H\x1b\x1bPq"));
/// ```
#[must_use]
pub fn drawn_at((column, row): (u16, u16), wrapped: &str) -> Option<String> {
    let rest = wrapped.strip_prefix(PASSTHROUGH_START)?;
    Some(format!("{PASSTHROUGH_START}\x1b\x1b[{};{}H{rest}", u32::from(row) + 1, u32::from(column) + 1))
}

/// A multiplexer between the program and the terminal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Multiplexer {
    /// Nothing.
    None,
    /// A tmux that can be asked which pane is active.
    Tmux,
    /// A tmux that cannot be asked: it runs at the other end of a network connection, and only TERM reveals it.
    RemoteTmux,
}

impl Multiplexer {
    /// The multiplexer that the environment variables reveal.
    #[must_use]
    pub fn of_environment() -> Self {
        let is = |name, known: fn(&str) -> bool| std::env::var(name).is_ok_and(|value| known(&value));
        if Tmux::of_environment().is_some() {
            Self::Tmux
        } else if is("TERM", |term| term.starts_with("tmux")) || is("TERM_PROGRAM", |program| program == "tmux") {
            Self::RemoteTmux
        } else {
            Self::None
        }
    }

    /// Whether sequences must be wrapped for tmux.
    #[must_use]
    pub fn is_tmux(self) -> bool {
        self != Self::None
    }

    /// The text before a sequence, in place of each ESC in it, and after it.
    #[must_use]
    pub(super) fn wrapping(self) -> (&'static str, &'static str, &'static str) {
        if self.is_tmux() { (PASSTHROUGH_START, "\x1b\x1b", "\x1b\\") } else { ("", "\x1b", "") }
    }
}

/// The tmux that the program runs in.
#[derive(Clone, Debug)]
pub struct Tmux {
    pane: String,
}

/// The state of the program's pane.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PaneView {
    /// Pixels would land in the pane: it is the active one, shows its program, and exactly one terminal shows it.
    pub is_in_front: bool,
    /// A terminal shows the pane's window.
    pub is_visible: bool,
    /// `allow-passthrough` is on. Before tmux 3.3 there was no such option, and everything was passed through.
    pub allows_passthrough: bool,
    /// Identifies the attached terminal.
    pub client: String,
    /// Column and row of the terminal's screen where the pane begins, from 0.
    pub origin: (u16, u16),
    /// The layout of the panes: when it changes, earlier pixels may lie in another pane.
    pub layout: String,
}

impl PaneView {
    /// Whether pixels may be sent.
    #[must_use]
    pub fn takes_pixels(&self) -> bool {
        self.is_in_front && self.allows_passthrough
    }

    fn parse(answer: &str) -> Option<Self> {
        let mut lines = answer.lines();
        let mut next = || lines.next().map(str::trim);
        let (is_active, terminals, mode, passthrough) = (next()? == "1", next()?, next()?, next()?);
        let client = next()?.to_owned();
        let place = next()?;
        let layout = format!("{place} {}", next()?);
        let mut parts = place.split(',');
        let mut part = || parts.next();
        let (left, top) = (part()?.parse::<u16>().ok()?, part()?.parse::<u16>().ok()?);
        let (offset, status, position) = (part()?, part()?, part()?);
        let status_lines = match (status, position) {
            ("on", "top") => 1,
            (lines, "top") => lines.parse::<u16>().unwrap_or(0),
            _ => 0,
        };
        Some(Self {
            // In a mode, such as copy mode, tmux shows its own content in the pane. An offset means that the window is
            // larger than its terminal and partly hidden.
            is_in_front: is_active && terminals == "1" && mode == "0" && offset.is_empty(),
            is_visible: !matches!(terminals, "" | "0"),
            allows_passthrough: !matches!(passthrough, "0" | "off"),
            client,
            origin: (left, top.saturating_add(status_lines)),
            layout,
        })
    }
}

impl Tmux {
    /// The tmux that the environment variables name: it tells each program its server and its pane.
    #[must_use]
    pub fn of_environment() -> Option<Self> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        variable("TMUX")?;
        Some(Self { pane: variable("TMUX_PANE")? })
    }

    /// The state of the pane; `None` when tmux does not answer.
    #[must_use]
    pub fn view(&self) -> Option<PaneView> {
        PaneView::parse(&self.ask(PANE_FORMAT)?)
    }

    /// Waits until tmux has passed [`ERASE_SCREEN`] through, then has it repaint every terminal that shows the pane.
    /// Returns whether there is one; if not, nothing was erased.
    #[must_use]
    pub fn repaint_after_erasing(&self) -> bool {
        let deadline = Instant::now() + TIMEOUT;
        while self.ask("#{wrap_flag}").is_some_and(|wraps| wraps.trim() != "0") && Instant::now() < deadline {
            sleep(POLL_INTERVAL);
        }
        let terminals = self.ask("#{window_active_clients_list}").unwrap_or_default();
        let terminals: Vec<&str> = terminals.trim().split(',').filter(|name| !name.is_empty()).collect();
        for terminal in &terminals {
            let _ = run(["refresh-client", "-t", terminal]);
        }
        !terminals.is_empty()
    }

    fn ask(&self, format: &str) -> Option<String> {
        run(["display-message", "-p", "-t", &self.pane, format])
    }
}

/// Runs a tmux command and returns its output; `None` when it fails or times out.
fn run<const COUNT: usize>(arguments: [impl AsRef<OsStr>; COUNT]) -> Option<String> {
    let mut command = Command::new("tmux");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let deadline = Instant::now() + TIMEOUT;
    // The output is short and fits into the pipe, so tmux never blocks on it.
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => sleep(POLL_INTERVAL),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    };
    let mut printed = String::new();
    child.stdout.take()?.read_to_string(&mut printed).ok()?;
    status.success().then_some(printed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(answer: &str) -> PaneView {
        PaneView::parse(answer).unwrap()
    }

    #[test]
    fn pixels_are_sent_only_to_an_active_pane_on_exactly_one_terminal() {
        let rest = "/dev/pts/4 1795967523\n56,12,,on,bottom\n3210,110x35,0,0,0 110 36\n";
        for (answers, takes_pixels, is_visible) in [
            ("1\n1\n0\n1\n", true, true),
            ("0\n1\n0\n1\n", false, true),
            ("1\n0\n0\n1\n", false, false),
            ("1\n2\n0\n1\n", false, true),
            ("1\n1\n1\n1\n", false, true),
            ("1\n1\n0\n0\n", false, true),
            ("1\n1\n0\noff\n", false, true),
            ("1\n1\n0\nall\n", true, true),
            // tmux before 3.3 has no such option.
            ("1\n1\n0\n\n", true, true),
        ] {
            let view = view(&format!("{answers}{rest}"));
            assert_eq!((view.takes_pixels(), view.is_visible), (takes_pixels, is_visible), "{answers:?}");
            assert_eq!((view.client.as_str(), view.origin), ("/dev/pts/4 1795967523", (56, 12)));
        }
        for (place, origin, is_in_front) in [
            ("56,12,,on,top", (56, 13), true),
            ("56,12,,3,top", (56, 15), true),
            ("56,12,,off,top", (56, 12), true),
            ("56,12,20,on,bottom", (56, 12), false),
        ] {
            let view = view(&format!("1\n1\n0\n1\nclient\n{place}\nlayout\n"));
            assert_eq!((view.origin, view.is_in_front), (origin, is_in_front), "{place}");
        }
        assert_eq!(PaneView::parse("1\n1\n"), None);
        assert_eq!(PaneView::parse(""), None);
    }

    #[test]
    fn a_wrapped_picture_gets_a_cursor_position() {
        let placed = drawn_at((9, 4), "\x1bPtmux;\x1b\x1bPq...\x1b\x1b\\\x1b\\").unwrap();
        assert_eq!(placed, "\x1bPtmux;\x1b\x1b[5;10H\x1b\x1bPq...\x1b\x1b\\\x1b\\");
        assert_eq!(drawn_at((9, 4), "text"), None);
    }
}
